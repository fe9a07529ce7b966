//! Who may sit: a fixed number of connections, and no way for silent ones to
//! keep others out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// All the seats. A connection that has not yet made a whole request gives its
/// seat up when a newcomer finds none free; one that has made a request keeps it.
#[derive(Clone, Debug)]
pub struct Seats {
    free: Arc<Semaphore>,
    /// Connections that have not made a request, oldest first.
    silent: Arc<Mutex<Silent>>,
}

#[derive(Debug, Default)]
struct Silent {
    next: u64,
    waiting: BTreeMap<u64, (OwnedSemaphorePermit, oneshot::Sender<()>)>,
}

/// One connection's seat; free again when dropped.
#[derive(Debug)]
pub struct Seat {
    number: u64,
    seats: Seats,
    /// Held here once the connection has made a request.
    kept: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Seats {
    pub fn new(number: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(number)),
            silent: Arc::default(),
        }
    }

    /// A seat for a newcomer, and word of when it must be given up. None where all
    /// seats are taken by connections that have made requests.
    pub fn take(&self) -> Option<(Seat, oneshot::Receiver<()>)> {
        let mut silent = self.silent();
        let permit = self.free_or_given_up(&mut silent)?;
        let number = silent.next;
        silent.next += 1;
        let (give_up, must_give_up) = oneshot::channel();
        silent.waiting.insert(number, (permit, give_up));
        let seat = Seat {
            number,
            seats: self.clone(),
            kept: Mutex::new(None),
        };
        Some((seat, must_give_up))
    }

    fn free_or_given_up(&self, silent: &mut Silent) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.free.clone().try_acquire_owned() {
            return Some(permit);
        }
        let (_, (permit, give_up)) = silent.waiting.pop_first()?;
        // Its connection may be closing by itself.
        let _ = give_up.send(());
        Some(permit)
    }

    fn silent(&self) -> MutexGuard<'_, Silent> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The connection has made a whole request: a seat is its own from now on.
    /// Where it had to give its own up meanwhile, it gets another as a newcomer
    /// does. False where all are taken by connections that have made requests.
    pub fn keep(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let mut silent = self.seats.silent();
            *kept = match silent.waiting.remove(&self.number) {
                Some((permit, _)) => Some(permit),
                None => self.seats.free_or_given_up(&mut silent),
            };
        }
        kept.is_some()
    }

    /// Whether it is the connection's own: it has made a request.
    pub fn is_kept(&self) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.is_some()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.silent().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::Seats;

    #[test]
    fn a_newcomer_takes_the_seat_of_the_oldest_silent_one() {
        let seats = Seats::new(2);
        let (first, mut first_out) = seats.take().unwrap();
        let (_second, mut second_out) = seats.take().unwrap();
        assert!(first.keep());
        let (third, _third_out) = seats.take().unwrap();
        assert!(first_out.try_recv().is_err());
        assert!(second_out.try_recv().is_ok());
        assert!(third.keep());
        assert!(seats.take().is_none(), "both are kept");
        drop(first);
        assert!(seats.take().is_some());
    }

    #[test]
    fn who_had_to_give_up_and_makes_a_request_sits_again() {
        let seats = Seats::new(2);
        let (early, mut early_out) = seats.take().unwrap();
        let (silent, mut silent_out) = seats.take().unwrap();
        let (late, mut late_out) = seats.take().unwrap();
        assert!(early_out.try_recv().is_ok(), "the third takes its seat");
        assert!(early.keep(), "and it takes that of the next silent one");
        assert!(silent_out.try_recv().is_ok());
        assert!(late_out.try_recv().is_err());
        assert!(late.keep());
        assert!(!silent.keep(), "both are kept");
        drop(early);
        assert!(silent.keep(), "one is free");
        assert!(seats.take().is_none());
    }
}
