//! Runs that somebody started and does not wait for. In memory: after a restart they are forgotten, what they brought in is not.

use super::Connections;
use aceso_base::{Clock, Timestamp, Token16};
use aceso_connect::admin::{AdminError, Job, JobState};
use aceso_connect::sync::Leg;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Jobs that are remembered; the oldest go first.
const REMEMBERED: usize = 256;

/// The jobs of a process.
#[derive(Default)]
pub(super) struct Jobs(Mutex<VecDeque<Job>>);

impl Jobs {
    /// The job with this id.
    pub(super) fn get(&self, id: &str) -> Option<Job> {
        self.all().iter().find(|job| job.id == id).cloned()
    }

    /// Starts a run, unless one of the same kind was started and has not ended: then that is the job.
    pub(super) fn start(connections: &Connections, clock: &Arc<dyn Clock>, id: Token16, name: &str, leg: Leg) -> Job {
        let job = Job {
            id: id.to_string(),
            connection: name.to_owned(),
            leg,
            started: clock.now(),
            ended: None,
            state: JobState::Running(None),
        };
        {
            let mut all = connections.jobs().all();
            let same = |known: &&Job| {
                known.connection == name && known.leg == leg && matches!(known.state, JobState::Running(_))
            };
            if let Some(known) = all.iter().find(same) {
                return known.clone();
            }
            all.push_back(job.clone());
            while all.len() > REMEMBERED {
                all.pop_front();
            }
        }
        let (connections, clock, told) = (connections.clone(), Arc::clone(clock), job.clone());
        tokio::spawn(async move {
            let jobs = connections.jobs();
            let hear = |progress| jobs.note(&job.id, None, JobState::Running(Some(progress)));
            let ended = connections.sync(&job.connection, leg, &hear).await;
            let state = match ended {
                Ok(report) => JobState::Done(report.counts),
                Err(AdminError::Run { code, .. }) => JobState::Failed(code),
                Err(AdminError::Stopped) => JobState::Failed("stopped"),
                // It was removed between the order and its turn.
                Err(_) => JobState::Failed("no-connection"),
            };
            jobs.note(&job.id, Some(clock.now()), state);
        });
        told
    }

    fn note(&self, id: &str, ended: Option<Timestamp>, state: JobState) {
        if let Some(job) = self.all().iter_mut().find(|job| job.id == id) {
            job.ended = ended;
            job.state = state;
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, VecDeque<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
