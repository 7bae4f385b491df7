//! batch and transaction (R4 http.html, section 3.1.0.11).

use crate::entry::{BundleKind, read_entry};
use crate::transaction::Terms;
use crate::{Fault, Repository};
use aceso_base::Caller;
use aceso_custodian::Receipt;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits};
use aceso_store::DocumentWrite;
use std::collections::BTreeMap;

/// What a bundle did.
#[derive(Debug)]
pub struct BundleAnswer {
    /// The response Bundle as JSON text.
    pub json: Vec<u8>,
    /// An entry of the log that records it.
    pub receipt: Option<Receipt>,
    /// Per resource type, how many records were made or changed.
    pub written: BTreeMap<ResourceType, usize>,
    /// Entries of a batch that were refused, by their index.
    pub refused: Vec<(usize, Fault)>,
}

/// What is stored in the unit of work of an import, beside its records, knowing which entries are left out.
pub type Beside<'a> = dyn Fn(&[(usize, Fault)]) -> Vec<DocumentWrite> + Send + Sync + 'a;

/// Conditional references that were resolved before: they are the same in every bundle of an import.
pub type ResolvedReferences = BTreeMap<String, String>;

impl Repository {
    /// Runs a bundle as it came over the wire.
    ///
    /// # Errors
    /// For a transaction the first fault, with the entry that it is about: nothing was done then. For a batch only faults of the
    /// bundle itself.
    pub async fn bundle(&self, caller: &Caller, body: Vec<u8>) -> Result<BundleAnswer, Fault> {
        let doc = self.parse_object(body)?;
        let (kind, nodes) = self.bundle_kind(&doc)?;
        match kind {
            BundleKind::Transaction => {
                let read = |(at, node)| read_entry(at, node).map_err(|fault| fault.in_entry(at));
                let entries = nodes.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
                let whole = Terms { left_out: None, beside: &|_| Vec::new() };
                self.transaction(caller, &doc, entries, &mut ResolvedReferences::new(), whole).await
            }
            BundleKind::Batch => self.batch(caller, &doc, nodes).await,
        }
    }

    /// Takes a bundle of an import: a transaction as a whole; of a batch everything that is in order, the rest is in
    /// [`BundleAnswer::refused`]. What `beside` gives is written in the same unit of work, so that a restart knows what was done.
    ///
    /// # Errors
    /// As for [`Repository::bundle`]. Nothing was stored then, also nothing beside.
    pub async fn import(
        &self,
        caller: &Caller,
        body: Vec<u8>,
        resolved: &mut ResolvedReferences,
        beside: &Beside<'_>,
    ) -> Result<BundleAnswer, Fault> {
        let limits = Limits { max_bytes: usize::MAX, max_nodes: usize::MAX, ..self.limits() };
        let doc = Doc::parse(body, &limits)?;
        let (kind, nodes) = self.bundle_kind(&doc)?;
        let lenient = kind == BundleKind::Batch;
        let mut entries = Vec::with_capacity(nodes.len());
        let mut refused = Vec::new();
        for (at, node) in nodes.into_iter().enumerate() {
            match read_entry(at, node) {
                Ok(entry) => entries.push(entry),
                Err(fault) if lenient => refused.push((at, fault.in_entry(at))),
                Err(fault) => return Err(fault.in_entry(at)),
            }
        }
        let terms = Terms { left_out: lenient.then_some(refused), beside };
        let mut answer = self.transaction(caller, &doc, entries, resolved, terms).await?;
        answer.refused.sort_by_key(|(at, _)| *at);
        Ok(answer)
    }
}
