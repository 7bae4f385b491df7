//! Every key that a configuration may hold, in the order in which `config dump` prints them.
//!
//! One table: what is not in it does not exist, and a key is here only when something reads it.

use aceso_base::TenantId;
use aceso_connect::admin;

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 1 to 32 of `a-z`, `0-9` and `-`.
    Label,
    /// One or more labels, all different.
    Labels,
    /// An IP address with a port.
    Address,
    /// A path; a relative one is taken from the folder of the configuration file.
    Path,
    /// An absolute `http` or `https` URL without query and fragment, and without a slash at its end.
    Url,
    /// As [`Kind::Url`]; a slash at its end is allowed.
    Endpoint,
    /// Printable ASCII without spaces, 1 to 128 bytes.
    Name,
    /// A host with a port.
    Host,
    /// Any number of names.
    Names,
    /// Five fields of cron.
    Cron,
    /// A name of the IANA time zone database.
    Zone,
    /// True or false.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A whole number within these limits, both included.
    Integer(i64, i64),
    /// A reference to a secret: `{ file = "…" }` or `{ env = "…" }`, never the secret itself.
    Secret,
}

impl Kind {
    /// The rule in words, as an error tells it.
    #[must_use]
    pub fn rule(self) -> String {
        match self {
            Self::Label => "1 to 32 of a-z, 0-9 and '-'".to_owned(),
            Self::Labels => "a list of labels (1 to 32 of a-z, 0-9 and '-'), at least one, all different".to_owned(),
            Self::Address => "an IP address with a port, such as \"127.0.0.1:8080\"".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Url => "an absolute http or https URL without query, fragment or slash at its end".to_owned(),
            Self::Endpoint => "an absolute http or https URL without query and fragment".to_owned(),
            Self::Name => "1 to 128 printable ASCII characters without spaces".to_owned(),
            Self::Host => "a host name or IP address with a port, such as \"127.0.0.1:6379\"".to_owned(),
            Self::Names => "a list of names (printable ASCII without spaces)".to_owned(),
            Self::Cron => "five fields of cron: minute, hour, day of month, month, day of week".to_owned(),
            Self::Zone => "a name of the IANA time zone database, such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Choice(words) => format!("one of: {}", words.join(", ")),
            Self::Integer(least, most) => format!("a whole number from {least} to {most}"),
            Self::Secret => {
                "a reference, { file = \"…\" } or { env = \"…\" }; a secret never stands in the configuration"
                    .to_owned()
            }
        }
    }
}

/// One key.
#[derive(Debug)]
pub struct Key {
    /// Section and name with a dot between; no dot at the top level. `*` stands for a name that the file chooses, a [`Kind::Label`].
    pub path: &'static str,
    /// What its value must look like.
    pub kind: Kind,
    /// The value when it is not given, as it would be written in `ACESO__…`; `None`: the key has no default.
    pub default: Option<&'static str>,
    /// What it is for, with units.
    pub help: &'static str,
}

impl Key {
    /// Whether its section has a name that the file chooses.
    #[must_use]
    pub fn has_name(&self) -> bool {
        self.path.contains('*')
    }

    /// Whether it is a key of this section, in which the file chooses names.
    #[must_use]
    pub fn is_of(&self, section: &str) -> bool {
        self.path.strip_prefix(section).is_some_and(|rest| rest.starts_with(".*."))
    }

    /// Its path in the section of this name.
    #[must_use]
    pub fn with_name(&self, name: &str) -> String {
        self.path.replacen('*', name, 1)
    }

    /// As [`Key::with_name`], with the name that stands in another path.
    fn named_as_in(&self, path: &str) -> String {
        let name = path.split('.').nth(1).filter(|name| TenantId::parse(name).is_ok());
        self.with_name(name.unwrap_or("<NAME>"))
    }
}

const fn key(path: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Key {
    Key { path, kind, default, help }
}

const MIB: i64 = 1 << 20;

/// The table.
pub const KEYS: &[Key] = &[
    key(
        "mode",
        Kind::Choice(&["production", "development"]),
        Some("production"),
        "production refuses what is only for trying out: the local key provider, plain-http public URLs",
    ),
    key("region", Kind::Label, None, "where the data lives; part of every key and every associated data"),
    key("tenants", Kind::Labels, None, "whose data this process serves; part of every key, token and cursor"),
    key("listen", Kind::Address, Some("127.0.0.1:8080"), "FHIR, OAuth, admin"),
    key(
        "ops_listen",
        Kind::Address,
        Some("127.0.0.1:9464"),
        "/healthz, /readyz, /metrics; keep it off public networks",
    ),
    key(
        "public_url",
        Kind::Url,
        None,
        "how clients reach `listen`: issuer of tokens, base of links; default http://<listen>",
    ),
    key("store.dir", Kind::Path, None, "the data directory; sealed bytes only"),
    key(
        "store.reserve_bytes",
        Kind::Integer(MIB, 1 << 40),
        Some("268435456"),
        "not ready for writes with less free space",
    ),
    key(
        "keys.provider",
        Kind::Choice(&["local", "env"]),
        None,
        "where the root key comes from: local = a key file made at the first start (development only), \
         env = a secret that the environment of the process hands in",
    ),
    key("keys.file", Kind::Path, None, "provider local: the key file; never inside store.dir"),
    key(
        "keys.key",
        Kind::Secret,
        None,
        "provider env: 32 random bytes as base64; to rotate, '2:BASE64 1:BASE64', of which the highest version wraps",
    ),
    key("identity.access_token_seconds", Kind::Integer(30, 3600), Some("300"), "life of an access token"),
    key("identity.refresh_token_seconds", Kind::Integer(300, 2_592_000), Some("28800"), "life of a refresh token"),
    key(
        "audit.origin",
        Kind::Name,
        None,
        "name of the log in its checkpoints (C2SP tlog-checkpoint); default localhost/aceso/<region>",
    ),
    key(
        "search.population",
        Kind::Integer(0, 1_000_000_000),
        Some("100000"),
        "patients to expect: how short the index tokens of names and birth dates must be; fixed by the first start, \
         0 to 1023 = no such tokens, names are found by scanning",
    ),
    key(
        "cache.redis",
        Kind::Secret,
        None,
        "the address of a shared cache with its password, redis://USER:PASSWORD@HOST:PORT or rediss:// for TLS; without a cache \
         each process is on its own",
    ),
    key(
        "cache.address",
        Kind::Host,
        None,
        "a shared cache (Redis) that asks for no password, in the place of cache.redis",
    ),
    key(
        "cache.lookup_seconds",
        Kind::Integer(0, 86_400),
        Some("300"),
        "how long a lookup of patients stays in the shared cache at most; 0: none go there",
    ),
    key(
        "cache.wait_milliseconds",
        Kind::Integer(10, 60_000),
        Some("1000"),
        "how long to wait for the shared cache before going on without it, for a connection and for an answer each",
    ),
    key("telemetry.format", Kind::Choice(&["json", "text"]), Some("json"), "form of the log on standard error"),
    key(
        "telemetry.level",
        Kind::Choice(&["error", "warn", "info", "debug"]),
        Some("info"),
        "least severe level that is logged",
    ),
    key("limits.body_bytes", Kind::Integer(1024, 256 * MIB), Some("16777216"), "largest request body"),
    key("limits.json_depth", Kind::Integer(8, 128), Some("64"), "deepest nesting of a JSON body"),
    key("limits.connections", Kind::Integer(1, 65_536), Some("1024"), "open connections at once"),
    key("limits.request_seconds", Kind::Integer(1, 600), Some("30"), "longest time for one request"),
    key(
        "limits.scan_seconds",
        Kind::Integer(1, 120),
        Some("5"),
        "longest time for a search without an index; beyond it is an error",
    ),
    key(
        "limits.page_entries",
        Kind::Integer(1, 1000),
        Some("1000"),
        "most records on a page; a larger _count gives as many",
    ),
    key(
        "limits.cache_bytes",
        Kind::Integer(0, 1 << 36),
        Some("16777216"),
        "opened patient keys kept in memory, wiped on eviction; some 4 kB each",
    ),
    key(
        "limits.search_cache_bytes",
        Kind::Integer(0, 1 << 36),
        Some("16777216"),
        "opened search parts kept in memory, wiped on eviction; 0 keeps none, and each search opens them anew",
    ),
    key(
        "limits.drain_seconds",
        Kind::Integer(0, 300),
        Some("10"),
        "time for running requests when the process is told to stop",
    ),
    key(
        "fhir.packages",
        Kind::Names,
        Some(""),
        "FHIR packages in force, NAME#VERSION each, as `aceso fhir packages add` stored them",
    ),
    key(
        "fhir.profiles",
        Kind::Choice(&["off", "warn", "enforce"]),
        Some("off"),
        "what becomes of a write that does not meet the profiles it claims, or invariants and bindings of R4",
    ),
    key("fhir.*.packages", Kind::Names, None, "for the tenant of this name, in the place of fhir.packages"),
    key("connect.*.vendor", Kind::Choice(aceso_connect::VENDORS), None, "whose interface it speaks"),
    key("connect.*.url", Kind::Url, None, "base address of the interface"),
    key("connect.*.token_url", Kind::Endpoint, None, "token endpoint; default: the vendor's usual one below url"),
    key("connect.*.client_id", Kind::Name, None, "our client id there"),
    key("connect.*.secret", Kind::Secret, None, "the client secret"),
    key("connect.*.key", Kind::Secret, None, "instead of a secret: the private key (PEM) that signs client assertions"),
    key("connect.*.key_id", Kind::Name, None, "with key: the id under which the other system knows it"),
    key("connect.*.algorithm", Kind::Choice(&["RS384", "ES384"]), None, "with key: its algorithm; default ES384"),
    key("connect.*.scopes", Kind::Names, Some(""), "scopes to ask for"),
    key("connect.*.options", Kind::Names, Some(""), "what a FHIR source wants to know, NAME=VALUE each"),
    key("connect.*.tenant", Kind::Label, None, "whose data comes in; may be left out when there is one tenant only"),
    key("connect.*.schedule", Kind::Cron, Some(admin::USUAL_SCHEDULE), "when changes are looked for"),
    key("connect.*.sweep", Kind::Cron, Some(admin::USUAL_SWEEP), "when everything is compared"),
    key("connect.*.time_zone", Kind::Zone, Some(admin::USUAL_TIME_ZONE), "time zone of schedule and sweep"),
    key("connect.*.concurrency", Kind::Integer(1, 256), Some("8"), "most requests at once"),
    key("connect.*.per_second", Kind::Integer(0, 10_000), Some("0"), "most requests a second; 0: as many as it takes"),
    key(
        "connect.*.hooks",
        Kind::Url,
        None,
        "where the other system reaches this server's /hooks/NAME; default: no webhooks",
    ),
    key("connect.*.paused", Kind::Flag, Some("false"), "true: nothing runs by itself"),
];

/// The key with this path.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    let fits = |key: &&Key| match key.path.split_once('*') {
        None => key.path == path,
        Some((before, after)) => {
            let name = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            name.is_some_and(|name| TenantId::parse(name).is_ok())
        }
    };
    KEYS.iter().find(fits)
}

/// Whether there are keys below this path.
pub(super) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.named_as_in(path).strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The known path that an unknown one was most probably meant to be.
#[must_use]
pub fn nearest(path: &str) -> Option<String> {
    let (distance, found) = KEYS
        .iter()
        .map(|key| key.named_as_in(path))
        .map(|known| (edit_distance(path.as_bytes(), known.as_bytes()), known))
        .min_by_key(|(d, _)| *d)?;
    (distance <= 3).then_some(found)
}

/// Levenshtein distance; inputs are key names, so a few dozen bytes.
fn edit_distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (b, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(a != b)).min(before + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            before = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_recognised() {
        assert_eq!(nearest("store.dri").as_deref(), Some("store.dir"));
        assert_eq!(nearest("regoin").as_deref(), Some("region"));
        assert_eq!(nearest("kubernetes.namespace"), None);
        assert_eq!(nearest("connect.north.vendr").as_deref(), Some("connect.north.vendor"));
    }

    #[test]
    fn edit_distance_counts_single_changes() {
        assert_eq!(edit_distance(b"listen", b"listen"), 0);
        assert_eq!(edit_distance(b"listn", b"listen"), 1);
        assert_eq!(edit_distance(b"", b"abc"), 3);
        assert_eq!(edit_distance(b"kitten", b"sitting"), 3);
    }

    #[test]
    fn no_key_stands_twice() {
        let mut paths: Vec<_> = KEYS.iter().map(|key| key.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), KEYS.len());
    }
}
