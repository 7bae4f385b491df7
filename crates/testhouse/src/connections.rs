//! Connections without another system: they do at once what they are told, and say what they were told by whom.

use aceso_base::{Clock, TenantId, Timestamp};
use aceso_connect::admin::{
    AdminError, Administration, By, Doing, Job, JobState, NamedLetter, NewConnection, NewProof, Origin, Status,
};
use aceso_connect::keeper::{BoxFuture, TokenStatus};
use aceso_connect::sync::{Leg, Letter};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The connection that is there from the beginning. It stands in the configuration of nobody.
pub const NORTH: &str = "north";
/// Its letter.
pub const LETTER: &str = "0b1e7c5a-93de-8f21-a6c0-5f2d9e841c37";

/// The connections of a test.
pub struct PlannedConnections {
    tenant: TenantId,
    clock: Arc<dyn Clock>,
    all: Mutex<BTreeMap<String, Status>>,
    letters: Mutex<BTreeMap<String, Letter>>,
    jobs: Mutex<Vec<Job>>,
    told: Mutex<Vec<String>>,
}

impl PlannedConnections {
    pub(crate) fn new(tenant: TenantId, clock: Arc<dyn Clock>) -> Self {
        let planned = Self {
            tenant,
            clock,
            all: Mutex::default(),
            letters: Mutex::default(),
            jobs: Mutex::default(),
            told: Mutex::default(),
        };
        let north = planned.connection(NORTH, planned.tenant.as_str());
        planned.put(Status { doing: Doing::Failing, last_error: Some("unreachable"), ..north });
        planned.put(planned.connection("elsewhere", "other-clinic"));
        let kept = Status { origin: Origin::Configuration, ..planned.connection("written", planned.tenant.as_str()) };
        planned.put(kept);
        for name in [LETTER, "1c2d3e4f-5a6b-8c7d-9e0f-a1b2c3d4e5f6"] {
            let letter = Letter {
                kind: "patients".to_owned(),
                id: "140758".to_owned(),
                reason: "unknown-code".to_owned(),
                place: Some("insurances[0].rank".to_owned()),
                tries: 2,
                first: 1_700_000_000_000,
                last: 1_700_000_060_000,
            };
            planned.letters.lock().unwrap().insert(name.to_owned(), letter);
        }
        planned
    }

    /// What was ordered, in order: the user, and what.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Changes what operators see of a connection.
    pub fn set(&self, name: &str, change: impl FnOnce(&mut Status)) {
        change(self.all.lock().unwrap().get_mut(name).unwrap());
    }

    fn connection(&self, name: &str, tenant: &str) -> Status {
        let now = self.clock.now();
        Status {
            name: name.to_owned(),
            vendor: "elation".to_owned(),
            tenant: tenant.to_owned(),
            url: "https://ehr.example/api/2.0".to_owned(),
            origin: Origin::Store,
            doing: Doing::Waiting,
            now: None,
            runs: 3,
            failed_runs: 1,
            last_start: Some(now),
            last_end: Some(now),
            last_success: Some(now),
            last_error: None,
            lag_seconds: Some(75),
            window: 4,
            schedule: "*/5 * * * *".to_owned(),
            sweep: "17 3 * * *".to_owned(),
            time_zone: "UTC".to_owned(),
            hooks: false,
            token: TokenStatus {
                expires: Some(Timestamp(now.0 + 3_600_000)),
                refreshed: Some(now),
                refreshes: 1,
                failures: 0,
                last_error: None,
            },
            counts: vec![("read", 140), ("written", 17), ("set_aside", 2)],
        }
    }

    fn put(&self, status: Status) {
        self.all.lock().unwrap().insert(status.name.clone(), status);
    }

    fn order(&self, by: &By, what: &str, name: &str) -> Result<Status, AdminError> {
        let status = self.status(by, name)?;
        let By::Caller(caller) = by else { return Ok(status) };
        self.told.lock().unwrap().push(format!("{} {what} {name}", caller.user));
        Ok(status)
    }
}

impl Administration for PlannedConnections {
    fn list(&self, by: &By) -> Vec<Status> {
        self.all.lock().unwrap().values().filter(|status| by.reaches(&status.tenant)).cloned().collect()
    }

    fn status(&self, by: &By, name: &str) -> Result<Status, AdminError> {
        let found = self.all.lock().unwrap().get(name).cloned();
        found.filter(|status| by.reaches(&status.tenant)).ok_or(AdminError::NoConnection)
    }

    fn add<'a>(&'a self, by: &'a By, new: NewConnection) -> BoxFuture<'a, Result<Status, AdminError>> {
        Box::pin(async move {
            if self.all.lock().unwrap().contains_key(&new.name) {
                return Err(AdminError::Taken);
            }
            if new.concurrency == 0 {
                return Err(AdminError::setting("concurrency", "a number from 1 to 256"));
            }
            let proof = match new.proof {
                NewProof::Secret(_) => "secret",
                NewProof::Key { .. } => "key",
            };
            let mut status = self.connection(&new.name, &new.tenant);
            (status.vendor, status.url) = (new.vendor, new.url);
            self.put(status);
            self.order(by, &format!("add by {proof}"), &new.name)
        })
    }

    fn remove<'a>(&'a self, by: &'a By, name: &'a str) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            if self.order(by, "remove", name)?.origin == Origin::Configuration {
                return Err(AdminError::OfConfiguration { name: name.to_owned(), key: "" });
            }
            self.all.lock().unwrap().remove(name);
            Ok(())
        })
    }

    fn pause<'a>(&'a self, by: &'a By, name: &'a str, paused: bool) -> BoxFuture<'a, Result<Status, AdminError>> {
        Box::pin(async move {
            self.order(by, if paused { "pause" } else { "resume" }, name)?;
            self.set(name, |status| status.doing = if paused { Doing::Paused } else { Doing::Waiting });
            self.status(by, name)
        })
    }

    fn start<'a>(&'a self, by: &'a By, name: &'a str, leg: Leg) -> BoxFuture<'a, Result<Job, AdminError>> {
        Box::pin(async move {
            self.order(by, if leg == Leg::Everything { "sync everything" } else { "sync" }, name)?;
            let mut jobs = self.jobs.lock().unwrap();
            let job = Job {
                id: format!("{:032x}", jobs.len()),
                connection: name.to_owned(),
                leg,
                started: self.clock.now(),
                ended: Some(self.clock.now()),
                state: JobState::Done(vec![("read", 12), ("written", 3)]),
            };
            jobs.push(job.clone());
            Ok(Job { ended: None, state: JobState::Running(None), ..job })
        })
    }

    fn job(&self, by: &By, id: &str) -> Result<Job, AdminError> {
        let found = self.jobs.lock().unwrap().iter().find(|job| job.id == id).cloned();
        let job = found.ok_or(AdminError::NoJob)?;
        self.status(by, &job.connection).map(|_| job).map_err(|_| AdminError::NoJob)
    }

    fn letters(&self, by: &By, name: &str, after: Option<&str>, limit: usize) -> Result<Vec<NamedLetter>, AdminError> {
        self.status(by, name)?;
        let letters = self.letters.lock().unwrap();
        let later = letters.iter().filter(|(name, _)| after.is_none_or(|after| name.as_str() > after)).take(limit);
        Ok(later.map(|(name, letter)| NamedLetter { name: name.clone(), letter: letter.clone() }).collect())
    }

    fn letter(&self, by: &By, name: &str, letter: &str) -> Result<NamedLetter, AdminError> {
        let all = self.letters(by, name, None, usize::MAX)?;
        all.into_iter().find(|known| known.name == letter).ok_or(AdminError::NoLetter)
    }

    fn retry<'a>(&'a self, by: &'a By, name: &'a str, letter: &'a str) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            self.letter(by, name, letter)?;
            self.order(by, "retry", name)?;
            if letter == LETTER { Ok(()) } else { Err(AdminError::StillAside) }
        })
    }

    fn discard<'a>(&'a self, by: &'a By, name: &'a str, letter: &'a str) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(async move {
            self.letter(by, name, letter)?;
            self.order(by, "discard", name)?;
            self.letters.lock().unwrap().remove(letter);
            Ok(())
        })
    }
}
