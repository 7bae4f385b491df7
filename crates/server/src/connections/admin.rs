//! The port of operators on the connections of this process: the same functions as `aceso connections`, for `/admin/v1` and the console.

use super::{Connections, Settings};
use crate::app::App;
use aceso_connect::admin::{AdminError, Administration, By, Job, NamedLetter, NewConnection, Status};
use aceso_connect::keeper::BoxFuture;
use aceso_connect::sync::Leg;

/// The connections with what they need to be changed.
pub(crate) struct Administered {
    pub(crate) app: App,
    pub(crate) connections: Connections,
}

impl Administered {
    fn owned(&self, by: &By, name: &str) -> (App, Connections, By, String) {
        (self.app.clone(), self.connections.clone(), by.clone(), name.to_owned())
    }
}

/// What stops a run is carried to its end, even when nobody waits for the answer any more: else the connection would stay stopped.
fn to_its_end<T: Send + 'static>(
    order: impl Future<Output = Result<T, AdminError>> + Send + 'static,
) -> BoxFuture<'static, Result<T, AdminError>> {
    let ended_early = || AdminError::Unavailable("the order ended early; look at the connection".to_owned());
    Box::pin(async move { tokio::spawn(order).await.unwrap_or_else(|_| Err(ended_early())) })
}

impl Administration for Administered {
    fn list(&self, by: &By) -> Vec<Status> {
        self.connections.list(by)
    }

    fn status(&self, by: &By, name: &str) -> Result<Status, AdminError> {
        self.connections.status(by, name)
    }

    fn add<'a>(&'a self, by: &'a By, new: NewConnection) -> BoxFuture<'a, Result<Status, AdminError>> {
        Box::pin(async move { self.connections.add(&self.app, by, Settings::of(new)?).await })
    }

    fn remove<'a>(&'a self, by: &'a By, name: &'a str) -> BoxFuture<'a, Result<(), AdminError>> {
        let (app, connections, by, name) = self.owned(by, name);
        to_its_end(async move { connections.remove(&app, &by, &name).await })
    }

    fn pause<'a>(&'a self, by: &'a By, name: &'a str, paused: bool) -> BoxFuture<'a, Result<Status, AdminError>> {
        let (app, connections, by, name) = self.owned(by, name);
        to_its_end(async move { connections.pause(&app, &by, &name, paused).await })
    }

    fn start<'a>(&'a self, by: &'a By, name: &'a str, leg: Leg) -> BoxFuture<'a, Result<Job, AdminError>> {
        Box::pin(self.connections.start(&self.app, by, name, leg))
    }

    fn job(&self, by: &By, id: &str) -> Result<Job, AdminError> {
        self.connections.job(by, id)
    }

    fn letters(&self, by: &By, name: &str, after: Option<&str>, limit: usize) -> Result<Vec<NamedLetter>, AdminError> {
        self.connections.letters(by, name, after, limit)
    }

    fn letter(&self, by: &By, name: &str, letter: &str) -> Result<NamedLetter, AdminError> {
        self.connections.letter(by, name, letter)
    }

    fn retry<'a>(&'a self, by: &'a By, name: &'a str, letter: &'a str) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(self.connections.retry_letter(&self.app, by, name, letter))
    }

    fn discard<'a>(&'a self, by: &'a By, name: &'a str, letter: &'a str) -> BoxFuture<'a, Result<(), AdminError>> {
        Box::pin(self.connections.discard_letter(&self.app, by, name, letter))
    }
}
