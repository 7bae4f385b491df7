//! The commands on the built binary: exit codes, answers, and what never appears in them.

use aceso_testkit::{Canary, Clinic, TestConfig, folder, run};
use std::os::unix::fs::PermissionsExt as _;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_valid_configuration_is_told_to_be_valid() {
    let config = TestConfig::write(&folder("cli-valid"), "");
    let answer = run(&["config", "check", "--config", config.file.to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stderr));
    assert_eq!(text(&answer.stdout), "The configuration is valid.\n");
}

#[test]
fn an_unknown_key_ends_with_code_3_and_names_key_and_remedy() {
    let config = TestConfig::write(&folder("cli-unknown"), "[limits]\npage_entriez = 5\n");
    let answer = run(&["config", "check", "--config", config.file.to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(3));
    assert!(text(&answer.stderr).contains("limits.page_entriez: unknown key; did you mean limits.page_entries?"));
    let answer = run(&["config", "check", "--json", "--config", config.file.to_str().unwrap()]);
    assert_eq!(answer.status.code(), Some(3));
    let json: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(json["problems"][0]["at"], "limits.page_entriez");
}

#[test]
fn a_dump_shows_where_a_secret_is_and_not_what_it_is() {
    let folder = folder("cli-dump");
    let secret = "mZmAtm8VSlkMrKnsh9bSGrQS3tGTlZ1JLWJmWk8vZpo=";
    let key = folder.join("root.base64");
    std::fs::write(&key, secret).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = folder.join("aceso.toml");
    let wanted = "mode = \"development\"\nregion = \"ksa\"\ntenants = [\"a\"]\nstore.dir = \"data\"\n\
                  keys = { provider = \"env\", key = { file = \"root.base64\" } }\n";
    std::fs::write(&file, wanted).unwrap();
    for form in [&[][..], &["--json"][..]] {
        let answer = run(&[&["config", "dump", "--config", file.to_str().unwrap()], form].concat());
        assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stderr));
        let shown = text(&answer.stdout);
        assert!(shown.contains("root.base64") && !shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_wrong_call_ends_with_code_2() {
    assert_eq!(run(&["config", "frobnicate"]).status.code(), Some(2));
    assert_eq!(run(&[]).status.code(), Some(2));
}

#[test]
fn the_rules_are_explained_for_a_patients_device_and_for_nobodys() {
    let explain = |more: &[&str]| run(&[&["policy", "explain", "--json", "--role", "nurse"], more].concat());
    let told = |more: &[&str]| -> serde_json::Value {
        let answer = explain(more);
        assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stderr));
        serde_json::from_slice(&answer.stdout).unwrap()
    };
    let device = told(&["--type", "Device"]);
    assert_eq!(device["classes"], told(&["--type", "Observation"])["classes"]);
    assert_eq!((&device["data"], &device["denied"]), (&"patient-data".into(), &serde_json::Value::Null));
    let nobodys = told(&["--type", "Device", "--nobodys"]);
    assert_eq!(nobodys["classes"], told(&["--type", "Organization"])["classes"]);
    assert_eq!(nobodys["data"], "directory");
    assert_ne!(nobodys["classes"], device["classes"]);
    let denied = told(&["--purpose", "HRESCH"]);
    assert_eq!(denied["classes"], serde_json::json!({}));
    assert!(denied["denied"].as_str().is_some_and(|why| why.contains("HRESCH")), "{denied}");
    assert_eq!(explain(&["--type", "Observation", "--nobodys"]).status.code(), Some(2));
    assert_eq!(explain(&["--type", "Device", "--nobodys", "--own"]).status.code(), Some(2));
}

#[test]
fn the_doctor_is_content_with_a_good_place_and_names_a_remedy_for_a_bad_one() {
    let config = TestConfig::write(&folder("cli-doctor"), "");
    let file = config.file.to_str().unwrap();
    let answer = run(&["doctor", "--config", file]);
    assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stdout));
    std::fs::remove_dir(&config.data).unwrap();
    let answer = run(&["doctor", "--json", "--config", file]);
    assert_eq!(answer.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let failed = checks.iter().find(|check| check["state"] == "failed").unwrap();
    assert!(failed["remedy"].as_str().unwrap().contains("install -d -m 700"));
    let answer = run(&["doctor", "--config", "/nonexistent/aceso.toml"]);
    assert_eq!(answer.status.code(), Some(3));
}

#[test]
fn a_package_is_added_listed_and_put_in_force() {
    let folder = folder("cli-packages");
    let config = TestConfig::write(&folder, "[fhir]\npackages = [\"hl7.fhir.us.core#6.1.0\"]\n");
    let file = config.file.to_str().unwrap();
    let check = |code: i32| {
        let answer = run(&["config", "check", "--config", file]);
        assert_eq!(answer.status.code(), Some(code), "{}", text(&answer.stderr));
        text(&answer.stderr)
    };
    assert!(check(3).contains("fhir.packages: hl7.fhir.us.core#6.1.0 is not there; add it with"));
    let serve = run(&["serve", "--config", file]);
    assert_eq!(serve.status.code(), Some(3), "{}", text(&serve.stderr));
    assert!(text(&serve.stderr).contains("hl7.fhir.us.core#6.1.0"));

    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/us-core/us-core-6.1.0.tgz");
    let damaged = folder.join("damaged.tgz");
    std::fs::write(&damaged, &std::fs::read(package).unwrap()[..1_000_000]).unwrap();
    let refused = run(&["fhir", "packages", "add", damaged.to_str().unwrap(), "--config", file]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    for added in [true, false] {
        let answer = run(&["fhir", "packages", "add", package, "--json", "--config", file]);
        assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stderr));
        let json: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert_eq!(
            (json["added"].as_bool(), json["resources"]["StructureDefinition"].as_u64()),
            (Some(added), Some(59))
        );
    }
    check(0);
    let listed = run(&["fhir", "packages", "list", "--config", file]);
    let listed = text(&listed.stdout);
    assert!(listed.contains("hl7.fhir.us.core#6.1.0  in force  4c4e7fbb"), "{listed}");
    let doctor = run(&["doctor", "--json", "--config", file]);
    let json: serde_json::Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let check = json["checks"].as_array().unwrap().iter().find(|check| check["check"] == "packages").unwrap();
    assert_eq!(check["state"], "warning");
    assert!(check["detail"].as_str().unwrap().contains("hl7.terminology.r4#5.0.0"));
}

#[test]
fn a_report_says_which_elements_each_reader_was_shown() {
    let clinic = Clinic::open("cli-report", &["physician", "billing", "auditor"], "");
    let path = format!("/fhir/R4/Patient/{}", Canary::ID);
    clinic.client("physician").put(&path, &Canary::patient()).expect(201);
    clinic.client("billing").get(&path).expect(200);
    clinic.client("physician").get(&format!("{path}?_elements=birthDate")).expect(200);
    let log = clinic.export_log("log");
    let log = log.to_str().unwrap();
    let report = |more: &[&str]| run(&[&["audit", "report", "disclosures", log], more].concat());
    let answer = report(&["--patient", Canary::ID, "--json"]);
    assert_eq!(answer.status.code(), Some(0), "{}", text(&answer.stderr));
    let shown: Vec<serde_json::Value> = serde_json::from_slice(&answer.stdout).unwrap();
    let elements: Vec<Vec<&str>> = shown
        .iter()
        .map(|one| one["elements"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect())
        .collect();
    assert_eq!((&shown[0]["roles"][0], shown.len()), (&"billing".into(), 2), "{shown:?}");
    assert!(elements[0].contains(&"Patient.name") && elements[0].contains(&"Patient.telecom"), "{shown:?}");
    assert!(!elements[0].contains(&"Patient.text"), "the narrative is closed to billing: {shown:?}");
    assert!(elements[1].contains(&"Patient.birthDate") && !elements[1].contains(&"Patient.name"), "{shown:?}");
    let readable = text(&report(&[]).stdout);
    assert!(readable.contains("billing HPAYMT  read  Patient/") && readable.contains("birthDate"), "{readable}");
    assert!(!readable.contains(Canary::FAMILY));
    let nobody = report(&["--patient", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(text(&nobody.stdout), "Nothing was shown.\n");
    assert_eq!(report(&["--patient", "somebody"]).status.code(), Some(2));
    // Nothing is reported of a log that does not verify.
    let entries = std::path::Path::new(log).join("entries/000000.ndjson");
    let changed = std::fs::read_to_string(&entries).unwrap().replacen("billing", "nurse", 1);
    std::fs::write(&entries, changed).unwrap();
    let refused = report(&["--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stdout).contains("\"ok\": false"), "{}", text(&refused.stdout));
}
