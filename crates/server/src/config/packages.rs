//! `[fhir]`: which packages are in force, and for which tenants others.

use super::{Problem, Typed, Value};
use aceso_base::TenantId;
use aceso_repository::ProfilesOnWrite;
use std::collections::{BTreeMap, BTreeSet};

/// Packages as `name#version`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackagesConfig {
    /// For every tenant that has no list of its own.
    pub usual: Vec<String>,
    /// Whether writes are held against profiles.
    pub on_write: ProfilesOnWrite,
    /// In the place of the usual ones.
    pub of_tenants: BTreeMap<TenantId, Vec<String>>,
}

impl PackagesConfig {
    /// Whether there are any.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.usual.is_empty() || self.of_tenants.values().any(|list| !list.is_empty())
    }
}

impl Typed<'_> {
    pub(super) fn packages(&mut self) -> PackagesConfig {
        let usual = self.package_list("fhir.packages");
        let tenants = match self.effective.get("tenants") {
            Some(Value::List(tenants)) => tenants.clone(),
            _ => Vec::new(),
        };
        let names: Vec<String> = self.effective.names("fhir").map(str::to_owned).collect();
        let mut of_tenants = BTreeMap::new();
        for name in names {
            let at = format!("fhir.{name}.packages");
            match TenantId::parse(&name) {
                Ok(tenant) if tenants.contains(&name) => {
                    of_tenants.insert(tenant, self.package_list(&at));
                }
                _ => self.problems.push(Problem::new(at, "is of none of the tenants of this configuration")),
            }
        }
        let on_write = match self.text("fhir.profiles").as_str() {
            "warn" => ProfilesOnWrite::Warn,
            "enforce" => ProfilesOnWrite::Enforce,
            _ => ProfilesOnWrite::Off,
        };
        PackagesConfig { usual, on_write, of_tenants }
    }

    fn package_list(&mut self, at: &str) -> Vec<String> {
        let list = self.list(at);
        let named =
            |text: &String| text.split_once('#').is_some_and(|(name, version)| !name.is_empty() && !version.is_empty());
        if !list.iter().all(named) {
            self.problems.push(Problem::new(at, "each is NAME#VERSION, such as \"hl7.fhir.us.core#6.1.0\""));
        }
        if list.iter().collect::<BTreeSet<_>>().len() < list.len() {
            self.problems.push(Problem::new(at, "names a package twice"));
        }
        list
    }
}
