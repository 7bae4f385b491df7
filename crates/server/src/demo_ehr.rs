//! The demo's EHR: a simulated one on a port of its own, connected, and changing while the demo runs.

use crate::app::unreachable;
use crate::connections::{KeptProof, Settings};
use crate::exit::Failure;
use crate::serve::Serving;
use aceso_connect::admin::By;
use aceso_emr_sim::{Options, Simulator};
use std::net::SocketAddr;
use std::time::Duration;

/// Name of the connection.
pub(crate) const CONNECTION: &str = "elation";
/// A change at the source every so often, so that there is something to see.
const CHANGE_EVERY: Duration = Duration::from_secs(10);

/// Starts the EHR and connects it. It begins anew with every start; records of an earlier one are compared with it and follow it.
pub(crate) async fn start(
    serving: &Serving,
    listen: SocketAddr,
    patients: usize,
    tenant: &str,
) -> Result<Simulator, Failure> {
    let options = Options { listen, patients, change_every: Some(CHANGE_EVERY), ..Options::default() };
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
    Ok(simulator)
}
