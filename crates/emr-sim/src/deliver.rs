//! Sends what is due to those who subscribed, with the faults on the way.

use crate::core::Core;
use crate::faults::WebhookFault;
use crate::serve::Power;
use crate::webhooks::{Batch, Outcome, Signed};
use aws_lc_rs::signature::Ed25519KeyPair;
use bytes::Bytes;
use data_encoding::BASE64;
use http::{Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often it is looked whether something is due by the clock, in real time.
const ROUND: Duration = Duration::from_millis(20);

/// How long a receiver may take, in real time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the changes and sends the deliveries whose time has come, until it is stopped.
pub(crate) async fn run(core: Arc<Core>, mut power: watch::Receiver<Power>) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let now = *power.borrow_and_update();
        match now {
            Power::Stopped => return,
            Power::Down(_) => continue,
            Power::Up => {}
        }
        core.change_by_clock();
        let batches = core.state().hooks.due(core.now());
        for batch in batches {
            tokio::spawn(send(Arc::clone(&core), batch, power.clone()));
        }
    }
}

/// One after the other, so that a subscription gets its events in order where no fault reorders them.
async fn send(core: Arc<Core>, batch: Batch, mut power: watch::Receiver<Power>) {
    tokio::select! {
        () = send_all(&core, &batch) => {}
        _ = power.wait_for(|power| *power != Power::Up) => {}
    }
    core.state().hooks.rest(batch.subscription);
}

async fn send_all(core: &Core, batch: &Batch) {
    for item in &batch.items {
        let outcome = attempt(core, batch, &item.body).await;
        core.state().hooks.settle(item.delivery, outcome, core.now());
    }
}

async fn attempt(core: &Core, batch: &Batch, body: &Bytes) -> Outcome {
    let well = sign(&batch.seed, body);
    let sent = match core.faults.for_delivery() {
        WebhookFault::Drop => return Outcome::Lost,
        WebhookFault::Reorder => return Outcome::Held,
        WebhookFault::None => well,
        WebhookFault::Repeat => {
            post(&batch.target, &well).await;
            well
        }
        WebhookFault::Replay => {
            let status = post(&batch.target, &well).await;
            post(&batch.target, batch.old.as_ref().unwrap_or(&well)).await;
            return Outcome::Answered(status, well);
        }
        WebhookFault::Tamper => Signed { body: tampered(body), signature: well.signature },
        WebhookFault::WrongKey => Signed { body: body.clone(), ..sign(&batch.seed.map(|byte| !byte), body) },
    };
    Outcome::Answered(post(&batch.target, &sent).await, sent)
}

fn sign(seed: &[u8; 32], body: &Bytes) -> Signed {
    let signature = Ed25519KeyPair::from_seed_unchecked(seed).map(|pair| BASE64.encode(pair.sign(body).as_ref()));
    Signed { body: body.clone(), signature: signature.unwrap_or_default() }
}

/// Still JSON, and no longer what was signed.
fn tampered(body: &Bytes) -> Bytes {
    let mut changed = body.to_vec();
    if changed.pop() == Some(b'}') {
        changed.extend_from_slice(b",\"tampered\":true}");
    }
    Bytes::from(changed)
}

/// The status that came back, if one did.
async fn post(target: &str, sent: &Signed) -> Option<u16> {
    timeout(PATIENCE, exchange(target, sent)).await.ok()?
}

async fn exchange(target: &str, sent: &Signed) -> Option<u16> {
    let uri: Uri = target.parse().ok()?;
    let (host, port) = (uri.host()?, uri.port_u16().unwrap_or(80));
    let stream = TcpStream::connect((host, port)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::post(uri.path_and_query()?.as_str())
        .header(header::HOST, format!("{host}:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("el8-ed25519-signature", &sent.signature)
        .body(Full::new(sent.body.clone()))
        .ok()?;
    let answer = async move {
        let response = sender.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        // Read to its end, so that the receiver does not see a broken connection. The sender ends here, and the connection with it.
        let _ = response.into_body().collect().await;
        Some(status)
    };
    let (status, _) = tokio::join!(answer, connection);
    status
}
