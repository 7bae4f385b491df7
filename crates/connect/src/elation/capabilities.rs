//! Elation's interface, as data.

use crate::pattern::{
    Capabilities, ChangeFeed, Deletion, ErrorRow, Filters, Limits, Listing, Paging, Remedy, ResourceCapability,
    VendorError, WebhookSupport,
};

/// Pages: by cursor since April 2026, counted when the query has an `offset`; 100 objects at most.
const PAGES: Paging = Paging::Cursor { largest: 100, offset_too: true };

/// A deleted object keeps its place with `deleted_date`; fetching it answers 410.
const SOFT: Deletion = Deletion::Soft { member: "deleted_date", status: 410 };

const NO_FILTER: Filters = Filters { changed_since: None, patient: None, practice: None, clinical_range: None };
const BY_PATIENT: Filters = Filters { patient: Some("patient"), ..NO_FILTER };
const BY_CHART: Filters = Filters { patient: Some("patient"), practice: Some("practice"), ..NO_FILTER };

/// What Elation's API 2.0 offers of what this connector takes. Source: its published description, August 2026.
pub const CAPABILITIES: Capabilities = Capabilities {
    vendor: "elation",
    version: "1",
    resources: &[
        ResourceCapability {
            kind: "practices",
            path: "practices/",
            produces: &["Organization", "Location"],
            listing: Listing { paging: PAGES, filters: NO_FILTER, modified: None },
            deletion: Deletion::Absence,
            webhook: false,
        },
        ResourceCapability {
            kind: "physicians",
            path: "physicians/",
            produces: &["Practitioner", "PractitionerRole"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { practice: Some("practice"), ..NO_FILTER },
                modified: None,
            },
            deletion: Deletion::Absence,
            webhook: true,
        },
        ResourceCapability {
            kind: "patients",
            path: "patients/",
            produces: &["Patient", "Observation", "Coverage", "Consent"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { changed_since: Some("last_modified__gte"), practice: Some("practice"), ..NO_FILTER },
                modified: Some("last_modified"),
            },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "problems",
            path: "problems/",
            produces: &["Condition"],
            listing: Listing { paging: PAGES, filters: BY_PATIENT, modified: None },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "allergies",
            path: "allergies/",
            produces: &["AllergyIntolerance"],
            listing: Listing { paging: PAGES, filters: BY_PATIENT, modified: None },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "drug_intolerances",
            path: "drug_intolerances/",
            produces: &["AllergyIntolerance"],
            listing: Listing { paging: PAGES, filters: BY_PATIENT, modified: None },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "medications",
            path: "medications/",
            produces: &["MedicationRequest"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { clinical_range: Some(("document_date__gte", "document_date__lte")), ..BY_CHART },
                modified: Some("last_modified"),
            },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "discontinued_medications",
            path: "discontinued_medications/",
            produces: &["MedicationStatement"],
            listing: Listing { paging: PAGES, filters: BY_CHART, modified: None },
            deletion: SOFT,
            webhook: false,
        },
        ResourceCapability {
            kind: "prescription_fills",
            path: "prescription_fills/",
            produces: &["MedicationDispense"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { clinical_range: Some(("fill_date__gte", "fill_date__lte")), ..BY_CHART },
                modified: None,
            },
            deletion: Deletion::Absence,
            webhook: false,
        },
        ResourceCapability {
            kind: "lab_orders",
            path: "lab_orders/",
            produces: &["ServiceRequest"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { clinical_range: Some(("from_signed_date", "to_signed_date")), ..BY_CHART },
                modified: None,
            },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "reports",
            path: "reports/",
            produces: &["DiagnosticReport", "Observation", "DocumentReference"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { clinical_range: Some(("reported_date__gte", "reported_date__lte")), ..BY_CHART },
                modified: None,
            },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "vitals",
            path: "vitals/",
            produces: &["Observation"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { clinical_range: Some(("document_date__gte", "document_date__lte")), ..BY_CHART },
                modified: None,
            },
            deletion: SOFT,
            webhook: true,
        },
        ResourceCapability {
            kind: "appointments",
            path: "appointments/",
            produces: &["Appointment"],
            listing: Listing {
                paging: PAGES,
                filters: Filters { clinical_range: Some(("from_date", "to_date")), ..BY_CHART },
                modified: Some("last_modified_date"),
            },
            deletion: SOFT,
            webhook: true,
        },
    ],
    webhooks: Some(WebhookSupport {
        header: "El8-Ed25519-Signature",
        signature: "Ed25519 over the raw body, base64; one public key for each subscription",
        accepted: 200,
        retry_hours: 72,
        signs_time: false,
        echoes: false,
    }),
    change_feed: Some(ChangeFeed { path: "published_events/", kept_days: 30 }),
    limits: Limits { requests_per_minute: None, retry_after: false, first_concurrency: 2 },
};

const fn row(status: u16, error: VendorError, remedy: Remedy) -> ErrorRow {
    ErrorRow { status: Some(status), code: None, error, remedy }
}

/// What Elation's statuses ask for. A 404 sets one object aside: it may be another application's. A 403 stops: the token
/// lacks a scope, and every further request of the kind would fail.
pub const ERRORS: &[ErrorRow] = &[
    ErrorRow { status: None, code: None, error: VendorError::Unreachable, remedy: Remedy::Retry },
    row(400, VendorError::Refused, Remedy::DeadLetter),
    row(401, VendorError::Unauthorized, Remedy::RefreshToken),
    row(403, VendorError::Forbidden, Remedy::Stop),
    row(404, VendorError::NotFound, Remedy::DeadLetter),
    row(405, VendorError::Refused, Remedy::Stop),
    row(408, VendorError::Unreachable, Remedy::Retry),
    row(409, VendorError::Duplicate, Remedy::DeadLetter),
    row(410, VendorError::Gone, Remedy::Deleted),
    row(413, VendorError::Refused, Remedy::DeadLetter),
    row(415, VendorError::Refused, Remedy::Stop),
    row(422, VendorError::Refused, Remedy::DeadLetter),
    row(429, VendorError::Throttled, Remedy::SlowDown),
    row(500, VendorError::Unavailable, Remedy::Retry),
    row(502, VendorError::Unavailable, Remedy::Retry),
    row(503, VendorError::Unavailable, Remedy::SlowDown),
    row(504, VendorError::Unavailable, Remedy::Retry),
];
