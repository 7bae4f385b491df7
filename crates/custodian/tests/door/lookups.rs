//! Lookups of patients in a shared cache: faster or not, never another answer.

use crate::common::*;
use aceso_audit::Action;
use aceso_base::Caller;
use aceso_cache_redis::{RedisAddress, RedisCache, Times};
use aceso_custodian::{Custodian, Plan, SearchRequest, SearchScope, Shape, SharedCounts, SharedParts};
use aceso_fhir::search::Query;
use aceso_phi::Sealed;
use aceso_store::SharedCache;
use aceso_store::suite::cache::LocalCache;
use aceso_testkit::{RedisServer, SetClock};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn one(number: usize) -> String {
    format!("aaaa1111-0000-4000-8000-{number:012}")
}

fn person(name: &str, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": name, "name": [{"family": family, "given": ["Canary"]}], "birthDate": "1980-02-03"})
}

fn plan() -> Plan {
    Plan::for_population(1 << 20)
}

fn parts(cache: Arc<dyn SharedCache>) -> SharedParts {
    SharedParts { cache, lookups: HOUR }
}

fn redis(server: &RedisServer) -> Arc<RedisCache> {
    let times = Times { connect: Duration::from_secs(20), answer: Duration::from_secs(20), pause: Duration::ZERO };
    Arc::new(RedisCache::new(&RedisAddress::parse(&server.address()).unwrap(), times))
}

/// A house with a cache in this process.
async fn house() -> (House, Arc<LocalCache>) {
    let cache = Arc::new(LocalCache::new(Arc::new(SetClock::default())));
    (House::sharing(plan(), parts(cache.clone())).await, cache)
}

async fn by_name(door: &Custodian, who: &Caller, family: &str) -> Vec<String> {
    let kind = rtype("Patient");
    let query = Query::parse(kind, &[pair("family", family)]).unwrap();
    let request = SearchRequest {
        scope: SearchScope::Population,
        types: &[kind],
        filters: &query.filters,
        sort: &[],
        count: 100,
        after: None,
        include: &[],
        shape: &Shape::WHOLE,
        interaction: aceso_base::Interaction::Search,
    };
    let page = door.search(who, &request).await.unwrap();
    page.matches.iter().map(|view| view.id().as_str().to_owned()).collect()
}

fn counts(door: &Custodian) -> (u64, u64) {
    let SharedCounts { hits, misses, .. } = door.shared_counts().unwrap();
    (hits, misses)
}

#[tokio::test]
async fn the_second_search_by_a_name_is_answered_from_the_cache_also_at_another_door() {
    let server = RedisServer::start();
    let house = House::sharing(plan(), parts(redis(&server))).await;
    house.put(&integration(), &person(&one(1), "Roe")).await.unwrap();
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1)]);
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1)]);
    assert_eq!(counts(&house.door), (1, 1));
    let second = house.second_door().await;
    assert_eq!(by_name(&second, &physician(), "roe").await, [one(1)]);
    assert_eq!(counts(&second), (1, 0));
}

#[tokio::test]
async fn what_is_written_is_found_by_the_next_search_and_what_is_gone_is_not() {
    let (house, _) = house().await;
    let second = house.second_door().await;
    let found = async |family: &str| {
        let (here, there) =
            (by_name(&house.door, &physician(), family).await, by_name(&second, &physician(), family).await);
        assert_eq!(here, there);
        here
    };
    assert_eq!(found("Roe").await, [""; 0]);
    house.put(&integration(), &person(&one(1), "Roe")).await.unwrap();
    assert_eq!(found("Roe").await, [one(1)]);
    house.put(&integration(), &person(&one(2), "Roe")).await.unwrap();
    assert_eq!(found("Roe").await, [one(1), one(2)]);
    house.put(&integration(), &person(&one(1), "Doe")).await.unwrap();
    assert_eq!(found("Roe").await, [one(2)]);
    assert_eq!(found("Doe").await, [one(1)]);
    house.delete(&physician(), "Patient", &one(2)).await.unwrap();
    assert_eq!(found("Roe").await, [""; 0]);
    house.put(&integration(), &person(&one(2), "Roe")).await.unwrap();
    assert_eq!(found("Roe").await, [one(2)]);
    house.door.shred(&tenant(), subject(&one(1)), &operator()).await.unwrap();
    assert_eq!(found("Doe").await, [""; 0]);
    assert!(counts(&house.door).0 + counts(&second).0 > 0, "the cache took part");
}

/// Writers and searchers at once, on a real Redis: who asks after a write was acknowledged finds it, through either door, whatever
/// stale or half-made lookups are about.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_patient_is_found_as_soon_as_he_is_written_while_others_search_for_the_same_name() {
    const NAMES: [&str; 3] = ["Roe", "Doe", "Poe"];
    let server = RedisServer::start();
    let house = Arc::new(House::sharing(plan(), parts(redis(&server))).await);
    let second = house.second_door().await;
    let done = Arc::new(AtomicBool::new(false));
    let mut searchers = tokio::task::JoinSet::new();
    for at in 0..6 {
        let (door, done) = (if at % 2 == 0 { house.door.clone() } else { second.clone() }, Arc::clone(&done));
        searchers.spawn(async move {
            while !done.load(Ordering::SeqCst) {
                by_name(&door, &physician(), NAMES[at % 3]).await;
            }
        });
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..3_usize {
        let (house, second) = (Arc::clone(&house), second.clone());
        writers.spawn(async move {
            for round in 0..40 {
                let (name, family) = (one(writer * 1000 + round % 20), NAMES[(writer + round) % 3]);
                house.put(&integration(), &person(&name, family)).await.unwrap();
                for door in [&house.door, &second] {
                    let found = by_name(door, &physician(), family).await;
                    assert!(found.contains(&name), "round {round}: {name} is not among the {} found", found.len());
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    searchers.join_all().await;
    let (hits, misses) = counts(&house.door);
    assert!(hits > 0 && misses > 0, "{hits} hits, {misses} misses: both ways were taken");
}

#[tokio::test]
async fn a_cache_that_was_emptied_or_killed_changes_no_answer_and_fills_again() {
    let mut server = RedisServer::start();
    let house = House::sharing(plan(), parts(redis(&server))).await;
    house.put(&integration(), &person(&one(1), "Roe")).await.unwrap();
    let found = async || assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1)]);
    found().await;
    server.command(&["FLUSHALL"]);
    found().await;
    found().await;
    assert_eq!(counts(&house.door), (1, 2), "filled again after it was emptied");
    server.kill();
    found().await;
    house.put(&integration(), &person(&one(2), "Roe")).await.unwrap();
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1), one(2)]);
    assert!(!house.door.shared_counts().unwrap().health.reached);
    server.start_again();
    let before = counts(&house.door).0;
    for _ in 0..2 {
        assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1), one(2)]);
    }
    assert_eq!(counts(&house.door).0, before + 1, "filled again after it was back");
}

#[tokio::test]
async fn what_comes_too_late_or_from_before_a_restart_or_a_loss_does_not_count() {
    let (house, cache) = house().await;
    house.put(&integration(), &person(&one(1), "Roe")).await.unwrap();
    by_name(&house.door, &physician(), "Roe").await;
    // A write that the cache does not hear of.
    cache.lose(true);
    house.put(&integration(), &person(&one(2), "Roe")).await.unwrap();
    cache.lose(false);
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1), one(2)]);
    // A list that was read before a write and is put there after it.
    let late = cache.values();
    house.put(&integration(), &person(&one(3), "Roe")).await.unwrap();
    for (name, value) in late {
        cache.set(&name, &value, HOUR).await.unwrap();
    }
    let all = [one(1), one(2), one(3)];
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, all);
    assert_eq!(counts(&house.door).0, 0, "no list has counted so far");
    let house = house.restart(|_| {}).await;
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, all);
    assert_eq!(counts(&house.door), (0, 1), "another life of the store");
}

#[tokio::test]
async fn values_that_do_not_open_are_lost_counted_and_in_the_log_once_a_minute() {
    let (house, cache) = house().await;
    house.put(&integration(), &person(&one(1), "Roe")).await.unwrap();
    house.put(&integration(), &person(&one(2), "Doe")).await.unwrap();
    by_name(&house.door, &physician(), "Roe").await;
    by_name(&house.door, &physician(), "Doe").await;
    let kept = cache.values();
    assert_eq!(kept.len(), 2);
    let (one_of_them, other) = (&kept[0], &kept[1]);
    let log = house.log_size();
    // Each in the other's place, then rubbish, then a changed bit.
    for _ in 0..3 {
        cache.set(&one_of_them.0, &other.1, HOUR).await.unwrap();
        cache.set(&other.0, &Sealed::from_store(b"rubbish".to_vec()), HOUR).await.unwrap();
        assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1)]);
        assert_eq!(by_name(&house.door, &physician(), "Doe").await, [one(2)]);
    }
    let mut changed = one_of_them.1.as_bytes().to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    cache.set(&one_of_them.0, &Sealed::from_store(changed), HOUR).await.unwrap();
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1)]);
    by_name(&house.door, &physician(), "Doe").await;
    assert_eq!(house.door.shared_counts().unwrap().unreadable, 7);
    let told = |since: usize| {
        let entries = house.log_since(since).into_iter().map(|logged| logged.entry);
        entries.filter(|entry| entry.action() == Action::OpenFailed).map(|entry| entry.count()).collect::<Vec<_>>()
    };
    assert_eq!(told(log), [Some(1)]);
    house.clock.advance(60);
    cache.set(&one_of_them.0, &other.1, HOUR).await.unwrap();
    by_name(&house.door, &physician(), "Roe").await;
    by_name(&house.door, &physician(), "Doe").await;
    assert_eq!(told(log), [Some(1), Some(7)], "with those that were not told");
}

#[tokio::test]
async fn whoever_has_the_cache_reads_no_name_no_id_and_no_token() {
    let server = RedisServer::start();
    let house = House::sharing(plan(), parts(redis(&server))).await;
    house.put(&integration(), &person(&one(1), "Canaryface")).await.unwrap();
    by_name(&house.door, &physician(), "Canaryface").await;
    by_name(&house.door, &physician(), "Nobody").await;
    let everything = server.everything();
    assert_eq!(everything.len(), 2);
    assert_eq!(everything[0].1.len(), everything[1].1.len(), "one patient or none: the same length");
    let tokens: Vec<Vec<u8>> = {
        let sql = house.sql();
        let mut rows = sql.prepare("SELECT token FROM token").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(!tokens.is_empty());
    let plain = ["Canaryface", "canaryface", &one(1)].map(|text| text.as_bytes().to_vec());
    let hidden = plain.into_iter().chain([subject(&one(1)).0.to_vec()]).chain(tokens);
    for needle in hidden {
        for (name, value) in &everything {
            let shows = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!shows(name) && !shows(value));
        }
    }
}

#[tokio::test]
async fn tenants_and_doors_of_other_keys_do_not_meet_in_one_cache() {
    let (house, cache) = house().await;
    let other = Caller { tenant: aceso_base::TenantId::parse("other").unwrap(), ..physician() };
    house.door.ensure_tenant(&other.tenant).await.unwrap();
    let stranger = House::sharing(plan(), parts(cache.clone())).await;
    house.put(&integration(), &person(&one(1), "Roe")).await.unwrap();
    assert_eq!(by_name(&house.door, &physician(), "Roe").await, [one(1)]);
    assert_eq!(by_name(&house.door, &other, "Roe").await, [""; 0]);
    assert_eq!(by_name(&stranger.door, &physician(), "Roe").await, [""; 0]);
    assert_eq!((counts(&house.door), counts(&stranger.door)), ((0, 2), (0, 1)));
    assert_eq!(cache.values().len(), 3);
}
