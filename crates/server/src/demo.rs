//! `aceso demo`: everything in one process, with synthetic patients and one person per role.

use crate::app::{App, CONSOLE_CLIENT, unreachable};
use crate::config::{Config, Problem};
use crate::connections::Connections;
use crate::demo_ehr::Ehr;
use crate::exit::Failure;
use crate::import::{self, Source};
use crate::serve::{Serving, for_people, runtime, signals};
use crate::shutdown::Shutdown;
use crate::{demo_ehr, synthetic, telemetry};
use aceso_base::{LogicalId, Role, RoleSet, TenantId, Timestamp};
use aceso_connect::admin::By;
use aceso_fhir::definitions::ResourceType;
use aceso_identity::{Actor, NewPerson, Person, Secret, TokenRequest};
use aceso_store::Reader as _;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `aceso demo`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Address of the FHIR endpoint
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of health and metrics
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9464")]
    pub ops_listen: SocketAddr,
    /// Folder of the demo; a temporary one when not given. A second start on the same folder continues
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address of the simulated EHR; a free port when not given
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub ehr_listen: SocketAddr,
    /// Without the simulated EHR and its connection
    #[arg(long)]
    pub without_ehr: bool,
    /// How many synthetic patients to load, 1 to 12
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=12))]
    pub patients: u8,
}

const TENANT: &str = "demo";
/// Patients of the simulated EHR.
const EHR_PATIENTS: usize = 12;
/// Where a demo's people, with their passwords and tokens, are written down.
const DEMO_FILE: &str = "demo.json";
/// The configuration of a demo, beside its data.
pub const CONFIG_FILE: &str = "aceso.toml";
/// A demo's tokens last a day, so that printed commands still work after lunch.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Runs the demo until Ctrl-C.
///
/// # Errors
/// [`Failure`].
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    telemetry::install(for_people(), tracing::Level::WARN, std::sync::Arc::new(aceso_base::SystemClock))
        .map_err(|_| Failure::Usage("this process logs already".to_owned()))?;
    let temporary = arguments.data.is_none();
    let folder = match &arguments.data {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("aceso-demo-{}", std::process::id())),
    };
    let folder = made(&folder)?;
    let config = config(arguments, &folder)?;
    let done = runtime()?.block_on(async {
        let shutdown = Shutdown::on_signals().map_err(signals)?;
        let serving = Serving::open(config).await?;
        load(&serving.app, usize::from(arguments.patients), &folder, out).await?;
        let people = people(&serving.app, &folder).await?;
        let ehr = match arguments.without_ehr {
            true => None,
            false => Some(demo_ehr::start(&serving, arguments.ehr_listen, EHR_PATIENTS, TENANT, &folder).await?),
        };
        write_file(&serving, &folder, &people, ehr.as_ref())?;
        tell(&serving, &folder, &people, ehr.as_ref(), out)?;
        let connections = ehr.is_some().then(|| serving.connections.clone());
        let ended = tokio::select! {
            ended = serving.run(&shutdown) => ended,
            () = progress(connections, out) => Ok(()),
        };
        if let Some(ehr) = ehr {
            ehr.stop().await;
        }
        ended
    });
    if temporary {
        let _ = std::fs::remove_dir_all(&folder);
    }
    done
}

/// The folder in full, so that what is printed works in any other terminal.
fn made(folder: &Path) -> Result<PathBuf, Failure> {
    let failed = |text: String| Failure::Configuration(vec![Problem { at: "--data".to_owned(), text }]);
    std::fs::create_dir_all(folder).map_err(|error| failed(format!("cannot be made ({:?})", error.kind())))?;
    folder.canonicalize().map_err(|error| failed(format!("cannot be used ({:?})", error.kind())))
}

fn config(arguments: &Arguments, folder: &Path) -> Result<Config, Failure> {
    let text = format!(
        "mode = \"development\"\nregion = \"us\"\ntenants = [\"{TENANT}\"]\nlisten = \"{}\"\nops_listen = \"{}\"\n\
         [store]\ndir = \"data\"\nreserve_bytes = 16777216\n[search]\npopulation = 0\n[keys]\nprovider = \"local\"\nfile = \"root.key\"\n",
        arguments.listen, arguments.ops_listen
    );
    let mut config = Config::from_layers(&text, folder, []).map_err(Failure::Configuration)?;
    // For the commands that take a configuration: keys, leakage, audit export.
    std::fs::write(folder.join(CONFIG_FILE), &text)
        .map_err(|error| unreachable("aceso.toml", format!("cannot be written ({:?})", error.kind())))?;
    config.access_token = TOKEN_LIFE;
    config.refresh_token = TOKEN_LIFE;
    Ok(config)
}

async fn load(app: &App, patients: usize, folder: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    let mut directory = 0;
    let chosen: Vec<Source> = synthetic::bundles()
        .into_iter()
        .enumerate()
        .filter(|(at, source)| {
            let is_directory = matches!(source, Source::Embedded(name, _) if name.starts_with("0-"));
            directory += usize::from(is_directory);
            is_directory || at - directory < patients
        })
        .map(|(_, source)| source)
        .collect();
    let (bar, progress) = crate::commands::import::progress_bar(chosen.len());
    let quarantine = folder.join("quarantine.ndjson");
    let summary = import::run(app, &tenant()?, chosen, &quarantine, &progress).await?;
    bar.finish_and_clear();
    if summary.bundles > 0 {
        writeln!(out, "Loaded {} synthetic records, sealed ({} refused).", summary.total(), summary.refused)?;
    } else {
        writeln!(out, "Continuing with the synthetic records that are here already.")?;
    }
    Ok(())
}

/// A demo account with its fresh credentials.
struct Account {
    role: Role,
    username: &'static str,
    password: String,
    access_token: String,
}

/// One person per role. Who is known from an earlier start keeps the password that `demo.json` has.
async fn people(app: &App, folder: &Path) -> Result<Vec<Account>, Failure> {
    let earlier = passwords(folder);
    let own = subjects(app)?.into_iter().next();
    let known = app.identity.people(Actor::Installation).map_err(identity)?;
    let mut accounts = Vec::new();
    for &role in Role::ALL {
        let username = role.as_str();
        let own_patient = own.clone().filter(|_| role == Role::Patient);
        let kept = earlier.get(username).filter(|_| known.iter().any(|person| person.username == username)).cloned();
        let signed_in = match &kept {
            Some(password) => sign_in(app, username, password).await.ok(),
            None => None,
        };
        let (password, access_token) = match (kept, signed_in) {
            (Some(password), Some(token)) => (password, token),
            _ => {
                let password = app.rng.token16().to_string();
                set_up(app, &known, username, role, &password, own_patient).await?;
                let token = sign_in(app, username, &password).await?;
                (password, token)
            }
        };
        accounts.push(Account { role, username, password, access_token });
    }
    Ok(accounts)
}

/// The passwords of an earlier start on this folder.
fn passwords(folder: &Path) -> BTreeMap<String, String> {
    let read = || {
        let value: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(DEMO_FILE)).ok()?).ok()?;
        let of = |person: &Value| {
            let text = |name| person.get(name).and_then(Value::as_str).map(str::to_owned);
            Some((text("username")?, text("password")?))
        };
        Some(value.get("people")?.as_array()?.iter().filter_map(of).collect())
    };
    read().unwrap_or_default()
}

async fn sign_in(app: &App, username: &str, password: &str) -> Result<String, Failure> {
    let request = TokenRequest {
        grant_type: "password".to_owned(),
        username: Some(username.to_owned()),
        password: Some(Secret::from(password)),
        refresh_token: None,
        client_id: Some(CONSOLE_CLIENT.to_owned()),
        client_secret: None,
        scope: None,
        request: None,
    };
    let token = app.identity.token(request).await;
    let token = token.map_err(|error| unreachable("the token service", error.description))?;
    Ok(token.access_token.reveal().to_owned())
}

async fn set_up(
    app: &App,
    known: &[Person],
    username: &str,
    role: Role,
    password: &str,
    own_patient: Option<LogicalId>,
) -> Result<(), Failure> {
    let password = Secret::from(password);
    if let Some(person) = known.iter().find(|person| person.username == username) {
        app.identity.set_password(Actor::Installation, &person.id, &password).await.map_err(identity)?;
        return Ok(());
    }
    let roles = RoleSet::NONE.with(role);
    let new =
        NewPerson { username: username.to_owned(), tenant: tenant()?, roles, own_patient, password: Some(password) };
    app.identity.add_person(Actor::Installation, new).await.map(|_| ()).map_err(identity)
}

fn subjects(app: &App) -> Result<Vec<LogicalId>, Failure> {
    let (from, to) = (Timestamp(0), Timestamp(i64::MAX));
    let found = app.store.updated_between(&tenant()?, ResourceType::PATIENT, from, to, None, 5);
    let found = found.map_err(|error| unreachable("the store", error.to_string()))?;
    Ok(found.into_iter().map(|patient| patient.id).collect())
}

fn write_file(serving: &Serving, folder: &Path, people: &[Account], ehr: Option<&Ehr>) -> Result<(), Failure> {
    let subjects: Vec<String> = subjects(&serving.app)?.iter().map(|id| id.as_str().to_owned()).collect();
    let people: Vec<Value> = people
        .iter()
        .map(|account| {
            json!({
                "role": account.role.as_str(),
                "username": account.username,
                "password": account.password,
                "access_token": account.access_token,
            })
        })
        .collect();
    let mut value =
        json!({ "fhir": fhir(serving), "console": console(serving), "people": people, "subjects": subjects });
    if let (Some(ehr), Some(object)) = (ehr, value.as_object_mut()) {
        object.insert("ehr".to_owned(), ehr.base_url().into());
    }
    let failed = |error: std::io::Error| unreachable(DEMO_FILE, format!("cannot be written ({:?})", error.kind()));
    write_private(&folder.join(DEMO_FILE), &format!("{value:#}\n")).map_err(failed)
}

/// Writes a file that its owner alone can read: whole, or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, path)
}

/// Says once that the first records of the EHR have come in; on a terminal also what is being read until then. Never ends by
/// itself, also when nobody reads what it says.
async fn progress(connections: Option<Connections>, out: &mut dyn Write) {
    let Some(connections) = connections else { return std::future::pending().await };
    let bar = crate::commands::connections::bar();
    while let Ok(status) = connections.status(&By::Machine, demo_ehr::CONNECTION).map(|status| status.to_json()) {
        let read = status.get("read").and_then(Value::as_u64).unwrap_or_default();
        if status.get("last_success").is_some_and(Value::is_string) {
            bar.finish_and_clear();
            let _ = writeln!(out, "  The EHR's records are here: {read} objects read, and its changes follow.");
            let _ = out.flush();
            break;
        }
        bar.set_message(format!("EHR: {read} objects"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    std::future::pending().await
}

fn tell(
    serving: &Serving,
    folder: &Path,
    people: &[Account],
    ehr: Option<&Ehr>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let fhir = fhir(serving);
    let patient = subjects(&serving.app)?.into_iter().next().map(|id| id.as_str().to_owned()).unwrap_or_default();
    let folder = folder.display();
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("aceso"));
    let program = program.display();
    writeln!(
        out,
        "\n  console   {}\n  FHIR R4   {fhir}\n  metrics   http://{}/metrics\n  people    {folder}/{DEMO_FILE}",
        console(serving),
        serving.ops_address
    )?;
    if let Some(ehr) = ehr {
        writeln!(out, "  EHR       {} (simulated; its records come in while you read this)", ehr.base_url())?;
    }
    let names = people.iter().map(|a| a.username).collect::<Vec<_>>().join(", ");
    writeln!(out, "\n  One person per role: {names}")?;
    writeln!(
        out,
        "\n  Sign in at the console, as physician first, then as auditor and operator; names and passwords:\n    python3 -c \"import json; [print(p['username'].ljust(12), p['password']) for p in json.load(open('{folder}/{DEMO_FILE}'))['people']]\""
    )?;
    writeln!(
        out,
        "\n  Take tokens from the file:\n    token() {{ python3 -c \"import json,sys; print([p['access_token'] for p in json.load(open('{folder}/{DEMO_FILE}'))['people'] if p['role']==sys.argv[1]][0])\" $1; }}"
    )?;
    let stories = [
        (
            "The operator of the system sees no patient",
            format!("curl -s -H \"Authorization: Bearer $(token operator)\" {fhir}/Patient/{patient}"),
        ),
        (
            "Billing sees who, not what",
            format!("curl -s -H \"Authorization: Bearer $(token billing)\" {fhir}/Patient/{patient}"),
        ),
        (
            "A researcher sees what, not who",
            format!(
                "curl -s -H \"Authorization: Bearer $(token researcher)\" '{fhir}/Observation?patient={patient}&_count=2'"
            ),
        ),
        (
            "The physician opens the record to treat",
            format!(
                "curl -s -H \"Authorization: Bearer $(token physician)\" -H 'X-Purpose-Of-Use: TREAT' {fhir}/Patient/{patient}"
            ),
        ),
        (
            "Search inside one patient",
            format!(
                "curl -s -H \"Authorization: Bearer $(token physician)\" '{fhir}/Observation?patient={patient}&category=vital-signs&_sort=-date&_count=3'"
            ),
        ),
        (
            "The auditor sees who looked",
            format!(
                "curl -s -H \"Authorization: Bearer $(token auditor)\" 'http://{}/audit/entries?count=5'",
                serving.address
            ),
        ),
        (
            "Anybody can check the log, offline (in another terminal)",
            format!(
                "LOG=$(mktemp -d) && {program} audit export --data {folder}/data --out $LOG && {program} audit verify $LOG"
            ),
        ),
    ];
    for (title, command) in stories {
        writeln!(out, "\n  {title}:\n    {command}")?;
    }
    if ehr.is_some() {
        let name = demo_ehr::CONNECTION;
        writeln!(
            out,
            "\n  A connected EHR, and how its records come in:\n    {program} connections status {name} --config {folder}/{CONFIG_FILE}"
        )?;
    }
    writeln!(out, "\n  Ctrl-C stops.")?;
    out.flush()?;
    Ok(())
}

fn fhir(serving: &Serving) -> String {
    serving.app.repository.settings().base_url.clone()
}

fn console(serving: &Serving) -> String {
    format!("{}/console", serving.app.config.public_url)
}

fn tenant() -> Result<TenantId, Failure> {
    TenantId::parse(TENANT).map_err(|error| Failure::Usage(error.to_string()))
}

fn identity(error: aceso_identity::IdentityError) -> Failure {
    unreachable("the token service", error.to_string())
}
