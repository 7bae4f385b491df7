//! The suite's tests and their inputs, as they stand in `vectors/fhirpath`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::xml;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

#[derive(Debug, Default, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) input: Option<String>,
    pub(crate) is_predicate: bool,
    pub(crate) any_order: bool,
    pub(crate) checks_order: bool,
    pub(crate) invalid: Option<String>,
    pub(crate) expression: String,
    pub(crate) outputs: Vec<(Option<String>, String)>,
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/fhirpath")
}

/// All tests, in order.
pub(crate) fn suite() -> Vec<Case> {
    read(&std::fs::read_to_string(folder().join("tests-fhir-r4.xml")).unwrap())
}

/// Lines `name: reason` of a list.
pub(crate) fn exceptions(list: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(list).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").unwrap()).map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

/// By file name; XML is read into JSON.
pub(crate) fn inputs() -> BTreeMap<String, Doc> {
    let files = std::fs::read_dir(folder().join("input")).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), input(&path))).collect()
}

fn input(path: &PathBuf) -> Doc {
    let mut text = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "xml") {
        text = xml::to_json_in_any_order(&text, &Limits::default())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    Doc::parse(text, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(text: &str) -> Vec<Case> {
    let mut reader = Reader::from_str(text);
    let (mut cases, mut case, mut content) = (Vec::<Case>::new(), Case::default(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                content.clear();
                match tag.name().as_ref() {
                    "test" => case = begun(&tag, &cases),
                    "expression" => case.invalid = attribute(&tag, "invalid"),
                    "output" => case.outputs.push((attribute(&tag, "type"), String::new())),
                    _ => {}
                }
            }
            Event::Text(text) => content.push_str(&text),
            Event::GeneralRef(reference) => {
                let name: &str = &reference;
                let known = [("lt", "<"), ("gt", ">"), ("amp", "&"), ("quot", "\""), ("apos", "'")];
                content.push_str(known.iter().find(|(known, _)| *known == name).unwrap().1);
            }
            Event::End(tag) => match tag.name().as_ref() {
                "expression" => case.expression = content.clone(),
                "output" => case.outputs.last_mut().unwrap().1 = content.clone(),
                "test" => cases.push(case.clone()),
                _ => {}
            },
            Event::Eof => return cases,
            _ => {}
        }
    }
}

/// The suite uses one name twice: the second is told apart by `#2`.
fn begun(tag: &BytesStart<'_>, before: &[Case]) -> Case {
    let name = attribute(tag, "name").unwrap();
    let is_second = before.iter().any(|case| case.name == name);
    let is = |name, value| attribute(tag, name).as_deref() == Some(value);
    Case {
        name: if is_second { name + "#2" } else { name },
        input: attribute(tag, "inputfile"),
        is_predicate: is("predicate", "true"),
        any_order: is("ordered", "false"),
        checks_order: is("checkOrderedFunctions", "true"),
        ..Case::default()
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.try_get_attribute(name).unwrap()?;
    Some(found.value.into_owned())
}
