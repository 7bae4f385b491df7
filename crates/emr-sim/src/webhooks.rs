//! Subscriptions, events, and which deliveries are due (note, section 1.5).

use crate::facts::{DAY, Seconds};
use crate::kind::Kind;
use crate::objects::instant;
use crate::options::Retry;
use crate::random::Stream;
use crate::store::{Store, Touched};
use crate::world::{Space, World};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use bytes::Bytes;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How long `published_events` knows a delivery.
const KEPT: Seconds = 30 * DAY;

/// How many accepted deliveries of a subscription can be replayed.
const REPLAYABLE: usize = 32;

/// An address that wants the events of one resource.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: i64,
    application: String,
    resource: &'static str,
    target: String,
    properties: Value,
    created: Seconds,
    seed: [u8; 32],
    public: String,
    /// Deliveries of it are under way.
    busy: bool,
    accepted: VecDeque<Signed>,
}

/// A body as it went out.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) body: Bytes,
    pub(crate) signature: String,
}

impl Subscription {
    pub(crate) fn body(&self) -> Value {
        json!({
            "id": self.id,
            "resource": self.resource,
            "target": self.target,
            "properties": self.properties,
            "signing_pub_key": self.public,
            "created_date": instant(self.created),
            "deleted_date": null,
        })
    }
}

/// One event on its way to one subscription.
#[derive(Debug)]
pub(crate) struct Delivery {
    id: i64,
    subscription: i64,
    application: String,
    target: String,
    event_id: i64,
    event_uuid: String,
    kind: Kind,
    object: i64,
    action: &'static str,
    /// Gone when nothing will be sent any more.
    body: Option<Bytes>,
    made: Seconds,
    due: Seconds,
    attempts: u32,
    status: Option<u16>,
    processed: Option<Seconds>,
    /// Rounds that it waits so that others overtake it.
    held: u32,
}

impl Delivery {
    fn published(&self) -> Value {
        let failed = self.status.is_some_and(|status| status != 200);
        json!({
            "id": self.id,
            "event_id": self.event_id,
            "event_type": self.action,
            "resource": self.kind.path(),
            "resource_id": self.object,
            "target": self.target,
            "status_code": self.status,
            "error_content": failed.then_some(""),
            "processed_date": self.processed.map(instant),
        })
    }
}

/// What is known of a delivery, for tests and for those who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// `event_id`
    pub event_id: i64,
    /// `event_uuid`
    pub event_uuid: String,
    /// The type of the object.
    pub kind: Kind,
    /// The object's id.
    pub object: i64,
    /// Where it goes.
    pub target: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The last answer; nothing when there was none.
    pub status: Option<u16>,
    /// Whether it will be tried again.
    pub open: bool,
}

/// What is to be sent now, in this order, to one address.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) subscription: i64,
    pub(crate) target: String,
    pub(crate) seed: [u8; 32],
    pub(crate) items: Vec<Item>,
    /// One that was accepted before, to be sent again where a fault wants it.
    pub(crate) old: Option<Signed>,
}

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) delivery: i64,
    pub(crate) body: Bytes,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The status that came back, and what was sent; no status when nothing came back.
    Answered(Option<u16>, Signed),
    /// Lost: never sent, and never tried again.
    Lost,
    /// Not sent in this round.
    Held,
}

/// All subscriptions and deliveries.
#[derive(Debug)]
pub(crate) struct Hooks {
    world: Arc<World>,
    retry: Retry,
    subscriptions: BTreeMap<i64, Subscription>,
    deliveries: BTreeMap<i64, Delivery>,
    open: BTreeSet<i64>,
    numbers: [u64; 3],
    stream: Stream,
}

/// Why there is no new subscription.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The same resource and target are subscribed to.
    Twice,
    /// No key could be made.
    Key,
}

impl Hooks {
    pub(crate) fn new(world: Arc<World>, retry: Retry, stream: Stream) -> Self {
        Self {
            world,
            retry,
            subscriptions: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            open: BTreeSet::new(),
            numbers: [0; 3],
            stream,
        }
    }

    fn number(&mut self, space: Space) -> i64 {
        let slot = match space {
            Space::Event => 0,
            Space::Delivery => 1,
            _ => 2,
        };
        let number = self.numbers.get_mut(slot).map_or(0, |next| {
            *next += 1;
            *next
        });
        self.world.id_in(space, number)
    }

    /// A new subscription with a key of its own.
    pub(crate) fn subscribe(
        &mut self,
        application: &str,
        kind: Kind,
        target: &str,
        properties: Value,
        now: Seconds,
    ) -> Result<Value, Refused> {
        let resource = kind.path();
        let same = |known: &Subscription| {
            known.application == application && known.resource == resource && known.target == target
        };
        if self.subscriptions.values().any(same) {
            return Err(Refused::Twice);
        }
        let seed = self.stream.bytes32();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| Refused::Key)?;
        let subscription = Subscription {
            id: self.number(Space::Subscription),
            application: application.to_owned(),
            resource,
            target: target.to_owned(),
            properties,
            created: now,
            seed,
            public: BASE64.encode(pair.public_key().as_ref()),
            busy: false,
            accepted: VecDeque::new(),
        };
        let body = subscription.body();
        self.subscriptions.insert(subscription.id, subscription);
        Ok(body)
    }

    /// The application's subscriptions, by id.
    pub(crate) fn subscriptions(&self, application: &str) -> Vec<(i64, Value)> {
        let own = self.subscriptions.values().filter(|known| known.application == application);
        own.map(|known| (known.id, known.body())).collect()
    }

    /// Ends a subscription of this application, and what was still to be sent for it.
    pub(crate) fn unsubscribe(&mut self, application: &str, id: i64) -> bool {
        if self.subscriptions.get(&id).is_none_or(|known| known.application != application) {
            return false;
        }
        self.subscriptions.remove(&id);
        let deliveries = &self.deliveries;
        self.open.retain(|open| deliveries.get(open).is_some_and(|delivery| delivery.subscription != id));
        true
    }

    /// Makes the events of a change for everybody who wants them, except for the application that made it.
    pub(crate) fn publish(
        &mut self,
        store: &Store,
        touched: Touched,
        by: Option<&str>,
        (events, by_url): (u32, bool),
        base: &str,
        now_millis: i64,
    ) {
        let resource = touched.kind.path();
        let wanted = |known: &&Subscription| known.resource == resource && Some(known.application.as_str()) != by;
        let receivers: Vec<(i64, String, String)> = self
            .subscriptions
            .values()
            .filter(wanted)
            .map(|known| (known.id, known.application.clone(), known.target.clone()))
            .collect();
        let Some(stored) = store.get(touched.kind, touched.ordinal).filter(|_| !receivers.is_empty()) else { return };
        let object = store.id(touched.kind, touched.ordinal);
        let action = if touched.deleted { "deleted" } else { "saved" };
        let now = now_millis.div_euclid(1000);
        for _ in 0..events {
            let event_id = self.number(Space::Event);
            let event_uuid = uuid_v7(now_millis, &mut self.stream);
            for (subscription, application, target) in &receivers {
                let body = json!({
                    "data": if by_url { &Value::Null } else { &stored.body },
                    "action": action,
                    "event_id": event_id,
                    "event_uuid": event_uuid,
                    "application_id": application,
                    "resource": resource,
                    "resource_url": by_url.then(|| format!("{base}/{resource}/{object}/")),
                });
                let delivery = Delivery {
                    id: self.number(Space::Delivery),
                    subscription: *subscription,
                    application: application.clone(),
                    target: target.clone(),
                    event_id,
                    event_uuid: event_uuid.clone(),
                    kind: touched.kind,
                    object,
                    action,
                    body: Some(Bytes::from(serde_json::to_vec(&body).unwrap_or_default())),
                    made: now,
                    due: now,
                    attempts: 0,
                    status: None,
                    processed: None,
                    held: 0,
                };
                self.open.insert(delivery.id);
                self.deliveries.insert(delivery.id, delivery);
            }
        }
    }

    /// What `published_events` shows to this application, by id.
    pub(crate) fn published(&self, application: &str, now: Seconds) -> Vec<(i64, Value)> {
        let own = self.deliveries.values().filter(|known| known.application == application && known.made + KEPT > now);
        own.map(|known| (known.id, known.published())).collect()
    }

    /// What is to be sent now. Each batch must be settled before its subscription gets another one.
    pub(crate) fn due(&mut self, now: Seconds) -> Vec<Batch> {
        self.deliveries.retain(|_, delivery| delivery.made + KEPT > now);
        let mut batches: BTreeMap<i64, Batch> = BTreeMap::new();
        let mut over = Vec::new();
        for id in &self.open {
            let Some(delivery) = self.deliveries.get_mut(id) else { continue };
            if delivery.made + i64::from(self.retry.give_up_seconds) < now {
                over.push(*id);
                continue;
            }
            let known = self.subscriptions.get(&delivery.subscription).filter(|known| !known.busy);
            let (Some(subscription), Some(body)) = (known, &delivery.body) else { continue };
            if delivery.held > 0 {
                delivery.held -= 1;
            } else if delivery.due <= now {
                let batch = batches.entry(subscription.id).or_insert_with(|| Batch {
                    subscription: subscription.id,
                    target: subscription.target.clone(),
                    seed: subscription.seed,
                    items: Vec::new(),
                    old: subscription.accepted.front().cloned(),
                });
                batch.items.push(Item { delivery: *id, body: body.clone() });
            }
        }
        for id in over {
            self.close(id);
        }
        for id in batches.keys() {
            if let Some(subscription) = self.subscriptions.get_mut(id) {
                subscription.busy = true;
            }
        }
        batches.into_values().collect()
    }

    /// An attempt has ended.
    pub(crate) fn settle(&mut self, id: i64, outcome: Outcome, now: Seconds) {
        let Some(delivery) = self.deliveries.get_mut(&id) else { return };
        match outcome {
            Outcome::Held => delivery.held = 8,
            Outcome::Lost => self.close(id),
            Outcome::Answered(status, sent) => {
                delivery.attempts += 1;
                delivery.status = status;
                delivery.processed = Some(now);
                delivery.due = now + self.retry.wait(delivery.attempts);
                let subscription = delivery.subscription;
                if status == Some(200) {
                    self.close(id);
                    if let Some(subscription) = self.subscriptions.get_mut(&subscription) {
                        subscription.accepted.push_back(sent);
                        if subscription.accepted.len() > REPLAYABLE {
                            subscription.accepted.pop_front();
                        }
                    }
                }
            }
        }
    }

    /// The batch of this subscription is through.
    pub(crate) fn rest(&mut self, subscription: i64) {
        if let Some(subscription) = self.subscriptions.get_mut(&subscription) {
            subscription.busy = false;
        }
    }

    fn close(&mut self, id: i64) {
        self.open.remove(&id);
        if let Some(delivery) = self.deliveries.get_mut(&id) {
            delivery.body = None;
        }
    }

    /// Every delivery that is still known.
    pub(crate) fn statuses(&self) -> Vec<DeliveryStatus> {
        let status = |delivery: &Delivery| DeliveryStatus {
            event_id: delivery.event_id,
            event_uuid: delivery.event_uuid.clone(),
            kind: delivery.kind,
            object: delivery.object,
            target: delivery.target.clone(),
            attempts: delivery.attempts,
            status: delivery.status,
            open: self.open.contains(&delivery.id),
        };
        self.deliveries.values().map(status).collect()
    }
}

/// A version 7 UUID (RFC 9562 section 5.7).
fn uuid_v7(millis: i64, stream: &mut Stream) -> String {
    let time = millis.cast_unsigned() & 0xffff_ffff_ffff;
    let (high, low) = (stream.next(), stream.next());
    let (version, variant) = (0x7000 | (high & 0x0fff), 0x8000 | (low >> 50));
    let node = low & 0xffff_ffff_ffff;
    format!("{:08x}-{:04x}-{version:04x}-{variant:04x}-{node:012x}", time >> 16, time & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_its_version_variant_and_time() {
        let uuid = uuid_v7(0x0190_1234_5678, &mut Stream::new(1, 1));
        assert!(uuid.starts_with("01901234-5678-7"), "{uuid}");
        assert!(matches!(uuid.as_bytes().get(19), Some(b'8' | b'9' | b'a' | b'b')), "{uuid}");
        assert_eq!(uuid.len(), 36);
    }
}
