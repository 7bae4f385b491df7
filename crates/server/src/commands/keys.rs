//! `aceso keys`.

use super::order::{OfTenant, have_done, show};
use crate::control::Order;
use crate::exit::{Exit, Failure};
use std::io::{BufRead, IsTerminal as _, Write};

/// What to do with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Versions of the tenant key, how many rows name each, and how many are left to move
    Status(OfTenant),
    /// Make a new version: new rows are sealed under it, old ones open as before and move in the background
    Rotate(Rotate),
    /// Move all rows to the newest version now, and wait for it
    Rewrap(Rewrap),
    /// Destroy a patient's keys: his record is unreadable from this moment on. Cannot be undone
    Shred(Shred),
    /// Forget opened keys: the next request asks the key service again
    Flush(OfTenant),
}

/// Which key gets a new version.
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The root key instead of the tenant key, where it is a file; then run `keys rewrap --root`
    #[arg(long)]
    pub root: bool,
    /// Whose data.
    #[command(flatten)]
    pub of: OfTenant,
}

/// What is wrapped anew.
#[derive(Debug, clap::Args)]
pub struct Rewrap {
    /// Wrap all tenant keys of the data directory under the newest root key, instead of moving rows to the newest tenant key
    #[arg(long)]
    pub root: bool,
    /// Afterwards take the older root keys out of the root key file
    #[arg(long, requires = "root")]
    pub remove_old: bool,
    /// Whose data.
    #[command(flatten)]
    pub of: OfTenant,
}

/// Whom to shred.
#[derive(Debug, clap::Args)]
pub struct Shred {
    /// The patient's id, a UUID
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// Do not ask first. Asked is on a terminal only
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
        Command::Rotate(Rotate { root: false, of }) => (of, |tenant| Order::KeysRotate { tenant }),
        Command::Rotate(Rotate { root: true, of }) => (of, |_| Order::KeysRotateRoot),
        Command::Rewrap(Rewrap { root: false, of, .. }) => (of, |tenant| Order::KeysRewrap { tenant }),
        Command::Rewrap(Rewrap { root: true, remove_old: false, of }) => {
            (of, |_| Order::KeysRewrapRoot { remove_old: false })
        }
        Command::Rewrap(Rewrap { root: true, remove_old: true, of }) => {
            (of, |_| Order::KeysRewrapRoot { remove_old: true })
        }
        Command::Flush(of) => (of, |_| Order::KeysFlush),
        Command::Shred(Shred { subject, yes, of }) => {
            let input = std::io::stdin();
            if !yes && input.is_terminal() && !agreed(&mut input.lock(), &mut std::io::stderr())? {
                return Err(Failure::NotSo("nothing was shredded".to_owned()));
            }
            let (config, tenant) = of.load()?;
            return show(out, of.form, &have_done(config, Order::KeysShred { tenant, subject })?);
        }
    };
    let (config, tenant) = of.load()?;
    show(out, of.form, &have_done(config, order(tenant))?)
}

/// Asks whether it is meant: the answer is `yes`, or no.
fn agreed(input: &mut dyn BufRead, ask: &mut dyn Write) -> Result<bool, Failure> {
    let failed = |error: std::io::Error| Failure::Usage(format!("the question was not answered ({:?})", error.kind()));
    write!(ask, "This patient's keys are destroyed; it cannot be undone. Type yes to go on: ").map_err(failed)?;
    ask.flush().map_err(failed)?;
    let mut answer = String::new();
    input.read_line(&mut answer).map_err(failed)?;
    Ok(answer.trim() == "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, meant) in [("yes\n", true), ("y\n", false), ("no\n", false), ("", false)] {
            let mut asked = Vec::new();
            assert_eq!(agreed(&mut answer.as_bytes(), &mut asked).unwrap(), meant, "{answer:?}");
            assert!(String::from_utf8(asked).unwrap().contains("cannot be undone"));
        }
    }
}
