//! `aceso keys`.

use super::order::{OfTenant, have_done, show};
use crate::control::Order;
use crate::exit::{Exit, Failure};
use std::io::Write;

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Versions of the tenant key, how many rows name each, and how many are left to move
    Status(OfTenant),
    /// Make a new version: new rows are sealed under it, old ones open as before and move in the background
    Rotate(OfTenant),
    /// Move all rows to the newest version now, and wait for it
    Rewrap(OfTenant),
    /// Destroy a patient's keys: his record is unreadable from this moment on. Cannot be undone
    Shred(Shred),
    /// Forget opened keys: the next request asks the key service again
    Flush(OfTenant),
}

/// Whom to shred.
#[derive(Debug, clap::Args)]
pub struct Shred {
    /// The patient's id, a UUID
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// Do it; without this nothing happens
    #[arg(long)]
    pub yes: bool,
    /// Whose data.
    #[command(flatten)]
    pub of: OfTenant,
}

/// Runs it.
///
/// # Errors
/// [`Failure`].
pub fn run(command: Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (of, order): (OfTenant, fn(String) -> Order) = match command {
        Command::Status(of) => (of, |tenant| Order::KeysStatus { tenant }),
        Command::Rotate(of) => (of, |tenant| Order::KeysRotate { tenant }),
        Command::Rewrap(of) => (of, |tenant| Order::KeysRewrap { tenant }),
        Command::Flush(of) => (of, |_| Order::KeysFlush),
        Command::Shred(Shred { subject, yes, of }) => {
            if !yes {
                return Err(Failure::Usage("a shred cannot be undone; say --yes to do it".to_owned()));
            }
            let (config, tenant) = of.load()?;
            return show(out, of.form, &have_done(config, Order::KeysShred { tenant, subject })?);
        }
    };
    let (config, tenant) = of.load()?;
    show(out, of.form, &have_done(config, order(tenant))?)
}
