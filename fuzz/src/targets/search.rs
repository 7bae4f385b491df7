//! Search strings, and stored search parts.

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits};
use aceso_fhir::search::{Decimal, Query, SearchValues, SearchView, date_range, encode, extract, params_of};
use aceso_testkit::Canary;
use std::hint::black_box;

pub(super) const WORDS: &[&str] = &[
    "&",
    "=",
    ":exact",
    ":contains",
    ":missing=true",
    ":not",
    ":of-type",
    ":identifier",
    "gt",
    "le",
    "ap",
    "|",
    ",",
    "$",
    "\\,",
    "\\|",
    "_sort=-date",
    "_include=*",
    "_revinclude=Observation:subject",
    "_count=10",
    "_lastUpdated=",
    "birthdate=",
    "name=",
    "value-quantity=5.4|http://u|mg",
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let queries = [
        "Patient?name=Ann&birthdate=ge1970&_sort=-birthdate,family&_count=5",
        "Patient?identifier=urn:x|1,2&_id=a,b&gender:not=male&_lastUpdated=lt2020-01-01T00:00:00Z",
        "Observation?code=http://loinc.org|8867-4&date=gt2019-01&value-quantity=lt5.40e1||mg&_include=Observation:subject",
        "Observation?subject=Patient/1&component-code-value-quantity=a|b$5&combo-code=x&_elements=id,code&_summary=data",
        "Condition?onset-date=ap2011&clinical-status=active&code:text=pain&_revinclude=Encounter:diagnosis",
    ];
    let mut seeds: Vec<Vec<u8>> = queries.iter().map(|query| query.as_bytes().to_vec()).collect();
    let mut part = vec![0xff];
    encode(&values(), &mut part);
    seeds.push(part);
    seeds
}

/// First byte 0xff: a stored search part; else `Type?query`.
pub(super) fn target(bytes: &[u8]) {
    if let Some((0xff, part)) = bytes.split_first() {
        stored(part);
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        asked(text);
    }
}

fn stored(part: &[u8]) {
    let Ok(view) = SearchView::open(part) else { return };
    for param in params_of(view.rtype()) {
        black_box(view.has(param));
    }
    if let Ok(query) = Query::parse(view.rtype(), &[("_id".into(), "a".into())]) {
        query.filters.iter().for_each(|filter| {
            black_box(filter.matches(&view));
        });
    }
}

fn asked(text: &str) {
    black_box((date_range(text), Decimal::parse(text)));
    let Some((name, query)) = text.split_once('?') else { return };
    let Some(rtype) = ResourceType::parse(name) else { return };
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let Ok(query) = Query::parse(rtype, &pairs) else { return };
    let mut part = Vec::new();
    encode(&values(), &mut part);
    let view = SearchView::open(&part).unwrap();
    query.filters.iter().for_each(|filter| {
        black_box(filter.matches(&view));
    });
}

fn values() -> SearchValues {
    let doc = Doc::parse(Canary::patient().to_string().into_bytes(), &Limits::default()).unwrap();
    let mut values = SearchValues::new();
    extract(doc.root(), ResourceType::parse("Patient").unwrap(), &mut values);
    values
}
