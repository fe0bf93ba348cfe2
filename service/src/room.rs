//! Work that keeps a thread for itself, some of it at once: whoever asks for much of it does not take what everything else
//! needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

/// How many wait for their turn at most; further ones are told to come again.
const WAITING: usize = 32;

/// Room for so much work at once.
#[derive(Debug)]
pub(crate) struct Room {
    turns: Arc<Semaphore>,
    inside: Arc<AtomicUsize>,
    most: usize,
}

/// Too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

impl Room {
    /// For so many at once.
    pub(crate) fn new(at_once: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
            inside: Arc::default(),
            most: at_once + WAITING,
        }
    }

    /// Does it where waiting costs nobody anything. The place is taken until it is done, whether or not anybody still waits
    /// for it: a client that hangs up makes no room.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let inside = self.enter()?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _kept = (inside, turn);
            work()
        });
        done.await.map_err(|_| Busy)
    }

    fn enter(&self) -> Result<Inside, Busy> {
        let inside = Inside(Arc::clone(&self.inside));
        if self.inside.fetch_add(1, Ordering::Relaxed) < self.most {
            Ok(inside)
        } else {
            Err(Busy)
        }
    }
}

/// One of those that wait or are worked on.
struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_would_wait_too_long_is_told_so_at_once() {
        let room = Room::new(2);
        let all: Vec<_> = (0..2 + WAITING).map(|_| room.enter().unwrap()).collect();
        assert_eq!(room.work(|| ()).await, Err(Busy));
        drop(all);
        assert_eq!(room.work(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn whoever_hangs_up_makes_no_room() {
        let room = Arc::new(Room::new(1));
        let (begun, begins) = channel();
        let (end, ends) = channel::<()>();
        let (asked, here) = (Arc::clone(&room), begun.clone());
        let first = tokio::spawn(async move {
            let work = move || {
                here.send(()).unwrap();
                let _ended = ends.recv();
            };
            asked.work(work).await
        });
        tokio::task::yield_now().await;
        let begins = tokio::task::spawn_blocking(move || {
            begins.recv().unwrap();
            begins
        });
        drop(begins.await.unwrap());
        first.abort();
        assert!(first.await.is_err());
        // What was begun goes on, and nothing else has begun instead.
        let second = tokio::time::timeout(Duration::from_millis(50), room.work(|| ()));
        assert!(second.await.is_err());
        end.send(()).unwrap();
        let third = tokio::time::timeout(Duration::from_secs(10), room.work(|| 3));
        assert_eq!(third.await.unwrap(), Ok(3));
    }
}
