//! The structural pass allocates nothing for an element: what it takes from the allocator does not grow with a document.
//!
//! A binary of its own, because the counter stands in the place of the program's allocator.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use aceso_fhir::definitions::Element;
use aceso_fhir::json::{Doc, Limits, Node, write};
use aceso_fhir::{Place, ValidateOptions, Visitor, validate, visit};

const LIMITS: Limits = Limits { max_bytes: 64 << 20, max_depth: 64, max_nodes: 2_000_000 };

fn parse(text: impl Into<Vec<u8>>) -> Doc {
    Doc::parse(text.into(), &LIMITS).unwrap_or_else(|error| panic!("{error}"))
}

/// Allocations of one pass over a valid document.
fn allocations(doc: &Doc) -> u64 {
    let options = ValidateOptions { allow_conditional: true, expected: None };
    let mut found = None;
    let taken = allocation_counter::measure(|| found = Some(validate(doc, &options)));
    assert!(found.unwrap().is_ok());
    taken.count_total
}

#[test]
fn the_synthetic_resources_are_validated_without_an_allocation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/synthea");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bz2"));
    let (mut resources, mut with_contained) = (0, 0);
    for path in paths {
        let mut text = Vec::new();
        bzip2::read::BzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let bundle = parse(text);
        for entry in bundle.root().get("entry").unwrap().items() {
            let mut text = Vec::new();
            write(entry.get("resource").unwrap(), &mut text);
            let doc = parse(text);
            let has_contained = doc.root().get("contained").is_some();
            // The ids of contained resources are gathered once a resource, when the first reference to one is met.
            assert!(allocations(&doc) <= u64::from(has_contained));
            resources += 1;
            with_contained += u64::from(has_contained);
        }
        assert!(allocations(&bundle) <= with_contained);
    }
    assert_eq!(resources, 2751);
}

/// A patient with so many of everything that a pass may find: escapes, nulls with extensions, contained resources and references to them.
fn patient(count: usize) -> Doc {
    let list = |item: &dyn Fn(usize) -> String| (0..count).map(item).collect::<Vec<_>>().join(",");
    let names = list(&|at| {
        format!(
            r#"{{"use":"o\u0066ficial","family":"\u00c5 \"{at}\"\n","given":["a",null,"b"],
                "_given":[null,{{"extension":[{{"url":"http:\/\/a\/b","valueUri":"urn:\u0061"}}]}},{{"id":"i"}}]}}"#
        )
    });
    let contained = list(&|at| format!(r#"{{"resourceType":"Organization","id":"o{at}","name":"\u0041"}}"#));
    let references = list(&|at| format!(r##"{{"reference":"#o{at}"}}"##));
    let telecom =
        list(&|at| format!(r#"{{"system":"phone","value":"{at}","rank":1,"period":{{"start":"2020-01-0\u0031"}}}}"#));
    let div = "<p>\\u00e9 \\\"x\\\"\\n</p>".repeat(count);
    parse(format!(
        r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"<div>{div}</div>"}},"contained":[{contained}],
            "name":[{names}],"telecom":[{telecom}],"generalPractitioner":[{references}],"deceasedBoolean":false}}"#
    ))
}

#[test]
fn allocations_do_not_grow_with_the_number_of_elements() {
    assert_eq!([patient(1), patient(10), patient(3000)].map(|doc| allocations(&doc)), [1, 1, 1]);
}

/// Counts, and asks for nothing that has to be made.
#[derive(Default)]
struct Counter {
    elements: usize,
    bytes: usize,
}

impl<'a> Visitor<'a> for Counter {
    fn element(&mut self, element: &'static Element, node: Node<'a>, place: &Place<'_>) {
        self.elements += usize::from(place.element().is_some_and(|found| found.path == element.path));
        self.bytes += node.span().len();
    }
}

#[test]
fn a_visitor_is_told_of_every_element_without_an_allocation() {
    let mut counted = Vec::new();
    for doc in [patient(10), patient(1000)] {
        let mut counter = Counter::default();
        let taken = allocation_counter::measure(|| drop(visit(&doc, &ValidateOptions::default(), &mut counter)));
        counted.push((taken.count_total, counter.elements));
        assert!(counter.bytes > 0);
    }
    assert!(counted[1].1 > 90 * counted[0].1, "{counted:?}");
    assert!(counted.iter().all(|(taken, _)| *taken == 1), "{counted:?}");
}
