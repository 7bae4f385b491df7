//! Value sets as lists of codes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{list, text};

/// Value sets and code systems by their canonical url.
pub(crate) struct ValueSets<'a> {
    sets: BTreeMap<&'a str, &'a Value>,
    systems: BTreeMap<&'a str, &'a Value>,
}

impl<'a> ValueSets<'a> {
    pub(crate) fn index(terminology: &'a [Value]) -> Self {
        let of_type = |name: &str| {
            let named = terminology.iter().filter(|resource| text(&resource["resourceType"]) == name);
            named.map(|resource| (text(&resource["url"]), resource)).collect()
        };
        Self { sets: of_type("ValueSet"), systems: of_type("CodeSystem") }
    }

    /// The sorted codes of a value set under `http://hl7.org/fhir/ValueSet`; `None` when it cannot be listed from what
    /// is published with FHIR: it is filtered, or it is drawn from a code system that is not complete here.
    pub(crate) fn expand(&self, canonical: &str) -> Option<Vec<String>> {
        let url = canonical.split('|').next()?;
        if !url.starts_with("http://hl7.org/fhir/ValueSet/") {
            return None;
        }
        let compose = &self.sets.get(url)?["compose"];
        let mut codes = BTreeSet::new();
        for include in list(&compose["include"]) {
            codes.extend(self.part(include)?);
        }
        for exclude in list(&compose["exclude"]) {
            for code in self.part(exclude)? {
                codes.remove(&code);
            }
        }
        (!codes.is_empty()).then(|| codes.into_iter().collect())
    }

    fn part(&self, part: &Value) -> Option<BTreeSet<String>> {
        if !list(&part["filter"]).is_empty() {
            return None;
        }
        let mut codes: Option<BTreeSet<String>> = None;
        if part["system"].is_string() {
            codes = Some(match list(&part["concept"]) {
                [] => self.system(text(&part["system"]))?,
                concepts => concepts.iter().map(|concept| text(&concept["code"]).to_owned()).collect(),
            });
        }
        for set in list(&part["valueSet"]) {
            let other: BTreeSet<String> = self.expand(text(set))?.into_iter().collect();
            codes = Some(codes.map_or_else(|| other.clone(), |have| have.intersection(&other).cloned().collect()));
        }
        codes
    }

    fn system(&self, url: &str) -> Option<BTreeSet<String>> {
        let system = self.systems.get(url)?;
        if text(&system["content"]) != "complete" {
            return None;
        }
        let mut codes = BTreeSet::new();
        let mut waiting: Vec<&Value> = list(&system["concept"]).iter().collect();
        while let Some(concept) = waiting.pop() {
            codes.insert(text(&concept["code"]).to_owned());
            waiting.extend(list(&concept["concept"]));
        }
        Some(codes)
    }
}
