//! One patient's chart out of his bundle.

use super::read::{is, items, moment, owned, quantity, text, without_urn};
use super::staff::{Names, address};
use super::{
    Allergy, Course, DAY, Fill, Imaging, Immunization, Intolerance, Lab, LabResult, LabValue, Order, OrderKind, Panel,
    Patient, Problem, Seconds, Visit, Vitals,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The chart; nothing when the bundle lacks what every chart has.
pub(super) fn patient(number: usize, resources: &[Value], names: &Names) -> Option<Patient> {
    let of = |resource_type: &'static str| resources.iter().filter(move |resource| is(resource, resource_type));
    let person = of("Patient").next()?;
    let notes: BTreeMap<&str, String> = of("DiagnosticReport").filter_map(note).collect();
    let mut visits: Vec<Visit> = of("Encounter").filter_map(|encounter| visit(encounter, names, &notes)).collect();
    visits.sort_by_key(|visit| visit.at);
    let places: BTreeMap<String, usize> =
        visits.iter().enumerate().map(|(at, visit)| (visit.source.clone(), at)).collect();
    let place = |resource: &Value| visit_of(resource).and_then(|source| places.get(source).copied());
    for observation in of("Observation") {
        let at = place(observation).and_then(|at| visits.get_mut(at));
        if let Some(visit) = at {
            measure(&mut visit.vitals, observation);
        }
    }
    let measured = visits.iter().enumerate().filter(|(_, visit)| visit.vitals.any()).map(|(at, _)| at).collect();
    let medications: BTreeMap<&str, &Value> =
        of("Medication").filter_map(|medication| Some((text(medication, "/id")?, medication))).collect();
    let courses: Vec<Course> = of("MedicationRequest")
        .enumerate()
        .filter_map(|(at, request)| request_course(number + at, request, &medications, place(request)?))
        .collect();
    let (first, middle, last, maiden) = names_of(person);
    Some(Patient {
        first,
        middle,
        last,
        maiden,
        mothers_maiden: extension(person, "patient-mothersMaidenName").and_then(|found| owned(found, "/valueString")),
        female: text(person, "/gender") == Some("female"),
        birth: birth(person)?,
        deceased: moment(person, "/deceasedDateTime"),
        race: omb(person, "us-core-race"),
        ethnicity: omb(person, "us-core-ethnicity"),
        language: owned(person, "/communication/0/language/text"),
        ssn: ssn(person),
        phone: owned(person, "/telecom/0/value"),
        address: address(person),
        insurance: insurance(of("ExplanationOfBenefit")),
        measured,
        intolerances: intolerances(number, &courses),
        courses,
        labs: labs(resources, &place),
        imaging: of("ImagingStudy").filter_map(|study| imaging(study, place(study)?)).collect(),
        problems: of("Condition").filter_map(|condition| problem(condition, place(condition)?)).collect(),
        allergies: of("AllergyIntolerance").filter_map(allergy).collect(),
        immunizations: of("Immunization").filter_map(|given| immunization(given, place(given)?)).collect(),
        visits,
    })
}

fn visit_of(resource: &Value) -> Option<&str> {
    text(resource, "/encounter/reference").map(without_urn)
}

fn names_of(person: &Value) -> (String, Option<String>, String, Option<String>) {
    let names = items(person, "name");
    let official = names.first().unwrap_or(&Value::Null);
    let maiden = names.iter().find(|name| text(name, "/use") == Some("maiden"));
    (
        owned(official, "/given/0").unwrap_or_default(),
        owned(official, "/given/1"),
        owned(official, "/family").unwrap_or_default(),
        maiden.and_then(|name| owned(name, "/family")),
    )
}

fn birth(person: &Value) -> Option<i64> {
    let date: jiff::civil::Date = text(person, "/birthDate")?.parse().ok()?;
    let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    Some(midnight.div_euclid(DAY))
}

fn extension<'a>(person: &'a Value, ending: &str) -> Option<&'a Value> {
    items(person, "extension").iter().find(|found| text(found, "/url").is_some_and(|url| url.ends_with(ending)))
}

fn omb(person: &Value, ending: &str) -> Option<String> {
    let parts = items(extension(person, ending)?, "extension");
    let category = parts.iter().find(|part| text(part, "/url") == Some("ombCategory"))?;
    owned(category, "/valueCoding/code")
}

fn ssn(person: &Value) -> Option<String> {
    let found = items(person, "identifier")
        .iter()
        .find(|identifier| text(identifier, "/system") == Some("http://hl7.org/fhir/sid/us-ssn"))?;
    Some(text(found, "/value")?.replace('-', ""))
}

/// The payer of the last claim, if there was one.
fn insurance<'a>(claims: impl Iterator<Item = &'a Value>) -> Option<String> {
    let last = claims.max_by_key(|claim| moment(claim, "/created").unwrap_or(0))?;
    owned(last, "/insurance/0/coverage/display").filter(|payer| payer != "NO_INSURANCE")
}

fn visit(encounter: &Value, names: &Names, notes: &BTreeMap<&str, String>) -> Option<Visit> {
    let source = text(encounter, "/id")?;
    let at = moment(encounter, "/period/start")?;
    let end = moment(encounter, "/period/end").unwrap_or(at + 900);
    Some(Visit {
        source: source.to_owned(),
        at,
        minutes: ((end - at) / 60).clamp(10, 120),
        title: owned(encounter, "/type/0/text")?,
        reason: owned(encounter, "/reasonCode/0/coding/0/display"),
        physician: names.physician(encounter)?,
        practice: names.practice(encounter)?,
        note: notes.get(source).cloned(),
        vitals: Vitals::default(),
    })
}

/// The text of a visit note.
fn note(report: &Value) -> Option<(&str, String)> {
    let data = text(report, "/presentedForm/0/data")?;
    let decoded = data_encoding::BASE64.decode(data.as_bytes()).ok()?;
    Some((visit_of(report)?, String::from_utf8(decoded).ok()?.trim().to_owned()))
}

fn measure(vitals: &mut Vitals, observation: &Value) {
    let value = quantity(observation);
    match text(observation, "/code/coding/0/code") {
        Some("8302-2") => vitals.height = value,
        Some("29463-7") => vitals.weight = value,
        Some("39156-5") => vitals.bmi = value,
        Some("59576-9") => vitals.bmi_percentile = value,
        Some("8867-4") => vitals.heart = value,
        Some("9279-1") => vitals.breath = value,
        Some("8310-5") => vitals.temperature = value,
        Some("2708-6" | "2713-6") => vitals.oxygen = value,
        Some("9843-4") => vitals.head = value,
        Some("72514-3") => vitals.pain = value,
        Some("85354-9") => {
            let part = |code: &str| {
                let parts = items(observation, "component");
                quantity(parts.iter().find(|part| text(part, "/code/coding/0/code") == Some(code))?)
            };
            vitals.pressure = part("8480-6").zip(part("8462-4"));
        }
        _ => {}
    }
}

impl Vitals {
    fn any(&self) -> bool {
        self.pressure.is_some() || self.weight.is_some() || self.heart.is_some() || self.temperature.is_some()
    }
}

fn request_course(salt: usize, request: &Value, medications: &BTreeMap<&str, &Value>, visit: usize) -> Option<Course> {
    let coding = match request.pointer("/medicationCodeableConcept/coding/0") {
        Some(coding) => coding,
        None => {
            medications.get(without_urn(text(request, "/medicationReference/reference")?))?.pointer("/code/coding/0")?
        }
    };
    let at = moment(request, "/authoredOn")?;
    let stopped = text(request, "/status") == Some("stopped");
    Some(course(
        salt,
        Course {
            rxnorm: owned(coding, "/code")?,
            name: owned(coding, "/display")?,
            directions: owned(request, "/dosageInstruction/0/text"),
            reason: owned(request, "/reasonReference/0/display"),
            visit,
            documented: false,
            orders: vec![Order { kind: OrderKind::New, at }],
            stopped: stopped.then_some(at + 90 * DAY),
            fills: Vec::new(),
        },
    ))
}

/// A course with what followed its first order: refills, a change of dose, fills. The bundles have none of these, so they are made
/// up here, the same for the same number.
fn course(salt: usize, mut course: Course) -> Course {
    let Some(first) = course.orders.first().copied() else { return course };
    course.documented = salt % 7 == 3;
    if !course.documented {
        course.orders.push(Order { kind: OrderKind::Refill, at: first.at + 30 * DAY });
        if course.stopped.is_none() {
            course.orders.push(Order { kind: OrderKind::DoseChange, at: first.at + 60 * DAY });
        }
        if salt.is_multiple_of(3) {
            course.orders.push(Order { kind: OrderKind::Refill, at: first.at + 85 * DAY });
        }
    }
    course.fills = fills(salt, &course);
    course
}

fn fills(salt: usize, course: &Course) -> Vec<Fill> {
    let mut fills = Vec::new();
    for (order, placed) in course.orders.iter().enumerate().filter(|_| !course.documented) {
        let at: Option<Seconds> = Some(placed.at + 2 * DAY);
        match (salt + order) % 5 {
            0 => {
                fills.push(Fill { order, status: "AJ", at });
                fills.push(Fill { order, status: "AH", at: Some(placed.at + 5 * DAY) });
            }
            3 => fills.push(Fill { order, status: "AK", at: None }),
            4 => fills.push(Fill { order, status: "AL", at }),
            _ => fills.push(Fill { order, status: "AH", at }),
        }
    }
    fills
}

/// The results of one visit are one report with a grid for each panel.
fn labs(resources: &[Value], place: &dyn Fn(&Value) -> Option<usize>) -> Vec<Lab> {
    let observations: BTreeMap<&str, &Value> = resources
        .iter()
        .filter(|resource| is(resource, "Observation"))
        .filter(|resource| text(resource, "/category/0/coding/0/code") == Some("laboratory"))
        .filter_map(|observation| Some((text(observation, "/id")?, observation)))
        .collect();
    let mut by_visit: BTreeMap<(Seconds, usize), Vec<Panel>> = BTreeMap::new();
    for report in resources.iter().filter(|resource| is(resource, "DiagnosticReport")) {
        let Some((at, visit)) = moment(report, "/effectiveDateTime").zip(place(report)) else { continue };
        let results: Vec<LabResult> = items(report, "result")
            .iter()
            .filter_map(|result| observations.get(without_urn(text(result, "/reference")?)))
            .filter_map(|observation| lab_result(observation))
            .collect();
        let coding = report.pointer("/code/coding/0").unwrap_or(&Value::Null);
        if let (false, Some(name), Some(loinc)) =
            (results.is_empty(), owned(coding, "/display"), owned(coding, "/code"))
        {
            by_visit.entry((at, visit)).or_default().push(Panel { name, loinc, results });
        }
    }
    by_visit.into_iter().map(|((at, visit), panels)| Lab { at, visit, panels }).collect()
}

fn lab_result(observation: &Value) -> Option<LabResult> {
    let value = match quantity(observation) {
        Some(number) => LabValue::Number(number),
        None => LabValue::Coded(owned(observation, "/valueCodeableConcept/text")?),
    };
    Some(LabResult {
        name: owned(observation, "/code/text")?,
        loinc: owned(observation, "/code/coding/0/code")?,
        unit: owned(observation, "/valueQuantity/unit"),
        value,
    })
}

fn imaging(study: &Value, visit: usize) -> Option<Imaging> {
    let title = owned(study, "/procedureCode/0/text").or_else(|| owned(study, "/series/0/modality/display"))?;
    Some(Imaging { at: moment(study, "/started")?, visit, title })
}

fn problem(condition: &Value, visit: usize) -> Option<Problem> {
    Some(Problem {
        snomed: owned(condition, "/code/coding/0/code")?,
        name: owned(condition, "/code/text")?,
        active: text(condition, "/clinicalStatus/coding/0/code") == Some("active"),
        onset: moment(condition, "/onsetDateTime")?,
        resolved: moment(condition, "/abatementDateTime"),
        visit,
    })
}

fn allergy(intolerance: &Value) -> Option<Allergy> {
    Some(Allergy {
        name: owned(intolerance, "/code/text")?,
        active: text(intolerance, "/clinicalStatus/coding/0/code") == Some("active"),
        at: moment(intolerance, "/recordedDate")?,
    })
}

/// The bundles know no drug that was not tolerated, so some of those that were stopped are made such here, the same for the same number.
fn intolerances(number: usize, courses: &[Course]) -> Vec<Intolerance> {
    let mut found: Vec<Intolerance> = Vec::new();
    for (_, course) in courses.iter().enumerate().filter(|(at, _)| (number + at).is_multiple_of(2)) {
        let Some((drug, stopped)) = substance(&course.name).zip(course.stopped) else { continue };
        if found.iter().all(|known| known.drug != drug) {
            found.push(Intolerance { drug, at: stopped });
        }
    }
    found
}

/// The words of a drug's name before its strength.
fn substance(name: &str) -> Option<String> {
    let words: Vec<&str> = name.split(' ').take_while(|word| !word.bytes().any(|byte| byte.is_ascii_digit())).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn immunization(given: &Value, visit: usize) -> Option<Immunization> {
    Some(Immunization {
        cvx: owned(given, "/vaccineCode/coding/0/code")?,
        name: owned(given, "/vaccineCode/text")?,
        at: moment(given, "/occurrenceDateTime")?,
        visit,
    })
}
