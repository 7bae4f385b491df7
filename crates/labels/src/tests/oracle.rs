//! What splitting and splicing must come to, said a second time: a slow redactor over a JSON tree. Tests only.

use aceso_fhir::definitions::{Element, ResourceType, TypeRef, ValueType};
use serde_json::{Map, Value, json};

use crate::table::{self, Context, Labelled};
use crate::{ClassSet, DataClass};

/// The resource as somebody sees it who may see these classes, and whether something was masked.
pub(crate) fn redact(resource: &Value, rtype: ResourceType, open: ClassSet) -> (Value, bool) {
    let mut oracle =
        Oracle { open, context: Context::of(rtype), contained: table::class_of_type(rtype), masked: false };
    let mut shown = oracle.object(resource, TypeRef::of_resource(rtype), true, DataClass::Structure);
    if oracle.masked {
        let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "REDACTED", "display": "redacted"});
        let meta = shown.as_object_mut().unwrap().get_mut("meta").unwrap().as_object_mut().unwrap();
        let labels = meta.entry("security").or_insert_with(|| json!([])).as_array_mut().unwrap();
        if !labels.iter().any(|one| one["code"] == "REDACTED" && one["system"] == label["system"]) {
            labels.push(label);
        }
    }
    (shown, oracle.masked)
}

struct Oracle {
    open: ClassSet,
    context: Context,
    contained: DataClass,
    masked: bool,
}

impl Oracle {
    fn sees(&mut self, class: DataClass) -> bool {
        let sees = class == DataClass::Structure || self.open.contains(class);
        self.masked |= !sees;
        sees
    }

    fn object(&mut self, object: &Value, scope: TypeRef, resource: bool, holder: DataClass) -> Value {
        let mut shown = Map::new();
        for (key, value) in object.as_object().unwrap() {
            if resource && key == "resourceType" {
                shown.insert(key.clone(), value.clone());
                continue;
            }
            let Some((element, sibling)) = scope.child(key) else {
                if self.sees(DataClass::Sensitive) {
                    shown.insert(key.clone(), value.clone());
                }
                continue;
            };
            if !sibling && element.array != value.is_array() {
                if self.sees(DataClass::Sensitive) {
                    shown.insert(key.clone(), value.clone());
                }
                continue;
            }
            let class = match table::of_element(element, self.context) {
                Labelled::Of(DataClass::Structure) | Labelled::Inherit | Labelled::ByUrl => holder,
                Labelled::Of(class) => class,
            };
            if !self.sees(class) {
                let base = object.get(element.key).is_some();
                if matches!(element.value, ValueType::Primitive(_)) && !element.is_choice() && !(sibling && base) {
                    let mask = json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]});
                    shown.insert(format!("_{}", element.key), if element.array { json!([mask]) } else { mask });
                }
                continue;
            }
            let inner = if sibling { self.sibling(value, class) } else { self.value(value, element, class) };
            if let Some(inner) = inner {
                shown.insert(key.clone(), inner);
            }
        }
        Value::Object(shown)
    }

    fn sibling(&mut self, value: &Value, holder: DataClass) -> Option<Value> {
        let Some(items) = value.as_array() else {
            let mut shown = value.clone();
            if let Some(list) = value.get("extension") {
                let element = TypeRef::of_datatype("Period").unwrap().child("extension").unwrap().0;
                match self.value(list, element, holder) {
                    Some(list) => shown["extension"] = list,
                    None => drop(shown.as_object_mut().unwrap().remove("extension")),
                }
            }
            return kept(shown);
        };
        let classes: Vec<DataClass> = items
            .iter()
            .filter_map(|item| item.get("extension")?.as_array())
            .flatten()
            .map(|one| {
                let plain = one.as_object().unwrap().values().all(|value| !value.is_object() && !value.is_array());
                if plain { self.extension_class(one, holder) } else { DataClass::Sensitive }
            })
            .filter(|class| *class != DataClass::Structure && *class != holder)
            .collect();
        let class = match classes.split_first() {
            None => holder,
            Some((first, rest)) if rest.iter().all(|one| one == first) => *first,
            Some(_) => DataClass::Sensitive,
        };
        self.sees(class).then(|| value.clone())
    }

    fn extension_class(&self, extension: &Value, holder: DataClass) -> DataClass {
        let class = table::of_extension(extension["url"].as_str(), holder, self.context);
        let reason = extension.as_object().unwrap().len() == 2 && extension["valueCode"] == "unknown";
        let free = class == DataClass::Structure && self.context == Context::Patient && !reason;
        if free { DataClass::Sensitive } else { class }
    }

    fn value(&mut self, value: &Value, element: &'static Element, holder: DataClass) -> Option<Value> {
        let Some(items) = value.as_array() else { return self.single(value, element, holder) };
        kept(Value::Array(items.iter().filter_map(|item| self.single(item, element, holder)).collect()))
    }

    fn single(&mut self, value: &Value, element: &'static Element, holder: DataClass) -> Option<Value> {
        let by_url = table::of_element(element, self.context) == Labelled::ByUrl;
        match element.value {
            ValueType::Primitive(_) => Some(value.clone()),
            ValueType::Resource => {
                let rtype = ResourceType::parse(value["resourceType"].as_str().unwrap()).unwrap();
                let directory = table::class_of_type(rtype) == DataClass::Structure;
                let told = directory && holder == DataClass::Structure && self.context == Context::Patient;
                let floor = if told { self.contained } else { holder };
                self.sees(floor).then(|| self.object(value, TypeRef::of_resource(rtype), true, floor))
            }
            ValueType::Complex(scope) if by_url => {
                let class = if element.key == "security" {
                    table::of_security_label(value["system"].as_str(), self.context)
                } else if element.path.starts_with("Extension.") && holder != DataClass::Structure {
                    holder
                } else {
                    self.extension_class(value, holder)
                };
                let class = if class == DataClass::Structure { holder } else { class };
                if self.sees(class) { kept(self.object(value, scope, false, class)) } else { None }
            }
            ValueType::Complex(scope) => kept(self.object(value, scope, false, holder)),
        }
    }
}

fn kept(value: Value) -> Option<Value> {
    let empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    (!empty).then_some(value)
}
