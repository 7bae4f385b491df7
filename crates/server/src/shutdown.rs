//! Stopping without losing what is being answered.

use axum::Router;
use axum::serve::Listener;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells every part of the process that it is time to stop. Clones share the news.
#[derive(Debug, Clone)]
pub struct Shutdown {
    news: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { news: watch::Sender::new(false) }
    }
}

impl Shutdown {
    /// Stops at the first SIGTERM or SIGINT. A second one ends the process at once, for when the first is not enough.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::default();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let told = shutdown.clone();
        tokio::spawn(async move {
            for asked in 0_u8.. {
                let name = tokio::select! { _ = terminate.recv() => "SIGTERM", _ = interrupt.recv() => "SIGINT" };
                if asked > 0 {
                    std::process::exit(130);
                }
                tracing::info!(signal = name, "stopping");
                told.now();
            }
        });
        Ok(shutdown)
    }

    /// Stops.
    pub fn now(&self) {
        self.news.send_replace(true);
    }

    /// Whether it is time to stop.
    #[must_use]
    pub fn is_on(&self) -> bool {
        *self.news.borrow()
    }

    /// For parts that look whether it is time to stop.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.news.subscribe()
    }

    /// Returns when it is time to stop.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut news = self.news.subscribe();
        async move {
            // The sender lives in `self` or a clone; when all are gone there is nobody left to serve for.
            let _ = news.wait_for(|stop| *stop).await;
        }
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered.
    All,
    /// The time was up; what still ran was cut off.
    TimeUp,
}

/// Serves until told to stop, then answers what has begun, for at most `drain`.
///
/// # Errors
/// When the listener fails.
pub async fn serve_until<L>(listener: L, router: Router, shutdown: &Shutdown, drain: Duration) -> io::Result<Drained>
where
    L: Listener,
    L::Addr: std::fmt::Debug,
{
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.wait());
    let late = {
        let told = shutdown.wait();
        async move {
            told.await;
            tokio::time::sleep(drain).await;
        }
    };
    tokio::select! {
        ended = async { serving.await } => ended.map(|()| Drained::All),
        () = late => Ok(Drained::TimeUp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    async fn ask_while_stopping(work: Duration, drain: Duration) -> (Drained, String) {
        let router = Router::new().route(
            "/",
            get(move || async move {
                tokio::time::sleep(work).await;
                "done"
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::default();
        let stop = shutdown.clone();
        let server = tokio::spawn(async move { serve_until(listener, router, &stop, drain).await.unwrap() });
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        shutdown.now();
        let mut answer = String::new();
        let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_string(&mut answer)).await;
        (server.await.unwrap(), answer)
    }

    #[tokio::test]
    async fn a_request_that_has_begun_is_answered() {
        let (drained, answer) = ask_while_stopping(Duration::from_millis(300), Duration::from_secs(20)).await;
        assert_eq!(drained, Drained::All);
        assert!(answer.ends_with("done"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_does_not_hold_up_the_stop() {
        let (drained, _) = ask_while_stopping(Duration::from_secs(60), Duration::from_millis(200)).await;
        assert_eq!(drained, Drained::TimeUp);
    }
}
