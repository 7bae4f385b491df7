//! Several keepers that share a place: one in this process, whose faults can be planned. The real one is tried in `server`.

use super::*;
use aceso_base::Token16;
use aceso_connect::keeper::{Share, ShareError, Sharing};
use tokio::time::Instant;

#[derive(Default)]
struct Place {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
    leases: Mutex<BTreeMap<String, (Token16, Instant)>>,
    lost: AtomicBool,
}

impl Place {
    fn here(&self) -> Result<(), ShareError> {
        if self.lost.load(Ordering::SeqCst) { Err(ShareError) } else { Ok(()) }
    }

    fn only_name(&self) -> String {
        let values = self.values.lock().unwrap();
        assert_eq!(values.len(), 1);
        values.keys().next().unwrap().clone()
    }
}

impl Share for Place {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Zeroizing<Vec<u8>>>, ShareError>> {
        let found = self.here().map(|()| self.values.lock().unwrap().get(name).cloned().map(Zeroizing::new));
        Box::pin(async { found })
    }

    fn keep<'a>(
        &'a self,
        name: &'a str,
        plain: Option<Zeroizing<Vec<u8>>>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), ShareError>> {
        let kept = self.here().map(|()| {
            let mut values = self.values.lock().unwrap();
            match plain {
                Some(plain) => drop(values.insert(name.to_owned(), plain.to_vec())),
                None => drop(values.remove(name)),
            }
        });
        Box::pin(async move { kept })
    }

    fn lease<'a>(&'a self, name: &'a str, holder: Token16, life: Duration) -> BoxFuture<'a, Result<bool, ShareError>> {
        let taken = self.here().map(|()| {
            let mut leases = self.leases.lock().unwrap();
            let free = leases.get(name).is_none_or(|(_, end)| Instant::now() >= *end);
            if free {
                leases.insert(name.to_owned(), (holder, Instant::now() + life));
            }
            free
        });
        Box::pin(async move { taken })
    }

    fn release<'a>(&'a self, name: &'a str, holder: Token16) -> BoxFuture<'a, Result<(), ShareError>> {
        let released = self.here().map(|()| {
            let mut leases = self.leases.lock().unwrap();
            leases.retain(|of, (by, _)| of != name || *by != holder);
        });
        Box::pin(async move { released })
    }
}

const LEASE: Duration = Duration::from_millis(300);

impl Rig {
    /// A keeper with a memory of its own, as another instance has.
    fn instance(&self, place: &Arc<Place>, seed: u64) -> Keeper {
        let http = Http::new(Bounds { time: Duration::from_secs(5), body: 1 << 20 }).unwrap();
        let sharing = Sharing { place: Arc::clone(place) as Arc<dyn Share>, lease: LEASE };
        let (vault, rng) = (Arc::new(Memory::default()), Arc::new(PlannedRandomness::seeded(seed)));
        let keeper = Keeper::sharing(http, vault, Some(sharing), Arc::new(self.clock.clone()), rng);
        keeper.register("clinic", &self.base, self.by_secret("s3cret"));
        keeper
    }

    async fn all_ask(&self, keepers: &[&Keeper], times: usize) {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..times {
            for keeper in keepers {
                let (access, address) = (keeper.access("clinic", 60).unwrap(), format!("{}/thing", self.base));
                all.spawn(async move { access.send(Request::get(address)).await.unwrap().status });
            }
        }
        assert!(all.join_all().await.into_iter().all(|status| status == 200));
    }
}

#[tokio::test]
async fn several_instances_obtain_one_token_renew_it_once_and_replace_it_once() {
    let rig = rig().await;
    let place = Arc::new(Place::default());
    let keepers = [rig.instance(&place, 2), rig.instance(&place, 3), rig.instance(&place, 4)];
    let all: Vec<&Keeper> = keepers.iter().collect();
    rig.all_ask(&all, 16).await;
    assert_eq!(rig.given(), 1);
    rig.clock.advance(575);
    rig.all_ask(&all, 16).await;
    assert_eq!(rig.given(), 2, "near its end");
    // Withdrawn: the interface takes the next only.
    rig.up.given.fetch_add(1, Ordering::SeqCst);
    rig.all_ask(&all, 16).await;
    assert_eq!(rig.given(), 4, "one that was withdrawn early");
    let refreshes: u64 = keepers.iter().map(|keeper| keeper.status("clinic").unwrap().refreshes).sum();
    assert_eq!(refreshes, 3, "each token is counted where it was obtained");
    assert!(keepers.iter().all(|keeper| keeper.status("clinic").unwrap().expires.is_some()));
}

#[tokio::test]
async fn somebody_who_died_with_the_lease_holds_the_others_up_for_its_life_only() {
    let rig = rig().await;
    let place = Arc::new(Place::default());
    let first = rig.instance(&place, 2);
    assert_eq!(rig.ask(&first).await, Ok(200));
    let name = place.only_name();
    place.values.lock().unwrap().clear();
    assert_eq!(place.lease(&name, Token16([9; 16]), LEASE).await, Ok(true));
    let (second, third) = (rig.instance(&place, 3), rig.instance(&place, 4));
    rig.all_ask(&[&second, &third], 8).await;
    // The interface takes the newest token only, so they must have agreed on it in the end.
    let shared = place.values.lock().unwrap().get(&name).cloned().unwrap();
    let newest = format!("token-{}", rig.given());
    assert!(shared.ends_with(newest.as_bytes()));
    // And somebody who does not let go at all: nobody waits for longer than a lease lives.
    place.values.lock().unwrap().clear();
    let forever = Instant::now() + Duration::from_secs(3600);
    place.leases.lock().unwrap().insert(name, (Token16([9; 16]), forever));
    assert_eq!(rig.ask(&rig.instance(&place, 5)).await, Ok(200));
}

#[tokio::test]
async fn a_lost_place_stops_nobody_and_is_filled_again() {
    let rig = rig().await;
    let place = Arc::new(Place::default());
    place.lost.store(true, Ordering::SeqCst);
    let first = rig.instance(&place, 2);
    assert_eq!(rig.ask(&first).await, Ok(200));
    assert_eq!(rig.given(), 1);
    place.lost.store(false, Ordering::SeqCst);
    rig.clock.advance(31);
    assert_eq!(rig.ask(&first).await, Ok(200));
    let second = rig.instance(&place, 3);
    assert_eq!(rig.ask(&second).await, Ok(200));
    assert_eq!(rig.given(), 1, "the second has that of the first");
    place.values.lock().unwrap().clear();
    rig.clock.advance(31);
    assert_eq!(rig.ask(&second).await, Ok(200));
    assert_eq!(rig.ask(&rig.instance(&place, 4)).await, Ok(200));
    assert_eq!(rig.given(), 1, "the second put back what was lost");
}

#[tokio::test]
async fn what_does_not_fit_is_as_good_as_nothing_and_other_credentials_have_another_place() {
    let rig = rig().await;
    let place = Arc::new(Place::default());
    assert_eq!(rig.ask(&rig.instance(&place, 2)).await, Ok(200));
    let name = place.only_name();
    let kept = place.values.lock().unwrap().get(&name).cloned().unwrap();
    for (number, bytes) in [Vec::new(), vec![1], b"rubbish that is long enough for a header and more".to_vec(), {
        let mut other = kept.clone();
        other[0] = 9;
        other
    }]
    .into_iter()
    .enumerate()
    {
        place.values.lock().unwrap().insert(name.clone(), bytes);
        assert_eq!(rig.ask(&rig.instance(&place, 10 + number as u64)).await, Ok(200));
        assert_eq!(rig.given(), 2 + number as u32);
    }
    let other = rig.instance(&place, 3);
    other.register("clinic", &rig.base, Credentials { client_id: "other".to_owned(), ..rig.by_secret("s3cret") });
    assert_eq!(rig.ask(&other).await, Ok(200));
    assert_eq!((rig.given(), place.values.lock().unwrap().len()), (6, 2));
    other.forget("clinic").await.unwrap();
    assert_eq!(place.only_name(), name);
}
