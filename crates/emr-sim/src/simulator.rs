//! The handle of a running simulator.

use crate::core::{Core, Count};
use crate::deliver;
use crate::faults::FaultControl;
use crate::kind::Kind;
use crate::options::{Credentials, Earlier, Options, StartError};
use crate::serve::{self, Power};
use crate::truth::Truth;
use crate::webhooks::DeliveryStatus;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running simulator: a server on a port of its own, in this process. Ends when it is stopped or dropped.
pub struct Simulator {
    core: Arc<Core>,
    credentials: Credentials,
    power: watch::Sender<Power>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

/// An object that a change has touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Its type.
    pub kind: Kind,
    /// Its id.
    pub id: i64,
    /// Whether it was deleted; else it was saved.
    pub deleted: bool,
}

impl Simulator {
    /// Starts a simulator in the runtime that calls this.
    ///
    /// # Errors
    /// When the address is taken, when there are to be no patients, or when the synthetic bundles cannot be read.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind(options.listen).await?;
        let at = listener.local_addr()?;
        let core = Arc::new(Core::new(&options, format!("http://{at}"))?);
        let (power, seen) = watch::channel(Power::Up);
        let tasks = vec![
            tokio::spawn(serve::run(Arc::clone(&core), listener, at, power.clone())),
            tokio::spawn(deliver::run(Arc::clone(&core), seen)),
        ];
        Ok(Self { core, credentials: options.credentials, power, tasks })
    }

    /// `http://127.0.0.1:PORT/api/2.0`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.core.base_url()
    }

    /// What the application that syncs proves itself with.
    #[must_use]
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// How far it came: what the next one is given to go on from here.
    #[must_use]
    pub fn so_far(&self) -> Earlier {
        self.core.so_far()
    }

    /// Everything the source holds at this moment.
    #[must_use]
    pub fn truth(&self) -> Truth {
        Truth::of(self.core.state().store.clone())
    }

    /// Makes so many changes now, with their events, and says what they touched, in order.
    pub fn change(&self, changes: usize) -> Vec<Changed> {
        let touched = self.core.change(changes);
        let state = self.core.state();
        let changed = touched.into_iter().map(|touched| Changed {
            kind: touched.kind,
            id: state.store.id(touched.kind, touched.ordinal),
            deleted: touched.deleted,
        });
        changed.collect()
    }

    /// Saves one object at the source with other members, as somebody in the clinic would. False when there is no such object, or when
    /// it is deleted.
    pub fn edit(&self, kind: Kind, id: i64, edit: impl FnOnce(&mut Map<String, Value>)) -> bool {
        self.core.edit(kind, id, edit)
    }

    /// Deletes one object at the source. False when there is no such object, when it is deleted, or when its type is not deleted.
    pub fn delete(&self, kind: Kind, id: i64) -> bool {
        self.core.delete(kind, id)
    }

    /// Undoes a deletion; a patient comes back with what was deleted with him. False when there is no such object, when it is not
    /// deleted, or when its patient is.
    pub fn restore(&self, kind: Kind, id: i64) -> bool {
        self.core.restore(kind, id)
    }

    /// What goes wrong, to be set while it runs.
    #[must_use]
    pub fn faults(&self) -> &FaultControl {
        &self.core.faults
    }

    /// The access tokens that were issued and not withdrawn: to look for where they must not be.
    #[must_use]
    pub fn access_tokens(&self) -> Vec<String> {
        self.core.state().tokens.access_tokens()
    }

    /// Ends every access token now; refresh tokens stay.
    pub fn expire_tokens(&self) {
        self.core.state().tokens.expire_all();
    }

    /// How often each path answered with each status.
    #[must_use]
    pub fn counts(&self) -> Vec<Count> {
        self.core.counts()
    }

    /// How many requests were answered with this status (0: the connection ended without an answer).
    #[must_use]
    pub fn answered(&self, status: u16) -> u64 {
        self.counts().iter().filter(|count| count.status == status).map(|count| count.times).sum()
    }

    /// Every delivery of the last 30 days.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DeliveryStatus> {
        self.core.state().hooks.statuses()
    }

    /// It dies: connections end, the port refuses, nothing is delivered. What it holds stays.
    pub fn take_down(&self) {
        self.power.send_replace(Power::Down(None));
    }

    /// It comes back, on the same port.
    pub fn bring_back(&self) {
        self.power.send_replace(Power::Up);
    }

    /// Ends it; open connections end too.
    pub async fn stop(mut self) {
        self.power.send_replace(Power::Stopped);
        for task in self.tasks.drain(..) {
            // A task that panicked has ended as well.
            let _ = task.await;
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.power.send_replace(Power::Stopped);
        for task in &self.tasks {
            task.abort();
        }
    }
}
