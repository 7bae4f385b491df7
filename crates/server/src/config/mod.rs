//! The configuration: strict, explained, without secrets.
//!
//! A TOML file, overridden by `ACESO__SECTION__KEY` variables. Every key is in [`schema::KEYS`]; anything else is an error that
//! names the key and what to do. No error and no dump carries the value of a secret, or a value that could be one.

mod connect;
mod layers;
mod packages;
mod place;
pub mod schema;
mod secret;

pub use connect::{ConnectionConfig, ProofRef};
pub use layers::{Effective, Origin, Value};
pub use packages::PackagesConfig;
pub use secret::{SecretError, SecretRef};

use aceso_base::{Region, TenantId};
use aceso_kms::{EnvProvider, LocalProvider};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is wrong with a configuration, and what to do. Holds key paths and rules, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key (`store.dir`), the variable (`ACESO__STORE__DIR`), or `file` for the file as such.
    pub at: String,
    /// What is wrong and how it is put right.
    pub text: String,
}

impl Problem {
    fn new(at: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at: at.into(), text: text.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.text)
    }
}

/// How strict to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Real patients.
    Production,
    /// Trying out, tests, `demo`.
    Development,
}

/// Where the root key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootKey {
    /// A key file, made at the first start. Development only.
    Local(PathBuf),
    /// Handed in by the environment of the process: a variable or a mounted file.
    Env(SecretRef),
}

/// Where the shared cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheAddress {
    /// Host and port of one that asks for no password.
    Plain(String),
    /// A whole address with a password in it.
    Secret(SecretRef),
}

/// The cache that several processes share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Where it is.
    pub address: CacheAddress,
    /// How long lookups of patients stay there at most; zero: none go there.
    pub lookups: Duration,
    /// How long to wait for a connection, and for an answer.
    pub wait: Duration,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// Bounds; beyond each is an error that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub body_bytes: usize,
    /// Deepest nesting of a JSON body.
    pub json_depth: usize,
    /// Open connections at once.
    pub connections: usize,
    /// Longest time for one request.
    pub request: Duration,
    /// Longest time for a search without an index.
    pub scan: Duration,
    /// Most records on a page.
    pub page_entries: u32,
    /// Opened patient keys kept in memory, in bytes.
    pub cache_bytes: usize,
    /// Opened search parts kept in memory, in bytes; 0 keeps none.
    pub search_cache_bytes: usize,
    /// Time for running requests when the process is told to stop.
    pub drain: Duration,
}

/// The configuration that a process runs with.
#[derive(Debug, Clone)]
pub struct Config {
    /// How strict to be.
    pub mode: Mode,
    /// Where the data lives.
    pub region: Region,
    /// Whose data is served; at least one.
    pub tenants: Vec<TenantId>,
    /// The public listener.
    pub listen: SocketAddr,
    /// The listener for health and metrics.
    pub ops_listen: SocketAddr,
    /// How clients reach the public listener, without a slash at the end.
    pub public_url: String,
    /// The data directory.
    pub data_dir: PathBuf,
    /// Free space that must remain, in bytes.
    pub reserve_bytes: u64,
    /// Where the root key comes from.
    pub root_key: RootKey,
    /// Life of an access token.
    pub access_token: Duration,
    /// Life of a refresh token.
    pub refresh_token: Duration,
    /// Name of the audit log in its checkpoints.
    pub audit_origin: String,
    /// Patients to expect.
    pub population: u64,
    /// The shared cache, if there is one.
    pub cache: Option<CacheSettings>,
    /// The form of the log.
    pub log_format: LogFormat,
    /// The least severe level that is logged.
    pub log_level: tracing::Level,
    /// Bounds.
    pub limits: Limits,
    /// FHIR packages in force.
    pub packages: PackagesConfig,
    /// Connected systems, by name.
    pub connections: Vec<ConnectionConfig>,
    /// What was given, layer by layer, for `config dump`.
    pub effective: Effective,
}

impl Config {
    /// Reads a file and the variables of this process.
    ///
    /// # Errors
    /// Every problem that was found, not only the first.
    pub fn load(file: &Path) -> Result<Self, Vec<Problem>> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            vec![Problem::new(
                "file",
                format!("{} cannot be read ({:?}); give its path with --config", file.display(), error.kind()),
            )]
        })?;
        let base = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(layers::PREFIX))
            .map(|(name, value)| (name, value.into_string().unwrap_or_default()));
        Self::from_layers(&text, base, variables)
    }

    /// Builds a configuration from the text of a file, the folder that relative paths start from, and variables.
    ///
    /// # Errors
    /// Every problem that was found, not only the first.
    pub fn from_layers(
        text: &str,
        base: &Path,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<Problem>> {
        let effective = layers::merge(text, base, variables)?;
        let config = Self::from_effective(effective)?;
        let problems = config.contradictions();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Fetches every secret once and throws it away: what would stop a start, found before it.
    #[must_use]
    pub fn unusable_secrets(&self) -> Vec<Problem> {
        let problem = match &self.root_key {
            RootKey::Local(path) if !path.exists() => None,
            RootKey::Local(path) => match LocalProvider::open(path, &self.data_dir) {
                Ok(_) => None,
                Err(error) => Some(Problem::new("keys.file", error.to_string())),
            },
            RootKey::Env(secret) => match secret.read() {
                Err(error) => Some(Problem::new("keys.key", error.to_string())),
                Ok(value) => match EnvProvider::new(std::str::from_utf8(&value).unwrap_or_default()) {
                    Ok(_) => None,
                    Err(error) => {
                        Some(Problem::new("keys.key", format!("{error}; make one with: openssl rand -base64 32")))
                    }
                },
            },
        };
        let cache = self.cache.as_ref().map(|cache| crate::cache::address(&cache.address));
        let cache = cache.and_then(Result::err).map(|error| Problem::new("cache.redis", error));
        let of_connections = self.connections.iter().filter_map(|connection| connection.settings().err());
        problem.into_iter().chain(cache).chain(of_connections).collect()
    }

    fn from_effective(effective: Effective) -> Result<Self, Vec<Problem>> {
        let given = Typed { effective: &effective, problems: Vec::new() };
        let config = Self::build(given)?;
        Ok(Self { effective, ..config })
    }

    fn build(mut given: Typed<'_>) -> Result<Self, Vec<Problem>> {
        let provider = given.text("keys.provider");
        let root_key = match provider.as_str() {
            "local" => given.path("keys.file").map(RootKey::Local),
            _ => given.secret("keys.key").map(RootKey::Env),
        };
        given.refuse_when(
            "keys.key",
            provider == "local",
            "belongs to provider env; remove it, or set keys.provider = \"env\"",
        );
        given.refuse_when(
            "keys.file",
            provider == "env",
            "belongs to provider local; remove it, or set keys.provider = \"local\"",
        );
        given.refuse_when(
            "cache.address",
            given.effective.get("cache.redis").is_some(),
            "stands beside cache.redis; keep one of the two",
        );
        let mode = if given.text("mode") == "development" { Mode::Development } else { Mode::Production };
        let region = Region::parse(&given.text("region"));
        let tenants = given.list("tenants").iter().map(|name| TenantId::parse(name)).collect::<Result<Vec<_>, _>>();
        let listen = given.address("listen");
        let ops_listen = given.address("ops_listen");
        let data_dir = given.path("store.dir");
        let limits = given.limits();
        let connections = given.connections();
        let packages = given.packages();
        let (Ok(region), Ok(tenants), Some(listen), Some(ops_listen), Some(data_dir), Some(root_key), true) =
            (region, tenants, listen, ops_listen, data_dir, root_key, given.problems.is_empty())
        else {
            return Err(given.problems);
        };
        let public_url = given.optional("public_url").unwrap_or_else(|| format!("http://{listen}"));
        let audit_origin = given.optional("audit.origin").unwrap_or_else(|| format!("localhost/aceso/{region}"));
        Ok(Self {
            mode,
            region,
            tenants,
            listen,
            ops_listen,
            public_url,
            data_dir,
            reserve_bytes: given.number("store.reserve_bytes"),
            root_key,
            access_token: given.seconds("identity.access_token_seconds"),
            refresh_token: given.seconds("identity.refresh_token_seconds"),
            audit_origin,
            population: given.number("search.population"),
            cache: given.cache(),
            log_format: if given.text("telemetry.format") == "text" { LogFormat::Text } else { LogFormat::Json },
            log_level: level(&given.text("telemetry.level")),
            limits,
            packages,
            connections,
            effective: Effective::default(),
        })
    }

    /// Rules between keys.
    fn contradictions(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut refuse = |at: &str, text: &str| found.push(Problem::new(at, text));
        let key_file = match &self.root_key {
            RootKey::Local(path) => Some(("keys.file", path.as_path())),
            RootKey::Env(secret) => secret.file().map(|path| ("keys.key", path)),
        };
        if let Some((at, path)) = key_file
            && place::is_inside(path, &self.data_dir)
        {
            refuse(
                at,
                "the key would lie inside store.dir, beside what it seals; move it to another folder, best another disk",
            );
        }
        if self.listen == self.ops_listen && self.listen.port() != 0 {
            refuse("ops_listen", "same address as listen; health and metrics need a listener of their own");
        }
        if self.mode == Mode::Production {
            if matches!(self.root_key, RootKey::Local(_)) {
                refuse("keys.provider", "local is for development; in production hand the key in with provider env");
            }
            if !self.public_url.starts_with("https://") {
                refuse("public_url", "in production clients must come by https; set it to the https URL of your proxy");
            }
            if self.audit_origin.starts_with("localhost/") {
                refuse("audit.origin", "in production the log needs a name of its own, such as log.example.org/aceso");
            }
        }
        found
    }
}

fn level(name: &str) -> tracing::Level {
    match name {
        "error" => tracing::Level::ERROR,
        "warn" => tracing::Level::WARN,
        "debug" => tracing::Level::DEBUG,
        _ => tracing::Level::INFO,
    }
}

/// Takes typed values out of the merged layers, and collects what is missing.
struct Typed<'a> {
    effective: &'a Effective,
    problems: Vec<Problem>,
}

impl Typed<'_> {
    fn value(&mut self, path: &str) -> Option<Value> {
        let value = self.effective.get(path).cloned();
        if value.is_none() {
            let rule = schema::find(path).map(|key| format!("{} ({})", key.kind.rule(), key.help)).unwrap_or_default();
            self.problems.push(Problem::new(path, format!("is missing; give it: {rule}")));
        }
        value
    }

    fn text(&mut self, path: &str) -> String {
        match self.value(path) {
            Some(Value::Text(text)) => text,
            _ => String::new(),
        }
    }

    fn optional(&self, path: &str) -> Option<String> {
        match self.effective.get(path) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn list(&mut self, path: &str) -> Vec<String> {
        match self.value(path) {
            Some(Value::List(list)) => list,
            _ => Vec::new(),
        }
    }

    fn address(&mut self, path: &str) -> Option<SocketAddr> {
        self.text(path).parse().ok()
    }

    fn path(&mut self, path: &str) -> Option<PathBuf> {
        match self.value(path) {
            Some(Value::Path(found)) => Some(found),
            _ => None,
        }
    }

    fn secret(&mut self, path: &str) -> Option<SecretRef> {
        match self.value(path) {
            Some(Value::Secret(reference)) => Some(reference),
            _ => None,
        }
    }

    fn number<T: TryFrom<i64> + Default>(&mut self, path: &str) -> T {
        match self.value(path) {
            Some(Value::Integer(number)) => T::try_from(number).unwrap_or_else(|_| {
                self.problems.push(Problem::new(path, "does not fit this machine; give a smaller number"));
                T::default()
            }),
            _ => T::default(),
        }
    }

    fn seconds(&mut self, path: &str) -> Duration {
        Duration::from_secs(self.number(path))
    }

    fn limits(&mut self) -> Limits {
        Limits {
            body_bytes: self.number("limits.body_bytes"),
            json_depth: self.number("limits.json_depth"),
            connections: self.number("limits.connections"),
            request: self.seconds("limits.request_seconds"),
            scan: self.seconds("limits.scan_seconds"),
            page_entries: self.number("limits.page_entries"),
            cache_bytes: self.number("limits.cache_bytes"),
            search_cache_bytes: self.number("limits.search_cache_bytes"),
            drain: self.seconds("limits.drain_seconds"),
        }
    }

    fn cache(&mut self) -> Option<CacheSettings> {
        let plain = self.optional("cache.address").map(CacheAddress::Plain);
        let address = match self.effective.get("cache.redis") {
            Some(Value::Secret(reference)) => Some(CacheAddress::Secret(reference.clone())),
            _ => plain,
        };
        let wait = Duration::from_millis(self.number("cache.wait_milliseconds"));
        Some(CacheSettings { address: address?, lookups: self.seconds("cache.lookup_seconds"), wait })
    }

    fn refuse_when(&mut self, path: &str, when: bool, text: &str) {
        if when && self.effective.get(path).is_some() {
            self.problems.push(Problem::new(path, text));
        }
    }
}

#[cfg(test)]
mod tests;
