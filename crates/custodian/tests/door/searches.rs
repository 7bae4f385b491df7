//! Searching: never beyond the grant, never by what is hidden.

use crate::common::*;
use aceso_base::{Interaction, Role};
use aceso_custodian::{DoorError, Inclusion, SearchRequest, SearchScope, Shape, SortRule};
use aceso_fhir::search::{Query, param};
use serde_json::{Value, json};

const ONE: &str = "aaaa1111-0000-4000-8000-000000000001";
const TWO: &str = "bbbb2222-0000-4000-8000-000000000002";

fn person(name: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "name": [{"family": family}], "birthDate": "1980-02-03",
        "telecom": [{"system": "phone", "value": "555-0101"}]})
}

fn pulse(name: &str, of: &str) -> Value {
    json!({"resourceType": "Observation", "id": name, "status": "final", "effectiveDateTime": "2026-01-01",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": format!("Patient/{of}"), "display": "Roe, Jane"},
        "encounter": {"reference": format!("Encounter/e{of}")},
        "performer": [{"reference": "Practitioner/p1", "display": "Dr Who"}, {"identifier": {"system": "urn:s", "value": "77"}}]})
}

async fn house() -> House {
    let house = House::new().await;
    for (name, family) in [(ONE, "Roe"), (TWO, "Doe")] {
        house.put(&integration(), &person(name, family)).await.unwrap();
        for number in 0..3 {
            let mut body = pulse(&format!("o{number}{name}"), name);
            if number == 2 {
                // Another patient is named too: the record stays at home.
                body["focus"] = json!([{"reference": format!("Patient/{}", if name == ONE { TWO } else { ONE })}]);
            }
            house.put(&integration(), &body).await.unwrap();
        }
    }
    house.put(&integration(), &json!({"resourceType": "Practitioner", "id": "p1", "name": [{"family": "Who"}], "birthDate": "1960-01-01"})).await.unwrap();
    house
}

async fn search(
    house: &House,
    who: &aceso_base::Caller,
    scope: SearchScope,
    kind: &str,
    pairs: &[(String, String)],
) -> (&'static str, Vec<String>) {
    let found = house.search(who, &Ask { scope, kind, pairs, count: 2 }).await;
    (outcome(&found), found.map(|(names, _)| names).unwrap_or_default())
}

#[tokio::test]
async fn nobody_finds_a_record_outside_his_grant() {
    let house = house().await;
    let everyone: Vec<_> = Role::ALL.iter().map(|role| caller(*role)).chain([patient(ONE)]).collect();
    for who in &everyone {
        let own = who.own_patient.is_some();
        for home in [ONE, TWO] {
            let (answer, found) = search(&house, who, in_compartment(home), "Observation", &[]).await;
            assert!(found.iter().all(|name| name.ends_with(home)), "{:?} in {home} found {found:?}", who.roles);
            let expected = match () {
                () if own => {
                    if home == ONE {
                        ("ok", 3)
                    } else {
                        ("absent", 0)
                    }
                }
                () if who.roles.contains(Role::Patient) => ("absent", 0),
                () if who.roles.contains(Role::Operator) || who.roles.contains(Role::Integration) => ("forbidden", 0),
                () => ("ok", 3),
            };
            assert_eq!((answer, found.len()), expected, "{:?} in {home}", who.roles);
        }
        let (answer, found) = search(&house, who, SearchScope::Population, "Patient", &[]).await;
        if own {
            assert_eq!((answer, found), ("ok", vec![ONE.to_owned()]));
        } else if answer == "ok" {
            assert_eq!(found, [ONE, TWO]);
        }
        let (_, found) = search(&house, who, SearchScope::Directory, "Practitioner", &[]).await;
        assert!(found.iter().all(|name| name == "p1"));
        let (_, found) = search(&house, who, SearchScope::Directory, "Observation", &[]).await;
        assert!(found.is_empty(), "patients' records are not in the directory");
    }
    let foreign = aceso_base::Caller { tenant: aceso_base::TenantId::parse("other").unwrap(), ..physician() };
    house.door.ensure_tenant(&foreign.tenant).await.unwrap();
    for scope in [in_compartment(ONE), SearchScope::Directory, SearchScope::Population] {
        assert_eq!(search(&house, &foreign, scope, "Patient", &[]).await, ("ok", vec![]));
    }
}

#[tokio::test]
async fn what_one_may_not_see_one_may_not_search_or_sort_by() {
    let house = house().await;
    let refused = |who: Role, kind: &'static str, name: &str, value: &str| {
        let pairs = [pair(name, value)];
        let scope = if kind == "Patient" { SearchScope::Population } else { in_compartment(ONE) };
        let house = &house;
        async move { search(house, &caller(who), scope, kind, &pairs).await.0 }
    };
    for (who, kind, name, value) in [
        (Role::Researcher, "Patient", "family", "Roe"),
        (Role::Researcher, "Patient", "birthdate", "1980"),
        (Role::Researcher, "Patient", "phone", "555-0101"),
        (Role::Researcher, "Patient", "family:missing", "true"),
        (Role::Researcher, "Patient", "_sort", "family"),
        (Role::Auditor, "Patient", "name", "Roe"),
        (Role::FrontDesk, "Observation", "code", "8867-4"),
        (Role::FrontDesk, "Observation", "code:not", "8867-4"),
        (Role::FrontDesk, "Observation", "date", "ge2020"),
        (Role::FrontDesk, "Observation", "_sort", "-date"),
        (Role::Auditor, "Observation", "_sort", "code"),
        // A link is structure, but a name or a number beside it is identity.
        (Role::Auditor, "Observation", "performer:identifier", "77"),
        (Role::Auditor, "Observation", "subject:text", "Roe"),
        (Role::Researcher, "Observation", "subject:text", "Roe"),
    ] {
        let size = house.log_size();
        assert_eq!(refused(who, kind, name, value).await, "parameter-forbidden", "{who} {kind}?{name}");
        let entries = house.log_since(size);
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].entry.outcome().as_str(), "denied");
    }
    for (who, kind, name, value) in [
        (Role::Researcher, "Observation", "code", "8867-4"),
        (Role::Researcher, "Patient", "_id", ONE),
        (Role::Auditor, "Observation", "status", "final"),
        (Role::FrontDesk, "Patient", "family", "Roe"),
        (Role::Physician, "Observation", "subject:text", "Roe"),
    ] {
        assert_eq!(refused(who, kind, name, value).await, "ok", "{who} {kind}?{name}");
    }
}

#[tokio::test]
async fn hidden_parameters_stay_hidden_when_several_types_are_asked_at_once() {
    let house = house().await;
    let query = Query::parse(rtype("Observation"), &[pair("code", "8867-4")]).unwrap();
    let rule = SortRule { param: param(rtype("Observation"), "date").unwrap(), descending: false };
    for (filters, sort) in [(query.filters.as_slice(), &[][..]), (&[][..], &[rule][..])] {
        for types in [&[][..], &[rtype("Observation"), rtype("Patient")][..]] {
            let request = SearchRequest {
                scope: in_compartment(ONE),
                types,
                filters,
                sort,
                count: 10,
                after: None,
                include: &[],
                shape: &Shape::WHOLE,
                interaction: Interaction::Everything,
            };
            let answer = house.door.search(&caller(Role::FrontDesk), &request).await;
            assert!(matches!(answer, Err(DoorError::ParameterForbidden { .. })), "{}", outcome(&answer));
        }
    }
}

#[tokio::test]
async fn what_comes_along_is_decided_for_each_record() {
    let house = house().await;
    // The encounter of the first patient's records lies in the second patient's compartment.
    house
        .put(
            &integration(),
            &json!({"resourceType": "Encounter", "id": format!("e{ONE}"), "status": "finished",
        "subject": {"reference": format!("Patient/{TWO}")}, "class": {"code": "AMB"}}),
        )
        .await
        .unwrap();
    let include = |code| Inclusion {
        source: rtype("Observation"),
        param: param(rtype("Observation"), code).unwrap(),
        target: None,
        reverse: false,
    };
    let page = |who: aceso_base::Caller| {
        let house = &house;
        async move {
            let include = [include("encounter"), include("patient"), include("performer")];
            let request = SearchRequest {
                scope: in_compartment(ONE),
                types: &[rtype("Observation")],
                filters: &[],
                sort: &[],
                count: 10,
                after: None,
                include: &include,
                shape: &Shape::WHOLE,
                interaction: Interaction::Search,
            };
            house.door.search(&who, &request).await.unwrap()
        }
    };
    let names = |page: &aceso_custodian::Page| {
        let mut names: Vec<String> = page.included.iter().map(|view| view.resource_type().name().to_owned()).collect();
        names.sort();
        names
    };
    let size = house.log_size();
    assert_eq!(names(&page(physician()).await), ["Encounter", "Patient", "Practitioner"]);
    for (kind, name) in
        [("Encounter", format!("e{ONE}")), ("Patient", ONE.to_owned()), ("Practitioner", "p1".to_owned())]
    {
        assert!(
            house.log_since(size).iter().any(|l| l
                .entry
                .records()
                .iter()
                .any(|r| r.rtype == rtype(kind) && r.id.as_str() == name))
        );
    }
    // The patient sees his own records, and not the encounter that is another's.
    let own = page(patient(ONE)).await;
    assert_eq!(names(&own), ["Patient", "Practitioner"]);
    let practitioner = own.included.iter().find(|view| view.resource_type().name() == "Practitioner").unwrap();
    assert!(practitioner.is_redacted() && !String::from_utf8_lossy(practitioner.json()).contains("1960-01-01"));
}

#[tokio::test]
async fn a_search_that_works_too_long_says_so() {
    let house = house().await;
    // The clock stands still in tests, so no budget is spent; a step back in time must not break it either.
    house.clock.advance(-3600);
    let (answer, _) = search(&house, &physician(), SearchScope::Population, "Patient", &[pair("family", "Roe")]).await;
    assert_eq!(answer, "ok");
}

/// Two pages, between which somebody deletes what the first page ended with: nothing is left out.
#[tokio::test]
async fn pages_go_on_when_their_last_record_is_deleted_in_between() {
    let house = house().await;
    for number in 3..9 {
        let mut body = pulse(&format!("o{number}{ONE}"), ONE);
        body["effectiveDateTime"] = json!(format!("2026-02-0{number}"));
        house.put(&integration(), &body).await.unwrap();
    }
    let date = SortRule { param: param(rtype("Observation"), "date").unwrap(), descending: false };
    let mut left = 9;
    for sort in [&[][..], &[date][..]] {
        let page = async |after: Option<&aceso_custodian::Position>, count| {
            let request = SearchRequest {
                scope: in_compartment(ONE),
                types: &[rtype("Observation")],
                filters: &[],
                sort,
                count,
                after,
                include: &[],
                shape: &Shape::WHOLE,
                interaction: Interaction::Search,
            };
            let page = house.door.search(&physician(), &request).await.unwrap();
            let names: Vec<String> = page.matches.iter().map(|view| view.id().to_string()).collect();
            (names, page.next)
        };
        let (all, none) = page(None, 100).await;
        assert_eq!((all.len(), none), (left, None));
        let (first, next) = page(None, 4).await;
        house.delete(&physician(), "Observation", &first[3]).await.unwrap();
        left -= 1;
        let (rest, none) = page(next.as_ref(), 100).await;
        assert!(none.is_none());
        assert_eq!(rest, all[4..], "the rest, each once");
    }
}

#[tokio::test]
async fn a_place_in_an_answer_opens_for_its_own_caller_only() {
    let house = house().await;
    let request = SearchRequest {
        scope: in_compartment(ONE),
        types: &[rtype("Observation")],
        filters: &[],
        sort: &[],
        count: 1,
        after: None,
        include: &[],
        shape: &Shape::WHOLE,
        interaction: Interaction::Search,
    };
    let next = house.door.search(&physician(), &request).await.unwrap().next.unwrap();
    let sealed = house.door.seal_position(&next, b"family=Roe", "ann").unwrap();
    assert!(!sealed.windows(3).any(|part| part == b"Roe"));
    assert_eq!(house.door.open_position(sealed.clone(), "ann").unwrap(), (next, b"family=Roe".to_vec()));
    assert!(house.door.open_position(sealed.clone(), "bob").is_err());
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(house.door.open_position(changed, "ann").is_err(), "bit {bit}");
    }
    for keep in 0..sealed.len() {
        assert!(house.door.open_position(sealed[..keep].to_vec(), "ann").is_err());
    }
}

/// A record that was filed under the wrong patient moves, with all that leads to it.
#[tokio::test]
async fn a_record_that_moves_to_another_patient_leaves_nothing_behind() {
    let house = house().await;
    let name = format!("o0{ONE}");
    house.put(&physician(), &pulse(&name, TWO)).await.unwrap();
    for pairs in [&[][..], &[pair("code", "8867-4")], &[pair("patient", ONE)], &[pair("status", "final")]] {
        let (_, found) = search(&house, &physician(), in_compartment(ONE), "Observation", pairs).await;
        assert!(!found.contains(&name), "{pairs:?}");
    }
    for pairs in [&[][..], &[pair("code", "8867-4")], &[pair("patient", TWO)]] {
        let (_, found) = search(&house, &physician(), in_compartment(TWO), "Observation", pairs).await;
        assert!(found.contains(&name), "{pairs:?}");
    }
    assert_eq!(outcome(&house.read(&patient(ONE), "Observation", &name).await), "absent");
    assert_eq!(outcome(&house.read(&patient(TWO), "Observation", &name).await), "ok");
    // What was written while it was the first patient's is his alone.
    assert_eq!(outcome(&house.vread(&patient(ONE), "Observation", &name, 1).await), "ok");
    assert_eq!(outcome(&house.vread(&patient(TWO), "Observation", &name, 1).await), "absent");
    let (items, _) = house.door.history(&patient(TWO), rtype("Observation"), &id(&name), None, 10).await.unwrap();
    assert_eq!(items.iter().map(|item| item.version().0).collect::<Vec<_>>(), [2]);
    assert_eq!(outcome(&house.door.history(&patient(ONE), rtype("Observation"), &id(&name), None, 10).await), "absent");
}

/// Identifier tokens are the same for all patients of a tenant: they lead into other compartments, and no further.
#[tokio::test]
async fn an_identifier_that_two_patients_share_is_found_in_each_compartment_apart() {
    let house = house().await;
    for home in [ONE, TWO] {
        let mut body = pulse(&format!("shared{home}"), home);
        body["identifier"] = json!([{"system": "urn:order", "value": "4711"}]);
        house.put(&integration(), &body).await.unwrap();
    }
    for home in [ONE, TWO] {
        for value in ["4711", "urn:order|4711", "urn:order|", "|4711"] {
            let pairs = [pair("identifier", value)];
            let (answer, found) = search(&house, &physician(), in_compartment(home), "Observation", &pairs).await;
            let expected = if value.starts_with("|") { vec![] } else { vec![format!("shared{home}")] };
            assert_eq!((answer, found), ("ok", expected), "{value}");
        }
    }
    let pairs = [pair("identifier", "4711")];
    let (_, found) = search(&house, &physician(), SearchScope::Population, "Observation", &pairs).await;
    assert_eq!(found.len(), 2);
    let (_, found) = search(&house, &patient(ONE), SearchScope::Population, "Observation", &pairs).await;
    assert_eq!(found, [format!("shared{ONE}")]);
}
