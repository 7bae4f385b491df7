//! batch: every entry for itself, each with its own outcome (R4 http.html, section 3.1.0.11.1).

use crate::bundle::BundleAnswer;
use crate::entry::{Entry, Request, read_entry};
use crate::instance::ReadCall;
use crate::page::BundleWriter;
use crate::patch::{PatchCall, patch_in};
use crate::respond::{push_fault, push_resource, push_status, push_stored};
use crate::search::SearchCall;
use crate::write::{Deleted, Stored, UpdateCall};
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction};
use aceso_custodian::{Receipt, Shape};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Node};
use std::collections::BTreeMap;

impl Repository {
    pub(crate) async fn batch(&self, caller: &Caller, doc: &Doc, nodes: Vec<Node<'_>>) -> Result<BundleAnswer, Fault> {
        let mut bundle = BundleWriter::new("batch-response", None, &[]);
        let mut written: BTreeMap<ResourceType, usize> = BTreeMap::new();
        let mut receipt = None;
        let mut refused = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let done = match read_entry(index, node) {
                Ok(entry) => {
                    let done = self.batch_entry(caller, doc, &entry).await;
                    self.logged(caller, entry.about(), done).await
                }
                Err(fault) => self.logged(caller, (Interaction::Update, None, None), Err(fault)).await,
            };
            match done.map_err(|fault| fault.in_entry(index)) {
                Ok(Done::Stored(stored)) => {
                    *written.entry(stored.rtype).or_default() += 1;
                    push_stored(&mut bundle, &stored);
                    receipt = Some(stored.receipt);
                }
                Ok(Done::Shown(json, proof)) => {
                    push_resource(&mut bundle, &json);
                    receipt = Some(proof);
                }
                Ok(Done::Nothing(proof)) => {
                    push_status(&mut bundle, "204 No Content");
                    receipt = Some(proof);
                }
                Err(mut fault) => {
                    push_fault(&mut bundle, &fault);
                    receipt = fault.receipt.take().or(receipt);
                    refused.push((index, fault));
                }
            }
        }
        Ok(BundleAnswer { json: bundle.finish(), receipt, written, refused })
    }

    async fn batch_entry(&self, caller: &Caller, doc: &Doc, entry: &Entry<'_>) -> Result<Done, Fault> {
        let body = entry.resource.map(|resource| doc.text().get(resource.span()).unwrap_or_default().to_vec());
        let body = body.unwrap_or_default();
        match &entry.request {
            Request::Create { rtype, if_none_exist } => {
                self.create(caller, *rtype, body, if_none_exist.as_deref()).await.map(Done::Stored)
            }
            Request::Update { rtype, id, condition, if_match } => {
                let (rtype, id, condition, if_match) = (*rtype, id.clone(), condition.as_deref(), *if_match);
                self.update(caller, UpdateCall { rtype, id, condition, if_match, body }).await.map(Done::Stored)
            }
            Request::Patch { rtype, id, condition, if_match } => {
                let (rtype, id, condition, if_match) = (*rtype, id.clone(), condition.as_deref(), *if_match);
                let (format, body) = patch_in(entry)?;
                let call = PatchCall { rtype, id, condition, if_match, format, body };
                self.patch(caller, call).await.map(Done::Stored)
            }
            Request::Delete { rtype, id, condition, if_match } => {
                Ok(match self.delete(caller, *rtype, id.clone(), condition.as_deref(), *if_match).await? {
                    Deleted::Now(stored) => Done::Stored(stored),
                    Deleted::Before { receipt } | Deleted::NoMatch { receipt } => Done::Nothing(receipt),
                })
            }
            Request::Read { .. } | Request::Search { .. } => {
                self.look(caller, entry).await.map(|(json, receipt)| Done::Shown(json, receipt))
            }
        }
    }

    /// Whether a GET among the entries would be answered, before anything is done. `comes`: the bundle makes this record.
    pub(crate) async fn look_ahead(&self, caller: &Caller, entry: &Entry<'_>, comes: bool) -> Result<(), Fault> {
        match &entry.request {
            Request::Read { rtype, id, version } => {
                Ok(self.door.check_read(caller, (*rtype, id), *version, comes).await?)
            }
            Request::Search { rtype, pairs } => {
                let call = SearchCall { rtype: *rtype, compartment: None, pairs: pairs.clone(), by_url: true };
                self.check_search(caller, &call).await
            }
            _ => Err(Fault::new(500, "exception", "not a reading entry")),
        }
    }

    /// A GET among the entries.
    pub(crate) async fn look(&self, caller: &Caller, entry: &Entry<'_>) -> Result<(Vec<u8>, Receipt), Fault> {
        match &entry.request {
            Request::Read { rtype, id, version } => {
                let call = ReadCall { rtype: *rtype, id: id.clone(), version: *version, shape: Shape::WHOLE };
                self.read(caller, &call).await.map(|instance| (instance.json, instance.receipt))
            }
            Request::Search { rtype, pairs } => {
                let call = SearchCall { rtype: *rtype, compartment: None, pairs: pairs.clone(), by_url: true };
                self.search(caller, &call).await.map(|answer| (answer.json, answer.receipt))
            }
            _ => Err(Fault::new(500, "exception", "not a reading entry")),
        }
    }
}

enum Done {
    Stored(Stored),
    Shown(Vec<u8>, Receipt),
    Nothing(Receipt),
}
