//! The listener: requests in, answers out, and the faults on the way.

use crate::core::Core;
use crate::faults::Fault;
use crate::reply::{Call, Reply};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// The largest body that is read.
const LARGEST_BODY: usize = 1024 * 1024;

/// Whether the simulator is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    Up,
    /// The port refuses; for so long, or until it is brought back.
    Down(Option<Duration>),
    Stopped,
}

/// Listens until it is stopped. While it is down the port is closed; it comes back on the same one.
pub(crate) async fn run(core: Arc<Core>, first: TcpListener, at: SocketAddr, power: watch::Sender<Power>) {
    let mut listener = Some(first);
    let mut seen = power.subscribe();
    loop {
        let now = *seen.borrow_and_update();
        match now {
            Power::Stopped => return,
            Power::Down(until) => {
                listener = None;
                wait_down(&mut seen, until).await;
                power.send_if_modified(|state| {
                    let over = *state == now && until.is_some();
                    if over {
                        *state = Power::Up;
                    }
                    over
                });
            }
            Power::Up => {
                let Some(open) = listener.take() else {
                    // Somebody's connection may hold the port for a moment.
                    match TcpListener::bind(at).await {
                        Ok(open) => listener = Some(open),
                        Err(_) => sleep(Duration::from_millis(20)).await,
                    }
                    continue;
                };
                tokio::select! {
                    accepted = open.accept() => {
                        if let Ok((stream, _)) = accepted {
                            tokio::spawn(connection(Arc::clone(&core), stream, power.clone()));
                        }
                    }
                    _ = seen.changed() => {}
                }
                listener = Some(open);
            }
        }
    }
}

async fn wait_down(seen: &mut watch::Receiver<Power>, until: Option<Duration>) {
    match until {
        Some(time) => tokio::select! {
            () = sleep(time) => {}
            _ = seen.changed() => {}
        },
        None => {
            let _ = seen.changed().await;
        }
    }
}

async fn connection(core: Arc<Core>, stream: TcpStream, power: watch::Sender<Power>) {
    let mut seen = power.subscribe();
    let service = hyper::service::service_fn(move |request| {
        let (core, power) = (Arc::clone(&core), power.clone());
        async move { respond(&core, &power, request).await }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // How a client ends its connection is its own affair.
        _ = served => {}
        _ = seen.wait_for(|power| *power != Power::Up) => {}
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the simulator ends this connection")]
struct Dropped;

async fn respond(
    core: &Core,
    power: &watch::Sender<Power>,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, Dropped> {
    let call = match read(request).await {
        Ok(call) => call,
        Err(refused) => return Ok(response(refused, Damage::None)),
    };
    let (wait, fault) = core.faults.for_request(&call.target(), call.later_page());
    if let Some(wait) = wait {
        sleep(wait).await;
    }
    let answered = faulty(core, power, &call, fault);
    core.count(&call, answered.as_ref().map_or(0, |(reply, _)| reply.status));
    answered.map(|(reply, damage)| response(reply, damage)).ok_or(Dropped)
}

/// The answer with its fault; none when the connection is to end.
fn faulty(core: &Core, power: &watch::Sender<Power>, call: &Call, fault: Fault) -> Option<(Reply, Damage)> {
    let well = |reply| Some((reply, Damage::None));
    match fault {
        Fault::None | Fault::Slow { .. } => well(core.answer(call)),
        Fault::ExpireToken => {
            if let Some(token) = call.token() {
                core.state().tokens.expire(token);
            }
            well(core.answer(call))
        }
        Fault::TooMany { retry_after } => well(Reply::throttled(retry_after)),
        Fault::Error { status } => {
            if status == 504 {
                core.answer(call);
            }
            well(Reply::server_error(status))
        }
        Fault::Truncate => {
            let mut reply = core.answer(call);
            reply.body.truncate(reply.body.len() / 2);
            well(reply)
        }
        Fault::Cut => Some((core.answer(call), Damage::Cut)),
        Fault::DropBefore => None,
        Fault::DropAfter => {
            core.answer(call);
            None
        }
        Fault::Die { millis } => {
            power.send_if_modified(|state| {
                let alive = *state == Power::Up;
                if alive {
                    *state = Power::Down(Some(Duration::from_millis(millis)));
                }
                alive
            });
            None
        }
    }
}

async fn read(request: Request<Incoming>) -> Result<Call, Reply> {
    let (head, body) = request.into_parts();
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(body) = whole(body).await else { return Err(Reply::detail(413, "Request body too large.")) };
    Ok(Call {
        authorization: text(header::AUTHORIZATION),
        content_type: text(header::CONTENT_TYPE),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        method: head.method,
        body,
    })
}

/// The body; nothing when it is too large or breaks off. It is read to its end in every case, so that the client, who is still
/// sending, sees the answer and not a broken connection.
async fn whole(mut body: Incoming) -> Option<Bytes> {
    let mut taken = Vec::new();
    let mut fits = true;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        fits &= taken.len() + data.len() <= LARGEST_BODY;
        if fits {
            taken.extend_from_slice(&data);
        }
    }
    fits.then(|| Bytes::from(taken))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    None,
    /// The connection ends in the middle of the body.
    Cut,
}

fn response(reply: Reply, damage: Damage) -> Response<Outgoing> {
    let length = reply.body.len() as u64;
    let sent = match damage {
        Damage::None => reply.body,
        Damage::Cut => reply.body.slice(..reply.body.len() / 2),
    };
    let body = Outgoing { rest: Some(sent).filter(|sent| !sent.is_empty()), length, breaks: damage == Damage::Cut };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A body that may break off.
#[derive(Debug)]
struct Outgoing {
    rest: Option<Bytes>,
    length: u64,
    breaks: bool,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.rest.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.breaks => {
                self.breaks = false;
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
