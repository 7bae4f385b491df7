//! The practices and physicians that the patients' visits name.

use super::read::{after_bar, is, items, owned, text};
use super::{Address, Physician, Practice};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Which practices and physicians occur, each in the order of its identifier.
pub(super) struct Names {
    practices: Vec<String>,
    /// NPI and place of the practice.
    physicians: Vec<(String, usize)>,
}

impl Names {
    pub(super) fn of<'a>(people: impl Iterator<Item = &'a Value>, shared: &[Value]) -> Self {
        let mut practices = BTreeSet::new();
        let mut npis = BTreeSet::new();
        for visit in people.filter(|resource| is(resource, "Encounter")) {
            practices.extend(practice_of(visit).map(str::to_owned));
            npis.extend(physician_of(visit).map(str::to_owned));
        }
        let homes: BTreeMap<&str, &str> = shared
            .iter()
            .filter(|resource| is(resource, "PractitionerRole"))
            .filter_map(|role| {
                Some((text(role, "/practitioner/identifier/value")?, text(role, "/organization/identifier/value")?))
            })
            .collect();
        practices.extend(npis.iter().filter_map(|npi| homes.get(npi.as_str())).map(|home| (*home).to_owned()));
        let practices: Vec<String> = practices.into_iter().collect();
        let place = |npi: &str| {
            let home = homes.get(npi)?;
            practices.binary_search_by(|practice| practice.as_str().cmp(home)).ok()
        };
        let physicians = npis.into_iter().map(|npi| (place(&npi).unwrap_or(0), npi)).map(|(at, npi)| (npi, at));
        Self { physicians: physicians.collect(), practices }
    }

    pub(super) fn practice(&self, visit: &Value) -> Option<usize> {
        let source = practice_of(visit)?;
        self.practices.binary_search_by(|practice| practice.as_str().cmp(source)).ok()
    }

    pub(super) fn physician(&self, visit: &Value) -> Option<usize> {
        let npi = physician_of(visit)?;
        self.physicians.binary_search_by(|(known, _)| known.as_str().cmp(npi)).ok()
    }

    /// What the shared bundles say about them.
    pub(super) fn describe(&self, shared: &[Value]) -> (Vec<Practice>, Vec<Physician>) {
        let by_identifier = |resource_type: &'static str| -> BTreeMap<&str, &Value> {
            let of_type = shared.iter().filter(move |resource| is(resource, resource_type));
            of_type.filter_map(|resource| Some((text(resource, "/identifier/0/value")?, resource))).collect()
        };
        let organizations = by_identifier("Organization");
        let practitioners = by_identifier("Practitioner");
        let roles: BTreeMap<&str, &Value> = shared
            .iter()
            .filter(|resource| is(resource, "PractitionerRole"))
            .filter_map(|role| Some((text(role, "/practitioner/identifier/value")?, role)))
            .collect();
        let practices = self
            .practices
            .iter()
            .map(|source| practice(source, organizations.get(source.as_str()).copied().unwrap_or(&Value::Null)))
            .collect();
        let physicians = self
            .physicians
            .iter()
            .map(|(npi, practice)| {
                let person = practitioners.get(npi.as_str()).copied().unwrap_or(&Value::Null);
                let role = roles.get(npi.as_str()).copied().unwrap_or(&Value::Null);
                physician(npi, *practice, person, role)
            })
            .collect();
        (practices, physicians)
    }
}

fn practice_of(visit: &Value) -> Option<&str> {
    after_bar(text(visit, "/serviceProvider/reference")?)
}

fn physician_of(visit: &Value) -> Option<&str> {
    after_bar(text(visit, "/participant/0/individual/reference")?)
}

fn practice(source: &str, organization: &Value) -> Practice {
    Practice {
        source: source.to_owned(),
        name: owned(organization, "/name").unwrap_or_default(),
        phone: owned(organization, "/telecom/0/value"),
        address: address(organization),
    }
}

fn physician(npi: &str, practice: usize, person: &Value, role: &Value) -> Physician {
    let email = items(person, "telecom").iter().find(|telecom| text(telecom, "/system") == Some("email"));
    Physician {
        npi: npi.to_owned(),
        first: owned(person, "/name/0/given/0").unwrap_or_default(),
        last: owned(person, "/name/0/family").unwrap_or_default(),
        email: email.and_then(|telecom| owned(telecom, "/value")),
        specialty: owned(role, "/specialty/0/text"),
        practice,
    }
}

/// The first address of a resource.
pub(super) fn address(resource: &Value) -> Address {
    Address {
        line: owned(resource, "/address/0/line/0").unwrap_or_default(),
        city: owned(resource, "/address/0/city").unwrap_or_default(),
        state: owned(resource, "/address/0/state").unwrap_or_default(),
        zip: owned(resource, "/address/0/postalCode").unwrap_or_default(),
    }
}
