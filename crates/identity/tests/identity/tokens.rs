//! Attacks on access tokens: rows 1 to 7 of the attack list.

use crate::support::{AUDIENCE, House, ISSUER, KEYS, PATIENT, forge, forge_with, header, kid, parts};
use aceso_base::{Purpose, Role, Token16};
use aceso_identity::{Actor, AuthError, SigningKeys};
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

fn refused(house: &House, token: &str) -> AuthError {
    house.identity.verify(token).unwrap_err()
}

#[tokio::test]
async fn an_access_token_says_what_rfc_9068_wants_and_becomes_a_caller() {
    let house = House::open().await;
    let response = house.log_in("paula.patient").await;
    let (head, claims, _) = parts(&response.access_token);
    assert_eq!(head, header());
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(AUDIENCE)));
    assert_eq!(claims["client_id"], "aceso-console");
    assert_eq!(claims["scope"], "openid fhir");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert!(!claims.to_string().contains("paula"));

    let verified = house.identity.verify(response.access_token.reveal()).unwrap();
    let caller = verified.caller(Purpose::PatientRequest, Token16([9; 16]));
    assert_eq!(caller.tenant, crate::support::tenant());
    assert_eq!(caller.user, house.person("paula.patient"));
    assert!(caller.roles.contains(Role::Patient));
    assert_eq!(caller.own_patient.as_ref().unwrap().as_str(), PATIENT);
    assert_eq!(house.identity.userinfo(&verified).fhir_user.unwrap(), format!("Patient/{PATIENT}"));

    let json = response.to_json();
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 300);
}

#[tokio::test]
async fn no_other_algorithm_is_accepted_whatever_the_header_says() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.access_token;
    let (_, claims, signature) = parts(&token);
    for alg in ["none", "None", "nOnE", "NONE", "HS256", "RS384", "PS256", "ES256", "EdDSA", "", "rs256"] {
        let head = json!({ "alg": alg, "typ": "at+jwt", "kid": kid() }).to_string();
        let signed = forge(&head, &claims.to_string());
        assert_eq!(refused(&house, &signed), AuthError::Algorithm, "{alg}");
        let body = signed.rsplit_once('.').unwrap().0;
        assert!(house.identity.verify(&format!("{body}.")).is_err(), "{alg}, unsigned");
        assert!(house.identity.verify(&format!("{body}.{}", BASE64URL_NOPAD.encode(&signature))).is_err());
    }
    // The public key as HMAC secret, in the forms in which it could be at hand.
    let public = house.identity.jwks()["keys"][0]["n"].as_str().unwrap().to_owned();
    for secret in [public.as_bytes().to_vec(), BASE64URL_NOPAD.decode(public.as_bytes()).unwrap(), Vec::new()] {
        for alg in ["HS256", "RS256"] {
            let head = json!({ "alg": alg, "typ": "at+jwt", "kid": kid() }).to_string();
            let body = forge(&head, &claims.to_string()).rsplit_once('.').unwrap().0.to_owned();
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), body.as_bytes());
            assert!(house.identity.verify(&format!("{body}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))).is_err());
        }
    }
}

#[tokio::test]
async fn a_token_cannot_name_its_own_key() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.access_token;
    let claims = parts(&token).1.to_string();
    let long = "k".repeat(65_536);
    for kid in ["../../etc/passwd", "' OR 1=1 --", "https://evil.example/jwks", "", "null", &long] {
        let head = json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid }).to_string();
        assert!(house.identity.verify(&forge(&head, &claims)).is_err());
    }
    for head in [
        json!({ "alg": "RS256", "typ": "at+jwt" }),
        json!({ "alg": "RS256", "typ": "at+jwt", "kid": [kid()] }),
        json!({ "alg": "RS256", "typ": "at+jwt", "kid": null }),
    ] {
        assert!(house.identity.verify(&forge(&head.to_string(), &claims)).is_err(), "{head}");
    }
    let twice = format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"{0}","kid":"{0}"}}"#, kid());
    assert_eq!(refused(&house, &forge(&twice, &claims)), AuthError::Malformed);

    let attacker = SigningKeys::generate().unwrap();
    let theirs = SigningKeys::new(&attacker).unwrap();
    let their_kid = theirs.ids().next().unwrap().to_owned();
    let jwk = house.identity.jwks()["keys"][0].clone();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://aceso.example/oauth2/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
    ] {
        for (key, kid) in [(&KEYS[0], kid()), (&attacker, their_kid.clone())] {
            let mut head = json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid });
            head[name] = value.clone();
            assert_eq!(refused(&house, &forge_with(key, &head.to_string(), &claims)), AuthError::Malformed, "{name}");
        }
    }
    let head = json!({ "alg": "RS256", "typ": "at+jwt", "kid": their_kid }).to_string();
    assert_eq!(refused(&house, &forge_with(&attacker, &head, &claims)), AuthError::UnknownKey);
    assert_eq!(refused(&house, &forge_with(&attacker, &header().to_string(), &claims)), AuthError::Signature);
}

#[tokio::test]
async fn other_kinds_of_token_are_no_access_tokens() {
    let house = House::open().await;
    let response = house.log_in("nora.nurse").await;
    let claims = parts(&response.access_token).1;
    for typ in ["JWT", "jwt", "id_token", "Refresh", "logout+jwt", "AT+JWT", "application/at+jwt", "at+jwt ", ""] {
        let head = json!({ "alg": "RS256", "typ": typ, "kid": kid() }).to_string();
        assert_eq!(refused(&house, &forge(&head, &claims.to_string())), AuthError::Type, "{typ}");
    }
    let bare = json!({ "alg": "RS256", "kid": kid() }).to_string();
    assert_eq!(refused(&house, &forge(&bare, &claims.to_string())), AuthError::Type);
    assert_eq!(refused(&house, response.refresh_token.unwrap().reveal()), AuthError::Malformed);
    for extra in ["token_use", "nonce", "at_hash", "events"] {
        let mut odd = claims.clone();
        odd[extra] = json!("id");
        assert_eq!(refused(&house, &forge(&header().to_string(), &odd.to_string())), AuthError::Malformed, "{extra}");
    }
}

#[tokio::test]
async fn claims_of_another_json_type_are_not_read_as_absent() {
    let house = House::open().await;
    let claims = parts(&house.log_in("nora.nurse").await.access_token).1;
    let sound = |claims: &Value| house.identity.verify(&forge(&header().to_string(), &claims.to_string()));
    assert!(sound(&claims).is_ok());
    for name in ["exp", "nbf", "iat", "auth_time", "epoch"] {
        for wrong in
            [json!("1772366700"), json!(1772366700.0), json!(1.5), json!(null), json!(true), json!([]), json!(-1)]
        {
            let mut odd = claims.clone();
            odd[name] = wrong.clone();
            assert!(sound(&odd).is_err(), "{name} = {wrong}");
        }
        for raw in ["1e400", "1e3", "99999999999999999999999", "0x10"] {
            let text =
                claims.to_string().replace(&format!("\"{name}\":{}", claims[name]), &format!("\"{name}\":{raw}"));
            assert!(text.contains(raw));
            assert_eq!(refused(&house, &forge(&header().to_string(), &text)), AuthError::Malformed, "{name} = {raw}");
        }
    }
    for name in claims.as_object().unwrap().keys() {
        let mut less = claims.clone();
        less.as_object_mut().unwrap().remove(name);
        assert!(sound(&less).is_err(), "without {name}");
        let twice = format!("{},\"{name}\":{}}}", claims.to_string().trim_end_matches('}'), claims[name]);
        assert_eq!(refused(&house, &forge(&header().to_string(), &twice)), AuthError::Malformed, "{name} twice");
    }
    for text in ["", "null", "[]", "{}", "{} ", "\"x\""] {
        assert_eq!(refused(&house, &forge(&header().to_string(), text)), AuthError::Malformed);
    }
    let trailing = format!("{claims} {{}}");
    assert_eq!(refused(&house, &forge(&header().to_string(), &trailing)), AuthError::Malformed);
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute_and_no_more() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.access_token;
    let token = token.reveal();
    let verify = || house.identity.verify(token).map(|_| ());
    house.clock.advance(300 + 59);
    assert_eq!(verify(), Ok(()));
    house.clock.advance(2);
    assert_eq!(verify(), Err(AuthError::Expired));
    house.clock.advance(-361 - 59);
    assert_eq!(verify(), Ok(()), "the server's clock was set back a little");
    house.clock.advance(-2);
    assert_eq!(verify(), Err(AuthError::NotYet), "a token from the future");
    let claims = parts(&house.log_in("nora.nurse").await.access_token).1;
    for (name, late) in [("nbf", 59), ("nbf", 61), ("iat", 59), ("iat", 61)] {
        let mut odd = claims.clone();
        odd[name] = json!(house.now() + late);
        let result = house.identity.verify(&forge(&header().to_string(), &odd.to_string())).map(|_| ());
        assert_eq!(result, if late < 60 { Ok(()) } else { Err(AuthError::NotYet) }, "{name} {late}");
    }
}

#[tokio::test]
async fn issuer_audience_and_region_are_compared_exactly() {
    let house = House::open().await;
    let claims = parts(&house.log_in("nora.nurse").await.access_token).1;
    for (name, wrong) in [
        ("iss", json!(format!("{ISSUER}/"))),
        ("iss", json!("https://aceso.example.evil.example")),
        ("iss", json!("https://ACESO.example")),
        ("iss", json!("")),
        ("aud", json!(format!("{AUDIENCE}/"))),
        ("aud", json!("account")),
        ("aud", json!([AUDIENCE, "https://other.example"])),
        ("aud", json!([AUDIENCE])),
        ("aud", json!([])),
        ("region", json!("ksa")),
        ("region", json!("US")),
        ("tenant", json!("Clinic!")),
        ("roles", json!(["nurse", "root"])),
        ("roles", json!("nurse")),
        ("own_patient", json!("a b")),
        ("sid", json!("00")),
        ("jti", json!("0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F0F")),
    ] {
        let mut odd = claims.clone();
        odd[name] = wrong.clone();
        let error = refused(&house, &forge(&header().to_string(), &odd.to_string()));
        assert!(matches!(error, AuthError::Audience | AuthError::Malformed), "{name} = {wrong}");
    }
}

#[tokio::test]
async fn accounts_that_are_not_there_get_nowhere_with_a_signed_token() {
    let house = House::open().await;
    let claims = parts(&house.log_in("nora.nurse").await.access_token).1;
    for (name, wrong) in
        [("sub", json!("nobody")), ("client_id", json!("no-client")), ("epoch", json!(1)), ("sub", json!("lab-feed"))]
    {
        let mut odd = claims.clone();
        odd[name] = wrong.clone();
        assert_eq!(
            refused(&house, &forge(&header().to_string(), &odd.to_string())),
            AuthError::Revoked,
            "{name} = {wrong}"
        );
    }
}

#[tokio::test]
async fn text_that_is_no_compact_token_is_refused() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.access_token;
    let whole = token.reveal();
    let mut odd = vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{whole}."),
        format!(".{whole}"),
        format!("{whole}="),
        format!(" {whole}"),
        format!("{whole}\n"),
        format!("Bearer {whole}"),
        whole.replace('.', ".."),
        "a".repeat(9000),
        format!("{}.{}", whole, "a".repeat(9000)),
        "é.é.é".to_owned(),
    ];
    let signature = whole.rsplit_once('.').unwrap().1;
    odd.push(whole.replace(signature, &signature.replace(['-', '_'], "+")));
    odd.push(whole.replace(signature, ""));
    // The last character of a 256-byte signature carries four bits that must be zero.
    let last = whole.chars().last().unwrap();
    let other = if last == 'A' { 'B' } else { char::from(last as u8 + 1) };
    odd.push(format!("{}{other}", &whole[..whole.len() - 1]));
    for (number, text) in odd.iter().enumerate() {
        assert!(house.identity.verify(text).is_err(), "case {number}");
    }
    assert!(house.identity.verify(whole).is_ok());
}

#[tokio::test]
async fn any_changed_character_is_noticed() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.access_token;
    let whole = token.reveal();
    house.identity.verify(whole).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'Q' { b'R' } else { b'Q' };
        assert!(house.identity.verify(std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn a_rotated_key_verifies_until_it_is_removed() {
    let house = House::open().await;
    let old = house.log_in("nora.nurse").await.access_token;
    let first = kid();
    house.identity.verify(old.reveal()).unwrap();
    assert!(house.identity.remove_signing_key(Actor::Installation, &first).await.is_err(), "in use");
    house.identity.rotate_signing_key(Actor::Installation, &KEYS[1]).await.unwrap();
    assert!(house.identity.rotate_signing_key(Actor::Installation, &KEYS[1]).await.is_err(), "twice");
    let new = house.log_in("nora.nurse").await.access_token;
    assert_ne!(parts(&new).0["kid"], json!(first));
    assert_eq!(house.identity.jwks()["keys"].as_array().unwrap().len(), 2);
    house.identity.verify(old.reveal()).unwrap();
    house.identity.verify(new.reveal()).unwrap();

    house.identity.remove_signing_key(Actor::Installation, &first).await.unwrap();
    assert_eq!(refused(&house, old.reveal()), AuthError::UnknownKey, "also when it was remembered");
    house.identity.verify(new.reveal()).unwrap();
    assert_eq!(house.identity.signing_key_ids().len(), 1);
}
