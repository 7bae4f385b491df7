//! The configuration file.

use aceso_server::config::Config;
use aceso_testkit::Canary;
use std::path::Path;

pub(super) const WORDS: &[&str] = &[
    "mode = \"production\"\n",
    "region = ",
    "tenants = [",
    "[store]\n",
    "[keys]\n",
    "[limits]\n",
    "[connect.north]\n",
    "connect.a-b.paused = true\n",
    "schedule = \"0 1 * * *\"\n",
    "{ env = \"ACESO_ROOT\" }",
    "{ file = \"/run/secrets/root\" }",
    "public_url = \"https://a.example\"\n",
    "Zyxelquist",
    "\"\"\"",
    "'''",
    "#",
    "0x7fffffffffffffff",
    "nan",
    "1979-05-27T07:32:00Z",
    "a.b.c = 1\n",
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let development = "mode = \"development\"\nregion = \"us\"\ntenants = [\"clinic\", \"north\"]\nstore.dir = \"data\"\n\
                       keys = { provider = \"local\", file = \"root.key\" }\n[limits]\nscan_seconds = 5\npage_entries = 100\n";
    let production = "region = \"eu-1\"\ntenants = [\"clinic\"]\npublic_url = \"https://fhir.example.org\"\nlisten = \"[::1]:8080\"\n\
                      [store]\ndir = \"/var/lib/aceso\"\n[keys]\nprovider = \"env\"\nkey = { env = \"ACESO_ROOT\" }\n[audit]\n\
                      origin = \"log.example.org/aceso\"\n[search]\npopulation = 100000\n[telemetry]\nlevel = \"warn\"\n[connect.north]\nvendor = \"elation\"\n\
                      url = \"https://ehr.example/api\"\nclient_id = \"a\"\nsecret = { env = \"NORTH\" }\nscopes = [\"x\"]\n";
    [development, production, "keys.key = \"Zyxelquist\"\nlisten = \"Zyxelquist\"\n"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}

pub(super) fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let base = Path::new("/etc/aceso");
    match Config::from_layers(text, base, []) {
        Ok(config) => {
            let written = config.effective.to_toml();
            let again = Config::from_layers(&written, base, []).expect("what was written out is read again");
            assert!(again.effective.to_toml() == written, "written out twice is not the same");
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            // `at` may be a key that is not known; the text never has a word of the file.
            let quoted = problems.iter().any(|problem| problem.text.contains(Canary::FAMILY));
            assert!(!quoted, "a problem quotes a value");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_seeds_are_accepted_and_the_third_is_not() {
        let accepted = |seed: &Vec<u8>| {
            Config::from_layers(std::str::from_utf8(seed).unwrap(), Path::new("/etc/aceso"), []).is_ok()
        };
        assert_eq!(seeds().iter().map(accepted).collect::<Vec<_>>(), [true, true, false]);
    }
}
