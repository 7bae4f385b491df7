//! A clinic behind the console: one person per role, one patient whose every value is a canary, and browsers without a window.

pub(crate) use aceso_testhouse::{ANNA as PATIENT, BERTA as OTHER, PASSWORD};

use aceso_base::{LogicalId, Purpose, Role, RoleSet, Token16, UserId};
use aceso_console::{Check, Console, Health};
use aceso_fhir::definitions::ResourceType;
use aceso_repository::{Settings, UpdateCall};
use aceso_testhouse::{Plans, region, tenant};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tower::ServiceExt as _;

/// The values of the planted patient, by class.
pub(crate) const IDENTITY: [&str; 3] = ["Zyxelquist", "1931-02-03", "MRN-774411"];
pub(crate) const CONTACT: [&str; 2] = ["555-0199-77", "Quorlanda Street"];
pub(crate) const CLINICAL: [&str; 2] = ["Hypertensive crisis zz", "188.25"];
pub(crate) const SENSITIVE: [&str; 1] = ["raceword-qq"];
pub(crate) const NARRATIVE: [&str; 1] = ["told-story-xx"];
/// A name that would be a script, if it were not text.
pub(crate) const HOSTILE: &str = "</td><script>alert('x')</script>\"&";

struct Well;

impl Health for Well {
    fn checks(&self) -> Vec<Check> {
        vec![Check { name: "store", state: Ok(()) }, Check { name: "disk", state: Err("free some space") }]
    }

    fn queue_depth(&self) -> usize {
        3
    }

    fn disk_free(&self) -> u64 {
        1 << 31
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The value of the hidden field with the token.
    #[track_caller]
    pub(crate) fn csrf(&self) -> String {
        let at = self.text.find("name=\"csrf\" value=\"").expect("a form with a token");
        self.text[at + 19..].split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn hides(&self, words: &[&str], what: &str) {
        for word in words {
            assert!(!self.text.contains(word), "{what} shows {word}");
        }
    }

    #[track_caller]
    pub(crate) fn shows(&self, words: &[&str], what: &str) {
        for word in words {
            assert!(self.text.contains(word), "{what} does not show {word}: {}", self.text);
        }
    }
}

/// A browser: keeps cookies.
pub(crate) struct Browser<'a> {
    house: &'a House,
    cookies: Mutex<Vec<(String, String)>>,
}

impl Browser<'_> {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.send("POST", path, &[("content-type", "application/x-www-form-urlencoded")], form).await
    }

    /// A form with the token of the session in it.
    pub(crate) async fn submit(&self, path: &str, form: &str) -> Answer {
        let token = self.get("/console/me").await.expect(200).csrf();
        self.post(path, &format!("csrf={token}&{form}")).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "aceso.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let kept = self.cookies.lock().unwrap().iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("; ");
        if !kept.is_empty() {
            request = request.header("cookie", kept);
        }
        let answer = self.house.app.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        for set in parts.headers.get_all("set-cookie") {
            let (pair, rest) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            cookies.retain(|(known, _)| known != name);
            if !rest.contains("Max-Age=0") {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let event_stream = parts
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.to_str().unwrap().starts_with("text/event-stream"));
        // A stream goes on: its first message is enough.
        let body = if event_stream {
            let mut body = body;
            body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec()
        } else {
            body.collect().await.unwrap().to_bytes().to_vec()
        };
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

pub(crate) struct House {
    pub(crate) app: Router,
    pub(crate) stop: watch::Sender<bool>,
    inside: aceso_testhouse::House,
}

impl std::ops::Deref for House {
    type Target = aceso_testhouse::House;

    fn deref(&self) -> &Self::Target {
        &self.inside
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::at("https://aceso.example").await
    }

    pub(crate) async fn at(url: &str) -> Self {
        let settings = Settings {
            base_url: format!("{url}/fhir/R4"),
            body_bytes: 64 * 1024,
            json_depth: 32,
            default_page: 5,
            max_page: 50,
        };
        let inside = aceso_testhouse::House::open(Plans { settings, access_seconds: 600 }).await;
        let (stop, stopping) = watch::channel(false);
        let parts = aceso_console::Parts {
            repository: inside.repository.clone(),
            identity: Arc::clone(&inside.identity),
            health: Arc::new(Well),
            connections: Arc::clone(&inside.connections) as _,
            clock: Arc::new(inside.clock.clone()),
            rng: Arc::clone(&inside.rng),
            public_url: url.to_owned(),
            client_id: "console".to_owned(),
            stopping,
        };
        let house = Self { app: Console::new(parts).router(), stop, inside };
        for record in records() {
            house.put(&record).await;
        }
        house
    }

    pub(crate) async fn put(&self, record: &Value) {
        let caller = aceso_base::Caller {
            tenant: tenant(),
            region: region(),
            user: UserId::parse("feed").unwrap(),
            client: UserId::parse("feed").unwrap(),
            session: Token16([1; 16]),
            roles: RoleSet::NONE.with(Role::Physician),
            own_patient: None,
            purpose: Purpose::Treatment,
            request: Token16([2; 16]),
        };
        let rtype = ResourceType::parse(record["resourceType"].as_str().unwrap()).unwrap();
        let id = LogicalId::parse(record["id"].as_str().unwrap()).unwrap();
        let body = record.to_string().into_bytes();
        let call = UpdateCall { rtype, id: Some(id), condition: None, if_match: None, body };
        self.repository.update(&caller, call).await.unwrap();
    }

    /// A browser in which nobody is signed in.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { house: self, cookies: Mutex::default() }
    }

    /// A browser in which the person of this role is signed in.
    pub(crate) async fn signed_in(&self, role: &str) -> Browser<'_> {
        let browser = self.browser();
        let token = browser.get("/console/sign-in").await.expect(200).csrf();
        let form = format!("csrf={token}&username={role}&password={}", PASSWORD.replace(' ', "+"));
        browser.post("/console/sign-in", &form).await.expect(303);
        browser
    }
}

fn records() -> Vec<Value> {
    let subject = json!({ "reference": format!("Patient/{PATIENT}") });
    let lab = |id: &str, value: f64, day: &str| {
        json!({ "resourceType": "Observation", "id": id, "status": "final", "subject": subject, "effectiveDateTime": day,
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory" }] }],
            "code": { "text": "Potassium [Moles/volume]" },
            "valueQuantity": { "value": value, "unit": "mmol/L" } })
    };
    vec![
        json!({ "resourceType": "Organization", "id": "ward", "name": "Ward seven", "active": true }),
        json!({ "resourceType": "Patient", "id": PATIENT, "active": true, "gender": "female", "birthDate": IDENTITY[1],
            "identifier": [{ "system": "http://clinic.example/mrn", "value": IDENTITY[2] }],
            "name": [{ "family": IDENTITY[0], "given": ["Anna"] }],
            "telecom": [{ "system": "phone", "value": CONTACT[0] }],
            "address": [{ "line": [CONTACT[1]], "city": "Town" }],
            "text": { "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", NARRATIVE[0]) },
            "extension": [{ "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
                "extension": [{ "url": "text", "valueString": SENSITIVE[0] }] }] }),
        json!({ "resourceType": "Patient", "id": OTHER, "name": [{ "family": HOSTILE }] }),
        lab("11111111-0000-4000-8000-000000000001", 4.5, "2024-01-05"),
        lab("11111111-0000-4000-8000-000000000002", 188.25, "2024-03-05"),
        json!({ "resourceType": "Condition", "id": "22222222-0000-4000-8000-000000000001", "subject": subject,
            "recordedDate": "2023-05-06", "code": { "text": CLINICAL[0] } }),
    ]
}
