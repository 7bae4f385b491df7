//! Across patients: candidates from the allow-listed tenant-wide indexes, never from a list of everybody, except for the
//! `Patient` type itself, which is scanned within the time limit when no index serves the question.

use crate::facts::{ids, updated_range};
use crate::search::{Candidates, Lookup, SearchStop};
use aceso_base::{LogicalId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::Phi;
use std::ops::ControlFlow;

/// More candidates than this for one question, and it is refused as too costly: never cut.
const MAX_CANDIDATES: usize = 50_000;
/// Search parts are fetched and checked in blocks of so many.
const BLOCK: usize = 256;

impl Candidates<'_> {
    /// With `lookup` as far as a cache knows, or to be filled.
    pub(crate) fn population(&mut self, mut lookup: Option<&mut Lookup>) -> Result<(), SearchStop> {
        for &rtype in self.request.types {
            let names = self.population_names(rtype, lookup.as_deref_mut())?;
            self.check_names(names)?;
        }
        Ok(())
    }

    /// The records that can match at all.
    fn population_names(
        &mut self,
        rtype: ResourceType,
        mut lookup: Option<&mut Lookup>,
    ) -> Result<Vec<(ResourceType, LogicalId)>, SearchStop> {
        if let Some(known) = lookup.as_mut().and_then(|lookup| lookup.known.take()) {
            return Ok(known.into_iter().map(|id| (rtype, id)).collect());
        }
        if let Some(ids) = self.request.filters.iter().find_map(ids) {
            return Ok(ids.into_iter().map(|id| (rtype, id)).collect());
        }
        let door = self.door;
        let tenant = &self.caller.tenant;
        let keys = door.inner.keyring.tenant(tenant).map_err(|_| SearchStop::Unavailable("keys"))?;
        let plan = crate::tokens::of_population_search(&keys, door.inner.plan, rtype, self.request.filters);
        if let Some(tokens) = plan {
            let found =
                door.inner.store.by_tokens(tenant, rtype, &tokens, MAX_CANDIDATES).map_err(SearchStop::store)?;
            if found.limit_hit {
                return Err(SearchStop::TooCostly);
            }
            let found: Vec<LogicalId> = found.found.into_iter().map(|candidate| candidate.id).collect();
            if let Some(lookup) = lookup {
                lookup.read = Some(found.clone());
            }
            return Ok(found.into_iter().map(|id| (rtype, id)).collect());
        }
        if let Some((from, to)) = self.request.filters.iter().find_map(updated_range) {
            let updated = door.inner.store.updated_between(tenant, rtype, from, to, None, MAX_CANDIDATES);
            let updated = updated.map_err(SearchStop::store)?;
            if updated.len() >= MAX_CANDIDATES {
                return Err(SearchStop::TooCostly);
            }
            return Ok(updated.into_iter().map(|record| (rtype, record.id)).collect());
        }
        self.everybody(rtype, door.now())
    }

    fn everybody(
        &mut self,
        rtype: ResourceType,
        started: Timestamp,
    ) -> Result<Vec<(ResourceType, LogicalId)>, SearchStop> {
        let mut names = Vec::new();
        let mut too_costly = false;
        let expected = self.door.inner.freshness.expect(&self.caller.tenant, None, &[rtype]);
        let mut sum = 0_u64;
        let scanned = self.door.inner.store.scan_type(&self.caller.tenant, rtype, &mut |row| {
            if names.len() % 1024 == 1023 && self.door.over_budget(started, self.door.now()) {
                too_costly = true;
                return ControlFlow::Break(());
            }
            if let Ok(id) = LogicalId::parse(row.id) {
                sum = sum.wrapping_add(self.term(rtype, &id, row.version));
                names.push((rtype, id));
            }
            ControlFlow::Continue(())
        });
        scanned.map_err(SearchStop::store)?;
        if too_costly {
            return Err(SearchStop::TooCostly);
        }
        self.compare(&expected, None, sum);
        Ok(names)
    }

    fn check_names(&mut self, names: Vec<(ResourceType, LogicalId)>) -> Result<(), SearchStop> {
        let started = self.door.now();
        let mut room = Phi::new(Vec::with_capacity(1024));
        for block in names.chunks(BLOCK) {
            if self.door.over_budget(started, self.door.now()) {
                return Err(SearchStop::TooCostly);
            }
            let rows =
                self.door.inner.store.search_rows(&self.caller.tenant, None, block).map_err(SearchStop::store)?;
            for ((rtype, id), row) in block.iter().zip(rows) {
                match row {
                    Some(row) => self.check_row(&row, &mut room)?,
                    None => self.check_gone(*rtype, id),
                }
            }
        }
        Ok(())
    }
}
