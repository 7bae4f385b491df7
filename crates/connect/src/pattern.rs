//! The pattern of a connector: what a vendor declares, what mapping gives back, and which failure asks for what.
//!
//! A vendor is a constant [`Capabilities`] and a function from one object of the vendor to [`Mapped`]. Whatever fetches,
//! waits, stores or retries works on these types only and knows no vendor.

mod capability;
mod failure;
mod ids;
mod mapped;

pub use capability::{
    Capabilities, ChangeFeed, Deletion, Filters, Limits, Listing, Paging, ResourceCapability, WebhookSupport,
};
pub use failure::{ErrorRow, Remedy, VendorError, classify};
pub(crate) use ids::mint_id;
pub use ids::{ConnectionId, IdMinter, InvalidConnectionId, SourceKey, mint};
pub use mapped::{MapCode, MapContext, MapError, Mapped, MappedRecord, SourceRef, UnknownCode};
