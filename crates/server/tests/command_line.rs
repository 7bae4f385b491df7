//! The commands on the built binary: exit codes, answers, and what never appears in them.

use aceso_testkit::{TestConfig, folder, run};
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
