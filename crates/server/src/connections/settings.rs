//! What is known of a connection: who it is, where its source is, and when it runs. Kept sealed, its secret included.

use super::schedule::Schedule;
use aceso_base::TenantId;
use aceso_connect::admin::{AdminError, NewConnection, NewProof};
use aceso_connect::keeper::{Algorithm, Assertion, Credentials, Proof};
use aceso_connect::limiter::Budget;
use aceso_connect::pattern::ConnectionId;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// A connection as it is kept. The first byte of the document is its format.
#[derive(Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Which vendor's interface it speaks.
    pub vendor: String,
    /// Whose data comes in.
    pub tenant: String,
    /// Base address of the interface.
    pub base: String,
    /// Token endpoint.
    pub token: String,
    /// Our client id there.
    pub client_id: String,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// How we prove who we are.
    pub proof: KeptProof,
    /// When changes are looked for: five fields of cron.
    pub schedule: String,
    /// When everything is compared.
    pub sweep: String,
    /// Time zone of both, a name of the IANA database.
    pub time_zone: String,
    /// Most requests at once.
    pub concurrency: u32,
    /// Most requests a second; 0: as many as the source takes.
    pub per_second: u32,
    /// Where the source sends webhooks to, if it does.
    pub hooks: Option<String>,
    /// Nothing runs by itself.
    pub paused: bool,
    /// What the vendor wants to know beside its address: name and value.
    #[serde(default)]
    pub options: Vec<(String, String)>,
}

/// A secret as it is kept, inside the sealed document.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum KeptProof {
    /// A client secret.
    Secret {
        /// The secret.
        secret: String,
    },
    /// A private key that signs assertions.
    Key {
        /// `RS384` or `ES384`.
        algorithm: String,
        /// The key id that the other system knows.
        key_id: String,
        /// PEM.
        pem: String,
    },
}

impl Drop for KeptProof {
    fn drop(&mut self) {
        match self {
            Self::Secret { secret } => secret.zeroize(),
            Self::Key { pem, .. } => pem.zeroize(),
        }
    }
}

const FORMAT: u8 = 1;

impl Settings {
    /// What is kept of a new connection, checked.
    ///
    /// # Errors
    /// As for [`Settings::check`].
    pub(crate) fn of(new: NewConnection) -> Result<Self, AdminError> {
        let base = new.url.trim_end_matches('/').to_owned();
        let usual = || aceso_connect::usual_token_address(&new.vendor, &base);
        let missing = || AdminError::setting("token_url", "this vendor has no usual token endpoint: say which");
        super::vendor(&new.vendor, &base, &new.options)?;
        let scopes = if new.scopes.is_empty() {
            let usual = aceso_connect::usual_scopes(&new.vendor, &new.options);
            usual.map_err(|error| AdminError::setting("options", error))?
        } else {
            new.scopes
        };
        let settings = Self {
            token: new.token_url.or_else(usual).ok_or_else(missing)?,
            base,
            name: new.name,
            vendor: new.vendor,
            tenant: new.tenant,
            client_id: new.client_id,
            scopes,
            proof: match new.proof {
                NewProof::Secret(secret) => KeptProof::Secret { secret: secret.trim().to_owned() },
                NewProof::Key { algorithm, key_id, pem } => {
                    KeptProof::Key { algorithm, key_id, pem: pem.as_str().to_owned() }
                }
            },
            schedule: new.schedule,
            sweep: new.sweep,
            time_zone: new.time_zone,
            concurrency: new.concurrency,
            per_second: new.per_second,
            hooks: new.hooks,
            paused: new.paused,
            options: new.options,
        };
        settings.check()?;
        Ok(settings)
    }

    /// The document.
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(vec![FORMAT]);
        let _ = serde_json::to_writer(&mut *bytes, self);
        bytes
    }

    /// `None` for another format.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&FORMAT, rest) = bytes.split_first()? else { return None };
        serde_json::from_slice(rest).ok()
    }

    /// Checks everything that can be checked without asking the source.
    ///
    /// # Errors
    /// [`AdminError::Setting`] names the setting and its rule, never its value.
    pub(crate) fn check(&self) -> Result<(), AdminError> {
        ConnectionId::parse(&self.name).map_err(|_| AdminError::setting("name", "1 to 32 of a-z, 0-9 and '-'"))?;
        TenantId::parse(&self.tenant).map_err(|_| AdminError::setting("tenant", "the name of a tenant"))?;
        let vendor = super::vendor(&self.vendor, &self.base, &self.options)?;
        let addresses = [("url", Some(&self.base)), ("token_url", Some(&self.token)), ("hooks", self.hooks.as_ref())];
        for (name, address) in addresses {
            if address.is_some_and(|address| !is_address(address)) {
                let rule = "an absolute http or https address without user, query and fragment";
                return Err(AdminError::setting(name, rule));
            }
        }
        if self.client_id.is_empty() {
            return Err(AdminError::setting("client_id", "must not be empty"));
        }
        if !vendor.takes_proof(self.credentials()?.proof.algorithm()) {
            return Err(AdminError::setting(
                "algorithm",
                "this vendor takes no secret, or keys of another algorithm only",
            ));
        }
        Schedule::parse(&self.schedule, &self.time_zone).map_err(|error| error.of("schedule"))?;
        Schedule::parse(&self.sweep, &self.time_zone).map_err(|error| error.of("sweep"))?;
        if !(1..=256).contains(&self.concurrency) {
            return Err(AdminError::setting("concurrency", "a number from 1 to 256"));
        }
        Ok(())
    }

    /// As the token keeper wants them.
    ///
    /// # Errors
    /// [`AdminError::Setting`] for a key that cannot be read.
    pub(super) fn credentials(&self) -> Result<Credentials, AdminError> {
        let proof = match &self.proof {
            KeptProof::Secret { secret } if secret.is_empty() => {
                return Err(AdminError::setting("secret", "must not be empty"));
            }
            KeptProof::Secret { secret } => Proof::Secret(Zeroizing::new(secret.clone())),
            KeptProof::Key { algorithm, key_id, pem } => {
                let algorithm = match algorithm.as_str() {
                    "RS384" => Algorithm::Rs384,
                    "ES384" => Algorithm::Es384,
                    _ => return Err(AdminError::setting("algorithm", "RS384 or ES384")),
                };
                let assertion = Assertion::new(algorithm, key_id, pem.as_bytes());
                Proof::Assertion(Arc::new(assertion.map_err(|error| AdminError::setting("key", error))?))
            }
        };
        Ok(Credentials {
            token_address: self.token.clone(),
            client_id: self.client_id.clone(),
            scopes: self.scopes.clone(),
            proof,
        })
    }

    pub(super) fn budget(&self) -> Budget {
        Budget { concurrency: self.concurrency, per_second: self.per_second, longest_pause: Duration::from_secs(60) }
    }
}

fn is_address(text: &str) -> bool {
    let uri: Result<http::Uri, _> = text.parse();
    uri.is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some()
            && uri.query().is_none()
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    }) && !text.contains('#')
}
