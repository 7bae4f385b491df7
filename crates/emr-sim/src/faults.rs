//! What goes wrong, by probability or by script, the same for the same seed.

use crate::random::Stream;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Probabilities of each fault, 0 to 1, and scripts. Readable from TOML and JSON; what is left out does not happen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultPlan {
    /// The token of the request ends before its time (401 from now on).
    pub expire_token: f64,
    /// 429 without doing anything.
    pub too_many: f64,
    /// The share of those 429 that carry Retry-After.
    pub with_retry_after: f64,
    /// What that Retry-After says, in seconds.
    pub retry_after_seconds: u64,
    /// 500, 502, 503 or 504. The 504 comes after the request was carried out.
    pub server_error: f64,
    /// The same, but only for a page after the first.
    pub page_error: f64,
    /// The body ends early, in a complete HTTP answer.
    pub truncate: f64,
    /// The connection ends in the middle of the body.
    pub cut: f64,
    /// The connection ends without an answer; half of the times the request was carried out.
    pub drop: f64,
    /// The answer waits.
    pub slow: f64,
    /// For so long, in milliseconds of real time.
    pub slow_millis: u64,
    /// The whole simulator dies: connections end, the port refuses.
    pub die: f64,
    /// And comes back after so many milliseconds of real time, on the same port, with all it knew.
    pub dead_millis: u64,
    /// Faults of deliveries.
    pub webhooks: WebhookPlan,
    /// What happens to the next requests whatever the probabilities say.
    pub scripts: Vec<Script>,
}

impl FaultPlan {
    /// Everything that can happen to a client happens, often: for tests that want to come through it. About one request in five goes wrong.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            expire_token: 0.02,
            too_many: 0.05,
            with_retry_after: 0.3,
            retry_after_seconds: 0,
            server_error: 0.05,
            page_error: 0.05,
            truncate: 0.03,
            cut: 0.03,
            drop: 0.03,
            slow: 0.02,
            slow_millis: 30,
            die: 0.002,
            dead_millis: 100,
            webhooks: WebhookPlan {
                repeat: 0.2,
                reorder: 0.2,
                drop: 0.2,
                tamper: 0.1,
                wrong_key: 0.1,
                replay: 0.1,
                burst: 0.3,
                by_url: 0.3,
                script: Vec::new(),
            },
            scripts: Vec::new(),
        }
    }
}

/// Probabilities of faults of deliveries, 0 to 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookPlan {
    /// The same delivery is sent twice.
    pub repeat: f64,
    /// A delivery waits until later ones have overtaken it.
    pub reorder: f64,
    /// A delivery is never sent; only `published_events` knows of it.
    pub drop: f64,
    /// The body of an attempt is changed after signing.
    pub tamper: f64,
    /// An attempt is signed with another key.
    pub wrong_key: f64,
    /// An old delivery is sent again, with its old signature.
    pub replay: f64,
    /// One save makes two or three events.
    pub burst: f64,
    /// The delivery carries `resource_url` instead of the object.
    pub by_url: f64,
    /// What happens to the next attempts whatever the probabilities say.
    pub script: Vec<WebhookFault>,
}

/// What happens to the next requests whose path contains a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Only for requests whose path and query contain this; empty for all.
    #[serde(default)]
    pub path: String,
    /// One for each such request, in this order.
    pub then: Vec<Fault>,
}

/// What can happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing: this one is answered well.
    None,
    /// The token of the request ends now.
    ExpireToken,
    /// 429, with or without Retry-After in seconds.
    TooMany {
        /// The header's value.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// This status; nothing was done, unless it is 504.
    Error {
        /// 500, 502, 503 or 504.
        status: u16,
    },
    /// The body ends early, in a complete HTTP answer.
    Truncate,
    /// The connection ends in the middle of the body.
    Cut,
    /// The connection ends without an answer, and nothing was done.
    DropBefore,
    /// The connection ends without an answer, though the request was carried out.
    DropAfter,
    /// The answer waits.
    Slow {
        /// Milliseconds of real time.
        millis: u64,
    },
    /// The simulator dies and comes back.
    Die {
        /// After so many milliseconds of real time.
        millis: u64,
    },
}

/// What can happen to one attempt of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookFault {
    /// Nothing.
    None,
    /// Sent twice.
    Repeat,
    /// Held back, so that later ones overtake it.
    Reorder,
    /// Never sent.
    Drop,
    /// Changed after signing.
    Tamper,
    /// Signed with another key.
    WrongKey,
    /// Sent well, and an older one is sent again after it.
    Replay,
}

/// The faults of a running simulator. Clones mean the same ones.
#[derive(Debug, Clone)]
pub struct FaultControl(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    plan: FaultPlan,
    scripts: Vec<(String, VecDeque<Fault>)>,
    webhook_script: VecDeque<WebhookFault>,
    requests: Stream,
    deliveries: Stream,
    writes: Stream,
}

impl FaultControl {
    pub(crate) fn new(plan: FaultPlan, seed: u64) -> Self {
        let control = Self(Arc::new(Mutex::new(Inner {
            plan: FaultPlan::default(),
            scripts: Vec::new(),
            webhook_script: VecDeque::new(),
            requests: Stream::new(seed, 0xfa_01),
            deliveries: Stream::new(seed, 0xfa_02),
            writes: Stream::new(seed, 0xfa_03),
        })));
        control.set_plan(plan);
        control
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this plan; scripts that are under way end.
    pub fn set_plan(&self, mut plan: FaultPlan) {
        let mut inner = self.inner();
        inner.scripts = plan.scripts.drain(..).map(|script| (script.path, script.then.into())).collect();
        inner.webhook_script = plan.webhooks.script.drain(..).collect();
        inner.plan = plan;
    }

    /// The plan in force, without scripts.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        self.inner().plan.clone()
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.set_plan(FaultPlan::default());
    }

    /// These happen to the next requests whose path and query contain the text (all requests, if it is empty).
    pub fn script(&self, path: &str, then: impl IntoIterator<Item = Fault>) {
        self.inner().scripts.push((path.to_owned(), then.into_iter().collect()));
    }

    /// These happen to the next attempts of deliveries.
    pub fn script_webhooks(&self, then: impl IntoIterator<Item = WebhookFault>) {
        self.inner().webhook_script.extend(then);
    }

    /// How many scripted faults wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let inner = self.inner();
        inner.scripts.iter().map(|(_, then)| then.len()).sum::<usize>() + inner.webhook_script.len()
    }

    /// What happens to this request: how long it waits, and what else.
    pub(crate) fn for_request(&self, target: &str, later_page: bool) -> (Option<Duration>, Fault) {
        let mut inner = self.inner();
        let inner = &mut *inner;
        let scripted = inner
            .scripts
            .iter_mut()
            .find(|(path, then)| !then.is_empty() && target.contains(path.as_str()))
            .and_then(|(_, then)| then.pop_front());
        inner.scripts.retain(|(_, then)| !then.is_empty());
        match scripted {
            Some(Fault::Slow { millis }) => (Some(Duration::from_millis(millis)), Fault::None),
            Some(fault) => (None, fault),
            None => draw(&inner.plan, &mut inner.requests, later_page),
        }
    }

    /// What happens to this attempt of a delivery.
    pub(crate) fn for_delivery(&self) -> WebhookFault {
        let mut inner = self.inner();
        if let Some(scripted) = inner.webhook_script.pop_front() {
            return scripted;
        }
        let plan = inner.plan.webhooks.clone();
        let drawn = [
            (plan.drop, WebhookFault::Drop),
            (plan.reorder, WebhookFault::Reorder),
            (plan.tamper, WebhookFault::Tamper),
            (plan.wrong_key, WebhookFault::WrongKey),
            (plan.repeat, WebhookFault::Repeat),
            (plan.replay, WebhookFault::Replay),
        ]
        .map(|(probability, fault)| inner.deliveries.chance(probability).then_some(fault));
        drawn.into_iter().flatten().next().unwrap_or(WebhookFault::None)
    }

    /// How many events a save makes, and whether they carry the object or its address.
    pub(crate) fn for_save(&self) -> (u32, bool) {
        let mut inner = self.inner();
        let plan = inner.plan.webhooks.clone();
        let several = inner.writes.chance(plan.burst);
        let further = inner.writes.below(2) == 1;
        let by_url = inner.writes.chance(plan.by_url);
        (1 + u32::from(several) + u32::from(several && further), by_url)
    }
}

fn draw(plan: &FaultPlan, stream: &mut Stream, later_page: bool) -> (Option<Duration>, Fault) {
    let slow = stream.chance(plan.slow).then(|| Duration::from_millis(plan.slow_millis));
    let after = stream.below(2) == 1;
    let status = [500, 502, 503, 504].get(usize::try_from(stream.below(4)).unwrap_or(0)).copied().unwrap_or(500);
    let told = stream.chance(plan.with_retry_after).then_some(plan.retry_after_seconds);
    let error = stream.chance(plan.server_error);
    let page = stream.chance(plan.page_error) && later_page;
    let drawn = [
        (stream.chance(plan.die), Fault::Die { millis: plan.dead_millis }),
        (stream.chance(plan.drop), if after { Fault::DropAfter } else { Fault::DropBefore }),
        (stream.chance(plan.too_many), Fault::TooMany { retry_after: told }),
        (error || page, Fault::Error { status }),
        (stream.chance(plan.expire_token), Fault::ExpireToken),
        (stream.chance(plan.truncate), Fault::Truncate),
        (stream.chance(plan.cut), Fault::Cut),
    ];
    (slow, drawn.into_iter().find(|(happens, _)| *happens).map_or(Fault::None, |(_, fault)| fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_waits_for_its_path_and_runs_once_in_order() {
        let control = FaultControl::new(FaultPlan::default(), 1);
        control.script("/patients/", [Fault::Truncate, Fault::None, Fault::Error { status: 503 }]);
        assert_eq!(control.for_request("/api/2.0/reports/", false).1, Fault::None);
        let seen: Vec<_> = (0..4).map(|_| control.for_request("/api/2.0/patients/?limit=1", false).1).collect();
        assert_eq!(seen, [Fault::Truncate, Fault::None, Fault::Error { status: 503 }, Fault::None]);
        assert_eq!(control.waiting(), 0);
    }

    #[test]
    fn the_same_seed_draws_the_same_faults_and_another_draws_others() {
        let plan = FaultPlan { too_many: 0.2, truncate: 0.2, drop: 0.1, ..FaultPlan::default() };
        let drawn = |seed| {
            let control = FaultControl::new(plan.clone(), seed);
            (0..100).map(|_| control.for_request("/", false)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3), drawn(4));
        assert!(drawn(3).iter().any(|(_, fault)| matches!(fault, Fault::TooMany { .. })));
    }
}
