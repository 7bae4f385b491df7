//! Permanent vectors of the stored form. What version 1 wrote must be read for ever: never change a vector, add one.

use serde_json::Value;

use super::{ID, parse, rtype_of, split_stamped};
use crate::{ClassSet, DataClass, splice};

fn vectors() -> Vec<Value> {
    let text = include_str!("../../vectors/split-v1.json");
    serde_json::from_str::<Value>(text).unwrap().as_array().unwrap().clone()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn what_version_1_wrote_is_read() {
    for vector in vectors() {
        let structure = unhex(&vector["structure"]);
        let parts = DataClass::ALL.map(|class| unhex(&vector["parts"][usize::from(class.code())]));
        for (classes, expected) in vector["shown"].as_object().unwrap() {
            let open = ClassSet::from_bits(classes.parse().unwrap()).unwrap();
            let given =
                DataClass::ALL.map(|class| open.contains(class).then(|| parts[usize::from(class.code())].as_slice()));
            let mut out = Vec::new();
            splice(&structure, &given, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected.as_str().unwrap(), "{open}");
        }
    }
}

#[test]
fn version_1_is_what_is_written() {
    for vector in vectors() {
        let resource = vector["resource"].as_str().unwrap();
        let split = split_stamped(&parse(resource.as_bytes()), rtype_of(&serde_json::from_str(resource).unwrap()), ID);
        assert_eq!(split.structure(), unhex(&vector["structure"]));
        for class in DataClass::ALL {
            assert_eq!(split.part(class), unhex(&vector["parts"][usize::from(class.code())]), "{class}");
        }
    }
}
