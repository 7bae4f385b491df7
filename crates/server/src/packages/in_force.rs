use super::store::{PackageStore, StoreError};
use crate::config::{Config, Problem};
use aceso_fhir::packages::{Package, PackageSet};
use aceso_fhir::terminology::{Table, Terminology};
use aceso_repository::{Definitions, InForce, ProfilesOnWrite};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Packages by name, each read and compiled once however many tenants use it.
type Loaded = BTreeMap<String, (Arc<Package>, Arc<Table>)>;

/// Loads the packages that the configuration names.
///
/// # Errors
/// Every package that is not there or cannot be used, under the key that names it.
pub fn in_force(config: &Config) -> Result<Definitions, Vec<Problem>> {
    let store = PackageStore::of(&config.data_dir);
    let on_write = config.packages.on_write;
    let mut loaded = Loaded::new();
    let mut problems = Vec::new();
    let usual = together("fhir.packages", &config.packages.usual, &store, on_write, &mut loaded, &mut problems);
    let mut of_tenants = BTreeMap::new();
    for (tenant, names) in &config.packages.of_tenants {
        let at = format!("fhir.{tenant}.packages");
        of_tenants.insert(tenant.clone(), together(&at, names, &store, on_write, &mut loaded, &mut problems));
    }
    if problems.is_empty() { Ok(Definitions::new(usual, of_tenants)) } else { Err(problems) }
}

fn together(
    at: &str,
    names: &[String],
    store: &PackageStore,
    on_write: ProfilesOnWrite,
    loaded: &mut Loaded,
    problems: &mut Vec<Problem>,
) -> Arc<InForce> {
    let mut refuse = |text: String| problems.push(Problem { at: at.to_owned(), text });
    let (mut packages, mut tables) = (Vec::new(), Vec::new());
    for name in names {
        match load(name, store, loaded) {
            Ok((package, table)) => {
                packages.push(package);
                tables.push(table);
            }
            Err(error) => refuse(format!("{name} {error}")),
        }
    }
    match PackageSet::new(packages) {
        Ok(packages) => Arc::new(InForce::new(packages, Terminology::new(tables), on_write)),
        Err(error) => {
            refuse(error.to_string());
            Arc::default()
        }
    }
}

fn load(name: &str, store: &PackageStore, loaded: &mut Loaded) -> Result<(Arc<Package>, Arc<Table>), StoreError> {
    if let Some((package, table)) = loaded.get(name) {
        return Ok((Arc::clone(package), Arc::clone(table)));
    }
    let package = store.load(name)?;
    let table = Table::of_package(&package)?;
    let both = (Arc::new(package), Arc::new(table));
    loaded.insert(name.to_owned(), both.clone());
    Ok(both)
}

/// What the packages in force are, and what they need that is not in force: for the doctor.
///
/// # Errors
/// As for [`in_force`].
pub fn examine(config: &Config) -> Result<(usize, Vec<String>), Vec<Problem>> {
    let definitions = in_force(config)?;
    let mut names: Vec<String> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for tenant in &config.tenants {
        let packages = &definitions.of(tenant).packages;
        names.extend(packages.packages().iter().map(|package| package.id()));
        missing.extend(packages.missing().iter().map(|(_, need)| format!("{}#{}", need.name, need.version)));
    }
    for list in [&mut names, &mut missing] {
        list.sort();
        list.dedup();
    }
    Ok((names.len(), missing))
}
