//! `$expand`, `$validate-code`, `$lookup`, `$subsumes`.

use super::support::{Answer, House};
use serde_json::{Value, json};

const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const ENCOUNTERS: &str = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode";
const GENDERS: &str = "http://hl7.org/fhir/ValueSet/administrative-gender";

/// A request that everybody may make, for the table of roles.
pub(crate) fn request(method: &str, route: &str, operation: &str) -> (String, Option<Value>) {
    let url = if route.contains("/ValueSet/") { ENCOUNTERS } else { ACT };
    let asked: &[(&str, &str, &str)] = match operation {
        "expand" => &[("url", "valueUri", url)],
        "lookup" => &[("system", "valueUri", ACT), ("code", "valueCode", "AMB")],
        "subsumes" => {
            &[("system", "valueUri", ACT), ("codeA", "valueCode", "_ActEncounterCode"), ("codeB", "valueCode", "AMB")]
        }
        _ if url == ACT => &[("url", "valueUri", url), ("code", "valueCode", "AMB")],
        _ => &[("url", "valueUri", url), ("system", "valueUri", ACT), ("code", "valueCode", "AMB")],
    };
    if method == "GET" {
        let query: Vec<String> = asked.iter().map(|(name, _, value)| format!("{name}={value}")).collect();
        return (format!("{route}?{}", query.join("&")), None);
    }
    let parts: Vec<Value> =
        asked.iter().map(|(name, element, value)| json!({ "name": name, *element: value })).collect();
    (route.to_owned(), Some(parameters(&parts)))
}

fn parameters(parts: &[Value]) -> Value {
    json!({ "resourceType": "Parameters", "parameter": parts })
}

/// The value of a part of a Parameters resource.
fn part(answer: &Answer, name: &str) -> Option<Value> {
    let found = answer.json()["parameter"].as_array()?.iter().find(|part| part["name"] == name)?.clone();
    found.as_object()?.iter().find(|(key, _)| key.starts_with("value")).map(|(_, value)| value.clone())
}

fn codes(answer: &Answer) -> Vec<String> {
    let set = answer.json();
    let members = set["expansion"]["contains"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_value_set_is_expanded_with_filter_and_pages() {
    let house = House::empty().await;
    let whole = house.get("nurse", &format!("/ValueSet/$expand?url={GENDERS}")).await.expect(200);
    assert_eq!(codes(&whole), ["male", "female", "other", "unknown"]);
    let set = whole.json();
    assert_eq!((&set["url"], &set["version"], &set["status"]), (&json!(GENDERS), &json!("4.0.1"), &json!("active")));
    assert_eq!(set["expansion"]["total"], 4);
    assert_eq!(set["expansion"]["contains"][0]["display"], "Male");
    let used = json!({ "name": "version", "valueUri": "http://hl7.org/fhir/administrative-gender|4.0.1" });
    assert_eq!(set["expansion"]["parameter"], json!([used]));
    assert!(set["expansion"]["identifier"].as_str().unwrap().starts_with("urn:uuid:"));

    let page = house.get("nurse", &format!("/ValueSet/$expand?url={GENDERS}&offset=1&count=2")).await.expect(200);
    assert_eq!(codes(&page), ["female", "other"]);
    assert_eq!((&page.json()["expansion"]["total"], &page.json()["expansion"]["offset"]), (&json!(4), &json!(1)));
    let filtered = house.get("nurse", &format!("/ValueSet/$expand?url={GENDERS}|4.0.1&filter=FEM")).await.expect(200);
    assert_eq!(codes(&filtered), ["female"]);
    let none = house.get("nurse", &format!("/ValueSet/$expand?url={GENDERS}&filter=nothing")).await.expect(200);
    assert_eq!(none.json()["expansion"].get("contains"), None);

    let url = "http://terminology.hl7.org/ValueSet/v2-0002";
    let german = format!("/ValueSet/$expand?url={url}&displayLanguage=de&filter=verheiratet&includeDesignations=true");
    let german = house.get("nurse", &german).await.expect(200).json();
    assert_eq!(german["expansion"]["contains"][0]["display"], "verheiratet");
    let designation = &german["expansion"]["contains"][0]["designation"][0];
    assert!(designation["language"].is_string() && designation["use"]["code"] == "display");
}

#[tokio::test]
async fn answers_are_valid_fhir() {
    let house = House::empty().await;
    for (method, route, operation) in [
        ("GET", "/fhir/R4/ValueSet/$expand", "expand"),
        ("POST", "/fhir/R4/ValueSet/$validate-code", "validate-code"),
        ("GET", "/fhir/R4/CodeSystem/$lookup", "lookup"),
        ("POST", "/fhir/R4/CodeSystem/$subsumes", "subsumes"),
    ] {
        let (path, body) = request(method, route, operation);
        let mut call = house.raw("physician", method, &path);
        if let Some(body) = &body {
            call = call.json(body);
        }
        let answer = call.send().await.expect(200);
        let doc = aceso_fhir::json::Doc::parse(answer.body.clone(), &aceso_fhir::json::Limits::default()).unwrap();
        let faults =
            aceso_fhir::validate(&doc, &aceso_fhir::ValidateOptions { allow_conditional: false, expected: None });
        assert!(faults.is_ok(), "{route}: {faults:?}");
        assert_eq!(answer.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    }
}

#[tokio::test]
async fn a_code_is_validated_as_a_code_a_coding_or_one_of_a_concept() {
    let house = House::empty().await;
    let path = format!("/ValueSet/$validate-code?url={ENCOUNTERS}&system={ACT}&code=AMB&display=Ambulatory");
    let valid = house.get("billing", &path).await.expect(200);
    assert_eq!(part(&valid, "result"), Some(json!(true)));
    assert_eq!(part(&valid, "display"), Some(json!("ambulatory")));
    let wrong = house.get("billing", &path.replace("=Ambulatory", "=Emergency")).await.expect(200);
    assert_eq!(part(&wrong, "result"), Some(json!(false)));
    assert_eq!(part(&wrong, "message"), Some(json!("the display is none of this code")));
    let foreign = house.get("billing", &path.replace("=AMB", "=ABUSE")).await.expect(200);
    assert_eq!(part(&foreign, "result"), Some(json!(false)));

    let concept = json!({ "coding": [{ "system": "http://other", "code": "x" }, { "system": ACT, "code": "AMB" }] });
    let url = json!({ "name": "url", "valueUri": ENCOUNTERS });
    let body = parameters(&[url, json!({ "name": "codeableConcept", "valueCodeableConcept": concept })]);
    let answer = house.post("billing", "/ValueSet/$validate-code", &body).await.expect(200);
    assert_eq!(part(&answer, "result"), Some(json!(true)));

    let coding = json!({ "name": "coding", "valueCoding": { "system": ACT, "code": "_ActEncounterCode" } });
    let body = parameters(std::slice::from_ref(&coding));
    let answer = house.post("billing", "/CodeSystem/$validate-code", &body).await.expect(200);
    assert_eq!(part(&answer, "result"), Some(json!(true)));
    let strict = parameters(&[coding, json!({ "name": "abstract", "valueBoolean": false })]);
    let answer = house.post("billing", "/CodeSystem/$validate-code", &strict).await.expect(200);
    assert_eq!(part(&answer, "message"), Some(json!("the code is abstract")));
    let media =
        house.get("billing", "/CodeSystem/$validate-code?url=urn:ietf:bcp:13&code=text/plain").await.expect(200);
    assert_eq!(part(&media, "result"), Some(json!(true)));
}

#[tokio::test]
async fn a_code_is_looked_up_and_related_to_another() {
    let house = House::empty().await;
    let found = house.get("researcher", &format!("/CodeSystem/$lookup?system={ACT}&code=AMB")).await.expect(200);
    assert_eq!(part(&found, "display"), Some(json!("ambulatory")));
    assert_eq!(part(&found, "version"), Some(json!("2018-08-12")));
    let parent = json!({ "name": "property", "part": [{ "name": "code", "valueCode": "parent" }, { "name": "value", "valueCode": "_ActEncounterCode" }] });
    assert!(found.json()["parameter"].as_array().unwrap().contains(&parent));
    let only = format!("/CodeSystem/$lookup?system={ACT}&code=AMB&property=parent");
    let only = house.get("researcher", &only).await.expect(200).json();
    let properties: Vec<&Value> =
        only["parameter"].as_array().unwrap().iter().filter(|part| part["name"] == "property").collect();
    assert_eq!(properties, [&parent]);

    let related = |a: &str, b: &str| format!("/CodeSystem/$subsumes?system={ACT}&codeA={a}&codeB={b}");
    for (a, b, outcome) in [
        ("_ActEncounterCode", "AMB", "subsumes"),
        ("AMB", "_ActEncounterCode", "subsumed-by"),
        ("AMB", "AMB", "equivalent"),
        ("AMB", "EMER", "not-subsumed"),
    ] {
        let answer = house.get("researcher", &related(a, b)).await.expect(200);
        assert_eq!(part(&answer, "outcome"), Some(json!(outcome)), "{a} {b}");
    }
    let coding = |name: &str, system: &str| json!({ "name": name, "valueCoding": { "system": system, "code": "AMB" } });
    let mixed = parameters(&[coding("codingA", ACT), coding("codingB", "http://other")]);
    house.post("researcher", "/CodeSystem/$subsumes", &mixed).await.expect(400);
}

#[tokio::test]
async fn what_is_not_known_is_an_error_and_never_a_no() {
    let house = House::empty().await;
    for (path, status, code) in [
        ("/ValueSet/$expand?url=http://nowhere/vs".to_owned(), 404, "not-found"),
        (format!("/ValueSet/$expand?url={GENDERS}&valueSetVersion=9"), 404, "not-found"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-codes".to_owned(), 422, "not-found"),
        ("/ValueSet/$validate-code?url=http://nowhere/vs&system=a&code=b".to_owned(), 404, "not-found"),
        (
            "/ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/observation-codes&system=http://loinc.org&code=8310-5"
                .to_owned(),
            422,
            "not-found",
        ),
        ("/CodeSystem/$validate-code?url=http://loinc.org&code=8310-5".to_owned(), 404, "not-found"),
        ("/CodeSystem/$validate-code?url=http://snomed.info/sct&code=1".to_owned(), 422, "not-found"),
        ("/CodeSystem/$lookup?system=http://loinc.org&code=8310-5".to_owned(), 404, "not-found"),
        (format!("/CodeSystem/$lookup?system={ACT}&code=none"), 404, "code-invalid"),
        (format!("/CodeSystem/$subsumes?system={ACT}&codeA=AMB&codeB=none"), 404, "code-invalid"),
    ] {
        let before = house.log_size();
        let refused = house.get("physician", &path).await.expect(status);
        assert_eq!(refused.code(), code, "{path}");
        let entries = house.log_since(before);
        assert_eq!((entries.len(), entries[0].entry.outcome().as_str()), (1, "failed"), "{path}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_served_is_refused_and_none_is_passed_over() {
    let house = House::empty().await;
    let expand = |rest: &str| format!("/ValueSet/$expand?url={GENDERS}{rest}");
    for (path, code, word) in [
        (expand("&date=2020-01-01"), "not-supported", "date"),
        (expand("&includeDefinition=true"), "not-supported", "includeDefinition"),
        (expand("&excludeNested=false"), "not-supported", "only true"),
        (expand("&nonsense=1"), "not-supported", "not a parameter"),
        (expand("&count=-1"), "value", "whole number"),
        (expand("&count=1&count=2"), "value", "once"),
        (expand("|4.0.1&valueSetVersion=4.0.1"), "value", "version already"),
        (expand("&activeOnly=yes"), "value", "true or false"),
        ("/ValueSet/$expand".to_owned(), "required", "url"),
        (format!("/ValueSet/$validate-code?url={GENDERS}&code=male"), "required", "system"),
        (format!("/ValueSet/$validate-code?url={GENDERS}&system=a"), "required", "code"),
        (format!("/CodeSystem/$lookup?system={ACT}&coding=x"), "not-supported", "POST"),
        ("/CodeSystem/$subsumes?codeA=a&codeB=b".to_owned(), "required", "system"),
    ] {
        let refused = house.get("physician", &path).await.expect(400);
        assert_eq!(refused.code(), code, "{path}");
        assert!(refused.text().contains(word) && !refused.text().contains("nonsense"), "{path}: {}", refused.text());
    }
    house.get("physician", &expand("&_format=json&_pretty=false")).await.expect(200);
    let inline = json!({ "name": "valueSet", "resource": { "resourceType": "ValueSet", "status": "active" } });
    let refused = house.post("physician", "/ValueSet/$expand", &parameters(&[inline])).await.expect(400);
    assert_eq!(refused.issue(), ("not-supported".to_owned(), "Parameters.parameter[0]".to_owned()));
    let wrong = json!({ "name": "url", "valueBoolean": true });
    house.post("physician", "/ValueSet/$expand", &parameters(&[wrong])).await.expect(400);
    house.post("physician", "/ValueSet/$expand", &json!({ "resourceType": "Patient" })).await.expect(422);
    // On a stored ValueSet or CodeSystem none of these is served.
    house.get("physician", "/ValueSet/abc/$expand").await.expect(404);
}

#[tokio::test]
async fn the_capability_statement_lists_the_operations() {
    let house = House::empty().await;
    let statement = house.get("", "/metadata").await.expect(200).json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let names = |rtype: &str| -> Vec<String> {
        let found = resources.iter().find(|resource| resource["type"] == rtype).unwrap();
        let operations = found["operation"].as_array().cloned().unwrap_or_default();
        let names = operations.iter().map(|operation| operation["name"].as_str().unwrap().to_owned());
        // Every type has that one.
        names.filter(|name| name != "validate").collect()
    };
    assert_eq!(names("ValueSet"), ["expand", "validate-code"]);
    assert_eq!(names("CodeSystem"), ["lookup", "validate-code", "subsumes"]);
    assert_eq!(names("Patient"), ["everything"]);
    assert!(names("Observation").is_empty());
}
