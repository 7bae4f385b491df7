//! Units that wait for the writer.

use aceso_audit::Receipt;
use aceso_store::{CommitError, StoreError, Unit};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// What a waiter gets.
pub(crate) type Answer = Result<Vec<Receipt>, CommitError>;

/// One unit and who waits for it.
pub(crate) struct Job {
    pub(crate) unit: Unit,
    pub(crate) waiter: oneshot::Sender<Answer>,
    bytes: usize,
}

/// How much may wait, and how much goes into one batch.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) queue_units: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) batch_units: usize,
    pub(crate) batch_bytes: usize,
    /// How long a batch waits for more units at most, where the one before had [`SIBLINGS`].
    pub(crate) gather: Duration,
}

/// From so many units in a batch on, many are writing at once.
const SIBLINGS: usize = 4;

/// A bounded queue in the order of arrival.
pub(crate) struct Queue {
    bounds: Bounds,
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
    /// The writer sleeps until so many wait.
    wanted: usize,
    /// How many units the batch before had.
    before: usize,
}

/// What the writer is to do next.
pub(crate) enum Next {
    /// Write these.
    Batch(Vec<Job>),
    /// Nothing came in the time given.
    Quiet,
    /// Nothing is left and nothing will come.
    End,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, waiting: Mutex::default(), arrived: Condvar::new() }
    }

    /// Takes the unit in, or refuses it at once when too much waits.
    pub(crate) fn push(&self, unit: Unit) -> Result<oneshot::Receiver<Answer>, StoreError> {
        let bytes = size_of_unit(&unit);
        let (waiter, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Closed);
        }
        // A unit larger than the bound is let in when it is alone: it could never be written otherwise.
        let full = waiting.jobs.len() >= self.bounds.queue_units
            || (waiting.bytes.saturating_add(bytes) > self.bounds.queue_bytes && !waiting.jobs.is_empty());
        if full {
            return Err(StoreError::Busy);
        }
        waiting.bytes += bytes;
        waiting.jobs.push_back(Job { unit, waiter, bytes });
        let enough = waiting.jobs.len() == waiting.wanted;
        drop(waiting);
        if enough {
            self.arrived.notify_one();
        }
        Ok(receiver)
    }

    /// Everything that waits, up to the bounds of a batch; waits for something to arrive.
    pub(crate) fn take(&self, patience: Option<Duration>) -> Next {
        let mut waiting = self.lock();
        waiting.wanted = 1;
        while waiting.jobs.is_empty() {
            if waiting.closed {
                return Next::End;
            }
            match patience {
                None => waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let (after, timeout) =
                        self.arrived.wait_timeout(waiting, patience).unwrap_or_else(PoisonError::into_inner);
                    waiting = after;
                    if timeout.timed_out() && waiting.jobs.is_empty() && !waiting.closed {
                        return Next::Quiet;
                    }
                }
            }
        }
        waiting = self.gather(waiting);
        let mut batch = Vec::with_capacity(waiting.jobs.len().min(self.bounds.batch_units));
        let mut bytes = 0_usize;
        while let Some(job) = waiting.jobs.front() {
            let fits = batch.len() < self.bounds.batch_units && bytes + job.bytes <= self.bounds.batch_bytes;
            if !fits && !batch.is_empty() {
                break;
            }
            bytes += job.bytes;
            batch.extend(waiting.jobs.pop_front());
        }
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        waiting.before = batch.len();
        waiting.wanted = 0;
        Next::Batch(batch)
    }

    /// Where many write at once, waits a moment for more: one commit for twice as many costs the disk and the processor half of two. Whoever
    /// writes alone does not wait.
    fn gather<'q>(&'q self, mut waiting: MutexGuard<'q, Waiting>) -> MutexGuard<'q, Waiting> {
        let enough = (waiting.before * 2).min(self.bounds.batch_units);
        if waiting.before < SIBLINGS || waiting.jobs.len() >= enough || waiting.closed {
            return waiting;
        }
        waiting.wanted = enough;
        let (waiting, _) = self
            .arrived
            .wait_timeout_while(waiting, self.bounds.gather, |waiting| waiting.jobs.len() < enough && !waiting.closed)
            .unwrap_or_else(PoisonError::into_inner);
        waiting
    }

    /// Units that wait now.
    pub(crate) fn depth(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Takes nothing in any more; what waits is still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Takes nothing in any more and lets go of what waits: the writer is gone.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.jobs.clear();
        waiting.bytes = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About how many bytes the unit adds; an entry counts as 256.
fn size_of_unit(unit: &Unit) -> usize {
    let puts = unit.puts.iter().map(|put| {
        put.row.sealed.as_bytes().len()
            + put.search.as_ref().map_or(0, |search| search.as_bytes().len())
            + 128 * (put.tokens.len() + put.links.len() + 1)
    });
    let documents = unit.documents.iter().map(|document| document.bytes.as_ref().map_or(0, Vec::len) + 128);
    puts.chain(documents).sum::<usize>() + 256 * (unit.entries.len() + unit.keys.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(queue_units: usize, batch_units: usize) -> Queue {
        Queue::new(Bounds {
            queue_units,
            queue_bytes: 1 << 20,
            batch_units,
            batch_bytes: 1 << 20,
            gather: Duration::ZERO,
        })
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let queue = queue(2, 2);
        let first = queue.push(Unit::default()).unwrap();
        let second = queue.push(Unit::default()).unwrap();
        assert_eq!(queue.push(Unit::default()).unwrap_err(), StoreError::Busy);
        drop((first, second));
    }

    #[test]
    fn a_unit_larger_than_every_bound_is_written_alone() {
        let queue = Queue::new(Bounds {
            queue_units: 8,
            queue_bytes: 10,
            batch_units: 8,
            batch_bytes: 10,
            gather: Duration::ZERO,
        });
        let receiver = queue.push(Unit::default()).unwrap();
        assert_eq!(queue.push(Unit::default()).unwrap_err(), StoreError::Busy);
        assert!(matches!(queue.take(None), Next::Batch(batch) if batch.len() == 1));
        drop(receiver);
    }

    #[test]
    fn a_batch_takes_no_more_than_its_bound_and_the_rest_waits() {
        let queue = queue(8, 2);
        let receivers: Vec<_> = (0..3).map(|_| queue.push(Unit::default()).unwrap()).collect();
        assert!(matches!(queue.take(None), Next::Batch(batch) if batch.len() == 2));
        assert_eq!(queue.depth(), 1);
        drop(receivers);
    }

    #[test]
    fn a_closed_queue_gives_out_what_it_has_and_then_ends() {
        let queue = queue(8, 8);
        let receiver = queue.push(Unit::default()).unwrap();
        queue.close();
        assert_eq!(queue.push(Unit::default()).unwrap_err(), StoreError::Closed);
        assert!(matches!(queue.take(None), Next::Batch(_)));
        assert!(matches!(queue.take(None), Next::End));
        drop(receiver);
    }
}
