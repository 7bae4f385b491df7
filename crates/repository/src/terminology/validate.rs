//! `ValueSet/$validate-code` and `CodeSystem/$validate-code`.

use super::answers::parameters;
use super::expand::{canonical, unknown_value_set};
use super::parameters::{Asked, AskedCoding, missing};
use crate::Fault;
use aceso_fhir::terminology::{Coded, Finding, Terminology, ValidateOptions, Verdict};
use serde_json::{Value, json};

pub(super) fn in_value_set(terminology: &Terminology, asked: &Asked) -> Result<Value, Fault> {
    let canonical = canonical(asked.needed("url")?, asked.text("valueSetVersion"))?;
    if !terminology.knows_value_set(&canonical) {
        return Err(unknown_value_set());
    }
    let codings = codings(asked, asked.text("system"), asked.text("systemVersion"))?;
    if codings.iter().any(|coding| coding.system.is_none()) {
        return Err(missing("system"));
    }
    answer(&codings, asked, |coded, options| terminology.validate_in_value_set(&canonical, coded, options))
}

pub(super) fn in_code_system(terminology: &Terminology, asked: &Asked) -> Result<Value, Fault> {
    let url = asked.text("url");
    let codings = codings(asked, url, asked.text("version"))?;
    // A coding names its system itself.
    let url = url.or_else(|| codings.first()?.system.as_deref()).ok_or_else(|| missing("url"))?;
    if !terminology.knows_system(url, asked.text("version")) && !terminology.is_grammar(url) {
        return Err(Fault::at(404, "not-found", "http.url", "the code system is not known, or not in this version"));
    }
    answer(&codings, asked, |coded, options| terminology.validate_in_system(url, coded, options))
}

/// The codes to validate: one by `code` or `coding`, or those of a `codeableConcept`.
fn codings(asked: &Asked, system: Option<&str>, version: Option<&str>) -> Result<Vec<AskedCoding>, Fault> {
    let plain = asked.text("code").map(|code| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let display = own(asked.text("display"));
        vec![AskedCoding { system: own(system), version: own(version), code: code.to_owned(), display }]
    });
    let given =
        [plain, asked.codings("coding").map(<[_]>::to_vec), asked.codings("codeableConcept").map(<[_]>::to_vec)];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(codings), None) if !codings.is_empty() => Ok(codings),
        (None, _) | (Some(_), None) => Err(missing("code")),
        _ => Err(Fault::at(400, "value", "http.code", "give one of code, coding and codeableConcept")),
    }
}

fn answer<'t>(
    codings: &[AskedCoding],
    asked: &Asked,
    validate: impl Fn(&Coded<'_>, &ValidateOptions<'_>) -> Verdict<'t>,
) -> Result<Value, Fault> {
    let options = ValidateOptions {
        refuse_abstract: asked.flag("abstract") == Some(false),
        language: asked.text("displayLanguage"),
    };
    let judged = |coding: &AskedCoding| {
        let (system, version) = (coding.system.as_deref(), coding.version.as_deref());
        validate(&Coded { system, version, code: &coding.code, display: coding.display.as_deref() }, &options)
    };
    let verdicts: Vec<Verdict<'t>> = codings.iter().map(judged).collect();
    // One valid coding makes a CodeableConcept valid (R4 valueset-operation-validate-code.html).
    let valid = verdicts.iter().find(|verdict| message(verdict.finding).is_ok());
    let undecided = verdicts.iter().find(|verdict| verdict.finding == Finding::Unknown);
    let Some(verdict) = valid.or(undecided).or(verdicts.first()) else { return Err(missing("code")) };
    let mut parts = Vec::new();
    match message(verdict.finding) {
        _ if verdict.finding == Finding::Unknown => {
            let text = "it cannot be decided: a code system or value set is not loaded, or a rule cannot be evaluated";
            return Err(Fault::new(422, "not-found", text));
        }
        Ok(hint) => {
            parts.push(json!({ "name": "result", "valueBoolean": true }));
            parts.extend(hint.map(|hint| json!({ "name": "message", "valueString": hint })));
        }
        Err(reason) => {
            parts.push(json!({ "name": "result", "valueBoolean": false }));
            parts.push(json!({ "name": "message", "valueString": reason }));
        }
    }
    parts.extend(verdict.display.map(|display| json!({ "name": "display", "valueString": display })));
    Ok(parameters(parts))
}

/// A hint for what is valid, the reason for what is not.
fn message(finding: Finding) -> Result<Option<&'static str>, &'static str> {
    match finding {
        Finding::Valid => Ok(None),
        Finding::ValidDisplayUnchecked => Ok(Some("the display was not compared: no text of this code is loaded")),
        Finding::ValidInactive => Ok(Some("the code is not active any more")),
        Finding::NotInSystem => Err("the code system has no such code"),
        Finding::NotInValueSet => Err("the value set has no such code"),
        Finding::WrongDisplay => Err("the display is none of this code"),
        Finding::Abstract => Err("the code is abstract"),
        Finding::Unknown => Err("it cannot be decided"),
    }
}
