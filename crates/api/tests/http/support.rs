//! A clinic with one person per role, two patients and a few records.

pub(crate) use aceso_testhouse::{ANNA, BERTA, CONSOLE, FEED, PASSWORD, URL, tenant};

use aceso_api::Api;
use aceso_base::Role;
use aceso_identity::{Secret, TokenRequest};
use aceso_repository::{Definitions, Settings};
use aceso_testhouse::Plans;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::ServiceExt as _;

pub(crate) const BASE: &str = "https://aceso.example/fhir/R4";
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
pub(crate) const DEPTH_LIMIT: usize = 32;
pub(crate) const PAGE: usize = 5;
pub(crate) const MAX_PAGE: usize = 50;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn text_lossy(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text()))
    }

    /// The first issue of an OperationOutcome: its code and where it is.
    #[track_caller]
    pub(crate) fn issue(&self) -> (String, String) {
        let outcome = self.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", self.text());
        let issue = &outcome["issue"][0];
        let place = issue["expression"][0].as_str().unwrap_or_default();
        (issue["code"].as_str().unwrap().to_owned(), place.to_owned())
    }

    /// The code of a refusal: of an OperationOutcome, or of problem details where FHIR is not spoken.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        if self.header("content-type") != Some("application/problem+json") {
            return self.issue().0;
        }
        let problem = self.json();
        let document = serde_json::from_str(aceso_api::openapi::DOCUMENT).unwrap();
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        assert_eq!(aceso_testkit::schema::faults(&document, &schema, &problem), Vec::<String>::new(), "{problem}");
        assert_eq!(problem["status"], self.status, "{problem}");
        problem["code"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// The resources of a Bundle's entries.
    #[track_caller]
    pub(crate) fn resources(&self) -> Vec<Value> {
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    /// `Type/id` of a Bundle's entries.
    #[track_caller]
    pub(crate) fn names(&self) -> Vec<String> {
        let name = |r: &Value| format!("{}/{}", r["resourceType"].as_str().unwrap(), r["id"].as_str().unwrap());
        self.resources().iter().map(name).collect()
    }

    /// The path of the link of this relation, as the router knows it.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let bundle = self.json();
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let found = links.iter().find(|link| link["relation"] == relation)?;
        Some(found["url"].as_str().unwrap().strip_prefix(BASE).unwrap().to_owned())
    }
}

/// A request that is being put together.
pub(crate) struct Call<'a> {
    house: &'a House,
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn body(mut self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/fhir+json", body.to_string())
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), value.as_slice());
        }
        self.house.send(request.body(Body::from(self.body)).unwrap()).await
    }
}

pub(crate) struct House {
    pub(crate) app: Router,
    pub(crate) inside: aceso_testhouse::House,
    tokens: BTreeMap<&'static str, String>,
}

impl std::ops::Deref for House {
    type Target = aceso_testhouse::House;

    fn deref(&self) -> &Self::Target {
        &self.inside
    }
}

impl House {
    /// Nothing in it but people.
    pub(crate) async fn empty() -> Self {
        Self::with_definitions(Definitions::default()).await
    }

    /// Nothing in it but people, and these definitions in force.
    pub(crate) async fn with_definitions(definitions: Definitions) -> Self {
        let settings = Settings {
            base_url: BASE.to_owned(),
            body_bytes: BODY_LIMIT,
            json_depth: DEPTH_LIMIT,
            default_page: PAGE,
            max_page: MAX_PAGE,
        };
        let inside = aceso_testhouse::House::open(Plans { settings, access_seconds: 3600 }).await;
        let (repository, identity, rng) = (
            inside.repository.clone().with_definitions(definitions),
            Arc::clone(&inside.identity),
            Arc::clone(&inside.rng),
        );
        let connections = Arc::clone(&inside.connections);
        let app = Api::new(aceso_api::Parts { repository, identity, rng, connections, public_url: URL.to_owned() });
        let app = app.router();
        let mut tokens = BTreeMap::new();
        for role in Role::ALL {
            let request = TokenRequest {
                grant_type: "password".to_owned(),
                username: Some(role.as_str().to_owned()),
                password: Some(Secret::from(PASSWORD.to_owned())),
                client_id: Some(CONSOLE.to_owned()),
                ..TokenRequest::default()
            };
            let token = inside.identity.token(request).await.unwrap();
            tokens.insert(role.as_str(), token.access_token.reveal().to_owned());
        }
        Self { app, inside, tokens }
    }

    /// With two patients and some records.
    pub(crate) async fn open() -> Self {
        let house = Self::empty().await;
        for record in records() {
            let path = format!("/{}/{}", record["resourceType"].as_str().unwrap(), record["id"].as_str().unwrap());
            house.put("physician", &path, &record).await.expect(201);
        }
        house
    }

    pub(crate) fn token(&self, role: &str) -> &str {
        &self.tokens[role]
    }

    /// A FHIR request; `path` is below the FHIR base. With an empty role nobody signs it.
    pub(crate) fn call(&self, role: &str, method: &str, path: &str) -> Call<'_> {
        self.raw(role, method, &format!("/fhir/R4{path}"))
    }

    /// A request to any path.
    pub(crate) fn raw(&self, role: &str, method: &str, path: &str) -> Call<'_> {
        let mut headers = Vec::new();
        if !role.is_empty() {
            headers.push(("authorization".to_owned(), format!("Bearer {}", self.token(role)).into_bytes()));
        }
        Call { house: self, method: method.to_owned(), path: path.to_owned(), headers, body: Vec::new() }
    }

    pub(crate) async fn get(&self, role: &str, path: &str) -> Answer {
        self.call(role, "GET", path).send().await
    }

    pub(crate) async fn put(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.call(role, "PUT", path).json(body).send().await
    }

    pub(crate) async fn post(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.call(role, "POST", path).json(body).send().await
    }

    pub(crate) async fn delete(&self, role: &str, path: &str) -> Answer {
        self.call(role, "DELETE", path).send().await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let status: StatusCode = parts.status;
        Answer { status: status.as_u16(), headers: parts.headers, body }
    }

    /// Everything that is stored, counted: changes when anything is written.
    pub(crate) async fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for rtype in ["Patient", "Observation", "Condition", "Organization", "Practitioner", "Coverage"] {
            let path = if matches!(rtype, "Patient" | "Organization" | "Practitioner") {
                format!("/{rtype}?_count=50")
            } else {
                format!("/Patient/{ANNA}/{rtype}?_count=50")
            };
            let page = self.get("physician", &path).await.expect(200);
            state.extend(page.resources().iter().map(|r| format!("{rtype}/{} {}", r["id"], r["meta"]["versionId"])));
        }
        state
    }
}

pub(crate) fn records() -> Vec<Value> {
    vec![
        json!({ "resourceType": "Organization", "id": "ward", "name": "Ward seven", "active": true }),
        json!({ "resourceType": "Practitioner", "id": "dr-weiss", "active": true,
            "identifier": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }],
            "name": [{ "family": "Weiss", "given": ["Jonas"] }] }),
        patient(ANNA, "Keller", "Anna", "1971-05-09", "MRN-1"),
        patient(BERTA, "Kellermann", "Berta", "1983-11-21", "MRN-2"),
        observation("11111111-0000-4000-8000-000000000001", ANNA, "8867-4", 72.0, "2024-01-05"),
        observation("11111111-0000-4000-8000-000000000002", ANNA, "8867-4", 88.5, "2024-03-05"),
        observation("11111111-0000-4000-8000-000000000003", ANNA, "8310-5", 36.6, "2024-02-05"),
        observation("11111111-0000-4000-8000-000000000004", BERTA, "8867-4", 64.0, "2024-01-07"),
        json!({ "resourceType": "Condition", "id": "22222222-0000-4000-8000-000000000001",
            "subject": { "reference": format!("Patient/{ANNA}") },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertension" }] } }),
        json!({ "resourceType": "Coverage", "id": "33333333-0000-4000-8000-000000000001", "status": "active",
            "costToBeneficiary": [{ "valueMoney": { "value": 4711.25, "currency": "USD" } }], "beneficiary": { "reference": format!("Patient/{ANNA}") },
            "payor": [{ "reference": "Organization/ward" }] }),
    ]
}

pub(crate) fn patient(id: &str, family: &str, given: &str, born: &str, number: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "active": true, "gender": "female", "birthDate": born,
        "identifier": [{ "system": "http://clinic.example/mrn", "value": number }],
        "name": [{ "family": family, "given": [given] }],
        "telecom": [{ "system": "phone", "value": format!("+1 555 {number}") }],
        "generalPractitioner": [{ "reference": "Practitioner/dr-weiss" }],
        "managingOrganization": { "reference": "Organization/ward" } })
}

pub(crate) fn observation(id: &str, patient: &str, code: &str, value: f64, day: &str) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": "final",
        "subject": { "reference": format!("Patient/{patient}") },
        "performer": [{ "reference": "Practitioner/dr-weiss" }],
        "effectiveDateTime": day,
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "valueQuantity": { "value": value, "unit": "u", "system": "http://unitsofmeasure.org", "code": "u" } })
}

/// The same without its id, for a create.
pub(crate) fn without_id(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("id");
    record
}
