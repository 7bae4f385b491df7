//! The one writer: takes everything that waits, writes it as one transaction with one row of audit entries, and answers only
//! after the disk has it.

use crate::apply::{Batch, Counters, Verdict};
use crate::carrier::Carrier;
use crate::database::Database;
use crate::log::insert_frame;
use crate::queue::{Answer, Job, Next, Queue};
use crate::store::Shared;
use aceso_audit::{AppendError, Entry, Receipt, Sequencer};
use aceso_base::{Clock, SubjectId, TenantId};
use aceso_store::{CommitError, StoreError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often the free disk space is measured while writing.
const MEASURE_EVERY: Duration = Duration::from_millis(200);
/// How soon an emptying of the write-ahead log that a reader held up is tried again.
const ERASE_AGAIN: Duration = Duration::from_millis(50);

pub(crate) struct Writer {
    pub(crate) database: Database,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) sequencer: Sequencer,
    pub(crate) clock: Arc<dyn Clock>,
    /// `None` after a failure: what the failed batch left is read again.
    pub(crate) counters: Option<Counters>,
    pub(crate) tenants: HashMap<TenantId, i64>,
    pub(crate) erased: bool,
    /// The compartments that the batch under way changes.
    pub(crate) touched: Vec<SubjectId>,
    /// Slots of the tokens that the present batch gives.
    pub(crate) given: Vec<usize>,
    pub(crate) measured: Option<Instant>,
    pub(crate) log_pages: i64,
    pub(crate) carrier: Carrier,
}

/// A unit that is part of a written batch.
struct Written {
    verdict: Verdict,
    /// How many of the batch's receipts are its own.
    entries: usize,
}

/// Why a batch was not written.
enum Failure {
    /// One of the units does not go into the database; the others may.
    Unit(StoreError),
    /// Nothing can be written now.
    Batch(StoreError),
}

impl From<AppendError> for Failure {
    fn from(_: AppendError) -> Self {
        Self::Batch(StoreError::Audit)
    }
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        // Whatever ends this thread, nobody may wait for it afterwards.
        let _end = Abandon(Arc::clone(&self.queue), Arc::clone(&self.shared));
        loop {
            match self.queue.take(self.erased.then_some(ERASE_AGAIN)) {
                Next::Batch(jobs) => self.batch(jobs),
                Next::Quiet => {}
                Next::End => break,
            }
            self.tidy();
        }
        self.carrier.stop();
        // A log that cannot be emptied now is read again at the next start.
        let _ = self.database.empty_log();
    }

    fn batch(&mut self, mut jobs: Vec<Job>) {
        self.touched.clear();
        self.given.clear();
        let written = self.write(&mut jobs);
        // Also after a failure: whether the disk has the batch is not always known.
        self.shared.changes.count(&self.touched);
        self.shared.given.count(&self.given);
        match written {
            Ok((written, receipts)) => {
                self.shared.succeeded(self.clock.now());
                answer(jobs, written, receipts);
            }
            Err(Failure::Unit(_)) if jobs.len() > 1 => {
                // One unit must not keep the others out: each on its own now.
                jobs.into_iter().for_each(|job| self.batch(vec![job]));
            }
            Err(Failure::Unit(error) | Failure::Batch(error)) => {
                self.shared.failed(error);
                for job in jobs {
                    // A waiter that has gone away does not need an answer.
                    drop(job.waiter.send(Err(error.into())));
                }
            }
        }
    }

    /// Writes all units or none; gives each unit's verdict, and the receipts of all units in order.
    fn write(&mut self, jobs: &mut [Job]) -> Result<(Vec<Written>, Vec<Receipt>), Failure> {
        self.measure().map_err(Failure::Batch)?;
        let quota = self.shared.quota_pages.load(Ordering::Relaxed);
        self.database.begin(self.sequencer.size(), quota).map_err(Failure::Batch)?;
        let result = self.write_begun(jobs);
        if let Err(Failure::Unit(error) | Failure::Batch(error)) = result {
            self.database.roll_back(error);
            self.counters = None;
            self.tenants.clear();
        }
        result
    }

    fn write_begun(&mut self, jobs: &mut [Job]) -> Result<(Vec<Written>, Vec<Receipt>), Failure> {
        let (verdicts, erased) = self.apply(jobs).map_err(|error| match error {
            StoreError::Full | StoreError::Io(_) => Failure::Batch(error),
            _ => Failure::Unit(error),
        })?;
        let mut entries: Vec<Entry> = Vec::with_capacity(jobs.len());
        let mut written = Vec::with_capacity(jobs.len());
        for (job, verdict) in jobs.iter_mut().zip(verdicts) {
            let own = if verdict.is_ok() { &mut job.unit.entries } else { &mut job.unit.on_refused };
            written.push(Written { verdict, entries: own.len() });
            entries.append(own);
        }
        let database = &mut self.database;
        let receipts = if entries.is_empty() {
            database.commit(None).map_err(Failure::Batch)?;
            Vec::new()
        } else {
            self.sequencer.append(self.clock.now(), &entries, |frame| {
                database
                    .connection()
                    .and_then(|connection| insert_frame(connection, frame))
                    .and_then(|()| database.commit(Some(frame.first.saturating_add(u64::from(frame.count)))))
                    .map_err(Failure::Batch)
            })?
        };
        self.erased |= erased;
        Ok((written, receipts))
    }

    fn apply(&mut self, jobs: &[Job]) -> Result<(Vec<Verdict>, bool), StoreError> {
        let connection = self.database.connection()?;
        let before = self.counters.map_or_else(|| Counters::load(connection), Ok)?;
        let counters = self.counters.insert(before);
        let (tenants, touched, given) = (&mut self.tenants, &mut self.touched, &mut self.given);
        let mut batch = Batch { connection, tenants, counters, touched, given, erased: false };
        let verdicts = jobs.iter().map(|job| batch.apply(&job.unit)).collect::<Result<Vec<_>, _>>()?;
        let erased = batch.erased;
        counters.save(connection, &before)?;
        Ok((verdicts, erased))
    }

    /// Looks at the free space now and then; below the reserve nothing is written.
    fn measure(&mut self) -> Result<(), StoreError> {
        if self.measured.is_none_or(|at| at.elapsed() >= MEASURE_EVERY) {
            self.shared.measure()?;
            self.measured = Some(Instant::now());
        }
        if self.shared.has_space() { Ok(()) } else { Err(StoreError::Full) }
    }

    /// Keeps the write-ahead log short. Nobody waits meanwhile, except who comes during it.
    fn tidy(&mut self) {
        if self.erased && self.database.empty_log().is_ok() {
            self.erased = false;
        }
        // A failure shows again at the next commit, where somebody is told.
        if self.carrier.has_ended() {
            // Little is left: what came while the pass went on.
            let _ = self.database.carry_over();
        } else if self.carrier.is_idle() && self.database.log_pages().is_ok_and(|pages| pages >= self.log_pages) {
            self.carrier.ask();
        }
    }
}

fn answer(jobs: Vec<Job>, written: Vec<Written>, receipts: Vec<Receipt>) {
    let mut receipts = receipts.into_iter();
    for (job, Written { verdict, entries }) in jobs.into_iter().zip(written) {
        let own: Vec<Receipt> = receipts.by_ref().take(entries).collect();
        let answer: Answer = match verdict {
            Ok(()) => Ok(own),
            Err(failed) => Err(CommitError::Refused { failed, receipts: own }),
        };
        // A waiter that has gone away does not need an answer.
        drop(job.waiter.send(answer));
    }
}

struct Abandon(Arc<Queue>, Arc<Shared>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
        self.1.failed(StoreError::Closed);
    }
}
