//! What the entries of a transaction will do, gathered before anything is done.

use crate::Fault;
use crate::entry::Entry;
use crate::patch::Patch;
use crate::write::{Stored, WriteStatus, stored};
use aceso_base::{LogicalId, Version};
use aceso_custodian::{Expected, Receipt, Written};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Node;
use aceso_fhir::search::{Criterion, Filter, Modifier, SearchValues, SearchView, encode, extract};
use std::collections::{BTreeMap, BTreeSet};

/// What an entry will do.
pub(crate) enum Plan {
    Create {
        rtype: ResourceType,
        id: LogicalId,
        guard: Option<Vec<Filter>>,
        /// The condition of a conditional create, under which a later entry finds this record.
        under: Option<(ResourceType, String)>,
    },
    Update {
        rtype: ResourceType,
        id: LogicalId,
        expected: Expected,
    },
    Patch {
        rtype: ResourceType,
        id: LogicalId,
        /// The version that it is for, where one was named or a condition matched it.
        expected: Option<Version>,
        patch: Patch,
    },
    Delete {
        rtype: ResourceType,
        id: LogicalId,
        expected: Expected,
    },
    /// A conditional create that found its record.
    Kept {
        rtype: ResourceType,
        id: LogicalId,
        version: Version,
        receipt: Receipt,
    },
    /// A conditional create under the condition of an earlier entry: it finds what that one makes.
    Same {
        rtype: ResourceType,
        id: LogicalId,
    },
    Look,
    Nothing {
        receipt: Receipt,
    },
}

#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) plans: BTreeMap<usize, Plan>,
    pub(crate) guards: Vec<(usize, ResourceType, Vec<Filter>)>,
    /// `fullUrl` → `Type/id`.
    pub(crate) names: BTreeMap<String, String>,
    /// Records that conditional creates make, by their conditions.
    pub(crate) conditional: BTreeMap<(ResourceType, String), LogicalId>,
    /// Records that this bundle changes, and the entry that does.
    pub(crate) changed: BTreeMap<(ResourceType, LogicalId), usize>,
    pub(crate) ended: BTreeSet<(ResourceType, LogicalId)>,
    pub(crate) stored: BTreeMap<usize, Stored>,
    pub(crate) refused: Vec<(usize, Fault)>,
}

impl Draft {
    pub(crate) fn add(&mut self, entry: &Entry<'_>, mut plan: Plan) -> Result<(), Fault> {
        let (rtype, id, changes) = match &plan {
            Plan::Create { rtype, id, .. } | Plan::Update { rtype, id, .. } | Plan::Patch { rtype, id, .. } => {
                (*rtype, id.clone(), true)
            }
            Plan::Kept { rtype, id, .. } | Plan::Same { rtype, id } => (*rtype, id.clone(), false),
            Plan::Delete { rtype, id, .. } => {
                let name = (*rtype, id.clone());
                self.once(name.clone(), entry.index)?;
                self.ended.insert(name);
                self.plans.insert(entry.index, plan);
                return Ok(());
            }
            Plan::Look | Plan::Nothing { .. } => {
                self.plans.insert(entry.index, plan);
                return Ok(());
            }
        };
        if changes {
            self.once((rtype, id.clone()), entry.index)?;
        }
        if let Some(url) = &entry.full_url {
            let name = format!("{}/{id}", rtype.name());
            if self.names.insert(url.clone(), name).is_some() {
                let fault = Fault::new(400, "invariant", "two entries have the same fullUrl");
                return Err(fault.in_entry(entry.index));
            }
        }
        if let Plan::Create { rtype, id, guard, under } = &mut plan {
            self.guards.extend(guard.take().map(|filters| (entry.index, *rtype, filters)));
            self.conditional.extend(under.take().map(|under| (under, id.clone())));
        }
        self.plans.insert(entry.index, plan);
        Ok(())
    }

    /// The id of the record that an entry makes or changes, if the new content matches.
    pub(crate) fn made(&self, entry: &Entry<'_>, rtype: ResourceType, filters: &[Filter]) -> Option<LogicalId> {
        let id = match self.plans.get(&entry.index)? {
            Plan::Create { rtype: of, id, .. } | Plan::Update { rtype: of, id, .. } if *of == rtype => id,
            _ => return None,
        };
        content_matches(entry.resource?, rtype, id, filters).then(|| id.clone())
    }

    pub(crate) fn note(&mut self, written: Vec<Written>, of_entry: Vec<usize>) {
        for (written, index) in written.into_iter().zip(of_entry) {
            let deleted = matches!(self.plans.get(&index), Some(Plan::Delete { .. }));
            let mut stored = stored(written);
            if deleted {
                stored.status = WriteStatus::Deleted;
            }
            self.stored.insert(index, stored);
        }
    }

    /// Notes that an entry changes a record: no other may (R4 http.html, section 3.1.0.11.2, "resource identities overlap").
    fn once(&mut self, record: (ResourceType, LogicalId), index: usize) -> Result<(), Fault> {
        match self.changed.insert(record, index) {
            None => Ok(()),
            Some(first) => Err(twice(first, index)),
        }
    }

    pub(crate) fn refuse(&mut self, index: usize, fault: Fault) {
        let _ = self.plans.remove(&index);
        self.refused.push((index, fault));
    }
}

/// Whether a record that is not stored yet matches a condition. Of what only the store knows, `_id` counts.
fn content_matches(root: Node<'_>, rtype: ResourceType, id: &LogicalId, filters: &[Filter]) -> bool {
    let mut values = SearchValues::default();
    extract(root, rtype, &mut values);
    let mut encoded = Vec::with_capacity(256);
    encode(&values, &mut encoded);
    let Ok(view) = SearchView::open(&encoded) else { return false };
    filters.iter().all(|filter| match filter.param.code {
        "_id" => {
            let is = |wanted: &Criterion| {
                matches!(wanted, Criterion::Token(token) if token.code.as_ref().is_some_and(|code| *code.raw == *id.as_str()))
            };
            filter.modifier == Modifier::None && filter.alternatives.iter().any(is)
        }
        "_lastUpdated" => false,
        _ => filter.matches(&view),
    })
}

/// Both entries are named.
fn twice(first: usize, second: usize) -> Fault {
    let text = format!("entries {first} and {second} change the same record: one entry may");
    let issue = |at: usize| Fault::new(400, "invariant", text.clone()).in_entry(at);
    let mut fault = issue(second);
    fault.issues.extend(issue(first).issues);
    fault
}
