//! Who may sit: a fixed number of connections, and no way for silent ones to
//! keep others out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    silent: Arc<Mutex<Silent>>,
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
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let permit = match self.free.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let (_, (permit, give_up)) = silent.waiting.pop_first()?;
                // Its connection may be closing by itself.
                let _ = give_up.send(());
                permit
            }
        };
        let number = silent.next;
        silent.next += 1;
        let (give_up, must_give_up) = oneshot::channel();
        silent.waiting.insert(number, (permit, give_up));
        let seat = Seat {
            number,
            silent: self.silent.clone(),
            kept: Mutex::new(None),
        };
        Some((seat, must_give_up))
    }
}

impl Seat {
    /// The connection has made a whole request: the seat is its own from now on.
    pub fn keep(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
            *kept = silent
                .waiting
                .remove(&self.number)
                .map(|(permit, _)| permit);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.waiting.remove(&self.number);
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
        first.keep();
        let (third, _third_out) = seats.take().unwrap();
        assert!(first_out.try_recv().is_err());
        assert!(second_out.try_recv().is_ok());
        third.keep();
        assert!(seats.take().is_none(), "both are kept");
        drop(first);
        assert!(seats.take().is_some());
    }
}
