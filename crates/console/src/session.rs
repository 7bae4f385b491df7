//! Sessions of the console: a cookie names one, and the tokens stay here.
//!
//! The reference in the cookie is 256 random bits and says nothing. A session lives in memory: after a restart people sign in
//! again. Signing in is the password grant of the console's OAuth client, so limits, log entries and revocation are those of
//! `identity`.

use aceso_base::{Clock, LogicalId, Purpose, Randomness, RequestId, Timestamp};
use aceso_identity::{AuthError, Identity, OAuthError, Secret, TokenRequest, TokenResponse, Verified};
use data_encoding::HEXLOWER;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most sessions at once; the longest unused ones go first.
const MAX_SESSIONS: usize = 10_000;

pub(crate) struct Sessions {
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Randomness>,
    client_id: String,
    open: Mutex<HashMap<String, Arc<Session>>>,
}

/// One person who is signed in with one browser.
pub(crate) struct Session {
    /// Stands in every form; a request from elsewhere does not know it.
    pub(crate) csrf: String,
    tokens: tokio::sync::Mutex<Tokens>,
    choice: Mutex<Choice>,
}

struct Tokens {
    access: Secret,
    refresh: Option<Secret>,
}

#[derive(Clone)]
struct Choice {
    purpose: Option<Purpose>,
    patient: Option<LogicalId>,
    used: Timestamp,
}

impl Sessions {
    pub(crate) fn new(
        identity: Arc<Identity>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
        client_id: String,
    ) -> Self {
        Self { identity, clock, rng, client_id, open: Mutex::default() }
    }

    /// 256 random bits as text.
    pub(crate) fn random(&self) -> String {
        let mut bytes = [0; 32];
        self.rng.fill(&mut bytes);
        HEXLOWER.encode(&bytes)
    }

    /// Signs somebody in; the answer is the reference for the cookie.
    pub(crate) async fn sign_in(
        &self,
        username: String,
        password: Secret,
        request: RequestId,
    ) -> Result<String, OAuthError> {
        let answer = self
            .identity
            .token(TokenRequest {
                grant_type: "password".to_owned(),
                username: Some(username),
                password: Some(password),
                client_id: Some(self.client_id.clone()),
                request: Some(request),
                ..TokenRequest::default()
            })
            .await?;
        let reference = self.random();
        let session = Session {
            csrf: self.random(),
            tokens: tokio::sync::Mutex::new(Tokens::of(answer)),
            choice: Mutex::new(Choice { purpose: None, patient: None, used: self.clock.now() }),
        };
        self.make_room();
        self.table().insert(reference.clone(), Arc::new(session));
        Ok(reference)
    }

    /// The session of a reference and who it speaks for; `None` when there is none or it is over.
    pub(crate) async fn find(&self, reference: &str, request: RequestId) -> Option<(Arc<Session>, Arc<Verified>)> {
        let session = self.table().get(reference).cloned()?;
        match self.verified(&session, request).await {
            Some(verified) => {
                session.choice().used = self.clock.now();
                Some((session, verified))
            }
            None => {
                self.table().remove(reference);
                None
            }
        }
    }

    /// Whether a session goes on, asked without using it: watching a page renews nothing.
    pub(crate) async fn goes_on(&self, reference: &str) -> bool {
        let Some(session) = self.table().get(reference).cloned() else { return false };
        let tokens = session.tokens.lock().await;
        self.identity.verify(tokens.access.reveal()).is_ok()
    }

    /// Ends a session here; its tokens are ended by the caller.
    pub(crate) fn forget(&self, reference: &str) {
        self.table().remove(reference);
    }

    /// The access token, renewed when its time is up. One at a time per session: a refresh token works once.
    async fn verified(&self, session: &Session, request: RequestId) -> Option<Arc<Verified>> {
        let mut tokens = session.tokens.lock().await;
        match self.identity.verify(tokens.access.reveal()) {
            Ok(verified) => return Some(verified),
            Err(AuthError::Expired) => {}
            Err(_) => return None,
        }
        let answer = self
            .identity
            .token(TokenRequest {
                grant_type: "refresh_token".to_owned(),
                refresh_token: tokens.refresh.clone(),
                client_id: Some(self.client_id.clone()),
                request: Some(request),
                ..TokenRequest::default()
            })
            .await
            .ok()?;
        *tokens = Tokens::of(answer);
        self.identity.verify(tokens.access.reveal()).ok()
    }

    /// Sessions that nobody used for longer than a refresh token lives are over; beyond the bound the longest unused go too.
    fn make_room(&self) {
        let oldest = self.clock.now().plus_seconds(-self.identity.config().ttl.refresh_idle);
        let mut open = self.table();
        open.retain(|_, session| session.choice().used >= oldest);
        if open.len() >= MAX_SESSIONS {
            let unused = open.iter().min_by_key(|(_, session)| session.choice().used).map(|(key, _)| key.clone());
            unused.and_then(|key| open.remove(&key));
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The purpose that was chosen, if one was.
    pub(crate) fn purpose(&self) -> Option<Purpose> {
        self.choice().purpose
    }

    pub(crate) fn choose(&self, purpose: Purpose) {
        self.choice().purpose = Some(purpose);
    }

    /// The patient whose record was looked at last: the proof panel begins with it.
    pub(crate) fn patient(&self) -> Option<LogicalId> {
        self.choice().patient.clone()
    }

    pub(crate) fn looked_at(&self, patient: &LogicalId) {
        self.choice().patient = Some(patient.clone());
    }
}

impl Tokens {
    fn of(answer: TokenResponse) -> Self {
        Self { access: answer.access_token, refresh: answer.refresh_token }
    }
}
