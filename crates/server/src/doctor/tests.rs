use super::*;
use aceso_base::Timestamp;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

struct At(i64);
impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp(self.0)
    }
}

const FAR: At = At(4_000_000_000_000);

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("aceso-doctor-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(path.join("data")).unwrap();
    std::fs::set_permissions(path.join("data"), std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn config(folder: &Path) -> Config {
    let text = "mode = \"development\"\nregion = \"us\"\ntenants = [\"a\"]\nlisten = \"127.0.0.1:0\"\nops_listen = \"127.0.0.1:0\"\n\
                store.dir = \"data\"\nkeys = { provider = \"local\", file = \"root.key\" }\n";
    Config::from_layers(text, folder, []).unwrap()
}

fn state(findings: &[Finding], check: &str) -> State {
    findings.iter().find(|finding| finding.check == check).unwrap().state
}

#[test]
fn a_good_place_has_no_failure() {
    crate::hardening::protect_memory().unwrap();
    let findings = examine(&config(&folder("good")), &FAR);
    assert!(findings.iter().all(|finding| finding.state != State::Failed), "{findings:?}");
    assert_eq!(state(&findings, "sqlite"), State::Well);
}

#[test]
fn a_missing_data_directory_is_a_failure_with_a_remedy() {
    let folder = folder("missing");
    std::fs::remove_dir(folder.join("data")).unwrap();
    let findings = examine(&config(&folder), &FAR);
    let finding = findings.iter().find(|finding| finding.check == "data directory").unwrap();
    assert_eq!(finding.state, State::Failed);
    assert!(finding.remedy.contains("install -d -m 700"));
}

#[test]
fn a_key_file_open_to_others_is_a_failure() {
    let folder = folder("open-key");
    std::fs::write(folder.join("root.key"), b"x").unwrap();
    std::fs::set_permissions(folder.join("root.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(state(&examine(&config(&folder), &FAR), "root key"), State::Failed);
}

#[test]
fn a_clock_set_back_is_a_failure() {
    let folder = folder("clock");
    assert_eq!(state(&examine(&config(&folder), &At(0)), "clock"), State::Failed);
    std::fs::write(folder.join("data/x"), b"x").unwrap();
    let findings = examine(&config(&folder), &At(1_767_225_600_001));
    assert_eq!(state(&findings, "clock"), State::Failed);
}

#[test]
fn a_port_in_use_is_a_failure() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(&folder("port"));
    config.listen = taken.local_addr().unwrap();
    assert_eq!(state(&examine(&config, &FAR), "listen"), State::Failed);
}

#[test]
fn the_doctor_leaves_nothing_behind() {
    let folder = folder("clean");
    let _ = examine(&config(&folder), &FAR);
    assert_eq!(std::fs::read_dir(folder.join("data")).unwrap().count(), 0);
}

#[test]
fn a_cache_that_is_not_there_or_refuses_is_a_warning_with_a_remedy() {
    let server = aceso_testkit::RedisServer::with_password("s3cret-of-the-test");
    let folder = folder("cache");
    let mut config = config(&folder);
    assert!(examine(&config, &FAR).iter().all(|finding| finding.check != "shared cache"), "none is configured");
    let (lookups, wait) = (std::time::Duration::ZERO, std::time::Duration::from_secs(20));
    let mut with = |address: &str| {
        let file = folder.join("address");
        std::fs::write(&file, address).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let address = crate::config::CacheAddress::Secret(crate::config::SecretRef::File(file));
        config.cache = Some(crate::config::CacheSettings { address, lookups, wait });
        examine(&config, &FAR)
    };
    let at = format!("127.0.0.1:{}", server.port());
    assert_eq!(state(&with(&format!("redis://:s3cret-of-the-test@{at}")), "shared cache"), State::Well);
    let free = aceso_testkit::free_port();
    for wrong in [format!("redis://{at}"), format!("redis://:other@{at}"), format!("redis://127.0.0.1:{free}")] {
        let findings = with(&wrong);
        let finding = findings.iter().find(|finding| finding.check == "shared cache").unwrap();
        assert_eq!(finding.state, State::Warning, "the server starts all the same");
        assert!(finding.remedy.contains("cache.redis"));
    }
    let findings = with("redis://s3cret?");
    assert_eq!(state(&findings, "secrets"), State::Failed);
    assert!(!format!("{findings:?}").contains("s3cret"));
}
