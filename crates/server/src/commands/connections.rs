//! `aceso connections`.

use super::order::{OfTenant, have_done, show};
use crate::config::Config;
use crate::connections::order::{self, ConnectionOrder};
use crate::connections::{Connections, Settings};
use crate::control::{Order, ask_server};
use crate::exit::{Exit, Failure};
use aceso_connect::admin::{self, NewConnection, NewProof};
use aceso_connect::sync::Progress;
use serde_json::Value;
use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// What to do with connections.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Connect another system. A running server begins at once to bring its records in; without one, the next start does, or `sync`
    Add(Box<Add>),
    /// All connections and how they are
    List(OfTenant),
    /// One connection: state, token, lag, counts
    Status(Named),
    /// Bring records in now, and wait for it
    Sync(SyncNow),
    /// Let nothing run by itself
    Pause(Named),
    /// Let it run by itself again
    Resume(Named),
    /// Forget a connection, its secret and its token; records that came by it stay
    Remove(Named),
    /// Objects that were set aside, with the reason
    #[command(subcommand)]
    Letters(Letters),
}

/// A new connection.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// Its name: 1 to 32 of a-z, 0-9 and '-'
    pub name: String,
    /// Whose interface it is
    #[arg(long, value_name = "VENDOR", value_parser = clap::builder::PossibleValuesParser::new(aceso_connect::VENDORS))]
    pub vendor: String,
    /// Base address of the interface
    #[arg(long, value_name = "ADDRESS")]
    pub url: String,
    /// Token endpoint; when not given, the vendor's usual place below --url, or what the source says itself (SMART)
    #[arg(long, value_name = "ADDRESS")]
    pub token_url: Option<String>,
    /// Our client id there
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// File with the client secret; it is sealed and the file is not needed afterwards
    #[arg(long, value_name = "FILE", conflicts_with = "key_file", required_unless_present = "key_file")]
    pub secret_file: Option<PathBuf>,
    /// File with a private key (PEM) that signs client assertions
    #[arg(long, value_name = "FILE", requires = "key_id")]
    pub key_file: Option<PathBuf>,
    /// The id under which the other system knows the key
    #[arg(long, value_name = "ID")]
    pub key_id: Option<String>,
    /// Algorithm of the key
    #[arg(long, value_name = "NAME", default_value = admin::USUAL_ALGORITHM)]
    pub algorithm: String,
    /// A scope to ask for; may be given several times. When not given, those for reading what the vendor's profile takes
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// What a FHIR source wants to know (docs/connectors/fhir.md): group=ID, patient=ID, lists=by-patient, parameter.NAME=VALUE,
    /// header.NAME=VALUE; may be given several times
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    pub options: Vec<(String, String)>,
    /// When changes are looked for: five fields of cron
    #[arg(long, value_name = "CRON", default_value = admin::USUAL_SCHEDULE)]
    pub schedule: String,
    /// When everything is compared
    #[arg(long, value_name = "CRON", default_value = admin::USUAL_SWEEP)]
    pub sweep: String,
    /// Time zone of both
    #[arg(long, value_name = "ZONE", default_value = admin::USUAL_TIME_ZONE)]
    pub time_zone: String,
    /// Most requests at once
    #[arg(long, value_name = "N", default_value_t = admin::USUAL_CONCURRENCY)]
    pub concurrency: u32,
    /// Most requests a second; 0: as many as the source takes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub per_second: u32,
    /// Address at which the source reaches this server's /hooks/NAME
    #[arg(long, value_name = "ADDRESS")]
    pub hooks: Option<String>,
    /// Whose data.
    #[command(flatten)]
    pub of: OfTenant,
}

/// One connection.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// Its name
    pub name: String,
    /// Where the configuration is.
    #[command(flatten)]
    pub of: OfTenant,
}

/// A run now.
#[derive(Debug, clap::Args)]
pub struct SyncNow {
    /// Read everything and compare, instead of changes only
    #[arg(long)]
    pub everything: bool,
    /// Which.
    #[command(flatten)]
    pub named: Named,
}

/// What to do with letters.
#[derive(Debug, clap::Subcommand)]
pub enum Letters {
    /// List them
    List(Named),
    /// Show one: which object, since when, how often tried, and why it was set aside
    Inspect(OneLetter),
    /// Read the object again and take it, if it can be taken now
    Retry(OneLetter),
    /// Give it up
    Discard(OneLetter),
}

/// One letter.
#[derive(Debug, clap::Args)]
pub struct OneLetter {
    /// Which connection.
    #[command(flatten)]
    pub named: Named,
    /// Name of the letter
    #[arg(long, value_name = "LETTER")]
    pub letter: String,
}

/// After so long without an end, whoever waits without a terminal is told where to look.
const LONG: Duration = Duration::from_secs(10);
/// Letters that are listed at most.
const LISTED: usize = 1000;

/// Runs it.
///
/// # Errors
/// [`Failure`].
pub fn run(command: Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (of, order) = match command {
        Command::Add(add) => {
            let (config, tenant) = add.of.load()?;
            let form = add.of.form;
            let settings = Box::new(settings(*add, tenant)?);
            return show(out, form, &ordered(config, ConnectionOrder::Add { settings })?);
        }
        Command::Sync(now) => return sync(&now, out),
        Command::List(of) => (of, ConnectionOrder::List),
        Command::Status(Named { name, of }) => (of, ConnectionOrder::Status { name }),
        Command::Pause(Named { name, of }) => (of, ConnectionOrder::Pause { name, paused: true }),
        Command::Resume(Named { name, of }) => (of, ConnectionOrder::Pause { name, paused: false }),
        Command::Remove(Named { name, of }) => (of, ConnectionOrder::Remove { name }),
        Command::Letters(Letters::List(Named { name, of })) => (of, ConnectionOrder::Letters { name, limit: LISTED }),
        Command::Letters(Letters::Inspect(OneLetter { named: Named { name, of }, letter })) => {
            (of, ConnectionOrder::Letter { name, letter })
        }
        Command::Letters(Letters::Retry(OneLetter { named: Named { name, of }, letter })) => {
            (of, ConnectionOrder::Retry { name, letter })
        }
        Command::Letters(Letters::Discard(OneLetter { named: Named { name, of }, letter })) => {
            (of, ConnectionOrder::Discard { name, letter })
        }
    };
    let (config, _) = of.load()?;
    show(out, of.form, &ordered(config, order)?)
}

fn ordered(config: Config, order: ConnectionOrder) -> Result<Value, Failure> {
    have_done(config, Order::Connections(order))
}

fn settings(add: Add, tenant: String) -> Result<Settings, Failure> {
    let proof = match (&add.secret_file, &add.key_file) {
        (Some(file), _) => NewProof::Secret(read(file, "--secret-file")?),
        (None, Some(file)) => NewProof::Key {
            algorithm: add.algorithm,
            key_id: add.key_id.unwrap_or_default(),
            pem: read(file, "--key-file")?,
        },
        (None, None) => return Err(Failure::Usage("say --secret-file or --key-file".to_owned())),
    };
    let settings = Settings::of(NewConnection {
        name: add.name,
        vendor: add.vendor,
        tenant,
        url: add.url,
        token_url: add.token_url,
        client_id: add.client_id,
        scopes: add.scopes,
        proof,
        schedule: add.schedule,
        sweep: add.sweep,
        time_zone: add.time_zone,
        concurrency: add.concurrency,
        per_second: add.per_second,
        hooks: add.hooks,
        paused: false,
        options: add.options,
    });
    Ok(settings?)
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    admin::option(text).ok_or_else(|| admin::OPTION_RULE.to_owned())
}

fn read(file: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
    std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| Failure::Usage(format!("{what} cannot be read ({:?})", error.kind())))
}

/// Runs a connection, here or in the server, with a line that moves on a terminal.
fn sync(now: &SyncNow, out: &mut dyn Write) -> Result<Exit, Failure> {
    let SyncNow { everything, named: Named { name, of } } = now;
    let (config, _) = of.load()?;
    let bar = bar();
    let order = Order::Connections(ConnectionOrder::Sync { name: name.clone(), everything: *everything });
    let report = match served(&config, name, &bar, &order)? {
        Some(report) => report,
        None => crate::serve::runtime()?.block_on(async {
            let app = crate::app::App::open(config).await?;
            let connections = Connections::open(&app).await?;
            let hear = |progress: Progress| bar.set_message(format!("{} {}", progress.kind, progress.objects));
            order::run(&app, &connections, name, *everything, &hear).await
        })?,
    };
    bar.finish_and_clear();
    show(out, of.form, &report)
}

/// As the server tells it, asked again and again while it works. `None` when none runs.
fn served(config: &Config, name: &str, bar: &indicatif::ProgressBar, order: &Order) -> Result<Option<Value>, Failure> {
    let folder = &config.data_dir;
    std::thread::scope(|scope| {
        let working = scope.spawn(|| ask_server(folder, order));
        let (began, mut told) = (std::time::Instant::now(), false);
        while !working.is_finished() {
            std::thread::sleep(Duration::from_millis(200));
            if bar.is_hidden() && !told && began.elapsed() > LONG {
                told = true;
                let _ = writeln!(
                    std::io::stderr(),
                    "aceso: it goes on; `connections status` says how far it is and what holds it up, `connections pause` ends it"
                );
            }
            let status = Order::Connections(ConnectionOrder::Status { name: name.to_owned() });
            if bar.is_hidden() {
                continue;
            }
            if let Ok(Some(status)) = ask_server(folder, &status) {
                let now = status.get("now");
                let kind = now.and_then(|now| now.get("kind")?.as_str()).unwrap_or_default();
                let objects = now.and_then(|now| now.get("objects")?.as_u64()).unwrap_or_default();
                let trouble = status.get("token_error").and_then(Value::as_str);
                let trouble = trouble.map(|word| format!("  no token ({word}), trying again")).unwrap_or_default();
                bar.set_message(format!("{kind} {objects}{trouble}"));
            }
        }
        working.join().unwrap_or_else(|_| Err(Failure::NotSo("the order ended early".to_owned())))
    })
}

/// What moves while a run goes on; on a terminal only.
pub(crate) fn bar() -> indicatif::ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        indicatif::ProgressBar::new_spinner()
    } else {
        indicatif::ProgressBar::hidden()
    };
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
