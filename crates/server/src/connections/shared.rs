//! Upstream tokens in the shared cache, sealed by the door.

use aceso_base::Token16;
use aceso_connect::keeper::{BoxFuture, Share, ShareError, Sharing};
use aceso_custodian::{Custodian, SharedSecrets};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const SPACE: &str = "upstream-tokens";
/// Longer than a token endpoint usually takes; as long a dead instance holds the others up at most.
const LEASE: Duration = Duration::from_secs(10);

/// Where the keeper of this process shares its tokens; `None` without a shared cache.
#[must_use]
pub fn sharing(door: &Custodian) -> Option<Sharing> {
    let secrets = door.shared_secrets()?;
    Some(Sharing { place: Arc::new(SharedTokens(secrets)), lease: LEASE })
}

struct SharedTokens(SharedSecrets);

impl Share for SharedTokens {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Zeroizing<Vec<u8>>>, ShareError>> {
        Box::pin(async move { self.0.get(SPACE, name).await.map_err(|_| ShareError) })
    }

    fn keep<'a>(
        &'a self,
        name: &'a str,
        plain: Option<Zeroizing<Vec<u8>>>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), ShareError>> {
        Box::pin(async move {
            let done = match plain {
                Some(plain) => self.0.set(SPACE, name, &plain, life).await,
                None => self.0.delete(SPACE, name).await,
            };
            done.map_err(|_| ShareError)
        })
    }

    fn lease<'a>(&'a self, name: &'a str, holder: Token16, life: Duration) -> BoxFuture<'a, Result<bool, ShareError>> {
        Box::pin(async move { self.0.lease(SPACE, name, holder, life).await.map_err(|_| ShareError) })
    }

    fn release<'a>(&'a self, name: &'a str, holder: Token16) -> BoxFuture<'a, Result<(), ShareError>> {
        Box::pin(async move { self.0.release(SPACE, name, holder).await.map_err(|_| ShareError) })
    }
}
