//! Orders about connections, from the command line.

use super::{Connections, Settings};
use crate::app::App;
use crate::exit::Failure;
use aceso_connect::sync::Leg;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What can be ordered. The fields are the arguments of the commands of the same names.
#[expect(missing_docs, reason = "the fields are the arguments of the commands, which document them")]
#[derive(Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum ConnectionOrder {
    /// A new connection.
    Add { settings: Box<Settings> },
    /// All of them.
    List,
    /// One of them.
    Status { name: String },
    /// Run now.
    Sync { name: String, everything: bool },
    /// Nothing by itself, or again.
    Pause { name: String, paused: bool },
    /// Forget it.
    Remove { name: String },
    /// What was set aside.
    Letters { name: String, limit: usize },
    /// Try one again.
    Retry { name: String, letter: String },
    /// Give one up.
    Discard { name: String, letter: String },
}

impl std::fmt::Debug for ConnectionOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionOrder(…)")
    }
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub async fn carry_out(app: &App, connections: &Connections, order: ConnectionOrder) -> Result<Value, Failure> {
    match order {
        ConnectionOrder::Add { settings } => connections.add(app, *settings).await,
        ConnectionOrder::List => Ok(connections.list()),
        ConnectionOrder::Status { name } => connections.status(&name),
        ConnectionOrder::Sync { name, everything } => {
            app.note_order(aceso_audit::Action::Administered, "connection-sync").await?;
            connections.sync(&name, leg(everything), &|_| {}).await
        }
        ConnectionOrder::Pause { name, paused } => connections.pause(app, &name, paused).await,
        ConnectionOrder::Remove { name } => connections.remove(app, &name).await,
        ConnectionOrder::Letters { name, limit } => {
            app.note_order(aceso_audit::Action::Administered, "letters-listed").await?;
            connections.letters(&name, limit)
        }
        ConnectionOrder::Retry { name, letter } => connections.retry_letter(app, &name, &letter).await,
        ConnectionOrder::Discard { name, letter } => connections.discard_letter(app, &name, &letter).await,
    }
}

/// The leg that is meant.
#[must_use]
pub const fn leg(everything: bool) -> Leg {
    if everything { Leg::Everything } else { Leg::Changes }
}
