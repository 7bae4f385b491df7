//! The token keeper against a token endpoint and an interface of our own, over real HTTP.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "keeper/sharing.rs"]
mod sharing;

use aceso_base::{Clock, Timestamp};
use aceso_connect::http::{Bounds, Http, HttpError, Request};
use aceso_connect::keeper::{
    AccessError, Algorithm, Assertion, BoxFuture, Credentials, Keeper, Proof, TokenError, Vault, VaultError,
};
use aceso_testkit::{PlannedRandomness, SetClock};
use aws_lc_rs::encoding::AsDer;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zeroize::Zeroizing;

/// A system that gives out tokens `token-1`, `token-2` … and takes the newest only.
#[derive(Default)]
struct Upstream {
    given: AtomicU32,
    asked: AtomicU32,
    /// Answers of the token endpoint other than 200.
    refuse_with: AtomicU32,
    /// No token is good.
    closed: AtomicBool,
    forms: Mutex<Vec<String>>,
}

async fn token(State(up): State<Arc<Upstream>>, body: String) -> (StatusCode, String) {
    up.forms.lock().unwrap().push(body);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let refused = up.refuse_with.load(Ordering::SeqCst);
    if refused > 0 {
        return (StatusCode::from_u16(refused.try_into().unwrap()).unwrap(), "{\"error\":\"x\"}".to_owned());
    }
    let number = up.given.fetch_add(1, Ordering::SeqCst) + 1;
    (StatusCode::OK, format!(r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":600}}"#))
}

async fn thing(State(up): State<Arc<Upstream>>, headers: HeaderMap) -> StatusCode {
    up.asked.fetch_add(1, Ordering::SeqCst);
    let newest = format!("Bearer token-{}", up.given.load(Ordering::SeqCst));
    let good = headers.get("authorization").is_some_and(|value| value.as_bytes() == newest.as_bytes());
    if good && !up.closed.load(Ordering::SeqCst) { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
}

/// Keeps what it is given, as bytes.
#[derive(Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Vault for Memory {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.0.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }

    fn keep(&self, name: &str, plain: Option<Zeroizing<Vec<u8>>>) -> BoxFuture<'_, Result<(), VaultError>> {
        let mut kept = self.0.lock().unwrap();
        match plain {
            Some(plain) => kept.insert(name.to_owned(), plain.to_vec()),
            None => kept.remove(name),
        };
        Box::pin(async { Ok(()) })
    }
}

struct Rig {
    up: Arc<Upstream>,
    base: String,
    clock: SetClock,
    vault: Arc<Memory>,
    keeper: Keeper,
}

async fn rig() -> Rig {
    let up = Arc::new(Upstream::default());
    let app = Router::new().route("/api/token", post(token)).route("/api/thing", get(thing));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/api", listener.local_addr().unwrap());
    let serve = axum::serve(listener, app.with_state(Arc::clone(&up)));
    tokio::spawn(async move { serve.await.unwrap() });
    let clock = SetClock::at(Timestamp(1_700_000_000_000));
    let vault = Arc::new(Memory::default());
    let keeper = keeper(&clock, &vault);
    let rig = Rig { up, base, clock, vault, keeper };
    rig.keeper.register("clinic", &rig.base, rig.by_secret("s3cret"));
    rig
}

fn keeper(clock: &SetClock, vault: &Arc<Memory>) -> Keeper {
    let http = Http::new(Bounds { time: Duration::from_secs(5), body: 1 << 20 }).unwrap();
    let vault = Arc::clone(vault) as Arc<dyn Vault>;
    Keeper::new(http, vault, Arc::new(clock.clone()), Arc::new(PlannedRandomness::seeded(1)))
}

impl Rig {
    fn by_secret(&self, secret: &str) -> Credentials {
        Credentials {
            token_address: format!("{}/token", self.base),
            client_id: "aceso".to_owned(),
            scopes: vec!["system/patients.read".to_owned()],
            proof: Proof::Secret(Zeroizing::new(secret.to_owned())),
        }
    }

    async fn ask(&self, keeper: &Keeper) -> Result<u16, AccessError> {
        let access = keeper.access("clinic", 60).unwrap();
        access.send(Request::get(format!("{}/thing", self.base))).await.map(|answer| answer.status)
    }

    fn given(&self) -> u32 {
        self.up.given.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn many_callers_at_once_obtain_one_token() {
    let rig = rig().await;
    let access = rig.keeper.access("clinic", 60).unwrap();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (access, address) = (access.clone(), format!("{}/thing", rig.base));
        all.spawn(async move { access.send(Request::get(address)).await.unwrap().status });
    }
    assert!(all.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(rig.given(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_not_earlier() {
    let rig = rig().await;
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    rig.clock.advance(560);
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    assert_eq!(rig.given(), 1);
    rig.clock.advance(15);
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    assert_eq!(rig.given(), 2);
    let status = rig.keeper.status("clinic").unwrap();
    assert_eq!(status.refreshes, 2);
    assert_eq!(status.expires, Some(rig.clock.now().plus_seconds(600)));
}

#[tokio::test]
async fn a_token_that_was_withdrawn_early_is_replaced_once() {
    let rig = rig().await;
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    // Somebody else obtained a token, and the interface takes the newest only.
    rig.up.given.fetch_add(1, Ordering::SeqCst);
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    assert_eq!(rig.given(), 3);
    rig.up.closed.store(true, Ordering::SeqCst);
    let asked = rig.up.asked.load(Ordering::SeqCst);
    assert_eq!(rig.ask(&rig.keeper).await, Err(AccessError::Unauthorised));
    assert_eq!((rig.given(), rig.up.asked.load(Ordering::SeqCst) - asked), (4, 2));
}

#[tokio::test]
async fn a_kept_token_serves_after_a_restart_and_other_credentials_do_not_use_it() {
    let rig = rig().await;
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    let second = keeper(&rig.clock, &rig.vault);
    second.register("clinic", &rig.base, rig.by_secret("s3cret"));
    assert_eq!(rig.ask(&second).await, Ok(200));
    assert_eq!(rig.given(), 1);
    let third = keeper(&rig.clock, &rig.vault);
    third.register("clinic", &rig.base, Credentials { client_id: "other".to_owned(), ..rig.by_secret("s3cret") });
    assert_eq!(rig.ask(&third).await, Ok(200));
    assert_eq!(rig.given(), 2);
    third.forget("clinic").await.unwrap();
    assert!(rig.vault.0.lock().unwrap().is_empty());
    assert!(third.access("clinic", 60).is_none());
}

#[tokio::test]
async fn refusals_and_failures_are_told_apart_and_seen_by_operators() {
    let rig = rig().await;
    for (status, error) in [(401, TokenError::Refused), (400, TokenError::Refused), (503, TokenError::Failing)] {
        rig.up.refuse_with.store(status, Ordering::SeqCst);
        assert_eq!(rig.ask(&rig.keeper).await, Err(AccessError::Token(error)));
        assert_eq!(rig.keeper.status("clinic").unwrap().last_error, Some(error.code()));
    }
    assert_eq!(rig.keeper.status("clinic").unwrap().failures, 3);
    let nobody = Credentials { token_address: "http://127.0.0.1:1/token".to_owned(), ..rig.by_secret("s3cret") };
    let alone = keeper(&rig.clock, &rig.vault);
    alone.register("clinic", &rig.base, nobody);
    assert_eq!(rig.ask(&alone).await, Err(AccessError::Token(TokenError::NoAnswer(HttpError::Unreachable))));
    assert_eq!(alone.status("clinic").unwrap().last_error, Some("unreachable"));
    rig.up.refuse_with.store(0, Ordering::SeqCst);
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    let status = rig.keeper.status("clinic").unwrap();
    assert_eq!((status.failures, status.last_error), (0, None));
}

#[tokio::test]
async fn a_token_goes_nowhere_but_below_the_base_and_an_access_ends() {
    let rig = rig().await;
    let access = rig.keeper.access("clinic", 60).unwrap();
    let host = rig.base.trim_end_matches("/api").to_owned();
    let foreign = [
        "http://other.example/api/thing".to_owned(),
        format!("{host}/api-of-others"),
        format!("{host}.evil.example/api/thing"),
        format!("{}/../elsewhere", rig.base),
        format!("{}@evil.example/", rig.base),
    ];
    for address in foreign {
        assert_eq!(access.send(Request::get(address)).await.err(), Some(AccessError::Foreign));
    }
    assert_eq!(rig.given(), 0);
    rig.clock.advance(61);
    let late = access.send(Request::get(format!("{}/thing", rig.base))).await;
    assert_eq!(late.err(), Some(AccessError::Expired));
}

#[tokio::test]
async fn an_assertion_is_signed_anew_each_time_with_the_claims_of_the_specification() {
    let rig = rig().await;
    let es =
        aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let es_public = {
        use aws_lc_rs::signature::KeyPair as _;
        jsonwebtoken::DecodingKey::from_ec_der(es.public_key().as_ref())
    };
    let rsa_public = {
        use aws_lc_rs::signature::KeyPair as _;
        jsonwebtoken::DecodingKey::from_rsa_der(rsa.public_key().as_ref())
    };
    let es_pem = pem(es.to_pkcs8v1().unwrap().as_ref());
    let rsa_pem = pem(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref());
    for (algorithm, named, key, public) in [
        (Algorithm::Es384, jsonwebtoken::Algorithm::ES384, es_pem, es_public),
        (Algorithm::Rs384, jsonwebtoken::Algorithm::RS384, rsa_pem, rsa_public),
    ] {
        let assertion = Assertion::new(algorithm, "key-1", key.as_bytes()).unwrap();
        let credentials = Credentials { proof: Proof::Assertion(Arc::new(assertion)), ..rig.by_secret("not used") };
        rig.up.forms.lock().unwrap().clear();
        rig.keeper.register("clinic", &rig.base, credentials);
        rig.up.given.fetch_add(1, Ordering::SeqCst);
        rig.vault.0.lock().unwrap().clear();
        rig.keeper.register(
            "clinic",
            &rig.base,
            Credentials {
                proof: Proof::Assertion(Arc::new(Assertion::new(algorithm, "key-1", key.as_bytes()).unwrap())),
                ..rig.by_secret("not used")
            },
        );
        assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
        rig.up.given.fetch_add(1, Ordering::SeqCst);
        assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
        let forms = rig.up.forms.lock().unwrap().clone();
        let mut ids = Vec::new();
        for form in &forms {
            assert!(
                form.contains("client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer")
            );
            assert!(!form.contains("client_secret"));
            let jwt = form.split('&').find_map(|field| field.strip_prefix("client_assertion=")).unwrap();
            let mut checks = jsonwebtoken::Validation::new(named);
            checks.set_audience(&[format!("{}/token", rig.base)]);
            checks.validate_exp = false;
            let claims = jsonwebtoken::decode::<serde_json::Value>(jwt, &public, &checks).expect("it verifies").claims;
            assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("aceso"), Some("aceso")));
            let life = claims["exp"].as_i64().unwrap() - rig.clock.now().as_seconds();
            assert!((1..=300).contains(&life));
            ids.push(claims["jti"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
    }
}

fn pem(der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

#[tokio::test]
async fn nothing_that_is_printed_holds_a_token_or_a_secret() {
    let rig = rig().await;
    assert_eq!(rig.ask(&rig.keeper).await, Ok(200));
    rig.up.closed.store(true, Ordering::SeqCst);
    let error = rig.ask(&rig.keeper).await.unwrap_err();
    let printed = format!("{error} {error:?} {:?}", rig.keeper.status("clinic"));
    assert!(!printed.contains("token-") && !printed.contains("s3cret"), "{printed}");
}
