//! Messages lie in blocks, by their `seq`. The engine finds rows of a
//! subscription by an index only where a column equals a value, so a client that
//! comes back asks block by block for what it missed; asked for all above a
//! `seq`, the hub would look at every message that it holds.

/// Consecutive `seq`s in one block.
const SEQS: u64 = 4_096;

/// The block of messages that were stored before there were blocks.
pub const UNSORTED: u64 = 0;

/// The block that a message with this `seq` is in, from 1.
pub fn of_seq(seq: u64) -> u64 {
    seq / SEQS + 1
}

#[cfg(test)]
mod tests {
    use super::{SEQS, UNSORTED, of_seq};

    #[test]
    fn blocks_follow_one_another_and_none_is_the_unsorted_one() {
        assert_eq!(of_seq(0), UNSORTED + 1);
        assert_eq!(of_seq(SEQS - 1), of_seq(0));
        assert_eq!(of_seq(SEQS), of_seq(0) + 1);
        assert_eq!(of_seq(u64::MAX), u64::MAX / SEQS + 1);
    }
}
