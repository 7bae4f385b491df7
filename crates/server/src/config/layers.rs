//! File and variables laid over the defaults, each value checked against the table.

use super::schema::{KEYS, Key, Kind, find, nearest};
use super::{Problem, SecretRef};
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
    /// Labels.
    List(Vec<String>),
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
pub struct Effective(BTreeMap<&'static str, (Value, Origin)>);

impl Effective {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.0.get(path).map(|(value, _)| value)
    }

    /// Keys that are set, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Key, &Value, Origin)> {
        KEYS.iter().filter_map(|key| self.0.get(key.path).map(|(value, origin)| (key, value, *origin)))
    }

    /// As TOML that can be read back; secrets appear as the references they are.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        let mut section = "";
        for (key, value, origin) in self.iter() {
            let (of, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
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
    let mut merged = Merged { base, values: BTreeMap::new(), problems: Vec::new() };
    for key in KEYS {
        if let Some(default) = key.default {
            merged.put_text(key, key.path, default, Origin::Default);
        }
    }
    merged.put_table("", &table);
    for (name, value) in variables {
        merged.put_variable(&name, &value);
    }
    if merged.problems.is_empty() { Ok(Effective(merged.values)) } else { Err(merged.problems) }
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
    values: BTreeMap<&'static str, (Value, Origin)>,
    problems: Vec<Problem>,
}

impl Merged<'_> {
    fn put_table(&mut self, section: &str, table: &toml::Table) {
        for (name, value) in table {
            let path = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
            match (find(&path), value) {
                (Some(key), value) => self.put(key, &path, value, Origin::File),
                (None, toml::Value::Table(inner)) if section.is_empty() && is_section(&path) => {
                    self.put_table(&path, inner)
                }
                (None, _) => self.problems.push(unknown(&path, &path)),
            }
        }
    }

    fn put_variable(&mut self, name: &str, value: &str) {
        let Some(rest) = name.strip_prefix(PREFIX) else { return };
        let path = rest.split("__").map(str::to_ascii_lowercase).collect::<Vec<_>>().join(".");
        match find(&path) {
            Some(key) => self.put_text(key, name, value, Origin::Variable),
            None => self.problems.push(unknown(name, &path)),
        }
    }

    /// A value given as plain text: a default or a variable. References are written as in TOML, lists with commas.
    fn put_text(&mut self, key: &'static Key, at: &str, text: &str, origin: Origin) {
        let value = match key.kind {
            Kind::Labels => {
                let items = text.split(',').map(|item| toml::Value::String(item.trim().to_owned()));
                Some(toml::Value::Array(items.collect()))
            }
            Kind::Integer(..) => text.parse().ok().map(toml::Value::Integer),
            Kind::Secret => toml::from_str::<toml::Table>(&format!("v = {text}")).ok().and_then(|mut t| t.remove("v")),
            _ => Some(toml::Value::String(text.to_owned())),
        };
        match value {
            Some(value) => self.put(key, at, &value, origin),
            None => self.problems.push(wrong(at, key)),
        }
    }

    fn put(&mut self, key: &'static Key, at: &str, value: &toml::Value, origin: Origin) {
        match self.check(key.kind, value) {
            Some(value) => {
                self.values.insert(key.path, (value, origin));
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

fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
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
        Kind::Name => (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
        Kind::Host => aceso_cache_redis::RedisAddress::plain(text).is_ok(),
        Kind::Choice(words) => words.contains(&text),
        Kind::Labels | Kind::Path | Kind::Integer(..) | Kind::Secret => false,
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.ends_with('/')
            && rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\"\\".contains(&b))
    })
}
