//! Conditions of writes: searches for one record, by the right to write.

use crate::scope::scope_of;
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, LogicalId, Version};
use aceso_custodian::{DoorError, Receipt, SearchRequest, Shape};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::{Controls, Filter, Query, param};

/// What a condition found.
pub(crate) enum Match {
    None,
    One(LogicalId, Version),
    Several,
}

impl Repository {
    /// Reads the query of a condition. Parameters that shape an answer have no place in it.
    pub(crate) fn condition(&self, rtype: ResourceType, query: &str) -> Result<Vec<Filter>, Fault> {
        let pairs = decode_pairs(query)?;
        let query = Query::parse(rtype, &pairs)?;
        if query.controls != Controls::default() {
            let shapes = |(name, _): &(String, String)| param(rtype, name.split(':').next().unwrap_or(name)).is_none();
            let place = pairs.iter().position(shapes).map_or(1, |at| at + 1);
            let text = "a condition holds search parameters only, none that shape an answer";
            return Err(Fault::at(400, "not-supported", format!("http.parameter[{place}]"), text));
        }
        if query.filters.is_empty() {
            return Err(Fault::new(412, "required", "a condition needs at least one search parameter"));
        }
        Ok(query.filters)
    }

    /// Looks for the record that a condition describes; the receipt is that of the search.
    pub(crate) async fn matching(
        &self,
        caller: &Caller,
        interaction: Interaction,
        rtype: ResourceType,
        filters: &[Filter],
    ) -> Result<(Match, Receipt), Fault> {
        let request = SearchRequest {
            scope: scope_of(rtype, filters)?,
            types: &[rtype],
            filters,
            sort: &[],
            count: 2,
            after: None,
            include: &[],
            shape: &Shape::WHOLE,
            interaction,
        };
        let (mut found, receipt) = match self.door.find_recorded(caller, &request).await {
            Err(DoorError::Absent { receipt }) => (Vec::new(), receipt),
            other => other?,
        };
        let found = match (found.pop(), found.is_empty()) {
            (None, _) => Match::None,
            (Some((id, version)), true) => Match::One(id, version),
            (Some(_), false) => Match::Several,
        };
        Ok((found, receipt))
    }
}

/// Decodes `name=value&name=value` (percent-encoding, `+` as a space).
pub fn decode_pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'+' => b' ',
            b'%' => {
                let digit =
                    |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else { return Err(malformed()) };
                high << 4 | low
            }
            other => other,
        };
        bytes.push(decoded);
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

fn malformed() -> Fault {
    Fault::new(400, "value", "the query is not percent-encoded UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_malformed_escapes_refused() {
        let pairs = decode_pairs("identifier=http%3A%2F%2Fx%7C1+2&_id=a").unwrap();
        assert_eq!(pairs, [("identifier".into(), "http://x|1 2".into()), ("_id".into(), "a".into())]);
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert!(decode_pairs(wrong).is_err());
        }
    }
}
