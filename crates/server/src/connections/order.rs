//! Orders about connections, from the command line.

use super::{Connections, Settings};
use crate::app::App;
use crate::exit::Failure;
use aceso_audit::Action;
use aceso_connect::admin::{By, NamedLetter, Status, counted};
use aceso_connect::sync::{Leg, Progress};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    /// One of them.
    Letter { name: String, letter: String },
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
    let by = &By::Machine;
    let told = |status: Status| status.to_json();
    Ok(match order {
        ConnectionOrder::Add { settings } => connections.add(app, by, *settings).await.map(told)?,
        ConnectionOrder::List => connections.list(by).into_iter().map(told).collect(),
        ConnectionOrder::Status { name } => connections.status(by, &name).map(told)?,
        ConnectionOrder::Sync { name, everything } => {
            connections.status(by, &name)?;
            run(app, connections, &name, everything, &|_| {}).await?
        }
        ConnectionOrder::Pause { name, paused } => connections.pause(app, by, &name, paused).await.map(told)?,
        ConnectionOrder::Remove { name } => {
            connections.remove(app, by, &name).await?;
            json!({ "removed": name })
        }
        ConnectionOrder::Letters { name, limit } => {
            app.note_order(by, Action::Administered, "letters-listed").await?;
            connections.letters(by, &name, None, limit)?.iter().map(NamedLetter::to_json).collect()
        }
        ConnectionOrder::Letter { name, letter } => {
            app.note_order(by, Action::Administered, "letter-read").await?;
            connections.letter(by, &name, &letter)?.to_json()
        }
        ConnectionOrder::Retry { name, letter } => {
            connections.retry_letter(app, by, &name, &letter).await?;
            json!({ "letter": letter, "taken": true })
        }
        ConnectionOrder::Discard { name, letter } => {
            connections.discard_letter(app, by, &name, &letter).await?;
            json!({ "letter": letter, "discarded": true })
        }
    })
}

/// Runs a connection and waits for it.
///
/// # Errors
/// [`Failure`].
pub async fn run(
    app: &App,
    connections: &Connections,
    name: &str,
    everything: bool,
    hear: &(dyn Fn(Progress) + Send + std::marker::Sync),
) -> Result<Value, Failure> {
    app.note_order(&By::Machine, Action::Administered, "connection-sync").await?;
    let report = connections.sync(name, leg(everything), hear).await?;
    let mut told = counted(&report.counts);
    told.insert("connection".to_owned(), json!(name));
    told.insert("seconds".to_owned(), json!((report.took.as_millis() as f64) / 1000.0));
    Ok(Value::Object(told))
}

/// The leg that is meant.
const fn leg(everything: bool) -> Leg {
    if everything { Leg::Everything } else { Leg::Changes }
}
