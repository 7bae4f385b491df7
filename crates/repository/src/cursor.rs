//! Page links: one opaque text that holds the whole question and the place to go on from.
//!
//! Sealed, so that no search value stands in a link (links end up in logs), and bound to the caller and the type.

use crate::{Fault, Repository};
use aceso_base::Caller;
use aceso_custodian::Position;
use aceso_fhir::Format;
use data_encoding::BASE64URL_NOPAD;

/// What a cursor leads back to.
pub(crate) struct Continued {
    /// The parameters of the search, without the cursor.
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) position: Position,
}

impl Repository {
    pub(crate) fn cursor_text(
        &self,
        caller: &Caller,
        place: &str,
        pairs: &[(String, String)],
        position: &Position,
    ) -> Result<String, Fault> {
        let asks = |(name, _): &&(String, String)| !matches!(name.as_str(), "_cursor" | "_format");
        let question: Vec<&(String, String)> = pairs.iter().filter(asks).collect();
        let question = serde_json::to_vec(&question).map_err(|_| refused())?;
        let sealed = self.door.seal_position(position, &question, &binding(caller, place)).map_err(|_| refused())?;
        Ok(BASE64URL_NOPAD.encode(&sealed))
    }

    /// The search that a request goes on with, when it has a `_cursor`: which then is all that it may have beside a
    /// `_format`, because the cursor holds the question.
    ///
    /// # Errors
    /// 400 for a cursor that does not open here, and for parameters beside it.
    pub(crate) fn continued_by(
        &self,
        caller: &Caller,
        place: &str,
        pairs: &[(String, String)],
    ) -> Result<Option<Continued>, Fault> {
        let Some((_, cursor)) = pairs.iter().find(|(name, _)| name == "_cursor") else { return Ok(None) };
        if pairs.iter().filter(|(name, _)| name != "_format").count() > 1 {
            let text = "a page link is used as it is: the cursor holds the whole question";
            return Err(Fault::at(400, "not-supported", "http._cursor", text));
        }
        self.continued(caller, place, cursor).map(Some)
    }

    pub(crate) fn continued(&self, caller: &Caller, place: &str, cursor: &str) -> Result<Continued, Fault> {
        let sealed = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| refused())?;
        let (position, question) = self.door.open_position(sealed, &binding(caller, place)).map_err(|_| refused())?;
        let pairs = serde_json::from_slice(&question).map_err(|_| refused())?;
        Ok(Continued { pairs, position })
    }
}

/// What a page link has behind the rest, so that the next page comes in the notation that this one was asked for in.
pub(crate) fn in_format(asked: Option<Format>) -> String {
    asked.map(|format| format!("&_format={}", format.name())).unwrap_or_default()
}

/// The notation that `_format` asks for.
pub(crate) fn format_of(pairs: &[(String, String)]) -> Option<Format> {
    pairs.iter().find(|(name, _)| name == "_format").and_then(|(_, value)| Format::of_parameter(value))
}

fn binding(caller: &Caller, place: &str) -> String {
    format!("{}|{}|{}|{place}", caller.tenant, caller.user, caller.purpose)
}

fn refused() -> Fault {
    Fault::at(400, "value", "http._cursor", "the cursor was not made by this server for this search and caller")
}
