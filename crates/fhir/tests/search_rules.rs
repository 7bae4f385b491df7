//! The rules of R4 search.html on records written for them, the stored form, and its size.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Read as _;
use std::path::Path;

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::search::{
    Query, QueryProblem, SearchValues, SearchView, ViewError, encode, extract, param, sort_key, token_values,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn values(resource: &Value) -> SearchValues {
    let rtype = ResourceType::parse(resource["resourceType"].as_str().unwrap()).unwrap();
    let doc = Doc::parse(resource.to_string().into_bytes(), &Limits::default()).unwrap();
    let mut values = SearchValues::new();
    extract(doc.root(), rtype, &mut values);
    values
}

fn stored(resource: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&values(resource), &mut out);
    out
}

fn matches(resource: &Value, name: &str, value: &str) -> bool {
    let bytes = stored(resource);
    let view = SearchView::open(&bytes).unwrap();
    let query = Query::parse(view.rtype(), &[(name.to_owned(), value.to_owned())]).unwrap();
    query.filters.iter().all(|filter| filter.matches(&view))
}

#[track_caller]
fn check(resource: &Value, cases: &[(&str, &str, bool)]) {
    for (name, value, want) in cases {
        assert_eq!(matches(resource, name, value), *want, "{name}={value}");
    }
}

fn blood_pressure() -> Value {
    json!({"resourceType": "Observation", "id": "bp", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure panel"}], "text": "BP"},
        "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": 7, "unit": "mmol", "system": "http://unitsofmeasure.org", "code": "mmol"},
        "component": [
            {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
            {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]}, "valueQuantity": {"value": 80, "unit": "mmHg"}}]})
}

#[test]
fn the_parts_of_a_composite_come_from_the_same_element() {
    check(
        &blood_pressure(),
        &[
            ("component-code-value-quantity", "http://loinc.org|8480-6$120", true),
            ("component-code-value-quantity", "8480-6$gt100", true),
            ("component-code-value-quantity", "8480-6$80", false),
            ("component-code-value-quantity", "8462-4$80||mmHg", true),
            ("component-code-value-quantity", "85354-9$7", false),
            ("code-value-quantity", "85354-9$7", true),
            ("code-value-quantity", "8480-6$120", false),
            ("combo-code-value-quantity", "85354-9$7", true),
            ("combo-code-value-quantity", "8462-4$80", true),
            ("combo-code-value-quantity", "85354-9$80", false),
            ("combo-code-value-quantity", "8480-6$7,8462-4$80", true),
            ("component-code-value-quantity:missing", "false", true),
            ("component-code-value-concept:missing", "true", true),
            ("combo-code", "8480-6", true),
            ("code", "8480-6", false),
        ],
    );
}

#[test]
fn a_composite_may_reach_beside_its_element() {
    let sequence = json!({"resourceType": "MolecularSequence", "coordinateSystem": 0,
        "referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}, "windowStart": 5, "windowEnd": 9},
        "variant": [{"start": 10, "end": 20}, {"start": 30, "end": 40}]});
    check(
        &sequence,
        &[
            ("chromosome-variant-coordinate", "1$lt11$gt19", true),
            ("chromosome-variant-coordinate", "1$10$40", false),
            ("chromosome-variant-coordinate", "2$10$20", false),
            ("chromosome-window-coordinate", "1$5$9", true),
        ],
    );
}

#[test]
fn the_comparisons_of_dates_are_those_of_the_table() {
    let on = |date: &str| json!({"resourceType": "Patient", "birthDate": date});
    check(
        &on("2013-01-14"),
        &[
            ("birthdate", "eq2013-01-14", true),
            ("birthdate", "2013-01", true),
            ("birthdate", "ne2013-01-14", false),
            ("birthdate", "lt2013-01-14T10:00", true),
            ("birthdate", "gt2013-01-14T10:00", true),
            ("birthdate", "ge2013-01-14T10:00", true),
            ("birthdate", "2013-01-14T10:00", false),
            ("birthdate", "sa2013-01-13", true),
            ("birthdate", "sa2013-01-14T10:00", false),
            ("birthdate", "eb2013-01-15", true),
            ("birthdate", "ap2013-02", true),
            ("birthdate", "ap2013-04", false),
            ("birthdate", "2012,2013", true),
        ],
    );
    let open = json!({"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"}, "period": {"start": "2015-01-17"}});
    check(
        &open,
        &[
            ("date", "gt2050", true),
            ("date", "lt2015-01-17", false),
            ("date", "ge2015", true),
            ("date", "2015", false),
            ("date", "ne2015", true),
        ],
    );
}

#[test]
fn numbers_are_as_exact_as_they_are_written() {
    let check = |n: &str, cases: &[(&str, &str, bool)]| {
        // As text: a number of `serde_json` is no longer exact.
        let text = format!(r#"{{"resourceType":"RiskAssessment","prediction":[{{"probabilityDecimal":{n}}}]}}"#);
        let doc = Doc::parse(text.into_bytes(), &Limits::default()).unwrap();
        let rtype = ResourceType::parse("RiskAssessment").unwrap();
        let (mut values, mut bytes) = (SearchValues::new(), Vec::new());
        extract(doc.root(), rtype, &mut values);
        encode(&values, &mut bytes);
        for (name, value, want) in cases {
            let query = Query::parse(rtype, &[((*name).into(), (*value).into())]).unwrap();
            assert_eq!(query.filters[0].matches(&SearchView::open(&bytes).unwrap()), *want, "{name}={value}");
        }
    };
    check(
        "100.4",
        &[
            ("probability", "100", true),
            ("probability", "100.0", false),
            ("probability", "1e2", true),
            ("probability", "gt100", true),
            ("probability", "ne100", false),
        ],
    );
    check("100.5", &[("probability", "100", false), ("probability", "101", true), ("probability", "le100.5", true)]);
    check(
        "0.30000000000000001",
        &[
            ("probability", "gt0.3", true),
            ("probability", "0.30000000000000001", true),
            ("probability", "0.30000000000000000", false),
        ],
    );
}

#[test]
fn a_quantity_is_asked_with_or_without_its_unit() {
    check(
        &blood_pressure(),
        &[
            ("value-quantity", "7", true),
            ("value-quantity", "7||mmol", true),
            ("value-quantity", "7|http://unitsofmeasure.org|mmol", true),
            ("value-quantity", "7|http://unitsofmeasure.org|mg", false),
            ("value-quantity", "ge7.0||mg", false),
            ("component-value-quantity", "120||mmHg", true),
        ],
    );
    let sampled = json!({"resourceType": "Observation", "valueSampledData": {"origin": {"value": 10, "unit": "mV"}, "period": 1, "factor": 0.5,
        "dimensions": 1, "data": "2 4 -6 E"}});
    check(
        &sampled,
        &[
            ("value-quantity", "gt11.5", true),
            ("value-quantity", "gt12", false),
            ("value-quantity", "eb7", false),
            ("value-quantity", "ge12||mV", true),
            ("value-quantity", "lt7.5", true),
        ],
    );
}

#[test]
fn strings_match_from_the_start_without_case_and_accents() {
    let patient = json!({"resourceType": "Patient", "name": [{"family": "Ångström", "given": ["Jean-Luc", "Renée"], "suffix": ["Jr."]}],
        "address": [{"line": ["5 Rue É"], "city": "Genève"}]});
    check(
        &patient,
        &[
            ("family", "angs", true),
            ("family:exact", "angs", false),
            ("family:exact", "Ångström", true),
            ("family:contains", "GSTRO", true),
            ("name", "rene", true),
            ("name", "jr", true),
            ("name", "luc", false),
            ("name:contains", "luc", true),
            ("given", "ang", false),
            ("address", "geneve", true),
            ("address-city", "5", false),
            ("address:contains", "rue e", true),
            ("family:missing", "true", false),
            ("address-state:missing", "true", true),
        ],
    );
}

#[test]
fn tokens_are_asked_with_and_without_system() {
    let patient = json!({"resourceType": "Patient", "gender": "female", "deceasedDateTime": "2020", "identifier": [
        {"system": "http://mrn", "value": "007", "type": {"text": "Medical record", "coding": [{"system": "http://v2", "code": "MR"}]}}, {"value": "bare"}],
        "telecom": [{"system": "phone", "value": "(555) 123-4567"}, {"system": "email", "value": "A@b.example"}]});
    check(
        &patient,
        &[
            ("identifier", "007", true),
            ("identifier", "http://mrn|007", true),
            ("identifier", "http://mrn|", true),
            ("identifier", "|007", false),
            ("identifier", "|bare", true),
            ("identifier", "BARE", false),
            ("identifier:of-type", "http://v2|MR|007", true),
            ("identifier:of-type", "http://v2|MR|bare", false),
            ("identifier:text", "medical", true),
            ("identifier:not", "007", false),
            ("gender", "http://hl7.org/fhir/administrative-gender|female", true),
            ("gender", "http://elsewhere|female", false),
            ("gender:not", "male", true),
            ("gender:not", "male,female", false),
            ("language:not", "en", true),
            ("deceased", "true", true),
            ("phone", "5551234567", true),
            ("telecom", "phone|555-123-4567", true),
            ("email", "a@B.example", true),
            ("phone", "a@b.example", false),
        ],
    );
    check(
        &json!({"resourceType": "Patient", "deceasedBoolean": false}),
        &[("deceased", "false", true), ("deceased:missing", "true", false)],
    );
    check(&json!({"resourceType": "Patient", "deceasedBoolean": true}), &[("deceased", "true", true)]);
    check(
        &json!({"resourceType": "Patient"}),
        &[("deceased", "false", true), ("gender:missing", "true", true), ("gender:not", "male", true)],
    );
}

#[test]
fn references_are_asked_by_id_type_url_or_identifier() {
    let mut observation = blood_pressure();
    check(
        &observation,
        &[
            ("subject", "p", true),
            ("subject", "Patient/p", true),
            ("subject", "Group/p", false),
            ("patient", "p", true),
            ("subject:Patient", "p", true),
            ("subject:Group", "p", false),
            ("subject", "http://x/Patient/p", false),
            ("encounter:missing", "true", true),
        ],
    );
    observation["subject"] = json!({"reference": "Group/g"});
    check(
        &observation,
        &[("patient:missing", "true", true), ("subject:missing", "false", true), ("patient", "g", false)],
    );
    observation["subject"] =
        json!({"type": "Patient", "identifier": {"system": "http://mrn", "value": "1"}, "display": "Zoë"});
    check(
        &observation,
        &[
            ("subject:identifier", "http://mrn|1", true),
            ("patient:identifier", "1", true),
            ("subject:text", "zoe", true),
            ("subject", "1", false),
        ],
    );
    observation["subject"] = json!({"reference": "#c"});
    observation["contained"] = json!([{"resourceType": "Patient", "id": "c"}]);
    check(&observation, &[("patient:missing", "false", true), ("patient", "c", false)]);
}

#[test]
fn canonicals_match_with_or_without_their_version() {
    let request = json!({"resourceType": "ServiceRequest", "instantiatesCanonical": ["http://a/b|2"], "instantiatesUri": ["http://a/b/c"],
        "meta": {"profile": ["http://p/q|1"]}});
    check(
        &request,
        &[
            ("instantiates-canonical", "http://a/b", true),
            ("instantiates-canonical", r"http://a/b\|2", true),
            ("instantiates-canonical", r"http://a/b\|1", false),
            ("instantiates-uri:below", "http://a/b", true),
            ("instantiates-uri:below", "http://a/", true),
            ("instantiates-uri:below", "http://a/b/", true),
            ("instantiates-uri:below", "http://a/b/cc", false),
            ("instantiates-uri:above", "http://a/b/c/d", true),
            ("instantiates-uri", "http://a/b", false),
            ("_profile", "http://p/q", true),
            ("_profile", r"http://p/q\|1", true),
        ],
    );
}

#[test]
fn the_servers_stamp_replaces_what_the_text_says() {
    let mut values =
        values(&json!({"resourceType": "Patient", "id": "mine", "meta": {"lastUpdated": "2001-01-01T00:00:00Z"}}));
    values.stamp("yours", 1_700_000_000_000);
    let mut bytes = Vec::new();
    encode(&values, &mut bytes);
    let view = SearchView::open(&bytes).unwrap();
    let ask = |name: &str, value: &str| {
        Query::parse(view.rtype(), &[(name.into(), value.into())]).unwrap().filters[0].matches(&view)
    };
    assert!(ask("_id", "yours") && !ask("_id", "mine"));
    assert!(ask("_lastUpdated", "2023-11-14") && !ask("_lastUpdated", "2001"));
}

#[test]
fn an_element_without_a_usable_value_is_there_and_matches_nothing() {
    let condition = json!({"resourceType": "Condition", "onsetPeriod": {}, "code": {"coding": []}, "subject": {}});
    check(
        &condition,
        &[
            ("onset-date:missing", "false", true),
            ("onset-date", "gt0001", false),
            ("code:missing", "false", true),
            ("code:text", "a", false),
        ],
    );
}

#[test]
fn records_are_ordered_by_each_kind_and_without_a_value_last() {
    let order = |code: &str, descending: bool, records: &[Value]| -> Vec<String> {
        let rtype = ResourceType::parse(records[0]["resourceType"].as_str().unwrap()).unwrap();
        let mut keys: Vec<_> = records
            .iter()
            .map(|r| {
                (
                    sort_key(&SearchView::open(&stored(r)).unwrap(), param(rtype, code).unwrap(), descending),
                    r["id"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        keys.into_iter().map(|(_, id)| id).collect()
    };
    let patients = [
        json!({"resourceType": "Patient", "id": "none"}),
        json!({"resourceType": "Patient", "id": "b", "name": [{"family": "Özil"}], "birthDate": "1990"}),
        json!({"resourceType": "Patient", "id": "a", "name": [{"family": "adams"}, {"family": "Zorn"}], "birthDate": "1990-05"}),
        json!({"resourceType": "Patient", "id": "c", "name": [{"family": "Parker"}], "birthDate": "1980"}),
    ];
    assert_eq!(order("family", false, &patients), ["a", "b", "c", "none"]);
    assert_eq!(order("family", true, &patients), ["a", "c", "b", "none"]);
    assert_eq!(order("birthdate", false, &patients), ["c", "b", "a", "none"]);
    assert_eq!(order("birthdate", true, &patients), ["b", "a", "c", "none"]);
    let measured =
        |id: &str, value: f64| json!({"resourceType": "Observation", "id": id, "valueQuantity": {"value": value}});
    assert_eq!(
        order("value-quantity", false, &[measured("x", 10.0), measured("y", 9.5), measured("z", -1.0)]),
        ["z", "y", "x"]
    );
}

#[test]
fn index_values_are_the_canonical_forms() {
    let patient = json!({"resourceType": "Patient", "gender": "male", "birthDate": "1979-05-06", "name": [{"family": "Åse", "given": ["Bo"]}],
        "identifier": [{"system": "http://mrn", "value": "7"}], "telecom": [{"system": "phone", "value": "+1 555-1234"}],
        "managingOrganization": {"reference": "Organization/o"}});
    let found: Vec<(String, String)> = token_values(&values(&patient))
        .map(|(p, v)| (p.code.to_owned(), String::from_utf8(v.to_vec()).unwrap()))
        .collect();
    for (code, value) in [
        ("gender", "male"),
        ("gender", "http://hl7.org/fhir/administrative-gender|male"),
        ("birthdate", "1979-05-06"),
        ("family", "ase"),
        ("given", "bo"),
        ("name", "ase"),
        ("identifier", "7"),
        ("identifier", "http://mrn|7"),
        ("phone", "+15551234"),
        ("organization", "Organization/o"),
    ] {
        assert!(found.contains(&(code.to_owned(), value.to_owned())), "{code} {value}");
    }
    let keys = |name: &str, value: &str| {
        let query = Query::parse(ResourceType::parse("Patient").unwrap(), &[(name.into(), value.into())]).unwrap();
        query.filters[0]
            .index_keys()
            .map(|keys| keys.into_iter().map(|(_, k)| String::from_utf8(k.to_vec()).unwrap()).collect::<Vec<_>>())
    };
    assert_eq!(keys("identifier", "http://mrn|7,8"), Some(vec!["http://mrn|7".into(), "8".into()]));
    assert_eq!(keys("birthdate", "1979-05-06"), Some(vec!["1979-05-06".into()]));
    assert_eq!(keys("birthdate", "1979-05"), None);
    assert_eq!(keys("birthdate", "gt1979-05-06"), None);
    assert_eq!(keys("family", "As"), None);
    assert_eq!(keys("gender:not", "male"), None);
    assert_eq!(keys("identifier", "http://mrn|"), None);
}

/// The same value with its members in order of their names, whichever order the JSON library of this build keeps: strings are
/// stored in the order in which they are met.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let by_name: std::collections::BTreeMap<&String, Value> =
                members.iter().map(|(name, member)| (name, sorted(member))).collect();
            Value::Object(by_name.into_iter().map(|(name, member)| (name.clone(), member)).collect())
        }
        other => other.clone(),
    }
}

/// Permanent: if this fails, the stored form has changed and needs a new version byte.
#[test]
fn the_stored_form_is_that_of_the_vectors() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/search-v1.json");
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(vectors.len() >= 3);
    let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let found: Vec<String> = vectors.iter().map(|vector| hex(stored(&sorted(&vector["resource"])))).collect();
    let wanted: Vec<&str> = vectors.iter().map(|vector| vector["stored"].as_str().unwrap()).collect();
    assert_eq!(found, wanted);
}

#[test]
fn bytes_of_another_version_or_type_are_refused() {
    let mut bytes = stored(&blood_pressure());
    assert_eq!(SearchView::open(&bytes[..bytes.len() - 1]).err(), Some(ViewError::Damaged));
    assert_eq!(SearchView::open(&[]).err(), Some(ViewError::Version));
    bytes[1] = 255;
    assert_eq!(SearchView::open(&bytes).err(), Some(ViewError::Type));
    bytes[0] = 2;
    assert_eq!(SearchView::open(&bytes).err(), Some(ViewError::Version));
}

#[test]
fn the_search_part_of_an_observation_is_small() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/synthea");
    let file = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| !p.to_string_lossy().contains("Information"));
    let file = file.filter(|p| p.extension().is_some_and(|e| e == "bz2")).min().unwrap();
    let mut text = String::new();
    bzip2::read::BzDecoder::new(std::fs::File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    let bundle: Value = serde_json::from_str(&text.replace("urn:uuid:", "Patient/")).unwrap();
    let resources = || bundle["entry"].as_array().unwrap().iter().map(|e| &e["resource"]);
    let mut sizes: Vec<usize> =
        resources().filter(|r| r["resourceType"] == "Observation").map(|r| stored(r).len()).collect();
    sizes.sort_unstable();
    assert!(sizes[sizes.len() / 2] <= 300, "median {}", sizes[sizes.len() / 2]);
    println!("observation: median {} largest {} bytes", sizes[sizes.len() / 2], sizes.last().unwrap());
}

#[test]
fn a_filter_of_one_type_never_matches_another() {
    let bytes = stored(&blood_pressure());
    let query =
        Query::parse(ResourceType::parse("Patient").unwrap(), &[("_id:missing".into(), "true".into())]).unwrap();
    assert!(!query.filters[0].matches(&SearchView::open(&bytes).unwrap()));
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(at in 0usize..400, byte: u8, cut in 0usize..400) {
        let mut bytes = stored(&blood_pressure());
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % 3);
        if let Ok(view) = SearchView::open(&bytes) {
            for (name, value) in [("code", "a"), ("subject", "p"), ("value-quantity", "7"), ("combo-code-value-quantity", "8480-6$1"), ("date", "2000"), ("code:text", "b")] {
                if let Ok(query) = Query::parse(view.rtype(), &[(name.to_owned(), value.to_owned())]) {
                    let _ = query.filters[0].matches(&view);
                }
            }
        }
    }

    #[test]
    fn no_query_panics_or_echoes(name in "[a-zA-Z_:.-]{0,20}", value in "\\PC{0,30}") {
        for rtype in ["Patient", "Observation"] {
            let known = ["name", "code", "subject", "value-quantity", "date", "_sort", "_include", "_count", "combo-code-value-quantity:text"];
            for name in known.into_iter().chain([name.as_str()]) {
                if let Err(error) = Query::parse(ResourceType::parse(rtype).unwrap(), &[(name.to_owned(), value.clone())]) {
                    prop_assert!(value.len() < 6 || !error.to_string().contains(&value));
                    prop_assert!(error.problem != QueryProblem::Empty || value.is_empty() || value.contains([',', '|']));
                }
            }
        }
    }
}
