//! The demo's EHR: a simulated one on a port of its own, connected, and changing while the demo runs.

use crate::app::unreachable;
use crate::connections::{KeptProof, Settings};
use crate::demo::write_private;
use crate::exit::Failure;
use crate::serve::Serving;
use aceso_connect::admin::By;
use aceso_emr_sim::{Earlier, Options, Simulator};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Name of the connection.
pub(crate) const CONNECTION: &str = "elation";
/// A change at the source every so often, so that there is something to see.
const CHANGE_EVERY: Duration = Duration::from_secs(10);

/// The simulated EHR of a demo, and where it is written down how far it came.
pub(crate) struct Ehr {
    simulator: Arc<Simulator>,
    file: PathBuf,
    keeping: tokio::task::JoinHandle<()>,
}

impl Ehr {
    /// The address of its interface.
    pub(crate) fn base_url(&self) -> String {
        self.simulator.base_url()
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.keeping.abort();
        let _ = self.keeping.await;
        keep(&self.file, &self.simulator);
        if let Some(simulator) = Arc::into_inner(self.simulator) {
            simulator.stop().await;
        }
    }
}

/// Writes down how far it came. What cannot be written is written the next time.
fn keep(file: &Path, simulator: &Simulator) {
    if let Ok(text) = serde_json::to_string(&simulator.so_far()) {
        let _ = write_private(file, &text);
    }
}

/// How far the EHR of an earlier start on this folder came; `None` for the first, and when it cannot be read.
fn earlier(file: &Path) -> Option<Earlier> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

/// Starts the EHR and connects it. On a folder that was used before it goes on where it was.
pub(crate) async fn start(
    serving: &Serving,
    listen: SocketAddr,
    patients: usize,
    tenant: &str,
    folder: &Path,
) -> Result<Ehr, Failure> {
    let file = folder.join("ehr.json");
    let (change_every, earlier) = (Some(CHANGE_EVERY), earlier(&file));
    // The synthetic patients themselves are in the demo already: these are others.
    let options = Options { listen, patients, strangers: true, change_every, earlier, ..Options::default() };
    let simulator = Simulator::start(options).await;
    let simulator = simulator.map_err(|error| unreachable("the simulated EHR", error.to_string()))?;
    let (app, connections) = (&serving.app, &serving.connections);
    let by = &By::Machine;
    if connections.status(by, CONNECTION).is_ok() {
        connections.remove(app, by, CONNECTION).await?;
    }
    let base = simulator.base_url();
    let credentials = simulator.credentials();
    let settings = Settings {
        name: CONNECTION.to_owned(),
        vendor: "elation".to_owned(),
        tenant: tenant.to_owned(),
        token: format!("{base}/oauth2/token/"),
        base,
        client_id: credentials.client_id.clone(),
        scopes: Vec::new(),
        proof: KeptProof::Secret { secret: credentials.client_secret.clone() },
        schedule: "* * * * *".to_owned(),
        sweep: "17 3 * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        concurrency: 4,
        per_second: 0,
        hooks: Some(format!("http://{}/hooks/{CONNECTION}", serving.address)),
        paused: false,
        options: Vec::new(),
    };
    connections.add_anew(app, by, settings).await?;
    let simulator = Arc::new(simulator);
    let (at, kept) = (file.clone(), Arc::clone(&simulator));
    let keeping = tokio::spawn(async move {
        loop {
            keep(&at, &kept);
            tokio::time::sleep(CHANGE_EVERY / 10).await;
        }
    });
    Ok(Ehr { simulator, file, keeping })
}
