//! What answers ask for: those of FHIR (R4 http.html, section 3.1.0.4 and following), and those that an EHR has of its own.

use crate::pattern::{ErrorRow, Remedy, VendorError};

const fn row(status: u16, error: VendorError, remedy: Remedy) -> ErrorRow {
    ErrorRow { status: Some(status), code: None, error, remedy }
}

/// Whatever status it comes with.
const fn code(code: &'static str, error: VendorError, remedy: Remedy) -> ErrorRow {
    ErrorRow { status: None, code: Some(code), error, remedy }
}

/// Rows that all have, with what 403 asks for.
macro_rules! table {
    ($forbidden:expr; $($more:expr),* $(,)?) => { &[
        ErrorRow { status: None, code: None, error: VendorError::Unreachable, remedy: Remedy::Retry },
        row(400, VendorError::Refused, Remedy::DeadLetter),
        row(401, VendorError::Unauthorized, Remedy::RefreshToken),
        row(403, VendorError::Forbidden, $forbidden),
        row(404, VendorError::NotFound, Remedy::Deleted),
        row(405, VendorError::Refused, Remedy::DeadLetter),
        // It is asked for FHIR JSON: whoever has none cannot be read at all. The body may be empty.
        row(406, VendorError::Refused, Remedy::Stop),
        row(408, VendorError::Unreachable, Remedy::Retry),
        row(409, VendorError::Unavailable, Remedy::Retry),
        row(410, VendorError::Gone, Remedy::Deleted),
        row(415, VendorError::Refused, Remedy::Stop),
        row(422, VendorError::Refused, Remedy::DeadLetter),
        row(429, VendorError::Throttled, Remedy::SlowDown),
        row(500, VendorError::Unavailable, Remedy::Retry),
        row(502, VendorError::Unavailable, Remedy::Retry),
        row(503, VendorError::Unavailable, Remedy::SlowDown),
        row(504, VendorError::Unavailable, Remedy::Retry),
        $($more),*
    ] };
}

/// A 403 may be of one type, for which the scope is missing: the others go on.
pub(super) const PLAIN: &[ErrorRow] = table![Remedy::DeadLetter;];

/// A 403 says that the tenant in the address is wrong ("Tenant not valid or accessible"): nothing can be read.
pub(super) const ORACLE: &[ErrorRow] = table![Remedy::Stop;];

/// Epic's codes, from its published list of 37; the others say what their status says.
pub(super) const EPIC: &[ErrorRow] = table![Remedy::DeadLetter;
    // Deleted, merged into another.
    code("4103", VendorError::Gone, Remedy::Deleted),
    code("4107", VendorError::Gone, Remedy::Deleted),
    // The session of a list's pages has expired.
    code("4113", VendorError::Expired, Remedy::StartAgain),
    // More than 100 patients: the search has to be narrowed by an operator.
    code("4127", VendorError::Refused, Remedy::DeadLetter),
    // Break-the-glass: each further request is an alarm there.
    code("4130", VendorError::Restricted, Remedy::DeadLetter),
    code("4131", VendorError::Restricted, Remedy::DeadLetter),
    code("4134", VendorError::Restricted, Remedy::DeadLetter),
    // Documents of the day are used up: the next run asks again.
    code("4135", VendorError::Throttled, Remedy::DeadLetter),
];

/// Warnings of Epic in a list that say that there may be more: for this patient, and more than 100 patients.
pub(super) const EPIC_INCOMPLETE: &[&str] = &["4119", "4127"];
