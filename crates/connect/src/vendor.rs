//! What the common part asks of a vendor: pure functions over bytes that came from its interface.

use crate::keeper::Algorithm;
use crate::pattern::{
    Capabilities, ErrorRow, MapContext, MapError, Mapped, Paging, ResourceCapability, SourceRef, VendorError,
};
use ::http::HeaderMap;
use aceso_base::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// One page of a list.
#[derive(Default)]
pub struct Page {
    /// The objects, each as the JSON text that came.
    pub objects: Vec<Zeroizing<Vec<u8>>>,
    /// The address of the next page, as the vendor gave it; `None` on the last.
    pub next: Option<String>,
    /// Kind and id of objects that the page names and does not hold: each is read by its id.
    pub named: Vec<(&'static str, String)>,
    /// The source says itself that there may be more than it shows.
    pub incomplete: bool,
}

/// What a source offers, by its own description of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// By name of the kind at the source.
    pub kinds: BTreeMap<String, Offered>,
}

/// What is offered of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offered {
    /// Objects can be read by their id.
    pub read: bool,
    /// There are lists.
    pub search: bool,
    /// Query parameters of the lists.
    pub parameters: BTreeSet<String>,
}

/// How the objects of a kind are found at one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Which lists there are.
    pub lists: Lists,
    /// How changes show between two sweeps.
    pub changes: Changes,
}

/// Which lists of a kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// Lists of everything.
    All,
    /// Lists for one patient each.
    PerPatient,
    /// None: an object is read when another one names it.
    Named,
    /// The source does not offer the kind.
    Absent,
}

/// How changes show between two sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// The lists can be asked for what has changed since a time.
    Since,
    /// The lists are read whole.
    Whole,
    /// Not in lists: by webhooks, by a list of past changes, or by the next sweep.
    Otherwise,
}

/// What is asked of the lists of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Only what has changed at or after this time.
    pub since: Option<&'a str>,
    /// The time of asking, for sources that want a range closed.
    pub now: Timestamp,
    /// Of this patient, by his id at the source.
    pub patient: Option<&'a str>,
}

/// News of one object: from a webhook or from the list of past changes. Its content is never taken from there, but read anew.
#[derive(Clone, PartialEq, Eq)]
pub struct News {
    /// The vendor's id of the event, for remembering which ones were seen.
    pub event: String,
    /// The kind of object, as in [`Capabilities`].
    pub kind: &'static str,
    /// The vendor's id of the object.
    pub id: String,
}

/// A vendor.
pub trait Vendor: Send + Sync {
    /// What its interface can do.
    fn capabilities(&self) -> &'static Capabilities;

    /// Which answer asks for what.
    fn errors(&self) -> &'static [ErrorRow];

    /// The vendor's own code in the body of an error, where the error table knows codes.
    fn error_code(&self, body: &[u8]) -> Option<String>;

    /// Headers of every request below the base address, besides those of HTTP itself. They replace what the common part sets.
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    /// Whether a connection may prove who it is by this algorithm; `None` is a client secret.
    fn takes_proof(&self, _algorithm: Option<Algorithm>) -> bool {
        true
    }

    /// The kind of patients: what lists for one patient go by.
    fn patients(&self) -> &'static str {
        "patients"
    }

    /// Ids of patients that the configuration names: they are read one by one, and no list of patients is asked for.
    fn panel(&self) -> &[String] {
        &[]
    }

    /// Where the source describes itself, below the base; `None`: [`Vendor::capabilities`] says all.
    fn description(&self) -> Option<&'static str> {
        None
    }

    /// Reads that description.
    ///
    /// # Errors
    /// [`VendorError::Garbled`].
    fn offer(&self, _body: &[u8]) -> Result<Offer, VendorError> {
        Err(VendorError::Garbled)
    }

    /// How the objects of a kind are found.
    fn way(&self, resource: &ResourceCapability, _offer: &Offer) -> Way {
        Way {
            lists: if resource.listing.paging == Paging::None { Lists::Named } else { Lists::All },
            changes: match resource.listing.filters.changed_since {
                Some(_) => Changes::Since,
                None => Changes::Otherwise,
            },
        }
    }

    /// The first addresses of the lists that together hold what is asked for: paths with queries, below the base.
    fn lists(&self, resource: &ResourceCapability, ask: &Ask<'_>) -> Vec<String>;

    /// Where the list of past changes begins.
    fn feed(&self, path: &str) -> String {
        path.to_owned()
    }

    /// Whether a list may show an object more than once, in several states.
    fn repeats(&self) -> bool {
        false
    }

    /// The path of one object below the base.
    fn object_path(&self, resource: &ResourceCapability, id: &str) -> String;

    /// Kind and id of the objects that this one names.
    fn refers(&self, _object: &[u8]) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Takes a page of a list apart.
    ///
    /// # Errors
    /// [`VendorError::Garbled`] for anything that is not a whole page.
    fn page(&self, body: &[u8]) -> Result<Page, VendorError>;

    /// Which object this is, without mapping it.
    ///
    /// # Errors
    /// [`MapError`] when it has no id.
    fn source(&self, kind: &'static str, object: &[u8]) -> Result<SourceRef, MapError>;

    /// Maps an object to FHIR R4.
    ///
    /// # Errors
    /// [`MapError`] names the member and the rule.
    fn map(&self, kind: &'static str, object: &[u8], context: &MapContext<'_>) -> Result<Mapped, MapError>;

    /// A page of the list of past changes: the news and the address of the next page.
    ///
    /// # Errors
    /// [`VendorError::Garbled`].
    fn changes(&self, body: &[u8]) -> Result<(Vec<News>, Option<String>), VendorError>;

    /// Checks a webhook's signature over the raw body with one of the keys, and reads it. `Ok(None)` is news of a kind that is
    /// not synchronised.
    ///
    /// # Errors
    /// [`WebhookError`].
    fn webhook(&self, headers: &HeaderMap, body: &[u8], keys: &[Vec<u8>]) -> Result<Option<News>, WebhookError>;

    /// The body that subscribes a target address to a kind, and the path below the base that takes it.
    fn subscription(&self, kind: &str, target: &str) -> Option<(&'static str, Vec<u8>)>;

    /// The public key in the answer to a subscription.
    ///
    /// # Errors
    /// [`VendorError::Garbled`].
    fn subscribed(&self, body: &[u8]) -> Result<Vec<u8>, VendorError>;
}

/// Why a webhook was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// No signature, or one that no key of the connection verifies.
    #[error("the signature does not verify")]
    Signature,
    /// Signed, and not understood.
    #[error("the body is not understood")]
    Body,
}

impl WebhookError {
    /// A fixed word for the log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Signature => "webhook-signature",
            Self::Body => "webhook-body",
        }
    }
}
