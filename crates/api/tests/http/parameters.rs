//! Every search parameter of every resource type of R4: answered, or refused by name; declared as it is.

use super::support::{ANNA, House};
use aceso_fhir::definitions::{ResourceType, patient_params};
use aceso_fhir::search::{ParamKind, SearchParam, params_of};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn sample(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Number => "gt5",
        ParamKind::Date => "ge2020-01-01",
        ParamKind::String => "keller",
        ParamKind::Token => "http://x.example%7Ccode",
        ParamKind::Reference => "Patient/057aa36e-b892-4964-b5b9-ffb46b097e34",
        ParamKind::Quantity => "gt5",
        ParamKind::Uri => "http://x.example/y",
        ParamKind::Composite | ParamKind::Special => "x",
    }
}

fn value(param: &SearchParam) -> String {
    match param.kind {
        ParamKind::Composite => param.components().map(|(_, kind)| sample(kind)).collect::<Vec<_>>().join("$"),
        ParamKind::Reference if !param.targets.iter().any(|target| target.name() == "Patient") => param
            .targets
            .first()
            .map_or_else(|| sample(ParamKind::Reference).to_owned(), |target| format!("{}/x", target.name())),
        kind => sample(kind).to_owned(),
    }
}

/// Served there, or refused with a 400 that names the parameter.
#[track_caller]
fn served(param: &SearchParam, answer: &super::support::Answer) -> bool {
    match answer.status {
        200 => true,
        // Served, but not to this role: the refusal names it too.
        403 => {
            assert!(answer.text().contains(&format!("`{}`", param.code)), "{param:?}: {}", answer.text());
            true
        }
        400 => {
            let (_, place) = answer.issue();
            assert_eq!(place, format!("http.{}", param.code), "{param:?}: {}", answer.text());
            false
        }
        other => panic!("{param:?}: {other} {}", answer.text()),
    }
}

#[tokio::test]
async fn every_parameter_of_every_type_is_answered_or_refused_by_name_and_declared_as_it_is() {
    let house = House::open().await;
    let statement = house.raw("", "GET", "/fhir/R4/metadata").send().await.expect(200).json();
    let declared: BTreeMap<(String, String), String> = statement["rest"][0]["resource"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|resource| {
            let params = resource["searchParam"].as_array().cloned().unwrap_or_default();
            let rtype = resource["type"].as_str().unwrap().to_owned();
            params.into_iter().map(move |param| {
                let text = |name: &str| param[name].as_str().unwrap().to_owned();
                ((rtype.clone(), text("name")), text("documentation"))
            })
        })
        .collect();
    let (mut inside, mut across, mut refused, mut only_inside, mut pairs) = (0, 0, 0, 0, 0);
    let mut answered = BTreeSet::new();
    for rtype in ResourceType::all() {
        for param in params_of(rtype) {
            pairs += 1;
            let query = format!("{}={}", param.code, value(param));
            let of_patients = !patient_params(rtype).is_empty();
            let wide = house.get("physician", &format!("/{}?{query}", rtype.name())).await;
            let wide = served(param, &wide);
            let narrow = if of_patients {
                let answer = house.get("patient", &format!("/Patient/{ANNA}/{}?{query}", rtype.name())).await;
                served(param, &answer)
            } else {
                wide
            };
            assert_eq!(narrow, param.is_served(), "{param:?} inside one patient");
            assert!(narrow || !wide, "{param:?} is served across patients but not inside one");
            let name = (rtype.name().to_owned(), param.code.to_owned());
            assert_eq!(declared.contains_key(&name), narrow, "{param:?}: declared and served differ");
            if narrow {
                let reach = &declared[&name];
                let says_across = reach.contains("across") || reach.contains("names the one patient");
                assert_eq!(says_across, wide, "{param:?}: {reach}");
                answered.insert(name);
            }
            inside += usize::from(narrow && of_patients);
            across += usize::from(wide);
            only_inside += usize::from(narrow && !wide);
            refused += usize::from(!narrow);
        }
    }
    assert_eq!(answered, declared.keys().cloned().collect());
    println!(
        "{pairs} pairs: {} served ({inside} of patients' types inside one patient, {across} across, {only_inside} inside one patient only), {refused} refused by name",
        answered.len()
    );
    assert_eq!(pairs, 3010);
    assert_eq!(answered.len(), 2572);
}

#[tokio::test]
async fn the_statement_says_what_the_server_does() {
    let house = House::empty().await;
    let statement = house.raw("", "GET", "/fhir/R4/metadata").send().await.expect(200).json();
    assert_eq!((statement["fhirVersion"].as_str(), statement["kind"].as_str()), (Some("4.0.1"), Some("instance")));
    let rest = &statement["rest"][0];
    let codes = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&rest["interaction"]), ["transaction", "batch"]);
    let resources = rest["resource"].as_array().unwrap();
    assert_eq!(resources.len(), ResourceType::all().count());
    for resource in resources {
        assert_eq!(
            codes(&resource["interaction"]),
            ["read", "vread", "history-instance", "create", "update", "patch", "delete", "search-type"]
        );
        assert_eq!(resource["conditionalRead"], "full-support");
        assert_eq!(resource["conditionalDelete"], "single");
        let own: Vec<&str> =
            resource["searchInclude"].as_array().into_iter().flatten().map(|i| i.as_str().unwrap()).collect();
        assert!(own.iter().all(|include| include.starts_with(&format!("{}:", resource["type"].as_str().unwrap()))));
    }
    let names: BTreeSet<&str> = resources.iter().map(|resource| resource["type"].as_str().unwrap()).collect();
    assert!(names.contains("Patient") && names.contains("Parameters"));
}
