use super::*;

const WORKING: &str = r#"
mode = "development"
region = "us"
tenants = ["clinic"]
[store]
dir = "/nonexistent/aceso/data"
[keys]
provider = "local"
file = "/nonexistent/aceso/root.key"
"#;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_layers(text, Path::new("/nonexistent"), variables)
}

fn problems(text: &str, variables: &[(&str, &str)]) -> Vec<Problem> {
    load(text, variables).unwrap_err()
}

#[test]
fn a_small_file_gets_the_defaults() {
    let config = load(WORKING, &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.audit_origin, "localhost/aceso/us");
    assert_eq!(config.limits.body_bytes, 16 * 1024 * 1024);
}

#[test]
fn a_variable_wins_over_the_file_and_a_default() {
    let config =
        load(WORKING, &[("ACESO__REGION", "ksa"), ("ACESO__LIMITS__PAGE_ENTRIES", "50"), ("ACESO__TENANTS", "a, b")]);
    let config = config.unwrap();
    assert_eq!((config.region.as_str(), config.limits.page_entries, config.tenants.len()), ("ksa", 50, 2));
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_key_meant() {
    let found = problems(&format!("{WORKING}\n[stor]\nx = 1\n"), &[]);
    assert_eq!(found.len(), 1);
    let found = problems(&WORKING.replace("dir =", "dri ="), &[]);
    assert!(found.iter().any(|p| p.at == "store.dri" && p.text.contains("store.dir")), "{found:?}");
    let found = problems(WORKING, &[("ACESO__STORE__DRI", "/x")]);
    assert!(found.iter().any(|p| p.at == "ACESO__STORE__DRI"), "{found:?}");
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems("[keys]\nprovider = \"local\"\n", &[]);
    let at: Vec<_> = found.iter().map(|p| p.at.as_str()).collect();
    assert_eq!(at, ["keys.file", "region", "tenants", "store.dir"]);
}

#[test]
fn no_problem_and_no_dump_shows_a_value_that_could_be_a_secret() {
    let secret = "hunter2-hunter2-hunter2";
    for text in [
        format!("{WORKING}key = \"{secret}\"\n"),
        WORKING.replace("\"local\"", &format!("\"{secret}\"")),
        format!("{WORKING}key = {{ file = \"a\", env = \"{secret}\" }}\n"),
        format!("{WORKING}\"{secret} {secret}\" = 1\n"),
        format!("{WORKING}key = {secret}\n"),
        format!("{WORKING}\n{secret}\n"),
        WORKING.replace("\"us\"", &format!("\"{secret} {secret}\"")),
    ] {
        let found = problems(&text, &[]);
        assert!(!found.is_empty());
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
    let found = problems(WORKING, &[("ACESO__KEYS__KEY", secret)]);
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
}

#[test]
fn a_syntax_error_names_line_and_column() {
    let found = problems("mode = \"development\"\nregion = us\n", &[]);
    assert!(found.first().unwrap().text.contains("line 2, column 10"), "{found:?}");
}

#[test]
fn production_refuses_the_local_key_provider_and_plain_http() {
    let found = problems(&WORKING.replace("development", "production"), &[]);
    let at: Vec<_> = found.iter().map(|p| p.at.as_str()).collect();
    assert_eq!(at, ["keys.provider", "public_url", "audit.origin"]);
}

#[test]
fn production_is_the_default_mode() {
    let found = problems(&WORKING.replace("mode = \"development\"", ""), &[]);
    assert!(found.iter().any(|p| p.at == "keys.provider"));
}

#[test]
fn a_key_file_inside_the_data_directory_is_refused_in_every_mode() {
    for mode in ["development", "production"] {
        let text = WORKING.replace("/nonexistent/aceso/root.key", "/nonexistent/aceso/data/../data/root.key");
        let found = problems(&text.replace("development", mode), &[]);
        assert!(found.iter().any(|p| p.at == "keys.file" && p.text.contains("inside store.dir")), "{found:?}");
    }
    let text = WORKING.replace("provider = \"local\"", "provider = \"env\"").replace("file = ", "key.file = ");
    let found = problems(&text.replace("aceso/root.key", "aceso/data/root.key"), &[]);
    assert!(found.iter().any(|p| p.at == "keys.key"), "{found:?}");
}

#[test]
fn a_production_configuration_with_references_is_accepted() {
    let text = r#"
region = "us"
tenants = ["clinic"]
public_url = "https://fhir.example.org"
audit.origin = "log.example.org/aceso"
store.dir = "data"
keys = { provider = "env", key = { env = "ACESO_ROOT_KEY" } }
"#;
    let config = load(text, &[]).unwrap();
    assert_eq!(config.data_dir, Path::new("/nonexistent/data"));
    assert_eq!(config.root_key, RootKey::Env(SecretRef::Env("ACESO_ROOT_KEY".into())));
    assert_eq!(config.unusable_secrets().len(), 1, "the variable is not set here");
}

#[test]
fn a_dump_reads_back_to_the_same_values() {
    let config = load(WORKING, &[("ACESO__LISTEN", "[::1]:80")]).unwrap();
    let dump = config.effective.to_toml();
    let again = load(&dump, &[]).unwrap();
    assert_eq!(again.effective.to_toml(), dump.replace("  # from the environment", ""));
}

#[test]
fn keys_of_the_other_provider_are_refused() {
    let found = problems(&format!("{WORKING}key = {{ env = \"X\" }}\n"), &[]);
    assert!(found.iter().any(|p| p.at == "keys.key" && p.text.contains("provider env")), "{found:?}");
}

#[test]
fn a_root_key_that_is_none_is_found_before_the_start() {
    let text = WORKING.replace("provider = \"local\"", "provider = \"env\"").replace("file = ", "key.file = ");
    let file = std::env::temp_dir().join(format!("aceso-config-{}.key", std::process::id()));
    let config = load(&text.replace("/nonexistent/aceso/root.key", &file.to_string_lossy()), &[]).unwrap();
    for (content, usable) in [("bm90IDMyIGJ5dGVz", false), ("mZmAtm8VSlkMrKnsh9bSGrQS3tGTlZ1JLWJmWk8vZpo=", true)] {
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let found = config.unusable_secrets();
        assert_eq!(found.is_empty(), usable, "{found:?}");
        assert!(!format!("{found:?}").contains(content));
    }
}

#[test]
fn a_cache_is_named_by_reference_or_by_a_plain_address_and_not_by_both() {
    assert_eq!(load(WORKING, &[]).unwrap().cache, None);
    let plain = load(WORKING, &[("ACESO__CACHE__ADDRESS", "cache.internal:6379")]).unwrap().cache.unwrap();
    assert_eq!(plain.address, CacheAddress::Plain("cache.internal:6379".into()));
    assert_eq!(plain.lookups, Duration::from_secs(300));
    let text = format!("{WORKING}\n[cache]\nredis = {{ env = \"ACESO_NO_SUCH_CACHE\" }}\nlookup_seconds = 0\n");
    let config = load(&text, &[]).unwrap();
    let by_reference = CacheAddress::Secret(SecretRef::Env("ACESO_NO_SUCH_CACHE".into()));
    assert_eq!(
        config.cache,
        Some(CacheSettings { address: by_reference, lookups: Duration::ZERO, wait: Duration::from_secs(1) })
    );
    let unusable = config.unusable_secrets();
    assert!(unusable.iter().any(|problem| problem.at == "cache.redis"), "{unusable:?}");
    let found = problems(&text, &[("ACESO__CACHE__ADDRESS", "localhost:6379")]);
    assert!(found.iter().any(|problem| problem.at == "cache.address"), "{found:?}");
    for wrong in ["localhost", "redis://:hunter2@localhost:1", "hunter2@localhost:1"] {
        let found = problems(WORKING, &[("ACESO__CACHE__ADDRESS", wrong)]);
        assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    }
}

const NORTH: &str =
    "[connect.north]\nvendor = \"elation\"\nurl = \"https://ehr.example/api/2.0\"\nclient_id = \"aceso\"\n";

fn with_north(more: &str) -> String {
    format!("{WORKING}\n{NORTH}{more}\n")
}

#[test]
fn a_connection_is_a_section_with_a_name_and_gets_the_defaults() {
    let config = load(&with_north("secret = { env = \"NORTH_SECRET\" }"), &[]).unwrap();
    let [north] = config.connections.as_slice() else { panic!("{:?}", config.connections) };
    assert_eq!((north.name.as_str(), north.tenant.as_str(), north.vendor.as_str()), ("north", "clinic", "elation"));
    assert_eq!((north.schedule.as_str(), north.sweep.as_str()), ("*/5 * * * *", "17 3 * * *"));
    assert_eq!((north.time_zone.as_str(), north.concurrency, north.per_second, north.paused), ("UTC", 8, 0, false));
    assert_eq!(north.proof, ProofRef::Secret(SecretRef::Env("NORTH_SECRET".into())));
    assert_eq!(config.unusable_secrets().first().unwrap().at, "connect.north.secret", "the variable is not set here");
}

#[test]
fn variables_reach_into_a_connection_and_can_make_one() {
    let secret =
        [("ACESO__CONNECT__NORTH__SECRET", "{ env = \"NORTH_SECRET\" }"), ("ACESO__CONNECT__NORTH__PAUSED", "true")];
    assert!(load(&with_north(""), &secret).unwrap().connections.first().unwrap().paused);
    let found = problems(WORKING, &[("ACESO__CONNECT__SOUTH__VENDOR", "elation")]);
    let at: Vec<_> = found.iter().map(|p| p.at.as_str()).collect();
    assert_eq!(at, ["connect.south.secret", "connect.south.url", "connect.south.client_id"]);
    assert!(load(WORKING, &[("ACESO__CONNECT__NORTH__SCOPES", "a, b")]).unwrap_err().len() >= 3);
}

#[test]
fn an_empty_section_and_a_wrong_name_are_told() {
    let found = problems(&format!("{WORKING}\n[connect.north]\n"), &[]);
    assert!(found.iter().any(|p| p.at == "connect.north.vendor"), "{found:?}");
    let found = problems(&format!("{WORKING}\n[connect.North_Clinic]\nvendor = \"elation\"\n"), &[]);
    assert!(found.iter().any(|p| p.at == "connect" && p.text.contains("name of a connection")), "{found:?}");
    let found = problems(&with_north("vendro = \"elation\""), &[]);
    assert!(
        found.iter().any(|p| p.at == "connect.north.vendro" && p.text.contains("connect.north.vendor")),
        "{found:?}"
    );
}

#[test]
fn a_secret_of_a_connection_is_a_reference_and_one_of_two_kinds() {
    let found = problems(&with_north("secret = \"hunter2-hunter2\""), &[]);
    assert!(found.iter().any(|p| p.at == "connect.north.secret" && p.text.contains("reference")), "{found:?}");
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    let both = "secret = { env = \"A\" }\nkey = { env = \"B\" }\nkey_id = \"1\"";
    let at: Vec<_> = problems(&with_north(both), &[]).into_iter().map(|p| p.at).collect();
    assert_eq!(at, ["connect.north.key", "connect.north.key_id"]);
    let found = problems(&with_north("key = { env = \"B\" }"), &[]);
    assert_eq!(found.first().unwrap().at, "connect.north.key_id");
}

#[test]
fn values_of_a_connection_have_their_forms_and_its_tenant_is_served() {
    for (line, at) in [
        ("schedule = \"often\"", "schedule"),
        ("time_zone = \"Mars/Olympus\"", "time_zone"),
        ("concurrency = 0", "concurrency"),
        ("paused = \"no\"", "paused"),
        ("token_url = \"ftp://ehr.example\"", "token_url"),
        ("scopes = [\"a b\"]", "scopes"),
        ("options = [\"group\"]", "options"),
        ("tenant = \"other\"", "tenant"),
    ] {
        let found = problems(&with_north(&format!("secret = {{ env = \"A\" }}\n{line}")), &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found.first().unwrap().at, format!("connect.north.{at}"));
    }
    let several = with_north("secret = { env = \"A\" }").replace("[\"clinic\"]", "[\"clinic\", \"other\"]");
    assert_eq!(problems(&several, &[]).first().unwrap().at, "connect.north.tenant");
}

#[test]
fn a_dump_of_connections_reads_back_and_shows_references_only() {
    let south = NORTH.replace("north", "a-south");
    let text = with_north(&format!(
        "secret = {{ file = \"n\" }}\nscopes = [\"x\", \"y\"]\noptions = [\"group=e=1\"]\n{south}key = {{ env = \"K\" }}\nkey_id = \"1\""
    ));
    let config = load(&text, &[("ACESO__CONNECT__A-SOUTH__SWEEP", "1 1 * * *")]).unwrap();
    let dump = config.effective.to_toml();
    assert!(config.connections.iter().any(|of| of.options == [("group".to_owned(), "e=1".to_owned())]));
    assert!(dump.contains("[connect.a-south]") && dump.contains("secret = { file = "), "{dump}");
    let again = load(&dump, &[]).unwrap();
    assert_eq!(again.effective.to_toml(), dump.replace("  # from the environment", ""));
    assert_eq!(again.connections, config.connections);
}

#[test]
fn what_would_stop_a_connection_is_found_before_the_start() {
    let file = std::env::temp_dir().join(format!("aceso-connect-{}.key", std::process::id()));
    std::fs::write(&file, "no key at all, but long enough").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let key = format!("key = {{ file = {:?} }}\nkey_id = \"1\"", file.to_string_lossy());
    let found = load(&with_north(&key), &[]).unwrap().unusable_secrets();
    assert_eq!(found.first().unwrap().at, "connect.north.key");
    assert!(!format!("{found:?}").contains("no key at all"), "{found:?}");
}

#[test]
fn the_example_is_accepted() {
    let text = include_str!("../../../../docs/aceso.example.toml");
    let config = load(text, &[]).unwrap();
    assert_eq!(config.connections.len(), 1);
    // Every key of a connection stands in it, in a comment or not.
    for key in schema::KEYS.iter().filter_map(|key| key.path.strip_prefix("connect.*.")) {
        assert!(text.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ="))), "{key}");
    }
}

#[test]
fn packages_are_named_for_all_tenants_or_for_one() {
    let text = format!(
        "{}\n[fhir]\npackages = [\"a.b#1.0.0\"]\n[fhir.north]\npackages = [\"a.b#2.0.0\", \"c#1\"]\n",
        WORKING.replace("[\"clinic\"]", "[\"clinic\", \"north\"]")
    );
    let config = load(&text, &[]).unwrap();
    assert_eq!(config.packages.usual, ["a.b#1.0.0"]);
    let north = aceso_base::TenantId::parse("north").unwrap();
    assert_eq!(config.packages.of_tenants.get(&north).unwrap(), &["a.b#2.0.0", "c#1"]);
    let again = load(&config.effective.to_toml(), &[]).unwrap();
    assert_eq!(again.packages, config.packages);
    let config = load(&text, &[("ACESO__FHIR__CLINIC__PACKAGES", "d#1"), ("ACESO__FHIR__PACKAGES", "")]).unwrap();
    assert_eq!((config.packages.usual.len(), config.packages.of_tenants.len()), (0, 2));
    assert!(!load(WORKING, &[]).unwrap().packages.any());
}

#[test]
fn packages_of_nobody_or_without_a_version_are_refused() {
    for (section, at) in [
        ("[fhir]\npackages = [\"a\"]", "fhir.packages"),
        ("[fhir]\npackages = [\"a#1\", \"a#1\"]", "fhir.packages"),
        ("[fhir.other]\npackages = []", "fhir.other.packages"),
        ("[fhir.clinic]\npackagez = []", "fhir.clinic.packagez"),
        ("[fhir.clinic]", "fhir.clinic.packages"),
        ("[fhir.\"No Label\"]\npackages = []", "fhir"),
    ] {
        let found = problems(&format!("{WORKING}\n{section}\n"), &[]);
        assert!(found.iter().any(|problem| problem.at == at), "{section}: {found:?}");
    }
}
