//! Vitals → one `Observation` for each measurement, as the vital signs profiles of R4 and US Core want them.

use aceso_base::LogicalId;
use aceso_fhir::json::Kind;

use super::report::unit_of;
use super::{Kept, Mapper, keep, text};
use crate::elation::model::{Any, BloodPressure, CustomVital, Decimal, Many, Place, Read, Source, Str, Vital, Vitals};
use crate::fhir::{
    Measured, Object, Text, Tree, concept, identifier, measured, object, quantity, system, text_concept,
};
use crate::pattern::MapError;
use crate::table;

/// What all measurements of a collection share, and what is kept of it, until the first record takes it.
struct Shared<'a> {
    status: &'static str,
    measured: Option<Text<'a>>,
    kept: Option<Kept<'a>>,
}

/// One collection. Its members that have no place are kept with the first measurement.
pub(in crate::elation) fn vitals<'a>(m: &mut Mapper<'_, 'a>, vitals: Vitals<'a>) -> Result<(), MapError> {
    let Vitals {
        id: _,
        patient,
        practice,
        visit_note,
        non_visit_note,
        bp,
        height,
        weight,
        hr,
        rr,
        temperature,
        oxygen,
        pain,
        hc,
        bmi,
        bmi_percentile,
        length_for_weight_percentile,
        custom_observations,
        document_date,
        chart_date,
        signed_date,
        signed_by,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = vitals;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: practice, visit_note, non_visit_note, chart_date, signed_date, signed_by, created_date, deleted_date);
    kept.rest(rest);
    if let Some(custom) = custom_observations {
        keep_odd(custom, &mut kept);
    }
    let status = match () {
        () if m.deleted => "entered-in-error",
        () if signed_date.is_some() => "final",
        () => "preliminary",
    };
    let measured = m.time(&mut kept, "document_date", document_date);
    let mut shared = Shared { status, measured, kept: Some(kept) };
    for (index, pressure) in bp.into_iter().flat_map(|list| list.items) {
        blood_pressure(m, &mut shared, index, pressure);
    }
    let simple = [
        ("height", "height.units", height),
        ("weight", "weight.units", weight),
        ("hr", "hr.units", hr),
        ("rr", "rr.units", rr),
        ("temperature", "temperature.units", temperature),
        ("oxygen", "oxygen.units", oxygen),
        ("pain", "pain.units", pain),
        ("hc", "hc.units", hc),
    ];
    for (name, units_member, list) in simple {
        for (index, vital) in list.into_iter().flat_map(|list: Many<'a, Vital<'a>>| list.items) {
            one(m, &mut shared, (name, units_member), index, vital);
        }
    }
    let numbers = [
        ("bmi", bmi),
        ("bmi_percentile", bmi_percentile),
        ("length_for_weight_percentile", length_for_weight_percentile),
    ];
    for (name, value) in numbers {
        number(m, &mut shared, name, value);
    }
    if let Some(custom) = custom_observations {
        custom_vitals(m, &mut shared, custom)?;
    }
    // A collection without measurements: what it says is still kept.
    if let Some(kept) = shared.kept.take() {
        let id = m.part("empty");
        let mut out = open(m, &shared, &id, text_concept(Some("Vitals".into())));
        let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
        out.set("dataAbsentReason", concept(vec![object! { "system" => absent, "code" => "unknown" }], None));
        m.emit("Observation", id, out, kept);
    }
    Ok(())
}

/// An observation of the category vital signs.
fn open<'a>(m: &Mapper<'_, 'a>, shared: &Shared<'a>, id: &LogicalId, code: Object<'a>) -> Object<'a> {
    let mut out = m.start("Observation", id);
    out.push("identifier", identifier(m.system("vitals"), Some(m.id.clone())));
    out.set("status", shared.status);
    let category = "http://terminology.hl7.org/CodeSystem/observation-category";
    out.push("category", concept(vec![object! { "system" => category, "code" => "vital-signs" }], None));
    out.set("code", code);
    out.set("subject", m.to_patient());
    out.set("effectiveDateTime", shared.measured.clone());
    out
}

fn emit<'a>(
    m: &mut Mapper<'_, 'a>,
    shared: &mut Shared<'a>,
    id: LogicalId,
    out: Object<'a>,
    path: &str,
    inner: Kept<'a>,
) {
    let mut kept = shared.kept.take().unwrap_or_default();
    kept.absorb(path, inner);
    m.emit("Observation", id, out, kept);
}

/// The LOINC code of a vital sign.
fn vital_code<'a>(name: &str) -> Object<'a> {
    let row = table::VITAL.find(name);
    let coding = row.map(|row| object! { "system" => system::LOINC, "code" => row.cell(1), "display" => row.cell(2) });
    let mut codings: Vec<Object<'a>> = coding.into_iter().collect();
    if name == "oxygen" {
        // US Core pulse oximetry asks for both codes.
        let display = "Oxygen saturation in Arterial blood by Pulse oximetry";
        codings.push(object! { "system" => system::LOINC, "code" => "59408-5", "display" => display });
    }
    concept(codings, None)
}

fn blood_pressure<'a>(m: &mut Mapper<'_, 'a>, shared: &mut Shared<'a>, index: usize, pressure: BloodPressure<'a>) {
    let BloodPressure { systolic, diastolic, note, rest, node: _ } = pressure;
    let mut inner = Kept::default();
    inner.rest(rest);
    let id = m.part(&format!("bp:{index}"));
    let mut out = open(m, shared, &id, vital_code("bp"));
    for (name, value) in [("systolic", systolic), ("diastolic", diastolic)] {
        let Some(said) = text(value) else { continue };
        let unit = table::VITAL.find(name).and_then(|row| row.cell(3));
        let mut component = object! { "code" => vital_code(name) };
        match measured(&said) {
            Some(number) => component.set("valueQuantity", quantity(number, None, unit)),
            None => component.set("valueString", said),
        }
        out.push("component", component);
    }
    out.push("note", text(note).map(|note| object! { "text" => note }));
    emit(m, shared, id, out, &format!("bp.{index}"), inner);
}

fn one<'a>(
    m: &mut Mapper<'_, 'a>,
    shared: &mut Shared<'a>,
    (name, units_member): (&'static str, &'static str),
    index: usize,
    vital: Vital<'a>,
) {
    let Vital { value, units, note, percentile, rest, node: _ } = vital;
    let mut inner = Kept::default();
    inner.rest(rest);
    if name == "hc" {
        number(m, shared, "hc_percentile", percentile);
    } else {
        keep!(inner: percentile);
    }
    let id = m.part(&format!("{name}:{index}"));
    let mut out = open(m, shared, &id, vital_code(name));
    let ucum = match units {
        Some(_) => unit_of(m, units, units_member),
        None => table::VITAL.find(name).and_then(|row| row.cell(3)),
    };
    put(&mut out, &mut inner, value, units, ucum);
    out.push("note", text(note).map(|note| object! { "text" => note }));
    emit(m, shared, id, out, &format!("{name}.{index}"), inner);
}

/// A number with its unit, or the words.
fn put<'a>(
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    value: Option<Str<'a>>,
    units: Option<Str<'a>>,
    ucum: Option<&'static str>,
) {
    let said = text(value);
    match said.as_ref().and_then(measured) {
        Some(number) => out.set("valueQuantity", quantity(number, text(units), ucum)),
        None => {
            keep!(kept: units);
            if said.is_none() {
                let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
                out.set("dataAbsentReason", concept(vec![object! { "system" => absent, "code" => "unknown" }], None));
            }
            out.set("valueString", said);
        }
    }
}

/// A vital sign that is a bare number.
fn number<'a>(m: &mut Mapper<'_, 'a>, shared: &mut Shared<'a>, name: &'static str, value: Option<Decimal<'a>>) {
    let Some(value) = value else { return };
    let id = m.part(name);
    let mut out = open(m, shared, &id, vital_code(name));
    let unit = table::VITAL.find(name).and_then(|row| row.cell(3));
    match value.number() {
        Some(digits) => out.set("valueQuantity", quantity(Measured { comparator: None, value: digits }, None, unit)),
        None => out.set("valueString", Tree::from(value.text())),
    }
    emit(m, shared, id, out, name, Kept::default());
}

/// Keeps what is no measurement: another shape than names with objects.
fn keep_odd<'a>(custom: Any<'a>, kept: &mut Kept<'a>) {
    if custom.node().kind() != Kind::Object {
        return kept.put("custom_observations", custom.node());
    }
    for member in custom.node().members().filter(|member| member.value.kind() != Kind::Object) {
        kept.put(format!("custom_observations.{}", member.key), member.value);
    }
}

/// Measurements that the practice has defined, by their names. Their units are the practice's.
fn custom_vitals<'a>(m: &mut Mapper<'_, 'a>, shared: &mut Shared<'a>, custom: Any<'a>) -> Result<(), MapError> {
    for member in custom.node().members() {
        let name = member.key.to_string();
        if member.value.kind() != Kind::Object {
            continue;
        }
        let misshapen = |_| m.fail("custom_observations", crate::pattern::MapCode::Shape);
        let vital = CustomVital::read(member.value, &Place::ROOT).map_err(misshapen)?;
        let CustomVital { label, value, units, note, rest, node: _ } = vital;
        let mut inner = Kept::default();
        inner.rest(rest);
        let id = m.part(&format!("custom:{name}"));
        let own = object! { "system" => m.system("custom_observations"), "code" => code_of(&name) };
        let mut out = open(m, shared, &id, concept(vec![own], text(label).or_else(|| Some(name.clone().into()))));
        let ucum = unit_of(m, units, "custom_observations.units");
        put(&mut out, &mut inner, value, units, ucum);
        out.push("note", text(note).map(|note| object! { "text" => note }));
        emit(m, shared, id, out, "custom_observations", inner);
    }
    Ok(())
}

/// The name as a code: single spaces only.
fn code_of(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}
