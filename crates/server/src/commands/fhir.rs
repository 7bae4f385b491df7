//! `aceso fhir`.

use super::{AsJson, ConfigFile, write_json};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::packages::{PackageStore, StoreError};
use aceso_fhir::packages::{Package, PackageKind, PackageLimits};
use serde_json::{Value, json};
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

/// What to do with FHIR's own definitions.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Packages: profiles, value sets, code systems
    #[command(subcommand)]
    Packages(Packages),
}

/// What to do with packages.
#[derive(Debug, clap::Subcommand)]
pub enum Packages {
    /// Take a package into the data directory; `fhir.packages` of the configuration puts it in force at the next start
    Add(Add),
    /// The packages of the data directory, and which are in force
    List(List),
}

/// Which package.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// A package (.tgz) as it is distributed, or a JSON file with one CodeSystem or ValueSet
    #[arg(value_name = "FILE")]
    pub package: PathBuf,
    /// Where the configuration is.
    #[command(flatten)]
    pub file: ConfigFile,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// Where to look.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Where the configuration is.
    #[command(flatten)]
    pub file: ConfigFile,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// Runs it.
///
/// # Errors
/// [`Failure`]: exit 1 for a package that is refused.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Packages(Packages::Add(add)) => run_add(add, out),
        Command::Packages(Packages::List(list)) => run_list(list, out),
    }
}

fn run_add(add: &Add, out: &mut dyn Write) -> Result<Exit, Failure> {
    let config = Config::load(&add.file.config).map_err(Failure::Configuration)?;
    if !config.data_dir.is_dir() {
        let remedy = "does not exist; create it for the user of the server with mode 700, or start the server once";
        return Err(Failure::Unreachable { what: "store.dir", remedy: remedy.to_owned() });
    }
    let bytes = read(&add.package)?;
    let added = PackageStore::of(&config.data_dir).add(&bytes).map_err(told)?;
    let id = &added.stored.id;
    if add.form.json {
        let mut value = described(&added.package);
        if let Some(members) = value.as_object_mut() {
            members.insert("sha256".to_owned(), added.stored.sha256.clone().into());
            members.insert("added".to_owned(), (!added.was_there).into());
        }
        write_json(out, &value)?;
        return Ok(Exit::Done);
    }
    let counts: Vec<String> =
        PackageKind::ALL.iter().map(|kind| format!("{} {}", added.package.count(*kind), kind.name())).collect();
    writeln!(out, "{id} {}: {}", if added.was_there { "was there already" } else { "added" }, counts.join(", "))?;
    let needs: Vec<String> =
        added.package.dependencies().iter().map(|need| format!("{}#{}", need.name, need.version)).collect();
    if !needs.is_empty() {
        writeln!(out, "It builds on: {}", needs.join(", "))?;
    }
    if !in_force(&config).contains(id) {
        writeln!(
            out,
            "Put it in force with fhir.packages = [\"{id}\"] in the configuration, and start the server anew."
        )?;
    }
    Ok(Exit::Done)
}

fn run_list(list: &List, out: &mut dyn Write) -> Result<Exit, Failure> {
    let config = Config::load(&list.file.config).map_err(Failure::Configuration)?;
    let store = PackageStore::of(&config.data_dir);
    let in_force = in_force(&config);
    let mut rows = Vec::new();
    for stored in store.list().map_err(told)? {
        let read = store.load(&stored.id);
        let mut row = match &read {
            Ok(package) => described(package),
            Err(error) => json!({ "package": stored.id, "fault": error.to_string() }),
        };
        if let Some(members) = row.as_object_mut() {
            members.insert("sha256".to_owned(), stored.sha256.clone().into());
            members.insert("in_force".to_owned(), in_force.contains(&stored.id).into());
        }
        rows.push(row);
    }
    if list.form.json {
        write_json(out, &json!({ "packages": rows }))?;
        return Ok(Exit::Done);
    }
    for row in &rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let force = if row.get("in_force") == Some(&Value::Bool(true)) { "in force" } else { "not in force" };
        let counts = PackageKind::ALL.iter().map(|kind| {
            let count = row.pointer(&format!("/resources/{}", kind.name())).and_then(Value::as_u64).unwrap_or_default();
            format!("{count} {}", kind.name())
        });
        let about = if row.get("fault").is_some() { text("fault") } else { counts.collect::<Vec<_>>().join(", ") };
        writeln!(out, "{}  {force}  {}  {about}", text("package"), text("sha256"))?;
    }
    if rows.is_empty() {
        writeln!(out, "There are no packages.")?;
    }
    Ok(Exit::Done)
}

/// Names of all packages that the configuration puts in force, for whichever tenant.
fn in_force(config: &Config) -> Vec<String> {
    let of_tenants = config.packages.of_tenants.values().flatten();
    config.packages.usual.iter().chain(of_tenants).cloned().collect()
}

fn described(package: &Package) -> Value {
    let counts = PackageKind::ALL.iter().map(|kind| (kind.name().to_owned(), package.count(*kind).into()));
    let needs = package.dependencies().iter().map(|need| format!("{}#{}", need.name, need.version));
    json!({
        "package": package.id(),
        "title": package.title(),
        "resources": counts.collect::<serde_json::Map<_, _>>(),
        "builds_on": needs.collect::<Vec<_>>(),
    })
}

fn told(error: StoreError) -> Failure {
    match error {
        StoreError::Io(kind) => Failure::Unreachable {
            what: "the packages",
            remedy: format!("the folder packages in store.dir cannot be read or written ({kind:?})"),
        },
        other => Failure::NotSo(format!("the package is refused: {other}")),
    }
}

/// The whole file, as far as a package may be long.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let limit = PackageLimits::default().max_resource as u64;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failure::Usage(format!("the file cannot be read ({:?})", error.kind()))),
    }
}
