//! What one vendor's interface can do.

/// A vendor's interface, as data.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities {
    /// Short name of the vendor: part of connection settings, metrics and provenance (`elation`).
    pub vendor: &'static str,
    /// Version of models and mapping. Goes up whenever the same object would be mapped to something else, so that a
    /// full sweep maps again what an older version has mapped.
    pub version: &'static str,
    /// What is fetched, in an order in which references point backwards: directory first, then patients, then the rest.
    pub resources: &'static [ResourceCapability],
    /// Push, where the vendor has it.
    pub webhooks: Option<WebhookSupport>,
    /// A list of past changes to catch up from, where the vendor has it.
    pub change_feed: Option<ChangeFeed>,
    /// What the vendor says, or does not say, about load.
    pub limits: Limits,
}

impl Capabilities {
    /// The resource of this kind.
    #[must_use]
    pub fn resource(&self, kind: &str) -> Option<&'static ResourceCapability> {
        self.resources.iter().find(|resource| resource.kind == kind)
    }
}

/// One kind of object of the vendor.
#[derive(Debug, Clone, Copy)]
pub struct ResourceCapability {
    /// The vendor's name of the kind. Stable: it is part of logical ids, cursors and provenance.
    pub kind: &'static str,
    /// Path below the base address, with the slash at its end where the vendor wants it.
    pub path: &'static str,
    /// FHIR types that mapping makes of it. `Provenance` comes with every kind and is not named.
    pub produces: &'static [&'static str],
    /// How it is listed.
    pub listing: Listing,
    /// How a deletion shows.
    pub deletion: Deletion,
    /// Whether webhooks tell of it.
    pub webhook: bool,
}

/// How a kind of object is listed.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// How pages follow each other.
    pub paging: Paging,
    /// Which queries narrow the list.
    pub filters: Filters,
    /// The member that says when an object has changed last; `None`: the object does not say, only its content tells.
    pub modified: Option<&'static str>,
}

/// How pages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Each page names the next one; ascending by id; `largest` objects a page at most.
    Cursor {
        /// The largest page.
        largest: u32,
        /// Whether an offset in the query switches to counted pages.
        offset_too: bool,
    },
    /// The object is fetched one by one: there is no list.
    None,
}

/// Query parameters that narrow a list, as the vendor spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filters {
    /// Changed at or after a time. Without it, only webhooks, the change feed and sweeps find changes.
    pub changed_since: Option<&'static str>,
    /// Of these patients, ids separated by commas.
    pub patient: Option<&'static str>,
    /// Of these practices, ids separated by commas.
    pub practice: Option<&'static str>,
    /// Clinical date from and to. Not a date of change: edits of older objects do not show.
    pub clinical_range: Option<(&'static str, &'static str)>,
}

/// How a deletion shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// The object stays and this member holds when it was deleted; fetching it answers with this status.
    Soft {
        /// Name of the member.
        member: &'static str,
        /// Status of a fetch by id.
        status: u16,
    },
    /// Only its absence tells.
    Absence,
}

/// Signed push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookSupport {
    /// Header of the signature.
    pub header: &'static str,
    /// How the raw body is signed.
    pub signature: &'static str,
    /// The one status that the vendor takes as accepted.
    pub accepted: u16,
    /// Hours for which the vendor sends again.
    pub retry_hours: u32,
    /// Whether time is signed. If not, a replay verifies, so ids of events are remembered and objects read anew.
    pub signs_time: bool,
    /// Whether an application's own writes come back to it.
    pub echoes: bool,
}

/// A list of past changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeFeed {
    /// Path below the base address.
    pub path: &'static str,
    /// Days for which a change stays in it. A longer outage needs a full sweep.
    pub kept_days: u32,
}

/// What is known of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Published requests a minute; `None`: a limit exists but its number does not, so the caller adapts.
    pub requests_per_minute: Option<u32>,
    /// Whether the vendor says how long to wait; `false`: sometimes or never.
    pub retry_after: bool,
    /// Requests under way at once to start with.
    pub first_concurrency: u32,
}
