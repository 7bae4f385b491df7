//! `[connect.NAME]`: a connected system that the configuration describes.

use super::{Problem, SecretRef, Typed, Value};
use crate::connections::Settings;
use aceso_base::TenantId;
use aceso_connect::admin::{AdminError, NewConnection, NewProof, OPTION_RULE, USUAL_ALGORITHM, option};
use zeroize::Zeroizing;

/// A connection as the configuration describes it; its secret is a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// The name of the section.
    pub name: String,
    /// Whose data comes in.
    pub tenant: TenantId,
    /// Whose interface it speaks.
    pub vendor: String,
    /// Base address of the interface.
    pub url: String,
    /// Token endpoint, where it is not the vendor's usual one.
    pub token_url: Option<String>,
    /// Our client id there.
    pub client_id: String,
    /// How we prove who we are.
    pub proof: ProofRef,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// What the vendor wants to know beside its address: name and value.
    pub options: Vec<(String, String)>,
    /// When changes are looked for: five fields of cron.
    pub schedule: String,
    /// When everything is compared.
    pub sweep: String,
    /// Time zone of both.
    pub time_zone: String,
    /// Most requests at once.
    pub concurrency: u32,
    /// Most requests a second; 0: as many as the source takes.
    pub per_second: u32,
    /// Where the source sends webhooks to.
    pub hooks: Option<String>,
    /// Nothing runs by itself.
    pub paused: bool,
}

/// Where the proof of who we are is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofRef {
    /// A client secret.
    Secret(SecretRef),
    /// A private key that signs assertions.
    Key {
        /// The PEM.
        key: SecretRef,
        /// The id under which the other system knows it.
        key_id: String,
        /// `RS384` or `ES384`.
        algorithm: String,
    },
}

impl ConnectionConfig {
    /// Fetches the secret and checks the whole.
    ///
    /// # Errors
    /// What is wrong, under the key that is to be changed.
    pub(crate) fn settings(&self) -> Result<Settings, Problem> {
        let checked = Settings::of(self.with_secret()?);
        checked.map_err(|error| match error {
            AdminError::Setting { setting, rule } => Problem::new(self.at(setting), rule),
            other => Problem::new(self.at("vendor"), other.to_string()),
        })
    }

    fn with_secret(&self) -> Result<NewConnection, Problem> {
        let proof = match &self.proof {
            ProofRef::Secret(reference) => NewProof::Secret(self.fetch("secret", reference)?),
            ProofRef::Key { key, key_id, algorithm } => {
                NewProof::Key { algorithm: algorithm.clone(), key_id: key_id.clone(), pem: self.fetch("key", key)? }
            }
        };
        Ok(NewConnection {
            name: self.name.clone(),
            vendor: self.vendor.clone(),
            tenant: self.tenant.as_str().to_owned(),
            url: self.url.clone(),
            token_url: self.token_url.clone(),
            client_id: self.client_id.clone(),
            proof,
            scopes: self.scopes.clone(),
            schedule: self.schedule.clone(),
            sweep: self.sweep.clone(),
            time_zone: self.time_zone.clone(),
            concurrency: self.concurrency,
            per_second: self.per_second,
            hooks: self.hooks.clone(),
            options: self.options.clone(),
            paused: self.paused,
        })
    }

    fn fetch(&self, key: &str, reference: &SecretRef) -> Result<Zeroizing<String>, Problem> {
        let bytes = reference.read().map_err(|error| Problem::new(self.at(key), error.to_string()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Problem::new(self.at(key), "it is not text"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// The path of a key of this section.
    pub(crate) fn at(&self, key: &str) -> String {
        format!("connect.{}.{key}", self.name)
    }
}

impl Typed<'_> {
    pub(super) fn connections(&mut self) -> Vec<ConnectionConfig> {
        let names: Vec<String> = self.effective.names("connect").map(str::to_owned).collect();
        names.into_iter().filter_map(|name| self.connection(name)).collect()
    }

    /// `None` leaves a problem behind.
    fn connection(&mut self, name: String) -> Option<ConnectionConfig> {
        let at = |key: &str| format!("connect.{name}.{key}");
        let tenant = self.tenant_of(&at("tenant"));
        let proof = self.proof(&at);
        let options = self.options_of(&at("options"));
        let (vendor, url) = (self.text(&at("vendor")), self.text(&at("url")));
        let connection = ConnectionConfig {
            vendor,
            url,
            token_url: self.optional(&at("token_url")),
            client_id: self.text(&at("client_id")),
            scopes: self.list(&at("scopes")),
            options,
            schedule: self.text(&at("schedule")),
            sweep: self.text(&at("sweep")),
            time_zone: self.text(&at("time_zone")),
            concurrency: self.number(&at("concurrency")),
            per_second: self.number(&at("per_second")),
            hooks: self.optional(&at("hooks")),
            paused: self.flag(&at("paused")),
            tenant: tenant?,
            proof: proof?,
            name,
        };
        Some(connection)
    }

    /// One of the configured tenants; the only one when none is named.
    fn tenant_of(&mut self, at: &str) -> Option<TenantId> {
        let tenants = match self.effective.get("tenants") {
            Some(Value::List(tenants)) => tenants.clone(),
            _ => Vec::new(),
        };
        let named = self.optional(at);
        let chosen = match (&named, tenants.as_slice()) {
            (Some(named), _) if tenants.contains(named) => Ok(named),
            (Some(_), _) => Err("is none of the tenants of this configuration"),
            (None, [only]) => Ok(only),
            (None, _) => Err("is missing; name one of the tenants, there are several"),
        };
        match chosen {
            Ok(tenant) => TenantId::parse(tenant).ok(),
            Err(text) => {
                self.problems.push(Problem::new(at, text));
                None
            }
        }
    }

    fn options_of(&mut self, at: &str) -> Vec<(String, String)> {
        let options: Option<Vec<_>> = self.list(at).iter().map(|text| option(text)).collect();
        if options.is_none() {
            self.problems.push(Problem::new(at, OPTION_RULE));
        }
        options.unwrap_or_default()
    }

    fn proof(&mut self, at: &dyn Fn(&str) -> String) -> Option<ProofRef> {
        let has = |given: &Self, key: &str| given.effective.get(&at(key)).is_some();
        if has(self, "secret") {
            for key in ["key", "key_id", "algorithm"] {
                self.refuse_when(&at(key), true, "cannot stand beside secret; remove one of them");
            }
            return self.secret(&at("secret")).map(ProofRef::Secret);
        }
        if !has(self, "key") {
            let text =
                "is missing; give secret, or key with key_id, as a reference: { file = \"…\" } or { env = \"…\" }";
            self.problems.push(Problem::new(at("secret"), text));
            return None;
        }
        let algorithm = self.optional(&at("algorithm")).unwrap_or_else(|| USUAL_ALGORITHM.to_owned());
        let key_id = self.text(&at("key_id"));
        self.secret(&at("key")).map(|key| ProofRef::Key { key, key_id, algorithm })
    }

    fn flag(&mut self, path: &str) -> bool {
        matches!(self.value(path), Some(Value::Flag(true)))
    }
}
