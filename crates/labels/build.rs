//! Compiles `table/*.tsv` into compact tables, and refuses them unless they and the R4 definitions name the same elements.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use aceso_fhir::definitions::{Element, ResourceType, TypeRef, ValueType};

#[path = "src/rule.rs"]
mod rule;

const WORDS: [&str; 9] =
    ["structure", "identity", "contact", "clinical", "sensitive", "financial", "narrative", "inherit", "by-url"];

type Outcome<T> = Result<T, String>;

fn main() -> Outcome<()> {
    let table = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|e| e.to_string())?).join("table");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|e| e.to_string())?);
    println!("cargo::rerun-if-changed={}", table.display());
    let mut text = String::new();
    let mut faults = Vec::new();
    let classes = element_classes(&table, &mut faults)?;
    types(&table, &mut text, &mut faults)?;
    locators(&table.join("extensions.tsv"), "EXTENSIONS", &mut text, &mut faults)?;
    locators(&table.join("security.tsv"), "SECURITY", &mut text, &mut faults)?;
    for fault in faults.iter().take(60) {
        println!("cargo::error={fault}");
    }
    if !faults.is_empty() {
        return Err(format!("{} faults in crates/labels/table", faults.len()));
    }
    fs::write(out.join("classes.bin"), classes).map_err(|e| e.to_string())?;
    fs::write(out.join("tables.rs"), text).map_err(|e| e.to_string())
}

/// The byte of the text in a table: `clinical`, or `identity|structure` for a patient's record and a directory record.
fn parse(text: &str) -> Option<u8> {
    let half = |word: &str| WORDS.iter().position(|known| *known == word).and_then(|at| u8::try_from(at).ok());
    let (patient, directory) = text.split_once('|').unwrap_or((text, text));
    Some(half(directory)? << 4 | half(patient)?)
}

/// One line of a table: where it stands and its columns.
struct Line {
    place: String,
    columns: Vec<String>,
}

impl Line {
    fn column(&self, at: usize) -> &str {
        self.columns.get(at).map_or("", String::as_str)
    }
}

fn lines(file: &Path) -> Outcome<Vec<Line>> {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kept = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Ok(kept
        .map(|(at, line)| Line {
            place: format!("{name}:{}", at + 1),
            columns: line.split('\t').map(str::to_owned).collect(),
        })
        .collect())
}

/// One byte per element, by `Element::id`: every element has a line, every line an element, one line each.
fn element_classes(table: &Path, faults: &mut Vec<String>) -> Outcome<Vec<u8>> {
    let special = ["types.tsv", "extensions.tsv", "security.tsv"];
    let mut files: Vec<PathBuf> = fs::read_dir(table)
        .map_err(|e| e.to_string())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "tsv"))
        .filter(|path| path.file_name().is_none_or(|name| special.iter().all(|s| name != *s)))
        .collect();
    files.sort();
    let mut by_path: BTreeMap<String, (u8, String)> = BTreeMap::new();
    for file in files {
        for line in lines(&file)? {
            let Some(code) = parse(line.column(1)) else {
                faults.push(format!("{}: no such class", line.place));
                continue;
            };
            if by_path.insert(line.column(0).to_owned(), (code, line.place.clone())).is_some() {
                faults.push(format!("{}: {} has a line already", line.place, line.column(0)));
            }
        }
    }
    let mut used = BTreeSet::new();
    let mut classes = vec![0; Element::all().len()];
    for scope in TypeRef::all() {
        for element in scope.elements() {
            let variant = format!("{}.{}", scope.name(), element.key);
            let found = by_path.get_key_value(&variant).filter(|_| element.is_choice());
            match found.or_else(|| by_path.get_key_value(element.path)) {
                Some((path, (code, _))) => {
                    used.insert(path.clone());
                    used.insert(element.path.to_owned());
                    if let Some(slot) = classes.get_mut(usize::from(element.id)) {
                        *slot = *code;
                    }
                }
                None => faults.push(format!("{} has no data class", element.path)),
            }
        }
    }
    let idle = by_path.iter().filter(|(path, _)| !used.contains(*path));
    faults.extend(idle.map(|(path, (_, place))| format!("{place}: {path} is no element of R4")));
    Ok(classes)
}

/// The class and the subject rule of each resource type, by its code.
fn types(table: &Path, text: &mut String, faults: &mut Vec<String>) -> Outcome<()> {
    let mut rules: BTreeMap<u8, (u8, String)> = BTreeMap::new();
    for line in lines(&table.join("types.tsv"))? {
        let class = parse(line.column(1)).map(rule::in_patient).filter(|class| *class < rule::INHERIT);
        let (Some(rtype), Some(class)) = (ResourceType::parse(line.column(0)), class) else {
            faults.push(format!("{}: no such type or class", line.place));
            continue;
        };
        let mut paths = String::new();
        for path in line.column(2).split(',').filter(|path| *path != "-") {
            if !leads_to_a_subject(rtype, path) {
                faults.push(format!("{}: {path} is neither a reference nor a resource", line.place));
            }
            let steps: Vec<String> = path.split('.').map(|step| format!("{step:?}")).collect();
            let _ = write!(paths, "&[{}], ", steps.join(", "));
        }
        if rules.insert(rtype.code(), (class, paths)).is_some() {
            faults.push(format!("{}: {rtype} has a line already", line.place));
        }
    }
    let missing = ResourceType::all().filter(|rtype| !rules.contains_key(&rtype.code()));
    faults.extend(missing.map(|rtype| format!("{rtype} has no line in types.tsv")));
    let codes: Vec<String> = rules.values().map(|(class, _)| class.to_string()).collect();
    let _ = writeln!(text, "static TYPE_CLASSES: [u8; {}] = [{}];", codes.len(), codes.join(", "));
    let _ = writeln!(text, "pub(crate) static SUBJECT_PATHS: [&[&[&str]]; {}] = [", codes.len());
    for (_, paths) in rules.values() {
        let _ = writeln!(text, "    &[{paths}],");
    }
    text.push_str("];\n");
    Ok(())
}

fn leads_to_a_subject(rtype: ResourceType, path: &str) -> bool {
    let reference = TypeRef::of_datatype("Reference");
    let mut scope = Some(TypeRef::of_resource(rtype));
    let mut end = None;
    for step in path.split('.') {
        let Some((element, false)) = scope.and_then(|scope| scope.child(step)) else { return false };
        end = Some(element.value);
        scope = if let ValueType::Complex(inner) = element.value { Some(inner) } else { None };
    }
    matches!(end, Some(ValueType::Resource)) || (scope.is_some() && scope == reference)
}

/// URLs with their class: exact ones sorted for binary search, prefixes with the longest first.
fn locators(file: &Path, name: &str, text: &mut String, faults: &mut Vec<String>) -> Outcome<()> {
    let (mut exact, mut prefixes) = (BTreeMap::new(), BTreeMap::new());
    for line in lines(file)? {
        let Some(code) = parse(line.column(1)).filter(|code| rule::in_patient(*code) != rule::BY_URL) else {
            faults.push(format!("{}: no such class", line.place));
            continue;
        };
        let url = line.column(0);
        let twice = match url.strip_suffix('*') {
            Some(prefix) => prefixes.insert((usize::MAX - prefix.len(), prefix.to_owned()), code).is_some(),
            None => exact.insert(url.to_owned(), code).is_some(),
        };
        if twice {
            faults.push(format!("{}: {url} has a line already", line.place));
        }
    }
    let _ = writeln!(text, "static {name}: [(&str, u8); {}] = {:?};", exact.len(), exact.iter().collect::<Vec<_>>());
    let prefixes: Vec<(&str, u8)> = prefixes.iter().map(|((_, prefix), code)| (prefix.as_str(), *code)).collect();
    let _ = writeln!(text, "static {name}_PREFIXES: [(&str, u8); {}] = {prefixes:?};", prefixes.len());
    Ok(())
}
