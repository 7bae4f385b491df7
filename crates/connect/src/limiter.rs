//! How many requests one connection has under way at once, learnt from the other system's answers.
//!
//! Interfaces document their limits badly or not at all, so the number is found as TCP finds its window: one more for a round
//! of good answers, half for a refusal (additive increase, multiplicative decrease). After a refusal everybody waits: as long
//! as `Retry-After` says, else a random part of a doubling bound ("full jitter"), so that many clients do not come back at once.
//! A budget of requests a second, or a published one of requests a minute, can be set above that; what it holds back is no error.

use aceso_base::Randomness;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The bounds of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Most requests under way at once.
    pub concurrency: u32,
    /// Most requests begun in a second; 0: no such bound.
    pub per_second: u32,
    /// The longest wait after a refusal without a hint.
    pub longest_pause: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { concurrency: 8, per_second: 0, longest_pause: Duration::from_secs(60) }
    }
}

/// What an answer says of the load that the other system bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// It answered.
    Well,
    /// It refused (429, 503), failed or was silent, perhaps with a hint when to come again.
    Strained(Option<Duration>),
}

/// The limiter of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Limiter {
    inner: Arc<Inner>,
}

struct Inner {
    budget: Budget,
    /// Most requests begun in any [`MINUTE`]; 0: no such bound.
    per_minute: usize,
    rng: Arc<dyn Randomness>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// How many may be under way; the fraction is progress towards the next.
    window: f64,
    under_way: u32,
    /// Refusals since the last good answer.
    refused: u32,
    /// Nothing is begun before.
    closed_until: Option<Instant>,
    /// Requests that may begin at once under the budget per second.
    tokens: f64,
    filled: Instant,
    /// When the requests of the last minute began, where a minute has a bound.
    lately: VecDeque<Instant>,
    /// The last time that the window was halved: answers to requests begun before say nothing new.
    halved: Instant,
}

/// A request under way. Tell it how it went; dropped without a word it counts for nothing.
pub struct Permit {
    limiter: Limiter,
    begun: Instant,
}

/// The shortest bound of a pause.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// A minute, and what requests may be late on their way: the other system counts when they arrive.
const MINUTE: Duration = Duration::from_secs(61);

impl Limiter {
    /// A limiter that begins carefully, with two requests at once.
    #[must_use]
    pub fn new(budget: Budget, rng: Arc<dyn Randomness>) -> Self {
        Self::with_minute(budget, None, rng)
    }

    /// The same with a bound of requests a minute that the other system has published. It counts every minute, not only those of the
    /// clock; a refusal without a hint is then taken to last for a minute.
    #[must_use]
    pub fn with_minute(budget: Budget, per_minute: Option<u32>, rng: Arc<dyn Randomness>) -> Self {
        let now = Instant::now();
        let state = State {
            window: f64::from(budget.concurrency.clamp(1, 2)),
            under_way: 0,
            refused: 0,
            closed_until: None,
            tokens: f64::from(budget.per_second),
            filled: now,
            lately: VecDeque::new(),
            halved: now,
        };
        let per_minute = per_minute.and_then(|bound| usize::try_from(bound).ok()).unwrap_or_default();
        Self { inner: Arc::new(Inner { budget, per_minute, rng, state: Mutex::new(state), changed: Notify::new() }) }
    }

    /// Waits until one request more fits into the budget, and counts it. For requests that go along with one that has begun.
    pub async fn spend(&self) {
        loop {
            let spent = self.inner.within_budget(&mut self.state(), Instant::now());
            match spent {
                Ok(()) => return,
                Err(at) => tokio::time::sleep_until(at).await,
            }
        }
    }

    /// Waits until one more may begin.
    pub async fn begin(&self) -> Permit {
        loop {
            let changed = self.inner.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            match self.try_begin(Instant::now()) {
                Ok(permit) => return permit,
                Err(None) => changed.await,
                Err(Some(at)) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    /// How many may be under way now, for operators.
    #[must_use]
    pub fn window(&self) -> u32 {
        whole(self.state().window)
    }

    /// Requests begun in the last minute, where a minute has a bound.
    #[must_use]
    pub fn lately(&self) -> usize {
        self.state().lately.len()
    }

    /// How long it is closed after a refusal, if it is.
    #[must_use]
    pub fn closed_for(&self) -> Option<Duration> {
        let until = self.state().closed_until?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    fn try_begin(&self, now: Instant) -> Result<Permit, Option<Instant>> {
        let mut state = self.state();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Err(Some(until));
        }
        if state.under_way >= whole(state.window) {
            return Err(None);
        }
        self.inner.within_budget(&mut state, now).map_err(Some)?;
        state.under_way += 1;
        Ok(Permit { limiter: self.clone(), begun: now })
    }

    fn finished(&self, begun: Instant, load: Option<Load>) {
        let now = Instant::now();
        let most = f64::from(self.inner.budget.concurrency.max(1));
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        match load {
            None => {}
            Some(Load::Well) => {
                state.refused = 0;
                state.window = (state.window + 1.0 / state.window).min(most);
            }
            Some(Load::Strained(hint)) => {
                // One strained moment refuses everything that is under way; it counts once.
                if begun >= state.halved {
                    state.window = (state.window / 2.0).max(1.0);
                    state.halved = now;
                    state.refused = state.refused.saturating_add(1);
                }
                let pause = match hint {
                    Some(hint) => hint.min(LONGEST_HINT),
                    None if self.inner.per_minute > 0 => MINUTE,
                    None => self.jitter(state.refused),
                };
                let until = now + pause;
                state.closed_until = Some(state.closed_until.map_or(until, |known| known.max(until)));
            }
        }
        drop(state);
        self.inner.changed.notify_waiters();
    }

    /// A random part of a bound that doubles with every refusal.
    fn jitter(&self, refused: u32) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(refused.min(16)).unwrap_or(u32::MAX));
        let bound = doubled.min(self.inner.budget.longest_pause);
        let mut bytes = [0; 4];
        self.inner.rng.fill(&mut bytes);
        bound.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts one request, or says when to ask again.
    fn within_budget(&self, state: &mut State, now: Instant) -> Result<(), Instant> {
        while state.lately.front().is_some_and(|first| now.saturating_duration_since(*first) >= MINUTE) {
            state.lately.pop_front();
        }
        if self.per_minute > 0
            && state.lately.len() >= self.per_minute
            && let Some(first) = state.lately.front()
        {
            return Err(*first + MINUTE);
        }
        if self.budget.per_second > 0 {
            let rate = f64::from(self.budget.per_second);
            let since = now.saturating_duration_since(state.filled).as_secs_f64();
            state.tokens = since.mul_add(rate, state.tokens).min(rate);
            state.filled = now;
            if state.tokens < 1.0 {
                let wait = Duration::from_secs_f64((1.0 - state.tokens) / rate).max(Duration::from_millis(1));
                return Err(now + wait);
            }
            state.tokens -= 1.0;
        }
        if self.per_minute > 0 {
            state.lately.push_back(now);
        }
        Ok(())
    }
}

/// A hint beyond this is taken as this: the schedule comes back anyway.
const LONGEST_HINT: Duration = Duration::from_secs(15 * 60);

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the configured bound")]
fn whole(window: f64) -> u32 {
    window.max(1.0) as u32
}

impl Permit {
    /// Ends the request and says how the other system bore it.
    pub fn finish(self, load: Load) {
        let limiter = self.limiter.clone();
        let begun = self.begun;
        std::mem::forget(self);
        limiter.finished(begun, Some(load));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.finished(self.begun, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_testkit::PlannedRandomness;

    fn limiter(budget: Budget) -> Limiter {
        Limiter::new(budget, Arc::new(PlannedRandomness::seeded(1)))
    }

    async fn round(limiter: &Limiter, load: Load) {
        limiter.begin().await.finish(load);
    }

    #[tokio::test(start_paused = true)]
    async fn good_answers_open_the_window_up_to_its_bound() {
        let limiter = limiter(Budget { concurrency: 5, ..Budget::default() });
        assert_eq!(limiter.window(), 2);
        for _ in 0..100 {
            round(&limiter, Load::Well).await;
        }
        assert_eq!(limiter.window(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_halves_the_window_once_for_all_that_was_under_way() {
        let limiter = limiter(Budget { concurrency: 8, ..Budget::default() });
        for _ in 0..200 {
            round(&limiter, Load::Well).await;
        }
        let mut under_way = Vec::new();
        for _ in 0..8 {
            under_way.push(limiter.begin().await);
        }
        tokio::time::advance(Duration::from_millis(5)).await;
        for permit in under_way {
            permit.finish(Load::Strained(None));
        }
        assert_eq!(limiter.window(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_begins_before_the_hinted_time() {
        let limiter = limiter(Budget::default());
        round(&limiter, Load::Strained(Some(Duration::from_secs(7)))).await;
        let before = Instant::now();
        drop(limiter.begin().await);
        assert!(before.elapsed() >= Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_hint_pauses_are_random_and_bounded() {
        let bound = Duration::from_secs(3);
        let limiter = limiter(Budget { longest_pause: bound, ..Budget::default() });
        let mut pauses = Vec::new();
        for _ in 0..20 {
            round(&limiter, Load::Strained(None)).await;
            let pause = limiter.closed_for().unwrap_or_default();
            assert!(pause <= bound);
            pauses.push(pause);
            tokio::time::advance(bound).await;
        }
        pauses.sort_unstable();
        pauses.dedup();
        assert!(pauses.len() > 10, "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_per_second_holds_over_any_second() {
        let limiter = limiter(Budget { concurrency: 50, per_second: 10, ..Budget::default() });
        let start = Instant::now();
        for _ in 0..40 {
            round(&limiter, Load::Well).await;
        }
        // Ten at once, then thirty at ten a second.
        assert!(start.elapsed() >= Duration::from_millis(2_900), "{:?}", start.elapsed());
        assert!(start.elapsed() <= Duration::from_millis(3_300), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_than_its_budget_and_tokens_are_in_it() {
        let budget = Budget { concurrency: 50, ..Budget::default() };
        let limiter = Limiter::with_minute(budget, Some(250), Arc::new(PlannedRandomness::seeded(1)));
        let mut begun = Vec::new();
        for turn in 0..900 {
            if turn % 9 == 0 {
                limiter.spend().await;
            } else {
                round(&limiter, Load::Well).await;
            }
            begun.push(Instant::now());
            tokio::time::advance(Duration::from_millis(20)).await;
        }
        let minute = Duration::from_secs(60);
        let most = begun.iter().map(|from| begun.iter().filter(|at| *at >= from && **at < *from + minute).count());
        assert_eq!(most.max(), Some(250));
        // And it is used: 900 in four minutes.
        assert!(begun.last().unwrap().duration_since(begun[0]) < Duration::from_secs(200));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_without_a_hint_lasts_a_minute_where_the_budget_is_of_minutes() {
        let limiter = Limiter::with_minute(Budget::default(), Some(250), Arc::new(PlannedRandomness::seeded(1)));
        round(&limiter, Load::Strained(None)).await;
        assert!(limiter.closed_for().unwrap() >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_permit_that_is_dropped_gives_its_place_back() {
        let limiter = limiter(Budget { concurrency: 1, ..Budget::default() });
        drop(limiter.begin().await);
        drop(limiter.begin().await);
        assert_eq!(limiter.window(), 1);
    }
}
