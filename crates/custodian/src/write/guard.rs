//! Conditions that must still hold when a unit commits, and whose turn it is to act on one.
//!
//! A condition by an identifier is guarded by the store: no row with the identifier's token. Others have no token to look for.
//! Their writers take turns, tenant by tenant and type by type, and look again when it is their turn. One process writes a
//! database (its lock says so), so turns in this process are enough.

use super::Change;
use super::refusal::Why;
use crate::access::unavailable;
use crate::door::Custodian;
use crate::error::DoorError;
use crate::search::{SearchRequest, SearchScope};
use crate::view::Shape;
use aceso_base::{Caller, Interaction, LogicalId, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::search::Filter;
use aceso_phi::IndexToken;
use aceso_store::Precondition;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// A condition that must still hold when the unit commits: no live record matches the filters (conditional create).
pub struct Guard<'a> {
    /// The change that it guards.
    pub change: usize,
    /// The type.
    pub rtype: ResourceType,
    /// The conditions.
    pub filters: &'a [Filter],
    /// Where matches can be.
    pub scope: SearchScope,
}

/// More records than this that share an identifier's token count as a match.
const MAX_LOOKALIKES: usize = 256;

/// Who acts on a condition without an index, one at a time for each tenant and type.
#[derive(Default)]
pub(crate) struct Turns(Mutex<BTreeMap<(TenantId, ResourceType), Turn>>);

/// Whose turn it is for one tenant and type.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl Turns {
    fn of(&self, tenant: &TenantId, rtype: ResourceType) -> Turn {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry((tenant.clone(), rtype)).or_default())
    }
}

impl Custodian {
    /// Waits for the turn of every guard that the store cannot keep. In the order of the types, so that nobody waits in a circle.
    pub(super) async fn turns(
        &self,
        caller: &Caller,
        guards: &[Guard<'_>],
    ) -> Result<Vec<OwnedMutexGuard<()>>, DoorError> {
        let mut types = BTreeSet::new();
        for guard in guards {
            if self.guard_token(caller, guard)?.is_none() {
                types.insert(guard.rtype);
            }
        }
        let mut turns = Vec::with_capacity(types.len());
        for rtype in types {
            turns.push(self.inner.turns.of(&caller.tenant, rtype).lock_owned().await);
        }
        Ok(turns)
    }

    /// The store's form of a guard, where an index keeps it. Where none does, it is this writer's turn: he looks once more, and there
    /// is nothing for the store to check.
    pub(super) async fn guard_condition(
        &self,
        caller: &Caller,
        changes: &[Change],
        guard: &Guard<'_>,
    ) -> Result<Option<Precondition>, DoorError> {
        let Some(token) = self.guard_token(caller, guard)? else {
            return if self.guarded_matches(caller, guard).await?.is_empty() {
                Ok(None)
            } else {
                Err(self.refused(caller, changes, guard.change, Why::Duplicate).await)
            };
        };
        let but = self.lookalikes(caller, changes, guard, &token).await?;
        let tenant = caller.tenant.clone();
        Ok(Some(Precondition::NoRowWithToken { tenant, rtype: guard.rtype, token, but }))
    }

    /// The one token that every matching record must have.
    fn guard_token(&self, caller: &Caller, guard: &Guard<'_>) -> Result<Option<IndexToken>, DoorError> {
        let tenant = self.inner.keyring.tenant(&caller.tenant).map_err(|_| DoorError::Unavailable("keys"))?;
        let token = guard
            .filters
            .iter()
            .filter(|filter| filter.param.code == "identifier")
            .filter_map(|filter| crate::tokens::of_identifiers(&tenant, guard.rtype, filter))
            .find_map(|tokens| <[_; 1]>::try_from(tokens).ok());
        Ok(token.map(|[token]| token))
    }

    /// The records that have the token and were opened and found not to match: tokens fold case and separators, searches do not.
    async fn lookalikes(
        &self,
        caller: &Caller,
        changes: &[Change],
        guard: &Guard<'_>,
        token: &IndexToken,
    ) -> Result<Vec<LogicalId>, DoorError> {
        let tokens = std::slice::from_ref(token);
        let found =
            self.inner.store.by_tokens(&caller.tenant, guard.rtype, tokens, MAX_LOOKALIKES).map_err(unavailable)?;
        if found.found.is_empty() {
            return Ok(Vec::new());
        }
        if found.limit_hit || !self.guarded_matches(caller, guard).await?.is_empty() {
            return Err(self.refused(caller, changes, guard.change, Why::Duplicate).await);
        }
        Ok(found.found.into_iter().map(|candidate| candidate.id).collect())
    }

    async fn guarded_matches(&self, caller: &Caller, guard: &Guard<'_>) -> Result<Vec<LogicalId>, DoorError> {
        let request = SearchRequest {
            scope: guard.scope,
            types: &[guard.rtype],
            filters: guard.filters,
            sort: &[],
            count: 1,
            after: None,
            include: &[],
            shape: &Shape::WHOLE,
            interaction: Interaction::Create,
        };
        match self.find(caller, &request).await {
            Ok(found) => Ok(found.into_iter().map(|(id, _)| id).collect()),
            // A compartment that is not the caller's to know of looks like an empty one.
            Err(DoorError::Absent { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
