//! Reading from a connected system: one request after the rules of token, load and error table.

use crate::http::{Answer, HttpError, Request};
use crate::keeper::{AccessError, Keeper};
use crate::limiter::{Limiter, Load};
use crate::pattern::{ConnectionId, Remedy, ResourceCapability, VendorError, classify};
use crate::vendor::{Offer, Page, Vendor};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Why something could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The object was deleted at the source.
    Deleted,
    /// This object cannot be read; others can.
    Object(&'static str),
    /// Tried often enough for now; the next run goes on.
    Later(&'static str),
    /// The source has forgotten the list that this page was of: its first page is to be asked for again.
    Expired,
    /// Nothing can be read until an operator has done something.
    Stop(&'static str),
}

impl ReadError {
    /// A fixed word for logs, letters and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Expired => "list-expired",
            Self::Object(code) | Self::Later(code) | Self::Stop(code) => code,
        }
    }
}

/// Requests of one connection, counted.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests sent.
    pub requests: AtomicU64,
    /// Of these, how many were sent again after a failure.
    pub retries: AtomicU64,
}

/// One connection's way to its source.
#[derive(Clone)]
pub struct Source {
    pub(crate) vendor: Arc<dyn Vendor>,
    pub(crate) connection: ConnectionId,
    pub(crate) base: Arc<str>,
    keeper: Keeper,
    limiter: Limiter,
    counts: Arc<Counts>,
    offer: Arc<Mutex<Option<Arc<Offer>>>>,
}

/// How often one request is tried before the run gives up on it.
const TRIES: u32 = 8;
/// Seconds for which one request and its repetitions may use a token.
const ACCESS: i64 = 900;

impl Source {
    /// A source below `base`, whose token `keeper` has in charge under the name of the connection.
    #[must_use]
    pub fn new(
        vendor: Arc<dyn Vendor>,
        connection: ConnectionId,
        base: &str,
        keeper: Keeper,
        limiter: Limiter,
    ) -> Self {
        let base = Arc::from(base.trim_end_matches('/'));
        Self { vendor, connection, base, keeper, limiter, counts: Arc::default(), offer: Arc::default() }
    }

    /// What was sent so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The vendor, as it was opened.
    #[must_use]
    pub fn vendor(&self) -> &dyn Vendor {
        &*self.vendor
    }

    /// The limiter, for operators.
    #[must_use]
    pub const fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// An address below the base.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        format!("{}/{}", self.base, path.trim_start_matches('/'))
    }

    /// What the source offers: asked once, and again when `anew`.
    pub(crate) async fn offer(&self, anew: bool) -> Result<Arc<Offer>, ReadError> {
        match (self.known_offer(), self.vendor.description()) {
            (Some(known), _) if !anew => Ok(known),
            (_, None) => Ok(Arc::default()),
            (_, Some(path)) => {
                let request = Request::get(self.address(path));
                let told = self.read(&request, |answer| self.vendor.offer(&answer.body)).await;
                // Without it nothing is known of the source, least of all that its objects are gone.
                let told = Arc::new(told.map_err(|error| match error {
                    ReadError::Later(_) | ReadError::Stop(_) => error,
                    _ => ReadError::Stop("no-description"),
                })?);
                *self.offer.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&told));
                Ok(told)
            }
        }
    }

    /// What the source offers, where it was asked already.
    pub(crate) fn known_offer(&self) -> Option<Arc<Offer>> {
        self.offer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One page of a list.
    pub(crate) async fn page(&self, address: &str) -> Result<Page, ReadError> {
        self.read(&Request::get(address), |answer| self.vendor.page(&answer.body)).await
    }

    /// One object.
    pub(crate) async fn object(
        &self,
        resource: &ResourceCapability,
        id: &str,
    ) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        let whole = |answer: Answer| {
            // A body that was cut is no JSON.
            let checked: Result<&serde_json::value::RawValue, _> = serde_json::from_slice(&answer.body);
            checked.map(|_| ()).map_err(|_| VendorError::Garbled)?;
            Ok(answer.body)
        };
        self.read(&Request::get(self.address(&self.vendor.object_path(resource, id))), whole).await
    }

    /// Sends until there is an answer that `take` understands, the table says otherwise, or it was tried often enough.
    pub(crate) async fn read<T>(
        &self,
        request: &Request,
        take: impl Fn(Answer) -> Result<T, VendorError>,
    ) -> Result<T, ReadError> {
        let mut last = ReadError::Later("unreachable");
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.counts.retries.fetch_add(1, Ordering::Relaxed);
            }
            match self.once(request, &take).await {
                Ok(taken) => return Ok(taken),
                Err(error @ ReadError::Later(_)) => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn once<T>(
        &self,
        request: &Request,
        take: &impl Fn(Answer) -> Result<T, VendorError>,
    ) -> Result<T, ReadError> {
        let permit = self.limiter.begin().await;
        let access = self.keeper.access(self.connection.as_str(), ACCESS).ok_or(ReadError::Stop("not-in-charge"))?;
        // Requests for tokens and repetitions with a new one are in the budget, too.
        let access = access.within(self.limiter.clone());
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let mut request = request.clone();
        request.headers.extend(self.vendor.headers());
        let answer = match access.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let (load, error) = judge_access(error);
                permit.finish(load);
                return Err(error);
            }
        };
        if matches!(answer.status, 200 | 201) {
            let taken = take(answer);
            permit.finish(if taken.is_ok() { Load::Well } else { Load::Strained(None) });
            return taken.map_err(|_| ReadError::Later("garbled"));
        }
        let code = self.vendor.error_code(&answer.body);
        let (error, remedy) = classify(self.vendor.errors(), Some(answer.status), code.as_deref());
        let (load, verdict) = match remedy {
            Remedy::Retry | Remedy::SlowDown => (Load::Strained(answer.retry_after()), ReadError::Later(word(error))),
            Remedy::Deleted => (Load::Well, ReadError::Deleted),
            Remedy::StartAgain => (Load::Well, ReadError::Expired),
            Remedy::DeadLetter => (Load::Well, ReadError::Object(word(error))),
            // The keeper has tried a fresh token already.
            Remedy::RefreshToken | Remedy::Stop => (Load::Well, ReadError::Stop(word(error))),
        };
        permit.finish(load);
        Err(verdict)
    }
}

fn judge_access(error: AccessError) -> (Load, ReadError) {
    use crate::keeper::TokenError;
    match error {
        AccessError::Token(TokenError::Refused | TokenError::Key) | AccessError::Unauthorised => {
            (Load::Well, ReadError::Stop(error.code()))
        }
        AccessError::Foreign
        | AccessError::Http(HttpError::Address)
        | AccessError::Token(TokenError::NoAnswer(HttpError::Address)) => (Load::Well, ReadError::Stop(error.code())),
        AccessError::Http(HttpError::TooLarge) => (Load::Well, ReadError::Object(error.code())),
        AccessError::Token(
            TokenError::NoAnswer(_) | TokenError::Failing | TokenError::Answer | TokenError::Discovery,
        )
        | AccessError::Http(HttpError::Unreachable | HttpError::TimedOut)
        | AccessError::Expired => (Load::Strained(None), ReadError::Later(error.code())),
    }
}

/// A fixed word for an error of the vendor.
const fn word(error: VendorError) -> &'static str {
    match error {
        VendorError::Unreachable => "unreachable",
        VendorError::Garbled => "garbled",
        VendorError::Throttled => "throttled",
        VendorError::Unavailable => "unavailable",
        VendorError::Unauthorized => "unauthorised",
        VendorError::Forbidden => "forbidden",
        VendorError::NotFound => "not-found",
        VendorError::Gone => "gone",
        VendorError::Duplicate => "duplicate",
        VendorError::Refused => "refused",
        VendorError::Restricted => "restricted",
        VendorError::Expired => "list-expired",
        VendorError::Unexpected => "unexpected-status",
    }
}
