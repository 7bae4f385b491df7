//! Webhooks: checked, remembered, answered, and only then worked off. What they say is never believed: the object is read anew.

use super::engine::{Sync, Verdict};
use super::ports::{IntakeError, Note, Space};
use super::run::RunError;
use crate::http::Request;
use crate::source::ReadError;
use crate::vendor::{News, WebhookError};
use ::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use zeroize::Zeroizing;

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is durable, and worked off soon.
    Taken,
    /// It came before.
    Known,
    /// It is genuine and of no interest.
    Ignored,
    /// It is not genuine, or not understood.
    Refused(WebhookError),
}

/// The keys that verify a connection's webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Kind and public key of every subscription.
    pub keys: Vec<(String, Vec<u8>)>,
    /// The address that was subscribed.
    pub target: String,
}

#[derive(Serialize, Deserialize)]
struct Waiting {
    kind: String,
    id: String,
}

impl Sync {
    /// Takes a delivery. Answer with success only for what this gives as taken, known or ignored: a source repeats the rest.
    ///
    /// # Errors
    /// [`IntakeError::Unavailable`]: nothing was remembered.
    pub async fn deliver(&self, headers: &HeaderMap, body: &[u8]) -> Result<Delivery, IntakeError> {
        let keys: Vec<Vec<u8>> = self.subscribed()?.keys.into_iter().map(|(_, key)| key).collect();
        let news = match self.source().vendor.webhook(headers, body, &keys) {
            Ok(Some(news)) => news,
            Ok(None) => return Ok(Delivery::Ignored),
            Err(error) => {
                self.tally().refused_webhooks.fetch_add(1, Ordering::Relaxed);
                return Ok(Delivery::Refused(error));
            }
        };
        let key = self.event_key(&news)?;
        if self.intake().load(Space::Events, &key)?.is_some() {
            return Ok(Delivery::Known);
        }
        self.tally().webhooks.fetch_add(1, Ordering::Relaxed);
        let mut waiting = Zeroizing::new(Vec::new());
        let _ = serde_json::to_writer(&mut *waiting, &Waiting { kind: news.kind.to_owned(), id: news.id });
        let notes = vec![
            Note { space: Space::Events, key: key.clone(), value: Some(self.seen_now()) },
            Note { space: Space::Inbox, key, value: Some(waiting) },
        ];
        self.intake().write(None, notes).await?;
        Ok(Delivery::Taken)
    }

    /// Works off what was delivered.
    ///
    /// # Errors
    /// [`RunError`]. What is left is worked off the next time.
    pub async fn drain(&self) -> Result<u64, RunError> {
        let prefix = self.prefix();
        let mut done = 0;
        loop {
            let block = self.intake().list(Space::Inbox, &prefix, None, 100)?;
            if block.is_empty() {
                return Ok(done);
            }
            for (key, bytes) in block {
                let waiting = serde_json::from_slice::<Waiting>(&bytes).ok();
                let capabilities = self.source().vendor.capabilities();
                let named = waiting.and_then(|waiting| Some((capabilities.resource(&waiting.kind)?, waiting.id)));
                if let Some((resource, id)) = named {
                    self.take_by_id(resource, &id).await?;
                }
                self.intake().write(None, vec![Note { space: Space::Inbox, key, value: None }]).await?;
                done += 1;
            }
        }
    }

    /// Takes what an event of the list of past changes names, once per event.
    pub(crate) async fn take_news(&self, news: &News) -> Result<(), RunError> {
        let key = self.event_key(news)?;
        if self.intake().load(Space::Events, &key)?.is_some() {
            return Ok(());
        }
        let Some(resource) = self.source().vendor.capabilities().resource(news.kind) else { return Ok(()) };
        let verdict = self.take_by_id(resource, &news.id).await?;
        if verdict != Verdict::Aside {
            let note = Note { space: Space::Events, key, value: Some(self.seen_now()) };
            self.intake().write(None, vec![note]).await?;
        }
        Ok(())
    }

    /// Subscribes `target` to every kind that the source tells of, where that was not done before for this target.
    ///
    /// # Errors
    /// [`RunError`]. Subscriptions that were made are remembered.
    pub async fn subscribe(&self, target: &str) -> Result<(), RunError> {
        let mut subscribed = self.subscribed()?;
        if subscribed.target != target {
            subscribed = Subscribed { target: target.to_owned(), ..Subscribed::default() };
        }
        let vendor = &self.source().vendor;
        for resource in vendor.capabilities().resources.iter().filter(|resource| resource.webhook) {
            if subscribed.keys.iter().any(|(kind, _)| kind == resource.kind) {
                continue;
            }
            let Some((path, body)) = vendor.subscription(resource.kind, target) else { continue };
            let request = Request::json(self.source().address(path), body);
            match self.source().read(&request, |answer| vendor.subscribed(&answer.body)).await {
                Ok(key) => subscribed.keys.push((resource.kind.to_owned(), key)),
                // Somebody subscribed this target before and its key was lost: only the source's operators can remove that.
                Err(ReadError::Object(code)) => {
                    self.tally().refused_subscriptions.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(code, "a subscription was refused by the source");
                }
                Err(error) => return Err(error.into()),
            }
            let mut bytes = Zeroizing::new(vec![1]);
            let _ = serde_json::to_writer(&mut *bytes, &subscribed);
            let key = format!("{}webhooks", self.prefix());
            self.intake().write(None, vec![Note { space: Space::Cursors, key, value: Some(bytes) }]).await?;
        }
        Ok(())
    }

    fn subscribed(&self) -> Result<Subscribed, IntakeError> {
        let found = self.intake().load(Space::Cursors, &format!("{}webhooks", self.prefix()))?;
        let read = |bytes: Zeroizing<Vec<u8>>| {
            let (&1, text) = bytes.split_first()? else { return None };
            serde_json::from_slice(text).ok()
        };
        Ok(found.and_then(read).unwrap_or_default())
    }

    fn event_key(&self, news: &News) -> Result<String, IntakeError> {
        let name = self.intake().fingerprint(format!("event\0{}\0{}", news.kind, news.event).as_bytes())?;
        Ok(format!("{}{}", self.prefix(), data_encoding::HEXLOWER.encode(&name)))
    }

    fn seen_now(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.now().0.to_be_bytes().to_vec())
    }
}
