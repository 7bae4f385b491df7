//! Problems → `Condition`, allergies and drug intolerances → `AllergyIntolerance`.

use super::{Kept, Mapper, keep, text};
use crate::elation::model::{Allergy, Day, Diagnosis, DrugIntolerance, Problem, Source, Str, Time};
use crate::fhir::{Object, Text, coding, concept, identifier, object, system, text_concept};
use crate::pattern::MapError;
use crate::table;

/// An entry of the problem list.
pub(in crate::elation) fn problem<'a>(m: &mut Mapper<'_, 'a>, problem: Problem<'a>) -> Result<(), MapError> {
    let Problem {
        id: _,
        patient,
        practice,
        description,
        status,
        verification_status,
        dx,
        synopsis,
        rank,
        start_date,
        resolved_date,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = problem;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: practice, rank, deleted_date);
    kept.rest(rest);
    let own = m.part("");
    let mut out = m.start("Condition", &own);
    out.push("identifier", identifier(m.system("problems"), Some(m.id.clone())));
    let sure = m.code(&mut kept, &table::VERIFICATION_STATUS, "verification_status", verification_status);
    let sure = sure.and_then(|row| row.cell(1));
    let sure = if m.deleted { Some("entered-in-error") } else { sure };
    if m.deleted {
        keep!(kept: verification_status);
    }
    let state = m.code(&mut kept, &table::PROBLEM_STATUS, "status", status).and_then(|row| row.cell(1));
    // con-5: what was entered in error has no clinical status.
    let state = state.filter(|_| sure != Some("entered-in-error"));
    if state.is_none() {
        keep!(kept: status);
    }
    let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    out.set("clinicalStatus", status_concept(clinical, state));
    out.set("verificationStatus", status_concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", sure));
    let category = "http://terminology.hl7.org/CodeSystem/condition-category";
    out.push("category", concept(vec![object! { "system" => category, "code" => "problem-list-item" }], None));
    let mut codings = Vec::new();
    for (index, dx) in dx.into_iter().flat_map(|list| list.items) {
        let mut inner = Kept::default();
        codes(dx, &mut codings, &mut inner);
        kept.absorb(&format!("dx.{index}"), inner);
    }
    out.set("code", concept(codings, text(description)));
    out.set("subject", m.to_patient());
    out.set("onsetDateTime", m.day(&mut kept, "start_date", start_date));
    // con-4: only what is over has an end.
    let ended = m.day(&mut kept, "resolved_date", resolved_date);
    if state == Some("resolved") {
        out.set("abatementDateTime", ended);
    } else {
        keep!(kept: resolved_date);
    }
    out.set("recordedDate", m.time(&mut kept, "created_date", created_date));
    out.push("note", text(synopsis).map(|note| object! { "text" => note }));
    m.emit("Condition", own, out, kept);
    Ok(())
}

/// The codes of a diagnosis: translations of each other.
fn codes<'a>(dx: Diagnosis<'a>, codings: &mut Vec<Object<'a>>, kept: &mut Kept<'a>) {
    let Diagnosis { icd10, icd9, snomed, rest, node: _ } = dx;
    kept.rest(rest);
    match coding(system::SNOMED, text(snomed), None) {
        Some(coding) => codings.push(coding),
        None => keep!(kept: snomed),
    }
    for (system, name, list) in [(system::ICD10, "icd10", icd10), (system::ICD9, "icd9", icd9)] {
        for (index, code) in list.into_iter().flat_map(|list| list.items) {
            match coding(system, text(Some(code)), None) {
                Some(coding) => codings.push(coding),
                None => kept.put(format!("{name}.{index}"), code.node()),
            }
        }
    }
}

fn status_concept<'a>(system: &'static str, code: Option<&'static str>) -> Option<Object<'a>> {
    code.map(|code| concept(vec![object! { "system" => system, "code" => code }], None))
}

/// What allergies and drug intolerances have in common.
struct Reaction<'a> {
    kind: &'static str,
    category: Option<&'static str>,
    list: &'static str,
    name: Option<Str<'a>>,
    codings: Vec<Object<'a>>,
    status: Option<Str<'a>>,
    reaction: Option<Str<'a>>,
    severity: Option<Str<'a>>,
    start_date: Option<Day<'a>>,
    created_date: Option<Time<'a>>,
}

/// An allergy.
pub(in crate::elation) fn allergy<'a>(m: &mut Mapper<'_, 'a>, allergy: Allergy<'a>) -> Result<(), MapError> {
    let Allergy {
        id: _,
        patient,
        name,
        status,
        reaction,
        severity,
        start_date,
        medispanid,
        medispandnid,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = allergy;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: deleted_date);
    kept.rest(rest);
    let mut codings = Vec::new();
    for (place, member, code) in
        [("medispan", "medispanid", medispanid), ("medispan-dnid", "medispandnid", medispandnid)]
    {
        match coding(m.system(place), text(code), None) {
            Some(coding) => codings.push(coding),
            None => kept.member(member, code.as_ref()),
        }
    }
    let found = Reaction {
        kind: "allergy",
        category: None,
        list: "allergies",
        name,
        codings,
        status,
        reaction,
        severity,
        start_date,
        created_date,
    };
    intolerance(m, found, kept);
    Ok(())
}

/// A drug that the patient does not tolerate.
pub(in crate::elation) fn drug_intolerance<'a>(
    m: &mut Mapper<'_, 'a>,
    intolerated: DrugIntolerance<'a>,
) -> Result<(), MapError> {
    let DrugIntolerance {
        id: _,
        patient,
        name,
        status,
        reaction,
        severity,
        start_date,
        created_date,
        deleted_date,
        rest,
        node: _,
    } = intolerated;
    m.dated(None, created_date, deleted_date);
    m.subject_of(patient)?;
    let mut kept = Kept::default();
    keep!(kept: deleted_date);
    kept.rest(rest);
    let found = Reaction {
        kind: "intolerance",
        category: Some("medication"),
        list: "drug_intolerances",
        name,
        codings: Vec::new(),
        status,
        reaction,
        severity,
        start_date,
        created_date,
    };
    intolerance(m, found, kept);
    Ok(())
}

fn intolerance<'a>(m: &mut Mapper<'_, 'a>, found: Reaction<'a>, mut kept: Kept<'a>) {
    let Reaction { kind, category, list, name, codings, status, reaction, severity, start_date, created_date } = found;
    let own = m.part("");
    let mut out = m.start("AllergyIntolerance", &own);
    out.push("identifier", identifier(m.system(list), Some(m.id.clone())));
    let state = m.code(&mut kept, &table::ALLERGY_STATUS, "status", status).and_then(|row| row.cell(1));
    // ait-2: what was entered in error has no clinical status.
    if m.deleted {
        keep!(kept: status);
    }
    let clinical = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    out.set("clinicalStatus", status_concept(clinical, state.filter(|_| !m.deleted)));
    let verification = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
    out.set("verificationStatus", status_concept(verification, m.deleted.then_some("entered-in-error")));
    out.set("type", kind);
    out.set("category", category.map(|category| vec![category]));
    out.set("code", concept(codings, text(name)));
    out.set("patient", m.to_patient());
    out.set("onsetDateTime", m.day(&mut kept, "start_date", start_date));
    out.set("recordedDate", m.time(&mut kept, "created_date", created_date));
    let grade = m.code(&mut kept, &table::SEVERITY, "severity", severity).and_then(|row| row.cell(1));
    let shown: Option<Text<'a>> = text(reaction);
    // A reaction without a manifestation is none in FHIR: its severity alone is kept.
    if shown.is_none() || grade.is_none() {
        keep!(kept: severity);
    }
    out.push(
        "reaction",
        shown.map(|shown| {
            object! { "manifestation" => vec![text_concept(Some(shown))], "severity" => grade }
        }),
    );
    m.emit("AllergyIntolerance", own, out, kept);
}
