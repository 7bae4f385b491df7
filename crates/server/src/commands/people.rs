//! `aceso people` and `aceso clients`.

use super::order::{OfTenant, have_done, show};
use crate::control::Order;
use crate::exit::{Exit, Failure};
use std::io::Write;

/// What to do with accounts of people.
#[derive(Debug, clap::Subcommand)]
pub enum People {
    /// Everybody
    List(OfTenant),
    /// A new account; the password is read from the terminal, or from standard input
    Add {
        /// What he signs in with
        username: String,
        /// A role; may be given several times
        #[arg(long = "role", required = true, value_name = "ROLE")]
        roles: Vec<String>,
        /// For patients: the id of the record that is his own
        #[arg(long, value_name = "ID")]
        patient: Option<String>,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
    /// A new password; ends all sessions
    Password {
        /// What he signs in with
        username: String,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
    /// May not sign in any more; ends all sessions at once
    Disable {
        /// What he signs in with
        username: String,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
    /// May sign in again
    Enable {
        /// What he signs in with
        username: String,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
}

/// What to do with OAuth clients.
#[derive(Debug, clap::Subcommand)]
pub enum Clients {
    /// All clients
    List(OfTenant),
    /// A new service client; its secret is shown once
    Add {
        /// Its `client_id`
        id: String,
        /// A role; may be given several times
        #[arg(long = "role", required = true, value_name = "ROLE")]
        roles: Vec<String>,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
    /// Gets no tokens any more; those that it has are void at once
    Disable {
        /// Its `client_id`
        id: String,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
    /// Gets tokens again
    Enable {
        /// Its `client_id`
        id: String,
        /// Whose data.
        #[command(flatten)]
        of: OfTenant,
    },
}

/// Runs `aceso people`.
///
/// # Errors
/// [`Failure`].
pub fn run(command: People, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (of, order) = match command {
        People::List(of) => (of, Order::PeopleList),
        People::Add { username, roles, patient, of } => {
            let (_, tenant) = of.load()?;
            (of, Order::PeopleAdd { tenant, username, roles, patient, password: Some(read_password()?) })
        }
        People::Password { username, of } => (of, Order::PeoplePassword { username, password: read_password()? }),
        People::Disable { username, of } => (of, Order::PeopleDisable { username, disabled: true }),
        People::Enable { username, of } => (of, Order::PeopleDisable { username, disabled: false }),
    };
    let (config, _) = of.load()?;
    show(out, of.form, &have_done(config, order)?)
}

/// Runs `aceso clients`.
///
/// # Errors
/// [`Failure`].
pub fn run_clients(command: Clients, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (of, order) = match command {
        Clients::List(of) => (of, Order::ClientsList),
        Clients::Add { id, roles, of } => {
            let (_, tenant) = of.load()?;
            (of, Order::ClientsAdd { tenant, id, roles })
        }
        Clients::Disable { id, of } => (of, Order::ClientsDisable { id, disabled: true }),
        Clients::Enable { id, of } => (of, Order::ClientsDisable { id, disabled: false }),
    };
    let (config, _) = of.load()?;
    show(out, of.form, &have_done(config, order)?)
}

/// Never on the command line, where others see it.
fn read_password() -> Result<String, Failure> {
    use std::io::{BufRead as _, IsTerminal as _};
    let failed = |_| Failure::Usage("a password is read from the terminal or from standard input".to_owned());
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").map_err(failed);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
