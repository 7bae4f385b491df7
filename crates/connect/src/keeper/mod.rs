//! The keeper of upstream access tokens, apart from everything that uses them.
//!
//! Callers get an [`Access`]: it sends requests of one connection, for a limited time, with the token put in on the way out and nowhere
//! else. The keeper obtains tokens, renews them before they expire, once more when the other system answers 401, and never
//! twice at the same time for one connection. What it keeps between restarts goes through a [`Vault`], which seals; what several
//! instances share goes through a [`Share`], which seals too.

mod discovery;
mod grant;
mod share;
mod stored;

pub use discovery::DISCOVERY;
pub use grant::{Algorithm, Assertion, AssertionError, Credentials, Proof};
pub use share::{Share, ShareError, Sharing};

use crate::http::{Answer, Http, HttpError, Request};
use crate::limiter::Limiter;
use ::http::HeaderValue;
use ::http::header::AUTHORIZATION;
use aceso_base::{Clock, Randomness, Timestamp};
use grant::{TokenAnswer, token_request};
use share::Had;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use stored::Token;
use zeroize::Zeroizing;

/// Where sealed tokens stay between restarts.
pub trait Vault: Send + Sync {
    /// What was kept last under a name, opened.
    ///
    /// # Errors
    /// [`VaultError`] when it cannot be read or does not open.
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;

    /// Seals and keeps; `None` forgets.
    ///
    /// # Errors
    /// [`VaultError`] when it cannot be made durable.
    fn keep(&self, name: &str, plain: Option<Zeroizing<Vec<u8>>>) -> BoxFuture<'_, Result<(), VaultError>>;
}

/// A boxed future, for traits that are used as objects.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The vault cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed place of tokens cannot be used")]
pub struct VaultError;

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint refused the credentials: retrying does not help.
    #[error("the other system refuses the credentials of this connection; check client id, secret and scopes")]
    Refused,
    /// No answer of the token endpoint, or none in time.
    #[error("no token: {0}")]
    NoAnswer(#[from] HttpError),
    /// The token endpoint failed.
    #[error("the token endpoint of the other system fails; it is tried again")]
    Failing,
    /// Its answer is no token answer (RFC 6749 section 5.1).
    #[error("the answer of the token endpoint is not understood")]
    Answer,
    /// A client assertion could not be signed with the configured key.
    #[error("the key of this connection does not sign")]
    Key,
    /// The other system does not say where its token endpoint is (SMART App Launch 2.2, section "Conformance").
    #[error("the other system does not say where its token endpoint is; check the address, or give the endpoint")]
    Discovery,
}

impl TokenError {
    /// A fixed word for logs, letters and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused => "token-refused",
            Self::NoAnswer(error) => error.code(),
            Self::Failing => "token-endpoint-failing",
            Self::Answer => "token-answer",
            Self::Key => "token-key",
            Self::Discovery => "token-discovery",
        }
    }
}

/// Why a request of a connection had no answer that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No answer.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A fresh token was refused, too: the connection has no right to what it asked.
    #[error("the other system refuses a fresh token")]
    Unauthorised,
    /// The time of this access is over; take a new one.
    #[error("this access has expired")]
    Expired,
    /// The address is not below the base address of the connection.
    #[error("the address is not one of this connection")]
    Foreign,
}

impl AccessError {
    /// A fixed word for logs, letters and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Token(error) => error.code(),
            Self::Http(error) => error.code(),
            Self::Unauthorised => "unauthorised",
            Self::Expired => "access-expired",
            Self::Foreign => "foreign-address",
        }
    }
}

/// What operators see of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenStatus {
    /// When the present token expires; `None`: there is none.
    pub expires: Option<Timestamp>,
    /// When it was obtained.
    pub refreshed: Option<Timestamp>,
    /// Tokens obtained by this process.
    pub refreshes: u64,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// Why the last attempt failed, when it did.
    pub last_error: Option<&'static str>,
}

/// The keeper. Cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    vault: Arc<dyn Vault>,
    sharing: Option<Sharing>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Randomness>,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
}

/// One connection's token.
struct Slot {
    credentials: Credentials,
    base: String,
    /// The token endpoint, where it was asked for: kept until the process ends.
    endpoint: Mutex<Option<String>>,
    /// Held while a token is obtained: one request to the token endpoint at a time.
    renewing: tokio::sync::Mutex<()>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Token>,
    status: TokenStatus,
    /// When the shared place was looked at last.
    checked: Option<Timestamp>,
}

/// The right to send requests of one connection for a while.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
    name: Arc<str>,
    slot: Arc<Slot>,
    until: Timestamp,
    budget: Option<Limiter>,
}

/// A token is renewed when less than this part of its life is left, and at least [`LEAST_LEFT`].
const RENEW_AT: i64 = 5;
/// Seconds.
const LEAST_LEFT: i64 = 30;

impl Keeper {
    /// A keeper without connections, for a single instance.
    #[must_use]
    pub fn new(http: Http, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>, rng: Arc<dyn Randomness>) -> Self {
        Self::sharing(http, vault, None, clock, rng)
    }

    /// A keeper without connections, that shares its tokens with those of other instances.
    #[must_use]
    pub fn sharing(
        http: Http,
        vault: Arc<dyn Vault>,
        sharing: Option<Sharing>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Self {
        Self { inner: Arc::new(Inner { http, vault, sharing, clock, rng, slots: Mutex::default() }) }
    }

    /// Takes a connection in charge. `base` is the address below which its token may be sent. A token that was kept is
    /// taken over; one that does not open is forgotten and a new one obtained when it is needed.
    pub fn register(&self, name: &str, base: &str, credentials: Credentials) {
        let kept = self.inner.vault.load(name).ok().flatten();
        let token = kept.and_then(|bytes| Token::decode(&bytes, &credentials.fingerprint()));
        let status = TokenStatus {
            expires: token.as_ref().map(|token| token.expires),
            refreshed: token.as_ref().map(|token| token.obtained),
            ..TokenStatus::default()
        };
        let slot = Slot {
            credentials,
            base: base.trim_end_matches('/').to_owned(),
            endpoint: Mutex::default(),
            renewing: tokio::sync::Mutex::new(()),
            held: Mutex::new(Held { token, status, checked: None }),
        };
        self.slots().insert(name.to_owned(), Arc::new(slot));
    }

    /// Forgets a connection and its kept token.
    ///
    /// # Errors
    /// [`VaultError`] when the kept token cannot be removed; it is no longer used then, either.
    pub async fn forget(&self, name: &str) -> Result<(), VaultError> {
        let slot = self.slots().remove(name);
        if let (Some(sharing), Some(slot)) = (&self.inner.sharing, slot) {
            let shared = share::shared_name(name, &slot.credentials.fingerprint());
            // Lost: it ends with the life of the token.
            let _ = sharing.place.keep(&shared, None, std::time::Duration::ZERO).await;
        }
        self.inner.vault.keep(name, None).await
    }

    /// The right to send requests of this connection for `seconds`; `None` for a connection that is not in charge.
    #[must_use]
    pub fn access(&self, name: &str, seconds: i64) -> Option<Access> {
        let slot = Arc::clone(self.slots().get(name)?);
        let until = self.inner.clock.now().plus_seconds(seconds);
        Some(Access { inner: Arc::clone(&self.inner), name: Arc::from(name), slot, until, budget: None })
    }

    /// What operators may know; `None` for a connection that is not in charge.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<TokenStatus> {
        let slot = Arc::clone(self.slots().get(name)?);
        let status = slot.held().status.clone();
        Some(status)
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Slot>>> {
        self.inner.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Access {
    /// Counts in a budget what is sent beside the request that the caller has counted: for tokens, and once more with a new one.
    #[must_use]
    pub fn within(mut self, budget: Limiter) -> Self {
        self.budget = Some(budget);
        self
    }

    async fn spend(&self) {
        if let Some(budget) = &self.budget {
            budget.spend().await;
        }
    }

    /// Sends a request with the connection's token. A 401 is answered once with a new token.
    ///
    /// # Errors
    /// [`AccessError`]. Every other status is an answer.
    pub async fn send(&self, request: Request) -> Result<Answer, AccessError> {
        if self.inner.clock.now() >= self.until {
            return Err(AccessError::Expired);
        }
        if !self.slot.is_below_base(&request.address) {
            return Err(AccessError::Foreign);
        }
        let token = self.token(None).await?;
        let answer = self.inner.http.send(authorised(&request, &token)?).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let fresh = self.token(Some(&token)).await?;
        self.spend().await;
        let answer = self.inner.http.send(authorised(&request, &fresh)?).await?;
        if answer.status == 401 { Err(AccessError::Unauthorised) } else { Ok(answer) }
    }

    /// A token with some life left, other than `refused`.
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        if let Some(token) = self.slot.usable(self.inner.clock.now(), refused) {
            return Ok(match &self.inner.sharing {
                Some(sharing) => self.check_shared(sharing, token).await,
                None => token,
            });
        }
        let _alone = self.slot.renewing.lock().await;
        // Whoever waited here finds what the one before him brought.
        if let Some(token) = self.slot.usable(self.inner.clock.now(), refused) {
            return Ok(token);
        }
        let had = match &self.inner.sharing {
            Some(sharing) => self.obtain_shared(sharing, refused).await,
            None => self.obtain().await.map(Had::Own),
        };
        self.slot.note(&had);
        let (Had::Own(token) | Had::Others(token)) = had?;
        let kept = token.encode(&self.slot.credentials.fingerprint());
        if self.inner.vault.keep(&self.name, Some(kept)).await.is_err() {
            // The token works; after a restart another one is obtained.
            tracing::warn!("an upstream token could not be kept");
        }
        Ok(token)
    }

    async fn obtain(&self) -> Result<Token, TokenError> {
        let endpoint = self.endpoint().await?;
        let now = self.inner.clock.now();
        let request =
            token_request(&self.slot.credentials, &endpoint, now, &*self.inner.rng).map_err(|_| TokenError::Key)?;
        self.spend().await;
        let answer = self.inner.http.send(request).await?;
        match answer.status {
            200 => {}
            400..=403 => return Err(TokenError::Refused),
            _ => return Err(TokenError::Failing),
        }
        let told = TokenAnswer::parse(&answer.body).ok_or(TokenError::Answer)?;
        Ok(Token { text: told.access_token, obtained: now, expires: now.plus_seconds(told.expires_in) })
    }
}

impl Slot {
    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, had: &Result<Had, TokenError>) {
        let mut held = self.held();
        match had {
            Ok(Had::Others(token)) => held.take_over(token),
            Ok(Had::Own(token)) => {
                held.status = TokenStatus {
                    expires: Some(token.expires),
                    refreshed: Some(token.obtained),
                    refreshes: held.status.refreshes + 1,
                    failures: 0,
                    last_error: None,
                };
                held.token = Some(token.clone());
            }
            Err(error) => {
                held.status.failures = held.status.failures.saturating_add(1);
                held.status.last_error = Some(error.code());
            }
        }
    }

    fn usable(&self, now: Timestamp, refused: Option<&Token>) -> Option<Token> {
        let held = self.held();
        let token = held.token.as_ref()?;
        token.is_usable(now, refused).then(|| token.clone())
    }

    fn take_over(&self, token: &Token) {
        self.held().take_over(token);
    }

    /// Whether it is time to look at the shared place; says so once.
    fn check_is_due(&self, now: Timestamp) -> bool {
        let mut held = self.held();
        let due = held.checked.is_none_or(|checked| checked.plus_seconds(share::CHECK_EVERY) <= now);
        if due {
            held.checked = Some(now);
        }
        due
    }

    /// Whether a token may go there: the same scheme, host and port, and the path at or below the base.
    fn is_below_base(&self, address: &str) -> bool {
        let Some(rest) = address.strip_prefix(&self.base) else { return false };
        (rest.is_empty() || rest.starts_with(['/', '?'])) && !rest.contains("/../") && !rest.ends_with("/..")
    }
}

impl Held {
    /// A token that another instance obtained.
    fn take_over(&mut self, token: &Token) {
        self.status = TokenStatus {
            expires: Some(token.expires),
            refreshed: Some(token.obtained),
            refreshes: self.status.refreshes,
            failures: 0,
            last_error: None,
        };
        self.token = Some(token.clone());
    }
}

impl Token {
    fn has_life_left(&self, now: Timestamp) -> bool {
        let life = self.expires.0.saturating_sub(self.obtained.0);
        let left = self.expires.0.saturating_sub(now.0);
        left > (life / RENEW_AT).clamp(0, LEAST_LEFT * 1000)
    }
}

fn authorised(request: &Request, token: &Token) -> Result<Request, AccessError> {
    let mut value = HeaderValue::from_str(&Zeroizing::new(format!("Bearer {}", token.text.as_str())))
        .map_err(|_| AccessError::Token(TokenError::Answer))?;
    value.set_sensitive(true);
    Ok(request.clone().with(AUTHORIZATION, value))
}
