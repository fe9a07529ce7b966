//! The line framing of the socket.

use bytes::BytesMut;
use spacesd::socket::lines::Received;

/// A byte that says how often the stream is cut, that many bytes that say where,
/// then the stream.
pub fn check(input: &[u8]) {
    let Some((count, rest)) = input.split_first() else {
        return;
    };
    let count = usize::from(count % 8).min(rest.len());
    let (cuts, stream) = rest.split_at(count);
    let mut cuts: Vec<usize> = cuts
        .iter()
        .map(|cut| usize::from(*cut) * stream.len() / 255)
        .collect();
    cuts.sort_unstable();
    let whole: Vec<&[u8]> = stream
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .collect();
    assert_eq!(received(stream, &cuts), whole, "{cuts:?}");
}

/// The lines of a stream that arrives in pieces.
fn received(stream: &[u8], cuts: &[usize]) -> Vec<BytesMut> {
    let mut received = Received::new(BytesMut::new());
    let mut lines = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([stream.len()]) {
        received.bytes.extend_from_slice(&stream[from..to]);
        from = to;
        drain(&mut received, false, &mut lines);
    }
    drain(&mut received, true, &mut lines);
    assert!(received.bytes.is_empty(), "bytes are left at the end");
    lines
}

fn drain(received: &mut Received, ended: bool, lines: &mut Vec<BytesMut>) {
    while let Some(line) = received.line(ended).expect("no line is over the limit") {
        lines.push(line);
    }
}
