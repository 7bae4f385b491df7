//! Which answer of a vendor asks for what.

/// What is done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Wait with jitter and try again.
    Retry,
    /// As [`Remedy::Retry`], with fewer requests at once and not before the time that the vendor names, if it does.
    SlowDown,
    /// Get a new token and try once more; the second time it is [`Remedy::Stop`].
    RefreshToken,
    /// The object is deleted at the source: not a failure but news.
    Deleted,
    /// The source has forgotten the list: ask for its first page again.
    StartAgain,
    /// Set this object aside with its reason and go on with the next.
    DeadLetter,
    /// Stop the connection and tell an operator: every further request would fail in the same way.
    Stop,
}

/// A failure of a vendor's interface, by kind. Never carries text of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum VendorError {
    /// No answer: refused, reset, timed out. A write is in an unknown state then; search before it is sent again.
    #[error("the vendor did not answer")]
    Unreachable,
    /// The answer ended early or is not JSON of the expected shape.
    #[error("the answer is cut short or not of the expected shape")]
    Garbled,
    /// Too many requests.
    #[error("the vendor asks to slow down")]
    Throttled,
    /// The vendor fails or is being maintained.
    #[error("the vendor is not available")]
    Unavailable,
    /// The token is not taken (any more).
    #[error("the token is not accepted")]
    Unauthorized,
    /// The token lacks the scope.
    #[error("the token does not cover this resource")]
    Forbidden,
    /// No such object, or not for this application.
    #[error("no such object")]
    NotFound,
    /// The object was deleted.
    #[error("the object was deleted")]
    Gone,
    /// The object exists already; the answer names it.
    #[error("the object exists already")]
    Duplicate,
    /// The request is wrong for this one object.
    #[error("the vendor refuses the request")]
    Refused,
    /// Somebody at the source has to open this patient or object first; asking again is an alarm there.
    #[error("the vendor protects this record from the connection")]
    Restricted,
    /// The page is of a list that the source has forgotten.
    #[error("the vendor has forgotten the list of this page")]
    Expired,
    /// An answer that the table does not know.
    #[error("the vendor answered with a status that has no rule")]
    Unexpected,
}

/// One rule of a vendor's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRow {
    /// HTTP status. `None` with a code: whatever the status is; without one: there was no answer.
    pub status: Option<u16>,
    /// The vendor's own code in the body, where it has one and it matters.
    pub code: Option<&'static str>,
    /// What it means.
    pub error: VendorError,
    /// What is done.
    pub remedy: Remedy,
}

/// What an answer means by a vendor's table: the row of its status and code, else of its code alone, else of its status alone, else
/// [`VendorError::Unavailable`] for 5xx and [`VendorError::Unexpected`], which stops, for all else.
#[must_use]
pub fn classify(table: &[ErrorRow], status: Option<u16>, code: Option<&str>) -> (VendorError, Remedy) {
    let exact = table.iter().find(|row| row.status == status && row.code.is_some() && row.code == code);
    let coded = table.iter().find(|row| row.status.is_none() && row.code.is_some() && row.code == code);
    let row = exact.or(coded).or_else(|| table.iter().find(|row| row.status == status && row.code.is_none()));
    match (row, status) {
        (Some(row), _) => (row.error, row.remedy),
        (None, None) => (VendorError::Unreachable, Remedy::Retry),
        (None, Some(500..=599)) => (VendorError::Unavailable, Remedy::Retry),
        (None, Some(_)) => (VendorError::Unexpected, Remedy::Stop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[ErrorRow] = &[
        ErrorRow { status: Some(403), code: Some("4130"), error: VendorError::Refused, remedy: Remedy::DeadLetter },
        ErrorRow { status: Some(403), code: None, error: VendorError::Forbidden, remedy: Remedy::Stop },
        ErrorRow { status: None, code: Some("4113"), error: VendorError::Expired, remedy: Remedy::StartAgain },
    ];

    #[test]
    fn a_code_of_the_body_goes_before_the_status_alone() {
        assert_eq!(classify(TABLE, Some(403), Some("4130")), (VendorError::Refused, Remedy::DeadLetter));
        assert_eq!(classify(TABLE, Some(403), Some("1")), (VendorError::Forbidden, Remedy::Stop));
        assert_eq!(classify(TABLE, Some(403), None), (VendorError::Forbidden, Remedy::Stop));
        for status in [400, 403, 404, 500] {
            let by_code = (VendorError::Expired, Remedy::StartAgain);
            assert_eq!(classify(TABLE, Some(status), Some("4113")), by_code, "{status}");
        }
    }

    #[test]
    fn no_answer_and_server_faults_are_tried_again_and_unknown_answers_stop() {
        assert_eq!(classify(TABLE, None, None), (VendorError::Unreachable, Remedy::Retry));
        assert_eq!(classify(TABLE, Some(502), None), (VendorError::Unavailable, Remedy::Retry));
        assert_eq!(classify(TABLE, Some(418), None), (VendorError::Unexpected, Remedy::Stop));
    }
}
