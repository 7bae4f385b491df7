//! The query of a URL, from percent-encoding to the answer.

use super::clinic::{self, assert_refused_well};
use aceso_base::Role;
use aceso_fhir::definitions::ResourceType;
use aceso_repository::decode_pairs;
use aceso_testkit::Canary;

pub(super) const WORDS: &[&str] = &[
    "%",
    "%00",
    "%c3%a9",
    "%ff",
    "%26",
    "%3D",
    "+",
    "&&",
    "==",
    "?",
    "_id=",
    "_sort=",
    "_count=0",
    "_count=1001",
    "_total=accurate",
    "_summary=count",
    "_elements=id",
    "_include=",
    "_revinclude=",
    "_has:",
    ":exact=",
    ":missing=",
    ":iterate",
    "family=",
    "Zyxelquist",
    "1903-05-29",
    "MRN-QX-7719034452",
    "_cursor=AAAA",
    "_format=json",
    "_pretty=",
];

pub(super) fn seeds() -> Vec<Vec<u8>> {
    [
        "Patient?family=Zyxelquist&birthdate=ge1900&_sort=-birthdate&_count=2",
        "Patient?identifier=urn%3Aexample%3Amrn%7CMRN-QX-7719034452&_id=11111111-0000-4000-8000-000000000001,a&_elements=id,name",
        "Patient?given:exact=Quorlanda&phone=%2B1-404-555-7731-902&_total=accurate&_summary=count",
        "Observation?patient=Patient/11111111-0000-4000-8000-000000000001&code=http://loinc.org|8867-4&value-quantity=gt5.4||mg&_include=Observation:subject",
        "Practitioner?name=a+b&_lastUpdated=gt2020&_revinclude=PractitionerRole:practitioner",
        "Organization?name:contains=%C3%A9t%C3%A9&_count=1",
        "Condition?subject=Patient/11111111-0000-4000-8000-000000000001&onset-date=ap2011&clinical-status:not=active",
    ]
    .map(|query| query.as_bytes().to_vec())
    .to_vec()
}

/// `Type?query`.
pub(super) fn target(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (name, query) = text.split_once('?').unwrap_or(("Patient", text));
    let pairs = match decode_pairs(query) {
        Ok(pairs) => pairs,
        Err(fault) => return assert_refused_well(&fault),
    };
    assert!(decode_pairs(&encoded(&pairs)).is_ok_and(|again| again == pairs), "encoded and decoded is not the same");
    let Some(rtype) = ResourceType::parse(name) else { return };
    clinic::with("query", |clinic| {
        match clinic.search(&clinic.caller(Role::Physician), rtype.name(), pairs) {
            Ok(page) => assert!(page["resourceType"] == "Bundle" && page["type"] == "searchset", "not a searchset"),
            Err(fault) => assert_refused_well(&fault),
        }
        // Without the right to see what a parameter reads: never an answer that holds the planted patient's name.
        let operator = clinic.caller(Role::Operator);
        if let Ok(page) = clinic.search(&operator, rtype.name(), decode_pairs(query).unwrap_or_default()) {
            assert!(!page["entry"].to_string().contains(Canary::FAMILY), "shown to somebody without any right to it");
        }
    });
}

/// Every byte of a name or value as `%XX`.
fn encoded(pairs: &[(String, String)]) -> String {
    let hex = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    // An empty pair is a `&` too many, not a pair: so the `=` is always written.
    pairs.iter().map(|(name, value)| format!("{}={}", hex(name), hex(value))).collect::<Vec<_>>().join("&")
}
