//! What the common part asks of a vendor: pure functions over bytes that came from its interface.

use crate::pattern::{Capabilities, ErrorRow, MapContext, MapError, Mapped, SourceRef, VendorError};
use ::http::HeaderMap;
use zeroize::Zeroizing;

/// One page of a list.
#[derive(Default)]
pub struct Page {
    /// The objects, each as the JSON text that came.
    pub objects: Vec<Zeroizing<Vec<u8>>>,
    /// The address of the next page, as the vendor gave it; `None` on the last.
    pub next: Option<String>,
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

    /// What the first request for a list has in its query, besides filters: the size of a page.
    fn page_query(&self) -> &'static [(&'static str, &'static str)];

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
