//! Apart by data class and together again.

use aceso_base::{LogicalId, Timestamp, Version};
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::{ValidateOptions, validate};
use aceso_labels::{DataClass, Split, Stamp, splice, split};

pub(super) fn target(bytes: &[u8]) {
    damaged(bytes);
    let Ok(doc) = Doc::parse(bytes.to_vec(), &Limits::default()) else { return };
    let Ok(rtype) = validate(&doc, &ValidateOptions::default()) else { return };
    let id = LogicalId::parse("057aa36e-b892-4964-b5b9-ffb46b097e34").unwrap();
    let stamp = Stamp { id: &id, version: Version::FIRST, updated: Timestamp(1_700_000_000_000) };
    let apart = split(&doc, rtype, &stamp);
    let whole = together(&apart);
    let again = Doc::parse(whole.clone(), &Limits::default()).expect("what was put together is JSON");
    let twice = split(&again, rtype, &stamp);
    assert!(
        twice.structure() == apart.structure() && twice.parts() == apart.parts(),
        "apart and together changes the parts"
    );
    assert!(together(&twice) == whole, "apart and together changes the text");
    redacted(&apart);
}

fn together(apart: &Split) -> Vec<u8> {
    let mut out = Vec::new();
    let shown =
        splice(apart.structure(), &apart.parts().map(Some), &mut out).expect("parts of one resource fit together");
    assert!(!shown.redacted);
    out
}

/// Each class left out alone: still JSON, and said to be redacted when it held something.
fn redacted(apart: &Split) {
    for class in DataClass::ALL.into_iter().skip(1) {
        let mut parts = apart.parts().map(Some);
        parts[usize::from(class.code())] = None;
        let mut out = Vec::new();
        let shown = splice(apart.structure(), &parts, &mut out).expect("a missing part is masked");
        assert!(shown.redacted != apart.part(class).is_empty(), "redaction is not told");
        assert!(Doc::parse(out, &Limits::default()).is_ok(), "a redacted resource is not JSON");
    }
}

/// The bytes as skeleton and as every part: refused, or spliced without a panic.
fn damaged(bytes: &[u8]) {
    let (structure, part) = bytes.split_at(bytes.len() / 2);
    let mut out = Vec::new();
    let _ = splice(structure, &[Some(part); DataClass::COUNT], &mut out);
    let mut marked = vec![1, 0x7f];
    marked.extend_from_slice(structure);
    let _ = splice(&marked, &[Some(part); DataClass::COUNT], &mut out);
}
