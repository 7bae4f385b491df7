//! File and variables laid over the defaults, each value checked against the table.

use super::schema::{KEYS, Key, Kind, find, is_section, nearest};
use super::{Problem, SecretRef};
use crate::connections::Schedule;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What variables that belong to the configuration begin with.
pub(super) const PREFIX: &str = "ACESO__";

/// A checked value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word, name, address or URL.
    Text(String),
    /// Labels or names.
    List(Vec<String>),
    /// True or false.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// A path, absolute when the folder of the configuration file is.
    Path(PathBuf),
    /// Where a secret is.
    Secret(SecretRef),
}

/// Which layer a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The table.
    Default,
    /// The file.
    File,
    /// A variable.
    Variable,
}

/// All values that are set, with their layer.
#[derive(Debug, Clone, Default)]
pub struct Effective {
    values: BTreeMap<String, (Value, Origin)>,
    /// Section and name of `[connect.NAME]` and `[fhir.TENANT]`, with keys or without.
    names: BTreeSet<(String, String)>,
}

impl Effective {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.values.get(path).map(|(value, _)| value)
    }

    /// The names that the file chose in this section.
    pub fn names(&self, section: &'static str) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(of, _)| of == section).map(|(_, name)| name.as_str())
    }

    /// Keys that are set, in the order of the table; those of sections with names after all others, section by section.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value, Origin)> {
        let fixed = KEYS.iter().filter(|key| !key.has_name()).map(|key| key.path.to_owned());
        let named = |(section, name): &(String, String)| keys_of(section, name);
        let paths = fixed.chain(self.names.iter().flat_map(named));
        paths.filter_map(|path| {
            let (path, (value, origin)) = self.values.get_key_value(&path)?;
            Some((path.as_str(), value, *origin))
        })
    }

    /// As TOML that can be read back; secrets appear as the references they are.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let mut section = "";
        for (path, value, origin) in self.iter() {
            let (of, name) = path.rsplit_once('.').unwrap_or(("", path));
            if of != section {
                section = of;
                out.push_str(&format!("\n[{section}]\n"));
            }
            let mark = if origin == Origin::Variable { "  # from the environment" } else { "" };
            out.push_str(&format!("{name} = {}{mark}\n", value.to_toml()));
        }
        out
    }
}

impl Value {
    /// As the right side of a TOML assignment.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        match self {
            Self::Text(text) => quote(text),
            Self::List(list) => format!("[{}]", list.iter().map(|item| quote(item)).collect::<Vec<_>>().join(", ")),
            Self::Integer(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Path(path) => quote(&path.to_string_lossy()),
            Self::Secret(SecretRef::File(path)) => format!("{{ file = {} }}", quote(&path.to_string_lossy())),
            Self::Secret(SecretRef::Env(name)) => format!("{{ env = {} }}", quote(name)),
        }
    }
}

/// Lays file and variables over the defaults.
pub(super) fn merge(
    text: &str,
    base: &Path,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Effective, Vec<Problem>> {
    let table = toml::from_str::<toml::Table>(text).map_err(|error| vec![syntax_problem(text, &error)])?;
    let mut merged = Merged { base, values: BTreeMap::new(), names: BTreeSet::new(), problems: Vec::new() };
    merged.put_table("", &table);
    for (name, value) in variables {
        merged.put_variable(&name, &value);
    }
    merged.put_defaults();
    let Merged { values, names, problems, .. } = merged;
    if problems.is_empty() { Ok(Effective { values, names }) } else { Err(problems) }
}

/// Line and column only: the parser's own words can quote the line, and a secret may stand in it.
fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    Problem::new(
        "file",
        format!("not valid TOML at line {line}, column {column}, or a key stands twice; correct that line"),
    )
}

struct Merged<'a> {
    base: &'a Path,
    values: BTreeMap<String, (Value, Origin)>,
    names: BTreeSet<(String, String)>,
    problems: Vec<Problem>,
}

impl Merged<'_> {
    fn put_table(&mut self, section: &str, table: &toml::Table) {
        for (name, value) in table {
            let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            match (find(&path), value) {
                (Some(key), value) => self.put(key, &path, &path, value, Origin::File),
                (None, toml::Value::Table(inner)) if is_section(&path) => {
                    self.names.extend(named_section(&path));
                    self.put_table(&path, inner)
                }
                (None, toml::Value::Table(_)) if SECTIONS.contains(&section) => {
                    let what = if section == "connect" { "connection" } else { "tenant" };
                    let rule = format!("the name of a {what} is {}", Kind::Label.rule());
                    self.problems.push(Problem::new(section, rule));
                }
                (None, _) => self.problems.push(unknown(&path, &path)),
            }
        }
    }

    fn put_variable(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix(PREFIX) else { return };
        let path = rest.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".");
        match find(&path) {
            Some(key) => self.put_text(key, &path, name, value, Origin::Variable),
            None => self.problems.push(unknown(name, &path)),
        }
    }

    /// What is given nowhere else. A section with a name has its defaults when it is there.
    fn put_defaults(&mut self) {
        let names = self.names.clone();
        for (key, default) in KEYS.iter().filter_map(|key| Some((key, key.default?))) {
            let paths: Vec<String> = if key.has_name() {
                let own = names.iter().filter(|(section, _)| key.is_of(section));
                own.map(|(_, name)| key.with_name(name)).collect()
            } else {
                vec![key.path.to_owned()]
            };
            for path in paths.into_iter().filter(|path| !self.values.contains_key(path)).collect::<Vec<_>>() {
                self.put_text(key, &path, &path, default, Origin::Default);
            }
        }
    }

    /// A value given as plain text: a default or a variable. References are written as in TOML, lists with commas.
    fn put_text(&mut self, key: &'static Key, path: &str, at: &str, text: &str, origin: Origin) {
        let value = match key.kind {
            Kind::Labels | Kind::Names => {
                let items = text.split(',').filter(|_| !text.is_empty());
                Some(toml::Value::Array(items.map(|item| toml::Value::String(item.trim().to_owned())).collect()))
            }
            Kind::Integer(..) => text.parse().ok().map(toml::Value::Integer),
            Kind::Flag => text.parse().ok().map(toml::Value::Boolean),
            Kind::Secret => toml::from_str::<toml::Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v")),
            _ => Some(toml::Value::String(text.to_owned())),
        };
        match value {
            Some(value) => self.put(key, path, at, &value, origin),
            None => self.problems.push(wrong(at, key)),
        }
    }

    /// `path` is the key with the name of its section, `at` where somebody has written it.
    fn put(&mut self, key: &'static Key, path: &str, at: &str, value: &toml::Value, origin: Origin) {
        if key.has_name() {
            self.names.extend(path.rsplit_once('.').and_then(|(section, _)| named_section(section)));
        }
        match self.check(key.kind, value) {
            Some(value) => {
                self.values.insert(path.to_owned(), (value, origin));
            }
            None => self.problems.push(wrong(at, key)),
        }
    }

    fn check(&self, kind: Kind, value: &toml::Value) -> Option<Value> {
        match (kind, value) {
            (Kind::Integer(least, most), toml::Value::Integer(number)) => {
                (least..=most).contains(number).then_some(Value::Integer(*number))
            }
            (Kind::Labels, toml::Value::Array(items)) => {
                let labels: Vec<String> = items
                    .iter()
                    .map(|item| item.as_str().filter(|text| is_label(text)).map(str::to_owned))
                    .collect::<Option<_>>()?;
                let different = labels.iter().collect::<BTreeSet<_>>().len() == labels.len();
                (different && !labels.is_empty()).then_some(Value::List(labels))
            }
            (Kind::Names, toml::Value::Array(items)) => {
                let name = |item: &toml::Value| item.as_str().filter(|text| is_name(text)).map(str::to_owned);
                items.iter().map(name).collect::<Option<Vec<String>>>().map(Value::List)
            }
            (Kind::Flag, toml::Value::Boolean(flag)) => Some(Value::Flag(*flag)),
            (Kind::Secret, toml::Value::Table(reference)) => self.reference(reference),
            (Kind::Path, toml::Value::String(text)) => (!text.is_empty()).then(|| Value::Path(self.base.join(text))),
            (_, toml::Value::String(text)) => is_well_formed(kind, text).then(|| Value::Text(text.clone())),
            _ => None,
        }
    }

    fn reference(&self, table: &toml::Table) -> Option<Value> {
        let mut entries = table.iter();
        let (Some((kind, toml::Value::String(text))), None) = (entries.next(), entries.next()) else { return None };
        match kind.as_str() {
            "file" if !text.is_empty() => Some(Value::Secret(SecretRef::File(self.base.join(text)))),
            "env" if is_variable(text) => Some(Value::Secret(SecretRef::Env(text.clone()))),
            _ => None,
        }
    }
}

/// Sections in which the file chooses names.
const SECTIONS: [&str; 2] = ["connect", "fhir"];

/// Section and name of a path such as `connect.north`.
fn named_section(path: &str) -> Option<(String, String)> {
    let (section, name) = path.split_once('.')?;
    SECTIONS.contains(&section).then(|| (section.to_owned(), name.to_owned()))
}

/// The keys of a section with a name.
fn keys_of(section: &str, name: &str) -> impl Iterator<Item = String> + use<> {
    let keys: Vec<String> = KEYS.iter().filter(|key| key.is_of(section)).map(|key| key.with_name(name)).collect();
    keys.into_iter()
}

fn unknown(at: &str, path: &str) -> Problem {
    let remedy = nearest(path).map_or("remove it".to_owned(), |known| format!("did you mean {known}?"));
    // A key of wild text could be a secret that slipped out of its quotes.
    let shown = at.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && at.len() <= 64;
    Problem::new(if shown { at } else { "file" }, format!("unknown key; {remedy}"))
}

fn wrong(at: &str, key: &Key) -> Problem {
    Problem::new(at, format!("must be {}", key.kind.rule()))
}

fn is_label(text: &str) -> bool {
    aceso_base::TenantId::parse(text).is_ok()
}

fn is_variable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_well_formed(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Label => is_label(text),
        Kind::Address => text.parse::<SocketAddr>().is_ok(),
        Kind::Url => is_url(text),
        Kind::Host => aceso_cache_redis::RedisAddress::plain(text).is_ok(),
        Kind::Endpoint => is_url(text.strip_suffix('/').unwrap_or(text)),
        Kind::Name => is_name(text),
        Kind::Choice(words) => words.contains(&text),
        Kind::Cron => Schedule::parse(text, "UTC").is_ok(),
        Kind::Zone => Schedule::parse("0 0 * * *", text).is_ok(),
        Kind::Labels | Kind::Names | Kind::Path | Kind::Integer(..) | Kind::Flag | Kind::Secret => false,
    }
}

fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.ends_with('/')
            && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\"\\".contains(&b))
    })
}
