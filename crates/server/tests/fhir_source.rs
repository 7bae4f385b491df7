//! A FHIR source on the built binary: our own server is the source, and another one takes its records in.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_testkit::Clinic;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Two clinics: records of the first come into the second.
struct Rig {
    source: Clinic,
    here: Clinic,
    patients: Vec<String>,
}

fn rig() -> Rig {
    let source = Clinic::open("fhir-source", &["physician"], "");
    let service = source.command_json(&["clients", "add", "feed", "--role", "physician"]);
    let here = Clinic::open("fhir-here", &["physician"], "");
    let secret = here.config.folder.join("secret");
    std::fs::write(&secret, service["secret"].as_str().unwrap()).unwrap();
    let origin = format!("http://127.0.0.1:{}", source.config.port);
    // Our own token endpoint takes secrets only, so far; and our own lists of a chart are of one patient each.
    let added = here.command_json(&[
        "connections",
        "add",
        "other",
        "--vendor",
        "fhir",
        "--url",
        &format!("{origin}/fhir/R4"),
        "--token-url",
        &format!("{origin}/oauth2/token"),
        "--client-id",
        "feed",
        "--secret-file",
        secret.to_str().unwrap(),
        "--scope",
        "fhir",
        "--option",
        "lists=by-patient",
        "--schedule",
        "0 0 1 1 *",
    ]);
    assert_eq!(added["vendor"], "fhir");
    let patients = populate(&source);
    Rig { source, here, patients }
}

/// A practice with three patients; gives their ids.
fn populate(source: &Clinic) -> Vec<String> {
    let physician = source.client("physician");
    let make = |body: Value| {
        let kind = body["resourceType"].as_str().unwrap().to_owned();
        let location = physician.post(&format!("/fhir/R4/{kind}"), &body).expect(201).header("location").to_owned();
        location.split('/').rev().nth(2).unwrap().to_owned()
    };
    let practice = make(json!({ "resourceType": "Organization", "name": "Practice" }));
    let doctor = make(json!({ "resourceType": "Practitioner", "name": [{ "family": "Berg" }] }));
    let mut patients = Vec::new();
    for number in 1..=3 {
        let patient = make(json!({ "resourceType": "Patient", "name": [{ "family": format!("Family-{number}") }],
            "birthDate": "1970-01-02", "managingOrganization": { "reference": format!("Organization/{practice}") } }));
        let subject = json!({ "reference": format!("Patient/{patient}") });
        let visit = make(json!({ "resourceType": "Encounter", "status": "finished", "subject": subject,
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" } }));
        make(json!({ "resourceType": "Condition", "subject": subject, "code": { "text": "Hypertension" },
            "encounter": { "reference": format!("Encounter/{visit}") }, "asserter": { "reference": format!("Practitioner/{doctor}") } }));
        for value in 0..3 {
            make(json!({ "resourceType": "Observation", "status": "final", "subject": subject,
                "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] },
                "performer": [{ "reference": format!("Practitioner/{doctor}") }],
                "valueQuantity": { "value": 120 + value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } }));
        }
        patients.push(patient);
    }
    patients
}

impl Rig {
    fn sync(&self, more: &[&str]) -> Value {
        self.here.command_json(&[&["connections", "sync", "other"], more].concat())
    }

    /// The records of a type here, by their id at the source.
    fn found(&self, kind: &str, query: &str) -> BTreeMap<String, Value> {
        let page = self.here.client("physician").get(&format!("/fhir/R4/{kind}?_count=100{query}")).expect(200).json();
        let system = format!("https://aceso.health/fhir/sid/other/fhir/{kind}");
        let entries = page["entry"].as_array().cloned().unwrap_or_default();
        let by_source = entries.into_iter().map(|entry| {
            let resource = entry["resource"].clone();
            let all = resource["identifier"].as_array().unwrap().clone();
            let own = all.iter().find(|identifier| identifier["system"] == system.as_str()).unwrap();
            (own["value"].as_str().unwrap().to_owned(), resource)
        });
        by_source.collect()
    }
}

#[test]
fn records_of_our_own_server_come_in_with_ids_of_their_own_and_follow_it() {
    let mut rig = rig();
    let first = rig.sync(&[]);
    assert_eq!(rig.here.command_json(&["connections", "letters", "list", "other"]), json!([]), "{first}");
    let patients = rig.found("Patient", "");
    assert_eq!(patients.keys().collect::<Vec<_>>(), {
        let mut wanted: Vec<&String> = rig.patients.iter().collect();
        wanted.sort_unstable();
        wanted
    });
    let [practice] = rig.found("Organization", "").into_values().collect::<Vec<_>>().try_into().unwrap();
    let [doctor] = rig.found("Practitioner", "").into_values().collect::<Vec<_>>().try_into().unwrap();
    let reference =
        |record: &Value| format!("{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
    for (source, patient) in &patients {
        assert_ne!(patient["id"], source.as_str());
        assert_eq!(patient["managingOrganization"]["reference"], reference(&practice));
        let of = format!("&patient={}", patient["id"].as_str().unwrap());
        let observations = rig.found("Observation", &of);
        assert_eq!(observations.len(), 3);
        assert!(observations.values().all(|record| record["performer"][0]["reference"] == reference(&doctor)));
        let [visit] = rig.found("Encounter", &of).into_values().collect::<Vec<_>>().try_into().unwrap();
        let [condition] = rig.found("Condition", &of).into_values().collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(condition["encounter"]["reference"], reference(&visit));
        assert_eq!(condition["subject"]["reference"], reference(patient));
    }

    let again = rig.sync(&["--everything"]);
    assert_eq!((again["written"].as_u64(), again["deleted"].as_u64()), (Some(0), Some(0)), "{again}");

    let changed = &rig.patients[1];
    let physician = rig.source.client("physician");
    let mut body = physician.get(&format!("/fhir/R4/Patient/{changed}")).expect(200).json();
    body["birthDate"] = json!("1971-03-04");
    physician.put(&format!("/fhir/R4/Patient/{changed}"), &body).expect(200);
    let after = rig.sync(&[]);
    assert_eq!(after["written"].as_u64(), Some(1), "{after}");
    assert_eq!(rig.found("Patient", "")[changed]["birthDate"], "1971-03-04");
    rig.here.stop();
    rig.source.stop();
}

#[test]
fn a_connection_that_its_vendor_could_not_follow_is_refused_by_what_is_missing() {
    let mut clinic = Clinic::open("fhir-refused", &[], "");
    let secret = clinic.config.folder.join("secret");
    std::fs::write(&secret, "x").unwrap();
    let secret = secret.to_str().unwrap();
    for (vendor, more, word) in [
        ("cerner", &[][..], "oracle-health"),
        ("epic", &["--option", "group=g1"], "algorithm"),
        ("oracle-health", &[], "patient=ID"),
        ("athenahealth", &[], "ah-practice"),
        ("fhir", &["--option", "speed=high"], "lists=by-patient"),
    ] {
        let url = "https://ehr.example/r4";
        let common =
            ["connections", "add", "x", "--vendor", vendor, "--url", url, "--client-id", "c", "--secret-file", secret];
        let output = clinic.command(&[&common[..], more].concat());
        assert_eq!(output.status.code(), Some(2), "{vendor}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(word), "{vendor}: {said}");
    }
    clinic.stop();
}
