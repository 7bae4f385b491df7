//! A real Redis beside the product: tokens that several keepers share, and a server that loses its cache and finds it again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aceso_base::{Clock as _, SystemClock};
use aceso_connect::http::{Bounds, Http, Request};
use aceso_connect::keeper::{BoxFuture, Credentials, Keeper, Proof, Vault, VaultError};
use aceso_emr_sim::{Options, Simulator};
use aceso_server::app::App;
use aceso_server::config::Config;
use aceso_server::connections::shared::sharing;
use aceso_testkit::{Clinic, PlannedRandomness, RedisServer, SetClock, TestConfig, TlsRedis, binary, folder};
use memchr::memmem;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const SECRET: &str = "planted-client-secret-7c1e";

/// Forgets at once, so that what a keeper knows it has from the shared cache.
struct Forgetful;

impl Vault for Forgetful {
    fn load(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    fn keep(&self, _: &str, _: Option<Zeroizing<Vec<u8>>>) -> BoxFuture<'_, Result<(), VaultError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A source, a Redis, and a door that seals what goes there.
struct Rig {
    redis: RedisServer,
    simulator: Simulator,
    app: App,
    clock: SetClock,
}

async fn rig(name: &str) -> Rig {
    let redis = RedisServer::start();
    let mut options = Options { patients: 2, ..Options::default() };
    options.credentials.client_secret = SECRET.to_owned();
    let simulator = Simulator::start(options).await.unwrap();
    let config = TestConfig::write(
        &folder(name),
        &format!("cache = {{ address = \"127.0.0.1:{}\", wait_milliseconds = 60000 }}", redis.port()),
    );
    let app = App::open(Config::load(&config.file).unwrap()).await.unwrap();
    Rig { redis, simulator, app, clock: SetClock::at(SystemClock.now()) }
}

impl Rig {
    /// A keeper as another instance of the product has it.
    fn keeper(&self, seed: u64) -> Keeper {
        let http = Http::new(Bounds::default()).unwrap();
        let rng = Arc::new(PlannedRandomness::seeded(seed));
        let place = sharing(self.app.door()).unwrap();
        let keeper = Keeper::sharing(http, Arc::new(Forgetful), Some(place), Arc::new(self.clock.clone()), rng);
        let base = self.simulator.base_url();
        let credentials = Credentials {
            token_address: aceso_connect::usual_token_address("elation", &base).unwrap(),
            client_id: "simulated-client".to_owned(),
            scopes: Vec::new(),
            proof: Proof::Secret(Zeroizing::new(SECRET.to_owned())),
        };
        keeper.register("clinic", &base, credentials);
        keeper
    }

    async fn ask(&self, keepers: &[&Keeper], times: usize) {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..times {
            for keeper in keepers {
                let access = keeper.access("clinic", 600).unwrap();
                let address = format!("{}/physicians/", self.simulator.base_url());
                all.spawn(async move { access.send(Request::get(address)).await.unwrap().status });
            }
        }
        assert!(all.join_all().await.into_iter().all(|status| status == 200));
    }

    /// How many tokens were given out.
    fn given(&self) -> u64 {
        let counts = self.simulator.counts();
        let tokens = counts.iter().filter(|count| count.path.contains("token") && count.status == 200);
        tokens.map(|count| count.times).sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_keepers_with_many_callers_obtain_one_token_and_replace_it_once() {
    let rig = rig("cache-keepers").await;
    let (one, two) = (rig.keeper(1), rig.keeper(2));
    rig.ask(&[&one, &two], 32).await;
    assert_eq!(rig.given(), 1);
    let before = rig.simulator.access_tokens();
    assert_eq!(before.len(), 1);
    rig.simulator.expire_tokens();
    rig.ask(&[&one, &two], 32).await;
    assert_eq!(rig.given(), 2, "withdrawn early, replaced once");
    let everything = rig.redis.everything();
    assert_eq!(everything.len(), 1, "the token, and no lease any more");
    for needle in rig.simulator.access_tokens().iter().chain(&before).map(String::as_str).chain([SECRET, "clinic"]) {
        for (name, value) in &everything {
            let found = [name, value].iter().any(|bytes| memmem::find(bytes, needle.as_bytes()).is_some());
            assert!(!found, "the shared cache shows a token, a secret or a name");
        }
    }
    // Positive control: the value is the token's, and ends with it.
    let name = String::from_utf8(everything[0].0.clone()).unwrap();
    assert!((35_000_000..=36_000_000).contains(&rig.redis.milliseconds_left(&name)));
    rig.ask(&[&rig.keeper(3)], 1).await;
    assert_eq!(rig.given(), 2, "a third has it from there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_emptied_or_killed_stops_no_keeper_and_is_filled_again() {
    let mut rig = rig("cache-killed").await;
    let one = rig.keeper(1);
    rig.ask(&[&one], 4).await;
    rig.redis.command(&["FLUSHALL"]);
    rig.clock.advance(31);
    rig.ask(&[&one], 4).await;
    let two = rig.keeper(2);
    rig.ask(&[&two], 4).await;
    assert_eq!(rig.given(), 1, "the first put it back");
    rig.redis.kill();
    let alone = rig.keeper(3);
    rig.ask(&[&one, &two, &alone], 4).await;
    assert_eq!(rig.given(), 2, "who has none obtains one of his own");
    rig.redis.start_again();
    // A connection that was refused is tried again after a while.
    let end = Instant::now() + Duration::from_secs(60);
    while rig.redis.everything().is_empty() {
        assert!(Instant::now() < end, "nothing comes back");
        rig.clock.advance(31);
        rig.ask(&[&alone], 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    rig.ask(&[&rig.keeper(4)], 4).await;
    assert_eq!(rig.given(), 2, "the next has it from there");
}

#[test]
fn a_server_works_without_its_cache_says_so_and_finds_it_again() {
    let mut redis = RedisServer::start();
    let clinic = Clinic::open(
        "cache-server",
        &["physician"],
        &format!(
            "search.population = 1048576\n[cache]\naddress = \"127.0.0.1:{}\"\nwait_milliseconds = 60000\n",
            redis.port()
        ),
    );
    let physician = clinic.client("physician");
    let person = |family: &str| {
        let body = json!({"resourceType": "Patient", "name": [{"family": family}]});
        let _ = physician.post("/fhir/R4/Patient", &body).expect(201);
    };
    let found =
        |family: &str| physician.get(&format!("/fhir/R4/Patient?family={family}")).expect(200).json()["total"].clone();
    let metric = |line: &str| {
        let text = String::from_utf8(clinic.config.ops().get("/metrics").expect(200).body).unwrap();
        text.lines().any(|known| known == line)
    };
    person("Canaryface");
    for _ in 0..3 {
        assert_eq!(found("Canaryface"), 1);
    }
    assert!(metric("aceso_cache_reached 1"));
    assert!(
        metric("aceso_cache_lookups_total{outcome=\"hit\"} 2")
            && metric("aceso_cache_lookups_total{outcome=\"miss\"} 1")
    );
    assert!(!redis.everything().is_empty());
    for (name, value) in redis.everything() {
        assert!([name, value].iter().all(|bytes| memmem::find(bytes, b"anaryface").is_none()));
    }
    redis.kill();
    person("Canaryface");
    assert_eq!(found("Canaryface"), 2);
    let _ = clinic.config.ops().get("/readyz").expect(200);
    assert!(metric("aceso_cache_reached 0") && metric("aceso_cache_losses_total 1"));
    redis.start_again();
    let end = Instant::now() + Duration::from_secs(60);
    while redis.everything().is_empty() {
        assert!(Instant::now() < end, "nothing comes back");
        assert_eq!(found("Canaryface"), 2);
        sleep(Duration::from_millis(100));
    }
    assert!(metric("aceso_cache_reached 1"));
    let log = std::fs::read_to_string(clinic.config.folder.join("stderr.log")).unwrap();
    for message in ["the shared cache is lost", "the shared cache is back"] {
        assert_eq!(log.matches(message).count(), 1, "{log}");
    }
}

#[test]
fn a_cache_by_tls_is_reached_with_the_right_authority_only() {
    let redis = TlsRedis::start();
    let folder = folder("cache-tls");
    let config = TestConfig::write(&folder, "cache = { redis = { file = \"address\" }, wait_milliseconds = 60000 }");
    let doctor = |scheme: &str, authority: Option<&Path>| {
        let address = folder.join("address");
        std::fs::write(&address, format!("{scheme}://127.0.0.1:{}", redis.port())).unwrap();
        std::fs::set_permissions(&address, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new(binary());
        command.args(["doctor", "--json", "--config"]).arg(&config.file);
        command.envs(authority.map(|authority| ("SSL_CERT_FILE", authority)));
        let said: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let checks = said["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == "shared cache").unwrap()["state"].clone()
    };
    assert_eq!(doctor("rediss", Some(&redis.authority())), "ok");
    assert_eq!(doctor("rediss", None), "warning");
    assert_eq!(doctor("redis", Some(&redis.authority())), "warning");
}
