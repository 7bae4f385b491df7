//! Refusals that no decision led to (a token that does not hold, a request that makes no sense) become entries of the log.
//!
//! Handlers answer with a [`crate::reply::Refusal`]; one place, around all of them, sees which of those have no entry yet. Of a
//! flood of bad tokens the first is an entry, and what follows within a second is one counted entry.

use crate::Api;
use crate::reply::{Refusal, add_receipt};
use crate::request_id::Stamped;
use aceso_audit::{Action, Entry, Outcome, Receipt};
use aceso_base::{Purpose, RequestId};
use aceso_custodian::{Custodian, DoorError};
use aceso_identity::Verified;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Who asked, as far as the handler found out.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// A token that holds, and the purpose if it was understood.
    Known(Arc<Verified>, Option<Purpose>),
    /// Something was presented that is no valid token, and why, as a fixed code.
    Doubtful(&'static str),
}

/// A note from the handler to the place that writes the entry.
#[derive(Clone, Default)]
pub(crate) struct Asker(Arc<OnceLock<Who>>);

impl Asker {
    pub(crate) fn is(&self, who: Who) {
        // Said once per request; a second handler saying it again changes nothing.
        drop(self.0.set(who));
    }
}

/// The issue code of a refusal without an entry; travels in the response's extensions.
#[derive(Clone, Copy)]
pub(crate) struct Unrecorded(pub(crate) &'static str);

/// Completes an answer: its entry, if it has none and somebody is known to have asked.
pub(crate) async fn completed(
    api: &Api,
    stamped: &Stamped,
    action: impl FnOnce() -> Option<Action>,
    mut response: Response,
) -> Response {
    let Some(Unrecorded(code)) = response.extensions_mut().remove::<Unrecorded>() else { return response };
    let (Some(who), Some(action)) = (stamped.asker.0.get(), action()) else { return response };
    let recorded = match who {
        Who::Doubtful(why) => api.doubts.note(api.repository.door(), why, stamped.id).await,
        Who::Known(verified, purpose) => {
            let outcome =
                if response.status() == StatusCode::FORBIDDEN { Outcome::denied(code) } else { Outcome::failed(code) };
            let entry = entry(api, verified, *purpose, action, stamped.id).with_outcome(outcome);
            api.repository.door().record_refused(entry).await.map(Some)
        }
    };
    match recorded {
        Ok(receipt) => {
            add_receipt(response.headers_mut(), receipt.as_ref());
            response
        }
        Err(error) => Refusal(error.into()).into_response(),
    }
}

fn entry(api: &Api, verified: &Verified, purpose: Option<Purpose>, action: Action, request: RequestId) -> Entry {
    match purpose {
        Some(purpose) => Entry::by(&verified.caller(purpose, request), action),
        None => Entry::system(api.repository.door().region(), action)
            .with_tenant(&verified.tenant)
            .with_user(&verified.user)
            .with_client(&verified.client)
            .with_session(verified.session)
            .with_request(request),
    }
}

/// How long bad tokens of one kind are counted together.
const WINDOW: Duration = Duration::from_secs(1);

/// Bad tokens, by kind: how many came since the last entry. A kind that is absent has no window open.
#[derive(Default)]
pub(crate) struct Doubts(Mutex<BTreeMap<&'static str, u64>>);

impl Doubts {
    /// The first of its kind is an entry at once; others are counted until the window ends.
    async fn note(
        self: &Arc<Self>,
        door: &Custodian,
        why: &'static str,
        request: RequestId,
    ) -> Result<Option<Receipt>, DoorError> {
        {
            let mut open = self.open();
            if let Some(count) = open.get_mut(why) {
                *count = count.saturating_add(1);
                return Ok(None);
            }
            open.insert(why, 0);
        }
        let entry = Entry::system(door.region(), Action::TokenRefused).with_request(request);
        let receipt = door.record_refused(entry.with_outcome(Outcome::denied(why))).await;
        tokio::spawn(Arc::clone(self).count_down(door.clone(), why));
        receipt.map(Some)
    }

    /// Writes one counted entry per window for as long as more come.
    async fn count_down(self: Arc<Self>, door: Custodian, why: &'static str) {
        loop {
            tokio::time::sleep(WINDOW).await;
            let count = {
                let mut open = self.open();
                match open.get_mut(why).map(std::mem::take) {
                    None | Some(0) => {
                        open.remove(why);
                        return;
                    }
                    Some(count) => count,
                }
            };
            let entry = Entry::system(door.region(), Action::TokenRefused).with_count(count);
            if door.record_refused(entry.with_outcome(Outcome::denied(why))).await.is_err() {
                // Not lost: they are counted again and stand in the next entry that can be written.
                let mut open = self.open();
                let waiting = open.entry(why).or_default();
                *waiting = waiting.saturating_add(count);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<&'static str, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
