//! Bytes that `split` did not make.

use proptest::prelude::*;
use serde_json::json;

use super::{doc, rtype_of, split_stamped};
use crate::{ClassSet, DataClass, SpliceError, classes_of, splice};

type Parts = [Option<Vec<u8>>; DataClass::COUNT];

fn sound() -> (Vec<u8>, Parts) {
    let value = json!({"resourceType": "Observation", "status": "final", "meta": {"security": [{"system": "x", "code": "HIV"}]},
        "identifier": [{"value": "1"}, {"value": "2"}], "code": {"text": "c"}, "issued": "2020", "instantiatesCanonical": ["a"],
        "subject": {"reference": "Patient/x", "display": "D"}, "performer": [{"display": "P"}, {"display": "Q"}],
        "valueString": "v", "note": [{"text": "n", "authorReference": {"display": "A"}}],
        "component": [{"code": {"text": "k"}, "valueString": "s", "extension": [{"url": "u", "valueString": "e"}]}]});
    let split = split_stamped(&doc(&value), rtype_of(&value), "o");
    (
        split.structure().to_vec(),
        DataClass::ALL.map(|class| Some(split.part(class).to_vec()).filter(|part| !part.is_empty())),
    )
}

/// Splices and checks the bound on what comes out.
fn splice_bounded(structure: &[u8], parts: &Parts) -> Result<(Vec<u8>, bool), SpliceError> {
    let mut out = Vec::new();
    let shown = splice(structure, &parts.each_ref().map(|part| part.as_deref()), &mut out);
    let given = structure.len() + parts.iter().flatten().map(Vec::len).sum::<usize>();
    assert!(out.len() <= given * 25 + 300, "{} bytes from {given}", out.len());
    shown.map(|shown| (out, shown.redacted))
}

#[test]
fn an_unknown_version_is_refused() {
    let (mut structure, mut parts) = sound();
    structure[0] = 2;
    assert_eq!(splice_bounded(&structure, &parts), Err(SpliceError::UnknownFormat));
    assert_eq!(classes_of(&structure), Err(SpliceError::UnknownFormat));
    structure[0] = 1;
    parts[3].as_mut().unwrap()[0] = 2;
    assert_eq!(splice_bounded(&structure, &parts), Err(SpliceError::UnknownFormat));
    assert_eq!(splice_bounded(&[], &parts), Err(SpliceError::Damaged));
}

#[test]
fn a_skeleton_that_hides_a_class_from_its_header_is_refused() {
    let (mut structure, mut parts) = sound();
    let clinical = ClassSet::NONE.with(DataClass::Clinical).bits();
    structure[1] &= !clinical;
    parts[3] = None;
    assert_eq!(splice_bounded(&structure, &parts), Err(SpliceError::Damaged));
}

#[test]
fn slices_that_name_each_other_end_in_an_error() {
    let gap = [1, 1, 3, 0];
    let structure = [&[1, 8][..], b"{", &gap, b"}"].concat();
    let slice = [&gap[..], &gap, b"\"a\":1"].concat();
    let part = [&[1][..], &slice, &(slice.len() as u32).to_le_bytes(), &1_u32.to_le_bytes()].concat();
    let mut parts: Parts = Default::default();
    parts[3] = Some(part);
    assert_eq!(splice_bounded(&structure, &parts), Err(SpliceError::Damaged));
}

#[test]
fn a_part_of_another_record_is_refused_or_wrong_but_never_read_beyond_its_end() {
    let (structure, mut parts) = sound();
    for count in [0_u32, 1, 2, 1000, u32::MAX] {
        let part = parts[3].as_mut().unwrap();
        let at = part.len() - 4;
        part[at..].copy_from_slice(&count.to_le_bytes());
        let _ = splice_bounded(&structure, &parts);
    }
    parts[3] = Some(Vec::new());
    assert_eq!(splice_bounded(&structure, &parts), Err(SpliceError::Damaged));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_never_panic(
        damage in proptest::collection::vec((0..7_usize, any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..6),
        closed in any::<u8>(),
    ) {
        let (mut structure, mut parts) = sound();
        for (which, at, kind, byte) in damage {
            let target = match parts[which].as_mut() { Some(part) => part, None => &mut structure };
            if target.is_empty() {
                continue;
            }
            let at = at.index(target.len());
            match kind {
                0 => target[at] = byte,
                1 => target[at] = byte % 8,
                2 => target.insert(at, byte % 8),
                _ => target.truncate(at),
            }
        }
        for (at, part) in parts.iter_mut().enumerate() {
            if closed & 1 << at != 0 {
                *part = None;
            }
        }
        let _ = splice_bounded(&structure, &parts);
    }

    #[test]
    fn random_markers_never_panic(
        text in proptest::collection::vec(prop_oneof![4 => 0..8_u8, 1 => Just(b'{'), 1 => Just(b'}'), 1 => Just(b'"'), 1 => Just(b':'), 1 => Just(b',')], 0..200),
        slice in proptest::collection::vec(prop_oneof![3 => 0..8_u8, 1 => Just(b'['), 1 => Just(b']'), 1 => Just(b'"')], 0..60),
    ) {
        let structure = [&[1, 126][..], &text].concat();
        let mut part = [&[1][..], &slice].concat();
        let middle = (slice.len() / 2) as u32;
        for number in [middle, slice.len() as u32, 2] {
            part.extend_from_slice(&number.to_le_bytes());
        }
        let mut parts: Parts = Default::default();
        for slot in parts.iter_mut().skip(2) {
            *slot = Some(part.clone());
        }
        let _ = splice_bounded(&structure, &parts);
    }
}
