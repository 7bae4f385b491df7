//! Reports of type `Lab` → one `DiagnosticReport` for each grid and one `Observation` for each result; other reports →
//! `DocumentReference`.

use std::collections::BTreeMap;

use super::{Kept, Mapper, SEPARATOR, keep, text};
use crate::elation::model::{Grid, LabResult, LabTest, Many, Report, ReportFile, Str, TestCategory};
use crate::fhir::{Object, Text, Tree, coding, concept, identifier, measured, object, quantity, system, text_concept};
use crate::pattern::{MapError, UnknownCode};
use crate::table;

/// One report.
pub(in crate::elation) fn report<'a>(m: &mut Mapper<'_, 'a>, report: Report<'a>) -> Result<(), MapError> {
    let Report {
        id: _,
        patient,
        practice,
        physician,
        report_type,
        custom_title,
        grids,
        files,
        images,
        requisition_number,
        order_status,
        is_urgent,
        vendor,
        printable_view,
        routed_document_delegates,
        tags,
        reported_date,
        document_date,
        chart_date,
        signed_date,
        signed_by,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = report;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: images, order_status, is_urgent, printable_view, routed_document_delegates, tags, reported_date);
    keep!(kept: chart_date, signed_date, signed_by, created_date, deleted_date);
    kept.rest(rest);
    let files = attachments(files, &mut kept);
    if text(report_type).is_none_or(|kind| &*kind != "Lab") {
        keep!(kept: practice, requisition_number, vendor, grids);
        let own = m.part("");
        let mut out = m.start("DocumentReference", &own);
        out.push("identifier", identifier(m.system("reports"), Some(m.id.clone())));
        out.set("status", if m.deleted { "entered-in-error" } else { "current" });
        out.set("type", text_concept(text(report_type)));
        out.set("subject", m.to_patient());
        let written = m.instant(&mut kept, "document_date", document_date);
        out.set("date", written);
        out.push("author", m.refer("Practitioner", "physicians", physician));
        out.set("description", text(custom_title));
        let named =
            || object! { "attachment" => object! { "title" => text(custom_title).or_else(|| text(report_type)) } };
        let mut content: Vec<Object<'a>> = files.into_iter().map(|file| object! { "attachment" => file }).collect();
        if content.is_empty() {
            content.push(if named().is_empty() {
                object! { "attachment" => object! { "title" => "Report" } }
            } else {
                named()
            });
        }
        out.set("content", content);
        m.emit("DocumentReference", own, out, kept);
        return Ok(());
    }
    keep!(kept: document_date);
    let mut shared = Object::default();
    shared.push("identifier", identifier(m.system("reports"), Some(m.id.clone())));
    shared.push(
        "basedOn",
        identifier(m.system("requisitions"), text(requisition_number)).map(|requisition| {
            object! { "type" => "ServiceRequest", "identifier" => requisition }
        }),
    );
    let laboratory = "http://terminology.hl7.org/CodeSystem/v2-0074";
    shared.push(
        "category",
        concept(vec![object! { "system" => laboratory, "code" => "LAB", "display" => "Laboratory" }], None),
    );
    shared.set("subject", m.to_patient());
    shared.push("performer", m.refer("Organization", "lab_vendors", vendor));
    shared.push("resultsInterpreter", m.refer("Practitioner", "physicians", physician));
    keep!(kept: practice);
    laboratory_report(m, shared, custom_title, grids, files, kept);
    Ok(())
}

/// The grids. Members of the report itself that have no place are kept with the first.
fn laboratory_report<'a>(
    m: &mut Mapper<'_, 'a>,
    shared: Object<'a>,
    title: Option<Str<'a>>,
    grids: Option<Many<'a, Grid<'a>>>,
    files: Vec<Object<'a>>,
    mut report_kept: Kept<'a>,
) {
    let grids: Vec<_> = grids.into_iter().flat_map(|grids| grids.items).collect();
    let mut files = Some(files);
    if grids.is_empty() {
        let own = m.part("report");
        let mut out = m.start("DiagnosticReport", &own);
        out.append(shared);
        out.set("status", if m.deleted { "entered-in-error" } else { "unknown" });
        out.set("code", report_code(text(title)));
        out.set("presentedForm", files.take());
        return m.emit("DiagnosticReport", own, out, report_kept);
    }
    let mut accessions = Counter::default();
    for (index, grid) in grids {
        let Grid { accession_number, collected_date, resulted_date, status, note, results, rest, node: _ } = grid;
        let mut kept = Kept::default();
        kept.rest(rest);
        let accession = text(accession_number).map(|number| number.to_string()).unwrap_or_default();
        // The place in the list changes when the laboratory adds a grid; the accession stays.
        let key = format!("{accession}{SEPARATOR}{}", accessions.next(&accession));
        let own = m.part(&format!("grid:{key}"));
        let collected = m.time(&mut kept, "grids.collected_date", collected_date);
        let issued = m.instant(&mut kept, "grids.resulted_date", resulted_date);
        let row = m.code(&mut kept, &table::RESULT_STATUS, "grids.status", status);
        let mut out = m.start("DiagnosticReport", &own);
        out.append(shared.clone());
        out.push("identifier", identifier(m.system("accessions"), text(accession_number)));
        out.set(
            "status",
            if m.deleted { "entered-in-error" } else { row.and_then(|row| row.cell(2)).unwrap_or("unknown") },
        );
        if m.deleted {
            kept.member("status", status.as_ref());
        }
        out.set("effectiveDateTime", collected.clone());
        out.set("issued", issued.clone());
        out.set("conclusion", text(note));
        let mut place = At { accession: key, collected, issued, tests: Counter::default() };
        let results: Vec<_> = results.into_iter().flat_map(|results| results.items).collect();
        let panel = text(title).or_else(|| panel_of(&results));
        out.set("code", report_code(panel));
        let mut drafts = Vec::new();
        for (at, result) in results {
            let (id, body, result_kept) = observation(m, &mut place, result);
            out.push("result", Mapper::to_own("Observation", &id));
            drafts.push((at, id, body, result_kept));
        }
        for (_, id, body, result_kept) in drafts {
            m.emit("Observation", id, body, result_kept);
        }
        out.set("presentedForm", files.take().filter(|files| !files.is_empty()));
        let mut own_kept = std::mem::take(&mut report_kept);
        own_kept.absorb(&format!("grids.{index}"), kept);
        m.emit("DiagnosticReport", own, out, own_kept);
    }
}

/// Counts how often a key was met.
#[derive(Default)]
struct Counter(BTreeMap<String, usize>);

impl Counter {
    fn next(&mut self, key: &str) -> usize {
        let count = self.0.entry(key.to_owned()).or_default();
        *count += 1;
        *count - 1
    }
}

/// Where a result stands.
struct At<'a> {
    accession: String,
    collected: Option<Text<'a>>,
    issued: Option<Text<'a>>,
    tests: Counter,
}

/// Laboratory report, in the words of the source where all of it is one panel.
fn report_code(title: Option<Text<'_>>) -> Object<'_> {
    let code = object! { "system" => system::LOINC, "code" => "11502-2", "display" => "Laboratory report" };
    concept(vec![code], title)
}

/// The panel that all results are part of.
fn panel_of<'a>(results: &[(usize, LabResult<'a>)]) -> Option<Text<'a>> {
    let mut names =
        results.iter().map(|(_, result)| result.test_category.as_ref().and_then(|panel| text(panel.description)));
    let first = names.next().flatten()?;
    names.all(|name| name.is_some_and(|name| *name == *first)).then_some(first)
}

/// One result.
fn observation<'a>(
    m: &mut Mapper<'_, 'a>,
    at: &mut At<'a>,
    result: LabResult<'a>,
) -> (aceso_base::LogicalId, Object<'a>, Kept<'a>) {
    let LabResult {
        test,
        test_category,
        value,
        value_type,
        units,
        reference_min,
        reference_max,
        abnormal_flag,
        is_abnormal,
        status,
        text: said,
        note,
        rest,
        node: _,
    } = result;
    let mut kept = Kept::default();
    kept.rest(rest);
    let key = test.as_ref().map(test_key).unwrap_or_default();
    let count = at.tests.next(&key);
    let id = m.part(&format!("result:{}{SEPARATOR}{key}{SEPARATOR}{count}", at.accession));
    let mut out = m.start("Observation", &id);
    let row = m.code(&mut kept, &table::RESULT_STATUS, "grids.results.status", status);
    out.set(
        "status",
        if m.deleted { "entered-in-error" } else { row.and_then(|row| row.cell(1)).unwrap_or("unknown") },
    );
    if m.deleted {
        kept.member("status", status.as_ref());
    }
    let laboratory = "http://terminology.hl7.org/CodeSystem/observation-category";
    out.push("category", concept(vec![object! { "system" => laboratory, "code" => "laboratory" }], None));
    if let Some(TestCategory { value, description, rest, node: _ }) = test_category {
        let mut inner = Kept::default();
        inner.rest(rest);
        let panel = coding(m.system("test_categories"), text(value), None);
        if panel.is_none() {
            keep!(inner: value);
        }
        kept.absorb("test_category", inner);
        out.push("category", concept(panel.into_iter().collect(), text(description)));
    }
    out.set("code", test_code(m, test, &mut kept));
    out.set("subject", m.to_patient());
    out.set("effectiveDateTime", at.collected.clone());
    out.set("issued", at.issued.clone());
    let unit = unit_of(m, units, "grids.results.units");
    put_value(m, &mut out, &mut kept, (value, value_type, units), unit);
    interpretation(m, &mut out, &mut kept, abnormal_flag, is_abnormal);
    out.push("note", text(said).map(|said| object! { "text" => said }));
    out.push("note", text(note).map(|note| object! { "text" => note }));
    out.push("referenceRange", range(reference_min, reference_max, units, unit));
    (id, out, kept)
}

fn test_key(test: &LabTest<'_>) -> String {
    let key = text(test.code).or_else(|| text(test.loinc)).or_else(|| text(test.name));
    key.map(|key| key.to_string()).unwrap_or_default()
}

/// LOINC where the laboratory sends it, its own code, its words.
fn test_code<'a>(m: &mut Mapper<'_, 'a>, test: Option<LabTest<'a>>, kept: &mut Kept<'a>) -> Object<'a> {
    let Some(LabTest { code, name, loinc, rest, node: _ }) = test else {
        return text_concept(Some("Unnamed test".into()));
    };
    let mut inner = Kept::default();
    inner.rest(rest);
    let mut codings = Vec::new();
    match text(loinc).filter(|loinc| is_loinc(loinc)) {
        Some(loinc) => codings.extend(coding(system::LOINC, Some(loinc), None)),
        None => keep!(inner: loinc),
    }
    let own = coding(m.system("test_codes"), text(code), None);
    if own.is_none() {
        keep!(inner: code);
    }
    codings.extend(own);
    kept.absorb("test", inner);
    let built = concept(codings, text(name));
    if built.is_empty() { text_concept(Some("Unnamed test".into())) } else { built }
}

/// Digits, a hyphen and a check digit (LOINC Users' Guide: the number has a mod-10 check digit).
fn is_loinc(text: &str) -> bool {
    let Some((number, check)) = text.trim().split_once('-') else { return false };
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != number.len() || !(1..=7).contains(&digits.len()) || check.len() != 1 {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    check.parse::<u32>() == Ok((10 - sum % 10) % 10)
}

/// The UCUM code of a unit. A unit that the table does not know stays as text and is counted.
pub(super) fn unit_of<'a>(
    m: &mut Mapper<'_, 'a>,
    units: Option<Str<'a>>,
    member: &'static str,
) -> Option<&'static str> {
    let said = text(units)?;
    let row = table::UNIT.find(said.trim());
    if row.is_none() {
        m.unknown.push(UnknownCode { member, table: table::UNIT.name });
    }
    row.and_then(|row| row.cell(1))
}

/// `value[x]` by the type that the source names; a number that is none becomes a string.
fn put_value<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    (value, value_type, units): (Option<Str<'a>>, Option<Str<'a>>, Option<Str<'a>>),
    ucum: Option<&'static str>,
) {
    let row = m.code(kept, &table::VALUE_TYPE, "grids.results.value_type", value_type);
    let Some(said) = text(value) else {
        keep!(kept: value_type, units);
        return;
    };
    let kind = row.and_then(|row| row.cell(1)).unwrap_or("string");
    match (kind, measured(&said)) {
        ("quantity", Some(number)) => return out.set("valueQuantity", quantity(number, text(units), ucum)),
        ("concept", _) => out.set("valueCodeableConcept", text_concept(Some(said))),
        ("attachment", _) => {
            out.push(
                "extension",
                object! {
                    "url" => format!("{}StructureDefinition/encapsulated-value", crate::fhir::BASE),
                    "valueString" => said,
                },
            );
            let absent = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
            let reason = object! { "system" => absent, "code" => "unsupported" };
            out.set("dataAbsentReason", concept(vec![reason], None));
        }
        (_, _) => {
            keep!(kept: value_type);
            out.set("valueString", said);
        }
    }
    keep!(kept: units);
}

/// The flag; without one, that the result is abnormal at all.
fn interpretation<'a>(
    m: &mut Mapper<'_, 'a>,
    out: &mut Object<'a>,
    kept: &mut Kept<'a>,
    flag: Option<Str<'a>>,
    is_abnormal: Option<crate::elation::model::Flag<'a>>,
) {
    let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
    keep!(kept: is_abnormal);
    let row = m.code(kept, &table::ABNORMAL_FLAG, "grids.results.abnormal_flag", flag);
    match (text(flag), is_abnormal) {
        (Some(said), _) => {
            let code = row.and_then(|row| row.cell(1).map(|code| (code, row.cell(2))));
            let coding =
                code.map(|(code, display)| object! { "system" => system, "code" => code, "display" => display });
            out.push("interpretation", concept(coding.into_iter().collect(), Some(said)));
        }
        (None, Some(abnormal)) if abnormal.is_true() => {
            let code = object! { "system" => system, "code" => "A", "display" => "Abnormal" };
            out.push("interpretation", concept(vec![code], None));
        }
        (None, _) => {}
    }
}

/// The reference range: numbers as limits, anything else as text.
fn range<'a>(
    min: Option<Str<'a>>,
    max: Option<Str<'a>>,
    units: Option<Str<'a>>,
    ucum: Option<&'static str>,
) -> Option<Object<'a>> {
    let limit = |limit: Option<Str<'a>>| {
        let number = measured(&text(limit)?).filter(|number| number.comparator.is_none())?;
        Some(quantity(number, text(units), ucum))
    };
    let (low, high) = (limit(min), limit(max));
    let mut words: Vec<String> = Vec::new();
    for (built, said) in [(&low, text(min)), (&high, text(max))] {
        if built.is_none() {
            words.extend(said.map(|said| said.to_string()));
        }
    }
    let words = (!words.is_empty()).then(|| Tree::from(words.join(" - ")));
    let range = object! { "low" => low, "high" => high, "text" => words };
    (!range.is_empty()).then_some(range)
}

/// The files of a report.
fn attachments<'a>(files: Option<Many<'a, ReportFile<'a>>>, kept: &mut Kept<'a>) -> Vec<Object<'a>> {
    let mut out = Vec::new();
    for (index, file) in files.into_iter().flat_map(|files| files.items) {
        let ReportFile {
            id,
            document,
            content_type,
            original_filename,
            base64_content,
            external_content,
            rest,
            node: _,
        } = file;
        let mut inner = Kept::default();
        keep!(inner: id, external_content);
        inner.rest(rest);
        let is_word = |text: &Text<'_>| !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let (url, mime) = (text(document).filter(is_word), text(content_type).filter(is_word));
        if url.is_none() {
            keep!(inner: document);
        }
        if mime.is_none() {
            keep!(inner: content_type);
        }
        let data = text(base64_content).filter(|data| is_base64(data));
        if data.is_none() {
            keep!(inner: base64_content);
        }
        let attachment = object! {
            "contentType" => mime,
            "url" => url,
            "title" => text(original_filename),
            "data" => data,
        };
        if !attachment.is_empty() {
            out.push(attachment);
        }
        kept.absorb(&format!("files.{index}"), inner);
    }
    out
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::is_loinc;

    #[test]
    fn a_loinc_number_has_its_check_digit() {
        for good in ["2345-7", "718-7", "11502-2", "85354-9", "4548-4", "59576-9", "77606-2", "8289-1"] {
            assert!(is_loinc(good), "{good}");
        }
        for bad in ["2345-8", "2345", "abc-1", "-7", "2345-77"] {
            assert!(!is_loinc(bad), "{bad}");
        }
    }
}
