//! A simulator with a client that has a token, and a receiver of deliveries.

use aceso_emr_sim::{Kind, Options, Simulator};
use aceso_testkit::{Client, SetClock};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A running simulator whose clock stands still.
pub(crate) struct Source {
    pub(crate) runtime: Runtime,
    pub(crate) simulator: Simulator,
    pub(crate) clock: SetClock,
    /// Below `/api/2.0`, with a token for everything.
    pub(crate) api: Client,
}

impl Source {
    pub(crate) fn start(change: impl FnOnce(&mut Options)) -> Self {
        let clock = SetClock::default();
        let mut options = Options { clock: Arc::new(clock.clone()), patients: 24, ..Options::default() };
        change(&mut options);
        let runtime = Runtime::new().unwrap();
        let simulator = runtime.block_on(Simulator::start(options)).unwrap();
        let open = Client::new(&simulator.base_url());
        let credentials = simulator.credentials().clone();
        let token = token(&open, &credentials.client_id, &credentials.client_secret, "");
        let api = open.bearer(token["access_token"].as_str().unwrap());
        Self { runtime, simulator, clock, api }
    }

    pub(crate) fn plain() -> Self {
        Self::start(|_| {})
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.simulator.base_url())
    }

    /// Every object of a type by cursor, in the order of the pages.
    pub(crate) fn crawl(&self, kind: Kind, limit: usize) -> Vec<Value> {
        pages(&self.api, &format!("/{}/?limit={limit}", kind.path())).concat()
    }

    pub(crate) fn ids(&self, kind: Kind) -> Vec<i64> {
        self.crawl(kind, 100).iter().map(id).collect()
    }
}

/// A token's answer.
pub(crate) fn token(client: &Client, id: &str, secret: &str, scope: &str) -> Value {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}");
    client.form("/oauth2/token/", &form).expect(200).json()
}

/// Follows `next` from this address.
pub(crate) fn pages(api: &Client, first: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(url) = next {
        let page = api.get(&url).expect(200).json();
        pages.push(page["results"].as_array().unwrap().clone());
        next = page["next"].as_str().map(str::to_owned);
    }
    pages
}

pub(crate) fn id(object: &Value) -> i64 {
    object["id"].as_i64().unwrap()
}

pub(crate) fn json(api: &Client, method: &str, path: &str, body: &Value) -> aceso_testkit::Answer {
    api.send(method, path, &[("content-type", "application/json")], body.to_string().into_bytes())
}

/// Waits until this is so, for a minute at most.
#[track_caller]
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        sleep(Duration::from_millis(10));
    }
}

/// One delivery as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) signature: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn verifies(&self, key: &str) -> bool {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        use data_encoding::BASE64;
        let key = BASE64.decode(key.as_bytes()).unwrap();
        let signature = BASE64.decode(self.signature.as_bytes()).unwrap();
        UnparsedPublicKey::new(&ED25519, key).verify(&self.body, &signature).is_ok()
    }
}

/// Takes deliveries on a port of its own and answers with a status that can be set.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, received: Arc::default(), status: Arc::new(Mutex::new(200)) };
        let own = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                own.take(&stream.unwrap());
            }
        });
        receiver
    }

    fn take(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.trim().split_once(": ") {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let signature = headers["el8-ed25519-signature"].clone();
        // Before it counts as received: who has seen it may change the status for the next one.
        let status = *self.status.lock().unwrap();
        self.received.lock().unwrap().push(Received { signature, body });
        let mut out = stream;
        let _ = write!(out, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    }

    pub(crate) fn answer_with(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Received> {
        until("deliveries came", || self.received().len() >= count);
        self.received()
    }
}
