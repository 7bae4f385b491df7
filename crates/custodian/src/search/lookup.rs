//! Lookups of patients across the tenant, in the shared cache: which ids some index tokens led to.
//!
//! Never wrong for being old: a lookup carries the store's mark of its tokens, taken before the rows were read, and counts only
//! while the mark is still the same, so a patient who was written is found by the next search. And it only names candidates, each
//! of which is read, checked against the log and opened as always. Where the cache is lost, the store is asked.

use super::{SearchRequest, SearchScope};
use crate::door::Custodian;
use crate::shared::SharedRoom;
use aceso_base::{Caller, LogicalId};
use aceso_policy::Grant;
use aceso_seal::{TenantKeys, cache_name};
use aceso_store::{CacheName, TokenMark};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One lookup: asked of the cache, or to be put there.
pub(crate) struct Lookup {
    room: Arc<SharedRoom>,
    keys: Arc<TenantKeys>,
    name: CacheName,
    /// Taken before any row is read.
    mark: TokenMark,
    /// What the cache had, if it still counts.
    pub(crate) known: Option<Vec<LogicalId>>,
    /// What the store was asked for instead.
    pub(crate) read: Option<Vec<LogicalId>>,
}

const SPACE: &str = "lookups";
/// More candidates than this are not worth their way.
const MOST: usize = 1024;

impl Custodian {
    /// Asks the cache, for a search of patients across the tenant by index tokens. `None` for every other search, without a
    /// cache, and where it is lost.
    pub(crate) async fn look_up(&self, caller: &Caller, grant: &Grant, request: &SearchRequest<'_>) -> Option<Lookup> {
        let room = self.inner.shared.as_ref().filter(|room| !room.lookups.is_zero())?;
        let &[rtype] = request.types else { return None };
        let across = request.scope == SearchScope::Population && grant.subject().is_none();
        if !across || rtype.name() != "Patient" || request.filters.iter().any(|filter| filter.param.code == "_id") {
            return None;
        }
        let keys = self.inner.keyring.tenant(&caller.tenant).ok()?;
        let mut tokens = crate::tokens::of_population_search(&keys, self.inner.plan, rtype, request.filters)?;
        tokens.sort_unstable();
        tokens.dedup();
        let parts: Vec<&[u8]> = tokens.iter().map(aceso_phi::IndexToken::as_bytes).collect();
        let name = CacheName::of_keyed(cache_name(&keys, SPACE, &parts));
        let found = self.shared_value(room, &keys, SPACE, &name).await.ok()?;
        // Only now: what was written before this moment is in the rows, or has changed the mark.
        let mark = self.inner.store.mark_of_tokens(rtype, &tokens);
        let known = found.and_then(|found| decode(&found, mark));
        let counter = if known.is_some() { &room.hits } else { &room.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        Some(Lookup { room: Arc::clone(room), keys, name, mark, known, read: None })
    }

    /// Puts there what the store was asked for.
    pub(crate) async fn share_lookup(&self, lookup: Lookup) {
        let Lookup { room, keys, name, mark, read: Some(found), .. } = lookup else { return };
        if let Some(plain) = encode(&found, mark) {
            // Lost: the next search asks the store again. The cache counts it.
            let _ = self.share_value(&room, &keys, (SPACE, &name), &plain, room.lookups).await;
        }
    }
}

/// Version byte, mark, number of ids (big endian), each id behind its length; zeros up to a power of two, so that the sealed length
/// does not tell the number.
const FORMAT: u8 = 1;
const SMALLEST: usize = 256;

fn encode(found: &[LogicalId], TokenMark(mark): TokenMark) -> Option<Vec<u8>> {
    let count = u16::try_from(found.len()).ok().filter(|_| found.len() <= MOST)?;
    let mut plain = vec![FORMAT];
    plain.extend_from_slice(&mark);
    plain.extend_from_slice(&count.to_be_bytes());
    for id in found {
        plain.push(u8::try_from(id.as_str().len()).ok()?);
        plain.extend_from_slice(id.as_str().as_bytes());
    }
    plain.resize(plain.len().next_power_of_two().max(SMALLEST), 0);
    Some(plain)
}

/// `None` for another format, and for a lookup that does not count any more.
fn decode(plain: &[u8], now: TokenMark) -> Option<Vec<LogicalId>> {
    let (&[FORMAT], rest) = plain.split_first_chunk()? else { return None };
    let (mark, rest) = rest.split_first_chunk::<16>()?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    if *mark != now.0 {
        return None;
    }
    let mut found = Vec::with_capacity(usize::from(u16::from_be_bytes(*count)).min(MOST));
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, text) = rest.split_first()?;
        let (id, after) = text.split_at_checked(usize::from(*length))?;
        found.push(LogicalId::parse(std::str::from_utf8(id).ok()?).ok()?);
        rest = after;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: TokenMark = TokenMark([7; 16]);

    fn ids(count: usize) -> Vec<LogicalId> {
        (0..count).map(|number| LogicalId::parse(&format!("patient-{number}")).unwrap()).collect()
    }

    #[test]
    fn a_lookup_comes_back_for_the_same_mark_only() {
        for count in [0, 1, 2, 300, MOST] {
            let plain = encode(&ids(count), MARK).unwrap();
            assert_eq!(decode(&plain, MARK), Some(ids(count)));
            assert_eq!(decode(&plain, TokenMark([8; 16])), None);
        }
        assert_eq!(encode(&ids(MOST + 1), MARK), None);
    }

    #[test]
    fn lookups_of_few_have_one_length_and_nothing_cut_or_of_another_format_is_read() {
        let none = encode(&[], MARK).unwrap();
        assert_eq!(none.len(), encode(&ids(5), MARK).unwrap().len());
        let plain = encode(&ids(20), MARK).unwrap();
        for length in 0..19 + 20 * 10 {
            assert_eq!(decode(&plain[..length], MARK), None, "{length}");
        }
        let other = [vec![2], plain[1..].to_vec()].concat();
        assert_eq!(decode(&other, MARK), None);
    }
}
