//! Passwords: rules, Argon2id, and the same work for a user who does not exist.

use crate::config::PasswordHashing;
use crate::error::IdentityError;
use crate::secret::Secret;
use aceso_base::Randomness;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Longest password, in characters.
const MAX_CHARS: usize = 256;

/// Lower case, checked: 3 to 64 of `a-z 0-9 . _ - @`, beginning with a letter or digit.
pub(crate) fn username(text: &str) -> Option<String> {
    let name = text.to_ascii_lowercase();
    let shape = (3..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b))
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    shape.then_some(name)
}

/// Checks a password that is to be set. `username` is checked and in lower case.
pub(crate) fn check(password: &Secret, username: &str, min: usize) -> Result<(), IdentityError> {
    let chars = password.reveal().nfc().count();
    let telling = password.reveal().to_lowercase().contains(username);
    if chars < min || chars > MAX_CHARS || telling { Err(IdentityError::WeakPassword { min }) } else { Ok(()) }
}

/// How a guess ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guess {
    Wrong,
    /// `outdated`: hashed with other parameters than those in force.
    Right {
        outdated: bool,
    },
}

/// Too many passwords wait.
#[derive(Debug)]
pub(crate) struct Busy;

/// Hashes passwords on the blocking pool, a few at a time.
pub(crate) struct Hasher {
    settings: PasswordHashing,
    params: Params,
    /// Hash of a random password: what a guess at an unknown user is compared with.
    dummy: Arc<str>,
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Hasher {
    pub(crate) fn new(settings: PasswordHashing, rng: &dyn Randomness) -> Result<Self, IdentityError> {
        let params = Params::new(settings.memory_kib, settings.passes, settings.lanes, None)
            .map_err(|_| IdentityError::Invalid("the Argon2 parameters are out of range (RFC 9106 section 3.1)"))?;
        let mut nobody = [0; 32];
        rng.fill(&mut nobody);
        let dummy = hash(&params, &nobody, &rng.token16().0).ok_or(IdentityError::Busy)?;
        let permits = Arc::new(Semaphore::new(settings.parallel.max(1)));
        Ok(Self { settings, params, dummy: Arc::from(dummy), permits, waiting: AtomicUsize::new(0) })
    }

    /// The PHC text of a password.
    pub(crate) async fn hash(&self, password: &Secret, salt: [u8; 16]) -> Result<String, Busy> {
        let (params, password) = (self.params.clone(), normal(password));
        self.work(move || hash(&params, password.as_bytes(), &salt)).await?.ok_or(Busy)
    }

    /// Compares a guess with the stored PHC text, or with nobody's: the work is the same.
    pub(crate) async fn verify(&self, guess: &Secret, stored: Option<&str>) -> Result<Guess, Busy> {
        let known = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.dummy), Arc::from);
        let (params, guess) = (self.params.clone(), normal(guess));
        self.work(move || {
            let Ok(parsed) = PasswordHash::new(&stored) else { return Guess::Wrong };
            let right = guess.chars().count() <= MAX_CHARS
                && Argon2::default().verify_password(guess.as_bytes(), &parsed).is_ok()
                && known;
            if right { Guess::Right { outdated: outdated(&parsed, &params) } } else { Guess::Wrong }
        })
        .await
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let queue = Queue::enter(&self.waiting, self.settings.waiting + self.settings.parallel)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = job();
            drop(permit);
            result
        });
        let result = done.await.map_err(|_| Busy);
        drop(queue);
        result
    }
}

/// A place in the queue, given back also when the caller goes away.
struct Queue<'a>(&'a AtomicUsize);

impl<'a> Queue<'a> {
    fn enter(waiting: &'a AtomicUsize, limit: usize) -> Result<Self, Busy> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= limit { Err(Busy) } else { Ok(place) }
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The same password typed on another keyboard is the same bytes (NFC, RFC 8265 section 4.2).
fn normal(password: &Secret) -> Zeroizing<String> {
    Zeroizing::new(password.reveal().nfc().collect())
}

fn hash(params: &Params, password: &[u8], salt: &[u8]) -> Option<String> {
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    argon.hash_password_with_salt(password, salt).ok().map(|hash| hash.to_string())
}

fn outdated(stored: &PasswordHash, params: &Params) -> bool {
    let same = |known: Params| {
        (known.m_cost(), known.t_cost(), known.p_cost()) == (params.m_cost(), params.t_cost(), params.p_cost())
    };
    let current = stored.algorithm.as_str() == "argon2id" && stored.version == Some(Version::V0x13.into());
    !(current && Params::try_from(stored).is_ok_and(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(AtomicUsize);
    impl Randomness for Counting {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0.fetch_add(1, Ordering::Relaxed) as u8);
        }
    }

    fn cheap() -> PasswordHashing {
        PasswordHashing { memory_kib: 64, passes: 1, ..PasswordHashing::default() }
    }

    fn hasher(settings: PasswordHashing) -> Hasher {
        Hasher::new(settings, &Counting(AtomicUsize::new(1))).unwrap()
    }

    #[test]
    fn user_names_follow_the_rules() {
        assert_eq!(username("Nora.Nurse@Clinic").as_deref(), Some("nora.nurse@clinic"));
        for wrong in ["", "ab", ".abc", "a b c", "näme", "a/b/c", &"x".repeat(65)] {
            assert_eq!(username(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn short_long_and_telling_passwords_are_refused() {
        let weak = |text: &str| check(&Secret::from(text), "nora", 12).is_err();
        assert!(weak("too short"));
        assert!(weak("my name is Nora really"));
        assert!(weak(&"x".repeat(257)));
        assert!(!weak("correct horse battery"));
    }

    #[tokio::test]
    async fn a_password_is_right_in_either_normal_form_and_wrong_otherwise() {
        let hasher = hasher(cheap());
        let stored = hasher.hash(&Secret::from("pass\u{e9}word"), [7; 16]).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let verify = |guess: &'static str| {
            let (hasher, stored) = (&hasher, &stored);
            async move { hasher.verify(&Secret::from(guess), Some(stored)).await.unwrap() }
        };
        assert_eq!(verify("passe\u{301}word").await, Guess::Right { outdated: false });
        assert_eq!(verify("password").await, Guess::Wrong);
        assert_eq!(hasher.verify(&Secret::from("password"), None).await.unwrap(), Guess::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_outdated() {
        let stored = hasher(cheap()).hash(&Secret::from("password"), [7; 16]).await.unwrap();
        let stronger = hasher(PasswordHashing { passes: 2, ..cheap() });
        let guess = stronger.verify(&Secret::from("password"), Some(&stored)).await.unwrap();
        assert_eq!(guess, Guess::Right { outdated: true });
    }

    #[tokio::test]
    async fn nobody_waits_behind_a_full_queue() {
        let hasher = hasher(PasswordHashing { parallel: 1, waiting: 0, ..cheap() });
        let place = Queue::enter(&hasher.waiting, 1).unwrap();
        assert!(hasher.verify(&Secret::from("password"), None).await.is_err());
        drop(place);
        assert!(hasher.verify(&Secret::from("password"), None).await.is_ok());
    }
}
