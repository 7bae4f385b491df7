//! One token for several instances of the product.
//!
//! Whoever needs a token looks in the shared place first. When there is none that he can use, the one who gets the lease obtains one
//! and puts it there; the others wait for it, no longer than a lease lives, so that somebody who died with it holds nobody
//! up. Where the shared place is lost, each instance obtains its own, and puts it there when it is back.

use super::stored::Token;
use super::{Access, BoxFuture, TokenError};
use aceso_base::{Timestamp, Token16};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// A place that several instances share. What is put there is sealed by whoever implements this.
pub trait Share: Send + Sync {
    /// What stands under a name, opened; `None` when there is nothing, or nothing that opens.
    ///
    /// # Errors
    /// [`ShareError`].
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Zeroizing<Vec<u8>>>, ShareError>>;

    /// Seals and puts it there, for at most so long; `None` takes it away.
    ///
    /// # Errors
    /// [`ShareError`].
    fn keep<'a>(
        &'a self,
        name: &'a str,
        plain: Option<Zeroizing<Vec<u8>>>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), ShareError>>;

    /// Takes the lease of a name, for at most so long. False: somebody else has it.
    ///
    /// # Errors
    /// [`ShareError`].
    fn lease<'a>(&'a self, name: &'a str, holder: Token16, life: Duration) -> BoxFuture<'a, Result<bool, ShareError>>;

    /// Gives the lease back, if it still is this holder's.
    ///
    /// # Errors
    /// [`ShareError`].
    fn release<'a>(&'a self, name: &'a str, holder: Token16) -> BoxFuture<'a, Result<(), ShareError>>;
}

/// The shared place cannot be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared place of tokens cannot be used")]
pub struct ShareError;

/// Where instances share their tokens.
#[derive(Clone)]
pub struct Sharing {
    /// The place.
    pub place: Arc<dyn Share>,
    /// How long one instance has to obtain a token before others do not wait for it any more. As long as a token endpoint may
    /// take; one that takes longer is asked twice.
    pub lease: Duration,
}

/// Between two looks of those who wait.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Whoever has a good token looks so often, in seconds, whether it is still in the shared place.
pub(super) const CHECK_EVERY: i64 = 30;

/// A token, and whether this instance obtained it.
pub(super) enum Had {
    Own(Token),
    Others(Token),
}

impl Access {
    /// A token that the others have, or a new one that they will have.
    pub(super) async fn obtain_shared(&self, sharing: &Sharing, refused: Option<&Token>) -> Result<Had, TokenError> {
        let name = self.shared_name();
        let holder = self.inner.rng.token16();
        let given_up = Instant::now() + sharing.lease;
        loop {
            match self.usable_shared(sharing, &name, refused).await {
                Ok(Some(token)) => return Ok(Had::Others(token)),
                Ok(None) => {}
                Err(ShareError) => return self.obtain().await.map(Had::Own),
            }
            match sharing.place.lease(&name, holder, sharing.lease).await {
                Ok(true) => return self.obtain_leased(sharing, &name, holder, refused).await,
                Ok(false) if Instant::now() < given_up => tokio::time::sleep(LOOK_AGAIN).await,
                // Whoever has it, keeps it for longer than anybody has to wait.
                Ok(false) | Err(ShareError) => return self.obtain_and_share(sharing, &name).await,
            }
        }
    }

    async fn obtain_leased(
        &self,
        sharing: &Sharing,
        name: &str,
        holder: Token16,
        refused: Option<&Token>,
    ) -> Result<Had, TokenError> {
        // The one who had the lease before may have finished between our look and our lease.
        let had = match self.usable_shared(sharing, name, refused).await {
            Ok(Some(token)) => Ok(Had::Others(token)),
            Ok(None) | Err(ShareError) => self.obtain_and_share(sharing, name).await,
        };
        // Not given back: it ends by itself.
        let _ = sharing.place.release(name, holder).await;
        had
    }

    async fn obtain_and_share(&self, sharing: &Sharing, name: &str) -> Result<Had, TokenError> {
        let token = self.obtain().await?;
        self.share(sharing, name, &token).await;
        Ok(Had::Own(token))
    }

    /// Lost is no error: the next look finds that it is not there.
    async fn share(&self, sharing: &Sharing, name: &str, token: &Token) {
        let life = u64::try_from(token.expires.0.saturating_sub(self.inner.clock.now().0)).unwrap_or(0);
        if life > 0 {
            let plain = token.encode(&self.slot.credentials.fingerprint());
            let _ = sharing.place.keep(name, Some(plain), Duration::from_millis(life)).await;
        }
    }

    async fn shared(&self, sharing: &Sharing, name: &str) -> Result<Option<Token>, ShareError> {
        let found = sharing.place.load(name).await?;
        Ok(found.and_then(|bytes| Token::decode(&bytes, &self.slot.credentials.fingerprint())))
    }

    async fn usable_shared(
        &self,
        sharing: &Sharing,
        name: &str,
        refused: Option<&Token>,
    ) -> Result<Option<Token>, ShareError> {
        let found = self.shared(sharing, name).await?;
        Ok(found.filter(|token| token.is_usable(self.inner.clock.now(), refused)))
    }

    /// Now and then, with a good token in hand: puts it back where the shared place has lost it, and takes a newer one that somebody
    /// else has put there.
    pub(super) async fn check_shared(&self, sharing: &Sharing, token: Token) -> Token {
        if !self.slot.check_is_due(self.inner.clock.now()) {
            return token;
        }
        let name = self.shared_name();
        match self.shared(sharing, &name).await {
            Ok(Some(found)) if found.obtained >= token.obtained => {
                if found.text == token.text || !found.has_life_left(self.inner.clock.now()) {
                    return token;
                }
                self.slot.take_over(&found);
                found
            }
            Ok(_) => {
                self.share(sharing, &name, &token).await;
                token
            }
            Err(ShareError) => token,
        }
    }

    /// Credentials have a place of their own, so that two of one name do not push each other out.
    pub(super) fn shared_name(&self) -> String {
        shared_name(&self.name, &self.slot.credentials.fingerprint())
    }
}

pub(super) fn shared_name(connection: &str, credentials: &[u8; 8]) -> String {
    format!("{connection}/{}", data_encoding::HEXLOWER.encode(credentials))
}

impl Token {
    pub(super) fn is_usable(&self, now: Timestamp, refused: Option<&Self>) -> bool {
        self.has_life_left(now) && refused.is_none_or(|refused| refused.text != self.text)
    }
}
