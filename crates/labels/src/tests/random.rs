//! Random resources of every R4 type, in the shape of the definitions.

use aceso_fhir::definitions::{Element, Primitive, ResourceType, TypeRef, ValueType};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{check, rtype_of, stamped};

const URLS: [&str; 9] = [
    "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
    "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
    "http://hl7.org/fhir/StructureDefinition/geolocation",
    "http://hl7.org/fhir/StructureDefinition/humanname-own-name",
    "http://hl7.org/fhir/StructureDefinition/rendering-style",
    "http://hl7.org/fhir/StructureDefinition/condition-dueTo",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-unit",
    "http://example.org/unknown",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_resource_comes_apart_and_together(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let types: Vec<ResourceType> = ResourceType::all().collect();
        let rtype = types[dice.below(types.len())];
        let mut value = dice.resource(rtype, 0);
        for name in ["id", "_id", "_meta"] {
            value.as_object_mut().unwrap().remove(name);
        }
        if let Some(meta) = value.get_mut("meta").and_then(Value::as_object_mut) {
            meta.remove("_versionId");
            meta.remove("_lastUpdated");
        }
        let value = stamped(value);
        prop_assert_eq!(rtype_of(&value), rtype);
        check(&value);
    }
}

/// A small generator (splitmix64): the whole resource follows from one number, which proptest reports.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn resource(&mut self, rtype: ResourceType, depth: usize) -> Value {
        let mut object = self.object(TypeRef::of_resource(rtype), depth);
        object.insert("resourceType".into(), json!(rtype.name()));
        Value::Object(object)
    }

    fn object(&mut self, scope: TypeRef, depth: usize) -> Map<String, Value> {
        let mut object = Map::new();
        let mut paths = std::collections::BTreeSet::new();
        let rarity = 2 + depth * 2;
        let elements = scope.elements();
        let sure = self.below(elements.len());
        for (at, element) in elements.iter().enumerate() {
            let extension = element.key == "extension" || element.key == "modifierExtension";
            let rarity = if extension || element.key == "contained" { rarity * 2 } else { rarity };
            if (at != sure && !self.one_in(rarity)) || !paths.insert(element.path) {
                continue;
            }
            let primitive = matches!(element.value, ValueType::Primitive(p) if p != Primitive::Xhtml);
            let sibling = primitive && self.one_in(6);
            if !sibling || self.one_in(2) {
                let value = self.value(element, depth);
                if let Some(value) = value {
                    object.insert(element.key.into(), value);
                }
            }
            if sibling {
                let length = object.get(element.key).and_then(Value::as_array).map_or(1, Vec::len);
                object.insert(format!("_{}", element.key), self.sibling(element, length));
            }
        }
        if object.is_empty() {
            // A Bundle, Binary or Parameters has no extensions.
            let (key, value) = match scope.child("extension") {
                Some(_) => ("extension", json!([self.extension(false, depth + 1)])),
                None => ("language", json!("de")),
            };
            object.insert(key.into(), value);
        }
        object
    }

    fn value(&mut self, element: &Element, depth: usize) -> Option<Value> {
        if !element.array {
            return self.single(element, depth);
        }
        let count = 1 + self.below(3);
        let items: Vec<Value> = (0..count).filter_map(|_| self.single(element, depth)).collect();
        (!items.is_empty()).then_some(Value::Array(items))
    }

    fn single(&mut self, element: &Element, depth: usize) -> Option<Value> {
        Some(match element.value {
            ValueType::Primitive(Primitive::Boolean) => json!(self.one_in(2)),
            ValueType::Primitive(Primitive::Decimal | Primitive::Integer) => json!(self.next() as i32),
            ValueType::Primitive(_) => json!(format!("v{}\"é\\\n{{[,", self.next())),
            _ if depth > 5 => return None,
            ValueType::Resource => {
                let types: Vec<ResourceType> = ResourceType::all().collect();
                let rtype = types[self.below(types.len())];
                self.resource(rtype, depth + 2)
            }
            ValueType::Complex(_) if element.key.ends_with("xtension") => {
                self.extension(element.path.starts_with("Extension."), depth + 1)
            }
            ValueType::Complex(_) if element.path == "Meta.security" => {
                let systems = [
                    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
                    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                ];
                let (system, code) = (systems[self.below(2)], ["HIV", "REDACTED"][self.below(2)]);
                json!({"system": system, "code": code})
            }
            ValueType::Complex(scope) => Value::Object(self.object(scope, depth + 1)),
        })
    }

    fn extension(&mut self, inside: bool, depth: usize) -> Value {
        let url = if inside { "part" } else { URLS[self.below(URLS.len())] };
        if url.ends_with("data-absent-reason") && !self.one_in(4) {
            return json!({"url": url, "valueCode": "unknown"});
        }
        if depth < 4 && self.one_in(4) {
            return json!({"url": url, "extension": [self.extension(true, depth + 1), self.extension(true, depth + 1)]});
        }
        let variants: Vec<&Element> = TypeRef::of_datatype("Extension")
            .unwrap()
            .elements()
            .iter()
            .filter(|element| element.is_choice())
            .collect();
        let variant = variants[self.below(variants.len())];
        match self.single(variant, depth + 1) {
            Some(value) => json!({"url": url, variant.key: value}),
            None => json!({"url": url, "valueString": "plain"}),
        }
    }

    fn sibling(&mut self, element: &Element, length: usize) -> Value {
        let item = |dice: &mut Self| match dice.below(4) {
            0 => json!({"id": format!("i{}", dice.next())}),
            1 => json!({"id": "i", "extension": [dice.extension(false, 3), dice.extension(false, 3)]}),
            _ => json!({"extension": [dice.extension(false, 3)]}),
        };
        if !element.array {
            return item(self);
        }
        let mut items: Vec<Value> =
            (0..length).map(|_| if self.one_in(2) { Value::Null } else { item(self) }).collect();
        items[0] = item(self);
        Value::Array(items)
    }
}
