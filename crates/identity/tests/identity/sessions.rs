//! Logins, refresh tokens, revocation and administration: row 8 of the attack list, and what a login tells.

use crate::support::{CONSOLE, House, PASSWORD, SERVICE, config, id, parts, password_grant, refresh_grant, tenant};
use aceso_audit::Action;
use aceso_base::{Caller, Purpose, Region, Role, RoleSet, TenantId, Token16};
use aceso_identity::{
    Actor, AuthError, ClientAuth, ClientKind, Identity, IdentityError, NewClient, NewPerson, OAuthCode,
    PasswordHashing, Secret, TokenRequest,
};
use aceso_store::Reader as _;

fn service_request(secret: &str) -> TokenRequest {
    TokenRequest {
        grant_type: "client_credentials".to_owned(),
        client_id: Some(SERVICE.to_owned()),
        client_secret: Some(Secret::from(secret)),
        ..TokenRequest::default()
    }
}

fn console() -> ClientAuth {
    ClientAuth { id: CONSOLE.to_owned(), secret: None, request: None }
}

fn service(house: &House) -> ClientAuth {
    ClientAuth { id: SERVICE.to_owned(), secret: Some(house.service_secret.clone()), request: None }
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_session() {
    let house = House::open().await;
    let first = house.log_in("nora.nurse").await;
    let stolen = first.refresh_token.unwrap();
    let second = house.refresh(&stolen).await.unwrap();
    house.identity.verify(second.access_token.reveal()).unwrap();
    let next = second.refresh_token.unwrap();

    assert_eq!(house.refresh(&stolen).await.unwrap_err().code, OAuthCode::InvalidGrant);
    assert_eq!(house.refresh(&next).await.unwrap_err().code, OAuthCode::InvalidGrant, "the whole family is dead");
    assert_eq!(house.identity.verify(second.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    assert_eq!(house.identity.verify(first.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    let reuse = &house.entries_of(Action::RefreshReuse)[0];
    assert_eq!(reuse.user(), Some(&house.person("nora.nurse")));
    assert_eq!(reuse.outcome().reason().unwrap().as_str(), "used-twice");
    house.log_in("nora.nurse").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_redemptions_exactly_one_wins() {
    let house = House::open().await;
    for _ in 0..8 {
        let token = house.log_in("nora.nurse").await.refresh_token.unwrap();
        let tries = (0..6).map(|_| {
            let (identity, request) = (house.identity.clone(), refresh_grant(&token, CONSOLE));
            tokio::spawn(async move { identity.token(request).await })
        });
        let mut won = 0;
        for handle in tries.collect::<Vec<_>>() {
            match handle.await.unwrap() {
                Ok(_) => won += 1,
                Err(error) => assert_eq!(error.code, OAuthCode::InvalidGrant),
            }
        }
        assert_eq!(won, 1);
    }
    assert!(!house.entries_of(Action::RefreshReuse).is_empty());
}

#[tokio::test]
async fn a_refresh_token_in_the_hands_of_another_client_is_a_leak() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.refresh_token.unwrap();
    let other = house.identity.token(refresh_grant(&token, "other-console")).await.unwrap_err();
    assert_eq!(other.code, OAuthCode::InvalidGrant);
    assert_eq!(house.refresh(&token).await.unwrap_err().code, OAuthCode::InvalidGrant);
    assert_eq!(house.entries_of(Action::RefreshReuse)[0].outcome().reason().unwrap().as_str(), "other-client");
}

#[tokio::test]
async fn a_refresh_narrows_scope_and_never_widens_it() {
    let house = House::open().await;
    let narrow = TokenRequest { scope: Some("fhir".to_owned()), ..password_grant("nora.nurse", PASSWORD) };
    let response = house.identity.token(narrow).await.unwrap();
    assert_eq!(response.scope, "fhir");
    let token = response.refresh_token.unwrap();
    for wider in ["openid", "fhir openid", "fhir admin"] {
        let request = TokenRequest { scope: Some(wider.to_owned()), ..refresh_grant(&token, CONSOLE) };
        assert_eq!(house.identity.token(request).await.unwrap_err().code, OAuthCode::InvalidScope, "{wider}");
    }
    let same = house.refresh(&token).await.unwrap();
    assert_eq!(same.scope, "fhir");
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_by_age() {
    let house = House::open().await;
    let idle = house.log_in("nora.nurse").await.refresh_token.unwrap();
    house.clock.advance(8 * 3600);
    assert_eq!(house.refresh(&idle).await.unwrap_err().code, OAuthCode::InvalidGrant);

    let mut token = house.log_in("nora.nurse").await.refresh_token.unwrap();
    for _ in 0..3 {
        house.clock.advance(7 * 3600);
        token = house.refresh(&token).await.unwrap().refresh_token.unwrap();
    }
    house.clock.advance(3 * 3600);
    assert_eq!(house.refresh(&token).await.unwrap_err().code, OAuthCode::InvalidGrant, "24 hours are over");
}

#[tokio::test]
async fn logout_ends_access_and_refresh_at_once_and_survives_a_restart() {
    let house = House::open().await;
    let response = house.log_in("nora.nurse").await;
    let other = house.log_in("nora.nurse").await;
    let verified = house.identity.verify(response.access_token.reveal()).unwrap();
    house.identity.log_out(&verified, None).await.unwrap();
    house.identity.log_out(&verified, None).await.unwrap();
    assert_eq!(house.identity.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    let refresh = response.refresh_token.unwrap();
    assert_eq!(house.refresh(&refresh).await.unwrap_err().code, OAuthCode::InvalidGrant);
    house.identity.verify(other.access_token.reveal()).unwrap();

    let again = house.reopened(config()).unwrap();
    assert_eq!(again.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    again.verify(other.access_token.reveal()).unwrap();
    assert_eq!(again.token(refresh_grant(&refresh, CONSOLE)).await.unwrap_err().code, OAuthCode::InvalidGrant);
}

#[tokio::test]
async fn every_change_of_an_account_voids_its_tokens() {
    for change in ["disable", "password", "roles", "own-patient", "sessions"] {
        let house = House::open().await;
        let response = house.log_in("paula.patient").await;
        let bystander = house.log_in("nora.nurse").await;
        let (by, who) = (Actor::Installation, house.person("paula.patient"));
        house.identity.verify(response.access_token.reveal()).unwrap();
        match change {
            "disable" => house.identity.set_disabled(by, &who, true).await,
            "password" => house.identity.set_password(by, &who, &Secret::from("another long password")).await,
            "roles" => house.identity.set_roles(by, &who, RoleSet::NONE.with(Role::Nurse)).await,
            "own-patient" => house.identity.set_own_patient(by, &who, None).await,
            _ => house.identity.end_sessions(by, &who).await,
        }
        .unwrap();
        assert_eq!(house.identity.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked, "{change}");
        let refreshed = house.refresh(&response.refresh_token.unwrap()).await.unwrap_err();
        assert_eq!(refreshed.code, OAuthCode::InvalidGrant, "{change}");
        house.identity.verify(bystander.access_token.reveal()).unwrap();
        let again = house.reopened(config()).unwrap();
        assert_eq!(again.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked, "{change}");

        let password = if change == "password" { "another long password" } else { PASSWORD };
        let back = house.try_log_in("paula.patient", password).await;
        assert_eq!(back.is_ok(), change != "disable", "{change}");
    }
}

#[tokio::test]
async fn the_log_knows_who_changed_whose_account() {
    let house = House::open().await;
    let operator = house.identity.verify(house.log_in("otto.operator").await.access_token.reveal()).unwrap();
    let caller = operator.caller(Purpose::Administration, Token16([7; 16]));
    let nurse = house.person("nora.nurse");
    house.identity.set_disabled(Actor::Caller(&caller), &nurse, true).await.unwrap();
    let entries = house.entries_of(Action::Administered);
    let [.., actor, account] = entries.as_slice() else { panic!("two entries") };
    assert_eq!((actor.user(), account.user()), (Some(&operator.user), Some(&nurse)));
    assert_eq!((actor.request(), account.request()), (Some(Token16([7; 16])), Some(Token16([7; 16]))));
    assert_eq!(actor.detail().unwrap().as_str(), "person-disabled");
}

#[tokio::test]
async fn unknown_user_wrong_password_and_disabled_account_get_one_answer() {
    let house = House::open().await;
    let nurse = house.person("nora.nurse");
    house.identity.set_disabled(Actor::Installation, &nurse, true).await.unwrap();
    let mut answers = Vec::new();
    for (username, password) in [
        ("nora.nurse", PASSWORD),
        ("nora.nurse", "wrong"),
        ("otto.operator", "wrong"),
        ("nobody.here", PASSWORD),
        ("My Secret Passw0rd!", ""),
    ] {
        answers.push(house.try_log_in(username, password).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].code, OAuthCode::InvalidGrant);

    let failed = house.entries_of(Action::LoginFailed);
    let told: Vec<_> =
        failed.iter().map(|e| (e.outcome().reason().unwrap().as_str().to_owned(), e.user().is_some())).collect();
    let expected =
        [("disabled", true), ("password", true), ("password", true), ("unknown-user", false), ("unknown-user", false)];
    assert_eq!(told, expected.map(|(reason, known)| (reason.to_owned(), known)));
    assert!(!format!("{:?}", house.entries()).contains("Passw0rd"));
}

#[tokio::test]
async fn guessing_is_slowed_down_alike_for_real_and_unreal_accounts_and_never_for_good() {
    let house = House::open().await;
    for username in ["nora.nurse", "nobody.here"] {
        for _ in 0..5 {
            assert_eq!(house.try_log_in(username, "wrong").await.unwrap_err().code, OAuthCode::InvalidGrant);
        }
        let slowed = house.try_log_in(username, PASSWORD).await.unwrap_err();
        assert_eq!((slowed.code, slowed.retry_after), (OAuthCode::SlowDown, Some(1)), "{username}");
    }
    assert_eq!(house.try_log_in("NORA.nurse", PASSWORD).await.unwrap_err().code, OAuthCode::SlowDown, "same account");
    house.log_in("otto.operator").await;
    house.clock.advance(1);
    house.log_in("nora.nurse").await;
    let throttled = house.entries_of(Action::LoginFailed);
    let count = throttled.iter().filter(|e| e.outcome().reason().unwrap().as_str() == "throttled").count();
    assert_eq!(count, 2, "one entry per wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_guesses_do_not_slip_through_together() {
    let house = House::open().await;
    let tries: Vec<_> = (0..30)
        .map(|_| {
            let identity = house.identity.clone();
            tokio::spawn(async move { identity.token(password_grant("nora.nurse", "wrong")).await.unwrap_err().code })
        })
        .collect();
    let mut tried = 0;
    for handle in tries {
        tried += usize::from(handle.await.unwrap() == OAuthCode::InvalidGrant);
    }
    assert_eq!(tried, 5);
}

#[tokio::test]
async fn a_service_gets_tokens_for_its_secret_only() {
    let house = House::open().await;
    let response = house.identity.token(service_request(house.service_secret.reveal())).await.unwrap();
    assert!(response.refresh_token.is_none());
    let verified = house.identity.verify(response.access_token.reveal()).unwrap();
    assert_eq!((&verified.user, &verified.client), (&id(SERVICE), &id(SERVICE)));
    assert!(verified.roles.contains(Role::Integration));

    for _ in 0..20 {
        let code = house.identity.token(service_request("wrong")).await.unwrap_err().code;
        assert!(matches!(code, OAuthCode::InvalidClient | OAuthCode::SlowDown));
    }
    house.identity.token(service_request(house.service_secret.reveal())).await.unwrap();
    let bare = TokenRequest { client_secret: None, ..service_request("") };
    assert_eq!(house.identity.token(bare).await.unwrap_err().code, OAuthCode::InvalidClient);
    let unknown = TokenRequest { client_id: Some("nobody".to_owned()), ..service_request("x") };
    assert_eq!(house.identity.token(unknown).await.unwrap_err().code, OAuthCode::InvalidClient);

    let fresh = house.identity.renew_client_secret(Actor::Installation, &id(SERVICE)).await.unwrap();
    assert_eq!(house.identity.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    house.identity.token(service_request(fresh.reveal())).await.unwrap();
    house.identity.set_client_disabled(Actor::Installation, &id(SERVICE), true).await.unwrap();
    let shut = house.identity.token(service_request(fresh.reveal())).await.unwrap_err();
    assert_eq!(shut.code, OAuthCode::InvalidClient);
}

#[tokio::test]
async fn each_kind_of_client_has_its_own_grants() {
    let house = House::open().await;
    let by = |grant: &str, client: &str, secret: Option<&Secret>| TokenRequest {
        grant_type: grant.to_owned(),
        client_id: Some(client.to_owned()),
        client_secret: secret.cloned(),
        ..password_grant("nora.nurse", PASSWORD)
    };
    let secret = &house.service_secret;
    for (request, code) in [
        (by("password", SERVICE, Some(secret)), OAuthCode::UnauthorizedClient),
        (by("refresh_token", SERVICE, Some(secret)), OAuthCode::UnauthorizedClient),
        (by("client_credentials", CONSOLE, None), OAuthCode::UnauthorizedClient),
        (by("password", CONSOLE, Some(secret)), OAuthCode::InvalidClient),
        (by("authorization_code", CONSOLE, None), OAuthCode::UnsupportedGrantType),
        (by("", CONSOLE, None), OAuthCode::UnsupportedGrantType),
        (by("refresh_token", CONSOLE, None), OAuthCode::InvalidRequest),
        (TokenRequest { client_id: None, ..by("password", CONSOLE, None) }, OAuthCode::InvalidRequest),
        (TokenRequest { password: None, ..by("password", CONSOLE, None) }, OAuthCode::InvalidRequest),
        (TokenRequest { scope: Some("admin".to_owned()), ..by("password", CONSOLE, None) }, OAuthCode::InvalidScope),
    ] {
        let grant = request.grant_type.clone();
        assert_eq!(house.identity.token(request).await.unwrap_err().code, code, "{grant}");
    }
}

#[tokio::test]
async fn a_disabled_console_signs_nobody_in_and_its_tokens_are_void() {
    let house = House::open().await;
    let response = house.log_in("nora.nurse").await;
    house.identity.set_client_disabled(Actor::Installation, &id(CONSOLE), true).await.unwrap();
    assert_eq!(house.identity.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    assert_eq!(house.try_log_in("nora.nurse", PASSWORD).await.unwrap_err().code, OAuthCode::InvalidClient);
}

#[tokio::test]
async fn revocation_follows_rfc_7009() {
    let house = House::open().await;
    let response = house.log_in("nora.nurse").await;
    let foreign = ClientAuth { id: "other-console".to_owned(), ..console() };
    house.identity.revoke(&foreign, &response.access_token).await.unwrap();
    house.identity.verify(response.access_token.reveal()).unwrap();

    house.identity.revoke(&console(), &response.access_token).await.unwrap();
    house.identity.revoke(&console(), &response.access_token).await.unwrap();
    assert_eq!(house.identity.verify(response.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    let next = house.refresh(response.refresh_token.as_ref().unwrap()).await.unwrap();
    house.identity.verify(next.access_token.reveal()).unwrap();

    let refresh = next.refresh_token.unwrap();
    house.identity.revoke(&foreign, &refresh).await.unwrap();
    house.identity.verify(next.access_token.reveal()).unwrap();
    house.identity.revoke(&console(), &refresh).await.unwrap();
    assert_eq!(house.identity.verify(next.access_token.reveal()).unwrap_err(), AuthError::Revoked);
    assert_eq!(house.refresh(&refresh).await.unwrap_err().code, OAuthCode::InvalidGrant);
    house.identity.revoke(&console(), &Secret::from("nonsense")).await.unwrap();
    let wrong = ClientAuth { id: SERVICE.to_owned(), secret: Some(Secret::from("wrong")), request: None };
    assert_eq!(house.identity.revoke(&wrong, &refresh).await.unwrap_err().code, OAuthCode::InvalidClient);
}

#[tokio::test]
async fn introspection_is_for_services_of_the_tenant() {
    let house = House::open().await;
    let token = house.log_in("nora.nurse").await.access_token;
    let answer = house.identity.introspect(&service(&house), &token).await.unwrap();
    assert!(answer.active);
    assert_eq!(answer.sub.unwrap(), house.person("nora.nurse").as_str());
    let refused = house.identity.introspect(&console(), &token).await.unwrap_err();
    assert_eq!(refused.code, OAuthCode::UnauthorizedClient);

    let stranger = NewClient {
        id: id("stranger"),
        kind: ClientKind::Service,
        tenant: TenantId::parse("other").ok(),
        roles: RoleSet::NONE.with(Role::Integration),
        scopes: vec!["fhir".to_owned()],
    };
    let (_, secret) = house.identity.add_client(Actor::Installation, stranger).await.unwrap();
    let stranger = ClientAuth { id: "stranger".to_owned(), secret, request: None };
    let nothing = house.identity.introspect(&stranger, &token).await.unwrap();
    assert_eq!(serde_json::to_string(&nothing).unwrap(), r#"{"active":false}"#);
    house.clock.advance(400);
    assert!(!house.identity.introspect(&service(&house), &token).await.unwrap().active);
}

#[tokio::test]
async fn a_caller_reaches_no_account_of_another_tenant() {
    let house = House::open().await;
    let foreigner = Caller {
        tenant: TenantId::parse("other").unwrap(),
        region: Region::parse("us").unwrap(),
        user: id("somebody"),
        client: id(CONSOLE),
        session: Token16([1; 16]),
        roles: RoleSet::NONE.with(Role::Operator),
        own_patient: None,
        purpose: Purpose::Administration,
        request: Token16([2; 16]),
    };
    let by = Actor::Caller(&foreigner);
    let nurse = house.person("nora.nurse");
    assert!(house.identity.people(by).unwrap().is_empty());
    assert!(house.identity.clients(by).unwrap().is_empty());
    let not_found = |result: Result<_, IdentityError>| matches!(result, Err(IdentityError::NotFound));
    assert!(not_found(house.identity.person_named(by, "nora.nurse")));
    assert!(not_found(house.identity.set_disabled(by, &nurse, true).await));
    assert!(not_found(house.identity.set_password(by, &nurse, &Secret::from("another long password")).await));
    assert!(matches!(house.identity.renew_client_secret(by, &id(SERVICE)).await, Err(IdentityError::NotFound)));
    let intruder = NewPerson {
        username: "intruder".to_owned(),
        tenant: tenant(),
        roles: RoleSet::NONE.with(Role::Operator),
        own_patient: None,
        password: None,
    };
    assert!(not_found(house.identity.add_person(by, intruder).await));
    house.log_in("nora.nurse").await;
}

#[tokio::test]
async fn people_and_clients_are_added_by_the_rules() {
    let house = House::open().await;
    let person = |username: &str, password: Option<&str>| NewPerson {
        username: username.to_owned(),
        tenant: tenant(),
        roles: RoleSet::NONE.with(Role::Nurse),
        own_patient: None,
        password: password.map(Secret::from),
    };
    let add = |new: NewPerson| house.identity.add_person(Actor::Installation, new);
    assert!(matches!(add(person("Nora.NURSE", None)).await, Err(IdentityError::NameTaken)));
    assert!(matches!(add(person("a b", None)).await, Err(IdentityError::BadUsername)));
    assert!(matches!(add(person("short", Some("too short"))).await, Err(IdentityError::WeakPassword { min: 12 })));
    let odd = NewPerson { own_patient: aceso_base::LogicalId::parse("MRN-1").ok(), ..person("patty", None) };
    assert!(matches!(add(odd).await, Err(IdentityError::Invalid(_))));
    let quiet = add(person("quiet", None)).await.unwrap();
    assert!(!quiet.has_password);
    assert_eq!(house.try_log_in("quiet", "").await.unwrap_err().code, OAuthCode::InvalidGrant);
    let names: Vec<_> = house.identity.people(Actor::Installation).unwrap().into_iter().map(|p| p.username).collect();
    assert_eq!(names, ["nora.nurse", "otto.operator", "paula.patient", "quiet"]);

    let client =
        |kind, tenant, roles| NewClient { id: id("new"), kind, tenant, roles, scopes: vec!["fhir".to_owned()] };
    let integration = RoleSet::NONE.with(Role::Integration);
    for wrong in [
        client(ClientKind::Service, None, integration),
        client(ClientKind::Service, Some(tenant()), RoleSet::NONE),
        client(ClientKind::Service, Some(tenant()), RoleSet::NONE.with(Role::Patient)),
        client(ClientKind::Console, None, integration),
        NewClient { scopes: vec!["a b".to_owned()], ..client(ClientKind::Console, None, RoleSet::NONE) },
    ] {
        let result = house.identity.add_client(Actor::Installation, wrong).await;
        assert!(matches!(result, Err(IdentityError::Invalid(_))));
    }
    let taken = NewClient { id: id(SERVICE), ..client(ClientKind::Console, None, RoleSet::NONE) };
    assert!(matches!(house.identity.add_client(Actor::Installation, taken).await, Err(IdentityError::NameTaken)));
    let user = NewClient { id: quiet.id, ..client(ClientKind::Console, None, RoleSet::NONE) };
    assert!(matches!(house.identity.add_client(Actor::Installation, user).await, Err(IdentityError::NameTaken)));
}

#[tokio::test]
async fn a_login_under_stronger_parameters_brings_the_hash_up_to_date() {
    let house = House::open().await;
    let mut stronger = config();
    stronger.hashing = PasswordHashing { passes: 2, ..stronger.hashing };
    let again = house.reopened(stronger).unwrap();
    let log_in = |identity: Identity| async move { identity.token(password_grant("nora.nurse", PASSWORD)).await };
    log_in(again.clone()).await.unwrap();
    log_in(again).await.unwrap();
    let rehashed = |entries: Vec<aceso_audit::Entry>| {
        entries.iter().filter(|e| e.detail().is_some_and(|d| d.as_str() == "password-rehashed")).count()
    };
    assert_eq!(rehashed(house.entries()), 1);
}

#[tokio::test]
async fn nothing_secret_or_personal_is_stored_in_the_clear() {
    let house = House::open().await;
    let response = house.log_in("paula.patient").await;
    let refresh = response.refresh_token.unwrap();
    let mut documents = 0;
    for space in ["people", "clients", "sessions", "refresh", "revocations"] {
        for (key, document) in house.store.documents(space, None, 100).unwrap() {
            documents += 1;
            let text = String::from_utf8_lossy(&document.bytes);
            for secret in
                [refresh.reveal(), house.service_secret.reveal(), "paula", crate::support::PATIENT, "argon2", "clinic"]
            {
                assert!(!text.contains(secret) && !key.contains(secret), "{space}: {secret}");
            }
        }
    }
    assert!(documents >= 8);
    let shown = format!("{:?}", password_grant("nora.nurse", PASSWORD));
    assert!(!shown.contains(PASSWORD) && !shown.contains("nora"));
    assert!(parts(&response.access_token).1.get("username").is_none());
}

#[tokio::test]
async fn expired_sessions_are_swept_and_living_ones_stay() {
    let house = House::open().await;
    let old = house.log_in("nora.nurse").await.refresh_token.unwrap();
    let old = house.refresh(&old).await.unwrap();
    let verified = house.identity.verify(old.access_token.reveal()).unwrap();
    house.identity.log_out(&verified, None).await.unwrap();
    house.clock.advance(24 * 3600 - 10);
    let young = house.log_in("nora.nurse").await.refresh_token.unwrap();
    house.clock.advance(11);
    assert_eq!(house.identity.sweep().await.unwrap(), 4, "a session, two tokens, a revocation");
    assert_eq!(house.identity.sweep().await.unwrap(), 0);
    house.refresh(&young).await.unwrap();
}

#[tokio::test]
async fn life_times_that_contradict_each_other_are_refused() {
    let house = House::open().await;
    let mut odd = config();
    odd.ttl.refresh_idle = odd.ttl.refresh_absolute + 1;
    assert!(matches!(house.reopened(odd), Err(IdentityError::Invalid(_))));
    let mut odd = config();
    odd.hashing.memory_kib = 1;
    assert!(matches!(house.reopened(odd), Err(IdentityError::Invalid(_))));
}
