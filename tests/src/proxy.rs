use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A TCP proxy between daemon and hub, with the faults of a bad network.
/// Connections are carried by two threads each, one for a direction.
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
}

#[derive(Default)]
struct Network {
    conditions: Mutex<Conditions>,
    changed: Condvar,
}

#[derive(Default)]
struct Conditions {
    stalled: bool,
    refusing: bool,
    delay: Duration,
    bytes_per_second: Option<usize>,
    open: Vec<(TcpStream, TcpStream)>,
    /// Connections accepted since the start.
    accepted: usize,
    last_accepted: Option<Instant>,
    /// All bytes that hubs have sent, where they are kept.
    heard: Option<Vec<u8>>,
}

impl Proxy {
    /// Begins to forward a free loopback port to `hub_port`.
    pub fn start(hub_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let network = Arc::new(Network::default());
        let carried = Arc::clone(&network);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                carried.carry(client, hub_port);
            }
        });
        Self { address, network }
    }

    /// As [`Proxy::start`], and keeps all that the hub sends.
    pub fn listening(hub_port: u16) -> Self {
        let proxy = Self::start(hub_port);
        proxy
            .network
            .change(|conditions| conditions.heard = Some(Vec::new()));
        proxy
    }

    /// Whether these bytes have come from the hub.
    pub fn has_heard(&self, bytes: &[u8]) -> bool {
        let conditions = self
            .network
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let heard = conditions.heard.as_deref().unwrap_or_default();
        heard.windows(bytes.len()).any(|part| part == bytes)
    }

    /// `http://127.0.0.1:PORT`
    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Nothing passes, and no connection ends: as a cable pulled out.
    pub fn stall(&self) {
        self.network.change(|conditions| conditions.stalled = true);
    }

    /// Ends every connection at once.
    pub fn cut(&self) {
        self.network.change(|conditions| {
            for (client, hub) in conditions.open.drain(..) {
                let _ = client.shutdown(Shutdown::Both);
                let _ = hub.shutdown(Shutdown::Both);
            }
        });
    }

    /// Ends the direction from the hub to the daemon and leaves the other open.
    pub fn half_close(&self) {
        self.network.change(|conditions| {
            for (client, hub) in &conditions.open {
                let _ = client.shutdown(Shutdown::Write);
                let _ = hub.shutdown(Shutdown::Read);
            }
        });
    }

    /// New connections are accepted and closed at once.
    pub fn refuse(&self) {
        self.network.change(|conditions| conditions.refusing = true);
        self.cut();
    }

    /// Each piece of data is held back for this long, in both directions.
    pub fn delay(&self, delay: Duration) {
        self.network.change(|conditions| conditions.delay = delay);
    }

    /// At most so many bytes a second in each direction; `None` lifts it.
    pub fn throttle(&self, bytes_per_second: Option<usize>) {
        self.network
            .change(|conditions| conditions.bytes_per_second = bytes_per_second);
    }

    /// A good network again.
    pub fn heal(&self) {
        self.network.change(|conditions| {
            conditions.stalled = false;
            conditions.refusing = false;
            conditions.delay = Duration::ZERO;
            conditions.bytes_per_second = None;
        });
    }

    /// Connections accepted since the start.
    pub fn accepted(&self) -> usize {
        self.conditions().accepted
    }

    /// When the last connection was accepted.
    pub fn last_accepted(&self) -> Option<Instant> {
        self.conditions().last_accepted
    }

    fn conditions(&self) -> MutexGuard<'_, Conditions> {
        self.network
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse();
    }
}

impl Network {
    fn change(&self, change: impl FnOnce(&mut Conditions)) {
        change(
            &mut self
                .conditions
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.changed.notify_all();
    }

    fn carry(self: &Arc<Self>, client: TcpStream, hub_port: u16) {
        let refusing = {
            let mut conditions = self
                .conditions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            conditions.accepted += 1;
            conditions.last_accepted = Some(Instant::now());
            conditions.refusing
        };
        if refusing {
            return;
        }
        let Ok(hub) = TcpStream::connect(("127.0.0.1", hub_port)) else {
            return; // The hub is away: the daemon sees its connection closed.
        };
        let _ = client.set_nodelay(true);
        let _ = hub.set_nodelay(true);
        let ends = || Some((client.try_clone().ok()?, hub.try_clone().ok()?));
        let (Some(there), Some(back), Some(kept)) = (ends(), ends(), ends()) else {
            return;
        };
        self.change(|conditions| conditions.open.push(kept));
        let network = Arc::clone(self);
        thread::spawn(move || network.forward(there.0, there.1, false));
        let network = Arc::clone(self);
        thread::spawn(move || network.forward(back.1, back.0, true));
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream, is_hub: bool) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            self.hold_back(count);
            if is_hub {
                self.keep(&buffer[..count]);
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
    }

    fn keep(&self, bytes: &[u8]) {
        let mut conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = &mut conditions.heard {
            heard.extend_from_slice(bytes);
        }
    }

    /// Waits as long as the present conditions hold `count` bytes back.
    fn hold_back(&self, count: usize) {
        let mut conditions = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let transfer = conditions.bytes_per_second.map_or(Duration::ZERO, |rate| {
            Duration::from_secs_f64(count as f64 / rate as f64)
        });
        let due = Instant::now() + conditions.delay + transfer;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if !conditions.stalled && left.is_zero() {
                return;
            }
            let wait = if conditions.stalled {
                Duration::from_secs(3600)
            } else {
                left
            };
            conditions = self
                .changed
                .wait_timeout(conditions, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
