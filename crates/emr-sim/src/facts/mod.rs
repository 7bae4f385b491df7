//! What the synthetic patients are made of, taken out of their FHIR bundles (`testdata/synthea`, Apache-2.0; nobody real).
//!
//! Read once per process. Nothing here knows Elation's names.

mod chart;
mod read;
mod staff;

use crate::options::StartError;
use bzip2::read::MultiBzDecoder;
use serde_json::Value;
use std::io::Read as _;
use std::sync::{Arc, OnceLock};

/// Seconds since the epoch.
pub(crate) type Seconds = i64;

pub(crate) const DAY: Seconds = 86_400;

/// Everything the simulator draws on.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) practices: Vec<Practice>,
    pub(crate) physicians: Vec<Physician>,
    pub(crate) patients: Vec<Patient>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Address {
    pub(crate) line: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) zip: String,
}

#[derive(Debug)]
pub(crate) struct Practice {
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) phone: Option<String>,
    pub(crate) address: Address,
}

#[derive(Debug)]
pub(crate) struct Physician {
    pub(crate) npi: String,
    pub(crate) first: String,
    pub(crate) last: String,
    pub(crate) email: Option<String>,
    pub(crate) specialty: Option<String>,
    /// Place in `practices`.
    pub(crate) practice: usize,
}

#[derive(Debug)]
pub(crate) struct Patient {
    pub(crate) first: String,
    pub(crate) middle: Option<String>,
    pub(crate) last: String,
    pub(crate) maiden: Option<String>,
    pub(crate) mothers_maiden: Option<String>,
    pub(crate) female: bool,
    /// Days since the epoch.
    pub(crate) birth: i64,
    pub(crate) deceased: Option<Seconds>,
    pub(crate) race: Option<String>,
    pub(crate) ethnicity: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) ssn: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) address: Address,
    pub(crate) insurance: Option<String>,
    pub(crate) visits: Vec<Visit>,
    /// Places in `visits` of those where something was measured.
    pub(crate) measured: Vec<usize>,
    pub(crate) courses: Vec<Course>,
    pub(crate) labs: Vec<Lab>,
    pub(crate) imaging: Vec<Imaging>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) allergies: Vec<Allergy>,
    pub(crate) intolerances: Vec<Intolerance>,
    pub(crate) immunizations: Vec<Immunization>,
}

#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) source: String,
    pub(crate) at: Seconds,
    pub(crate) minutes: i64,
    pub(crate) title: String,
    pub(crate) reason: Option<String>,
    pub(crate) physician: usize,
    pub(crate) practice: usize,
    pub(crate) note: Option<String>,
    pub(crate) vitals: Vitals,
}

/// Measurements in the units of the bundles: `cm`, `kg`, `/min`, `Cel`, `%`, `mm[Hg]`.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    pub(crate) height: Option<f64>,
    pub(crate) weight: Option<f64>,
    pub(crate) bmi: Option<f64>,
    pub(crate) bmi_percentile: Option<f64>,
    pub(crate) heart: Option<f64>,
    pub(crate) breath: Option<f64>,
    pub(crate) temperature: Option<f64>,
    pub(crate) oxygen: Option<f64>,
    pub(crate) head: Option<f64>,
    pub(crate) pain: Option<f64>,
    pub(crate) pressure: Option<(f64, f64)>,
}

/// A course of treatment: its orders in time, its end, its fills.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    pub(crate) rxnorm: String,
    pub(crate) name: String,
    pub(crate) directions: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) visit: usize,
    /// Documented, not prescribed.
    pub(crate) documented: bool,
    pub(crate) orders: Vec<Order>,
    pub(crate) stopped: Option<Seconds>,
    pub(crate) fills: Vec<Fill>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) kind: OrderKind,
    pub(crate) at: Seconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderKind {
    New,
    Refill,
    DoseChange,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    /// Place in the course's orders.
    pub(crate) order: usize,
    /// `AH` dispensed, `AJ` partly, `AK` not, `AL` transferred.
    pub(crate) status: &'static str,
    pub(crate) at: Option<Seconds>,
}

/// The lab results of one visit.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) at: Seconds,
    pub(crate) visit: usize,
    pub(crate) panels: Vec<Panel>,
}

#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) name: String,
    pub(crate) loinc: String,
    pub(crate) results: Vec<LabResult>,
}

#[derive(Debug, Clone)]
pub(crate) struct LabResult {
    pub(crate) name: String,
    pub(crate) loinc: String,
    pub(crate) unit: Option<String>,
    pub(crate) value: LabValue,
}

#[derive(Debug, Clone)]
pub(crate) enum LabValue {
    Number(f64),
    Coded(String),
}

#[derive(Debug)]
pub(crate) struct Imaging {
    pub(crate) at: Seconds,
    pub(crate) visit: usize,
    pub(crate) title: String,
}

#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) snomed: String,
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) onset: Seconds,
    pub(crate) resolved: Option<Seconds>,
    pub(crate) visit: usize,
}

#[derive(Debug)]
pub(crate) struct Allergy {
    pub(crate) name: String,
    pub(crate) active: bool,
    pub(crate) at: Seconds,
}

/// A drug that was stopped because it was not tolerated.
#[derive(Debug)]
pub(crate) struct Intolerance {
    pub(crate) drug: String,
    pub(crate) at: Seconds,
}

#[derive(Debug)]
pub(crate) struct Immunization {
    pub(crate) cvx: String,
    pub(crate) name: String,
    pub(crate) at: Seconds,
    pub(crate) visit: usize,
}

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../../testdata/synthea/", $name)))),+]
    };
}

/// Name of the file and its bytes.
type Embedded = (&'static str, &'static [u8]);

const SHARED: &[Embedded] =
    embedded!["0-hospitalInformation1625911868739.json.bz2", "0-practitionerInformation1625911868739.json.bz2"];

const PEOPLE: &[Embedded] = embedded![
    "085e81c0-7a95-ef02-16ef-aa1b4344deed.json.bz2",
    "19625ee6-1a94-1a6a-ca95-40c4efbbdfc7.json.bz2",
    "53eac4c0-8d6b-72da-2768-a6d08e687f48.json.bz2",
    "5f66ecbb-b445-1290-4b55-9fc3ddfd569e.json.bz2",
    "6c8f3e83-c351-ed33-c38d-6be101c275d2.json.bz2",
    "8708d3e1-f718-96bb-03f0-f2a6564ae1cd.json.bz2",
    "8a4c9c04-1524-9f1c-d65b-9b17e4520fef.json.bz2",
    "9a174f9e-ed67-6617-0106-745fb1f9a344.json.bz2",
    "be9d18f7-f230-dadc-049e-c13d3a4ac079.json.bz2",
    "beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2",
    "c0697745-be05-4abc-07e0-f78ca6cb7230.json.bz2",
    "d1193889-ebd9-4e35-bf1b-8a73ecbfc00b.json.bz2",
];

/// The synthetic patients that this crate carries (`testdata/synthea`, Apache-2.0; nobody real): file name and bytes (FHIR R4 bundles in
/// JSON, compressed by bzip2), first hospitals and practitioners, whom the others refer to.
pub fn synthetic_bundles() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    SHARED.iter().chain(PEOPLE).copied()
}

/// The facts, read at the first call.
///
/// # Errors
/// When a bundle of the repository is not what it was.
pub(crate) fn facts() -> Result<Arc<Facts>, StartError> {
    static READ: OnceLock<Result<Arc<Facts>, &'static str>> = OnceLock::new();
    READ.get_or_init(|| read().map(Arc::new)).clone().map_err(|bundle| StartError::Bundle { bundle })
}

fn read() -> Result<Facts, &'static str> {
    let people = PEOPLE.iter().map(resources).collect::<Result<Vec<_>, _>>()?;
    let mut shared = Vec::new();
    for bundle in SHARED {
        shared.extend(resources(bundle)?.1);
    }
    let names = staff::Names::of(people.iter().flat_map(|(_, resources)| resources), &shared);
    let (practices, physicians) = names.describe(&shared);
    let patients = people
        .iter()
        .enumerate()
        .map(|(at, (bundle, resources))| chart::patient(at, resources, &names).ok_or(*bundle))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Facts { practices, physicians, patients })
}

fn resources(bundle: &Embedded) -> Result<(&'static str, Vec<Value>), &'static str> {
    let (name, stored) = *bundle;
    let mut json = Vec::new();
    MultiBzDecoder::new(stored).read_to_end(&mut json).map_err(|_| name)?;
    let mut bundle: Value = serde_json::from_slice(&json).map_err(|_| name)?;
    let entries = bundle.get_mut("entry").and_then(Value::as_array_mut).ok_or(name)?;
    let resources = entries.iter_mut().filter_map(|entry| entry.get_mut("resource").map(Value::take)).collect();
    Ok((name, resources))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundles_of_the_repository_become_twelve_charts_with_staff() {
        let facts = facts().unwrap();
        assert_eq!(facts.patients.len(), 12);
        let sum = |count: fn(&Patient) -> usize| facts.patients.iter().map(count).sum::<usize>();
        // As counted in the bundles.
        assert_eq!(sum(|p| p.visits.len()), 118);
        assert_eq!(sum(|p| p.courses.len()), 27);
        assert_eq!(sum(|p| p.problems.len()), 57);
        assert_eq!(sum(|p| p.allergies.len()), 7);
        assert_eq!(sum(|p| p.immunizations.len()), 100);
        assert_eq!(sum(|p| p.imaging.len()), 2);
        assert_eq!(sum(|p| p.labs.iter().map(|lab| lab.panels.len()).sum()), 43);
        assert!(facts.physicians.iter().all(|physician| physician.practice < facts.practices.len()));
        assert!(sum(|p| p.measured.len()) > 60);
    }
}
