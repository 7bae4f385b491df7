//! batch and transaction (R4 http.html, section 3.1.0.11).

use crate::conditional::Match;
use crate::entry::{BundleKind, Entry, Request, read_entry};
use crate::instance::ReadCall;
use crate::page::BundleWriter;
use crate::references::{references, rewrite};
use crate::search::SearchCall;
use crate::write::{Stored, UpdateCall, WriteStatus, check_client_id, several, stored};
use crate::{Fault, Repository, operation_outcome};
use aceso_base::{Caller, Interaction, LogicalId, Version};
use aceso_custodian::{Change, DoorError, Expected, Guard, Receipt, Shape};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits, Node};
use aceso_fhir::search::Filter;
use aceso_store::DocumentWrite;
use std::collections::{BTreeMap, BTreeSet};

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
                let entries = nodes
                    .into_iter()
                    .enumerate()
                    .map(|(at, node)| read_entry(at, node))
                    .collect::<Result<Vec<_>, _>>()?;
                self.transaction(caller, &doc, entries, &mut ResolvedReferences::new(), &[], false).await
            }
            BundleKind::Batch => self.batch(caller, &doc, nodes).await,
        }
    }

    /// Takes a bundle of an import: a transaction as a whole; of a batch everything that is in order, the rest is in
    /// [`BundleAnswer::refused`]. `documents` are written in the same unit of work, so that a restart knows what was done.
    ///
    /// # Errors
    /// As for [`Repository::bundle`]. Nothing was stored then, `documents` neither.
    pub async fn import(
        &self,
        caller: &Caller,
        body: Vec<u8>,
        resolved: &mut ResolvedReferences,
        documents: &[DocumentWrite],
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
                Err(fault) if lenient => refused.push((at, fault)),
                Err(fault) => return Err(fault),
            }
        }
        let mut answer = self.transaction(caller, &doc, entries, resolved, documents, lenient).await?;
        answer.refused.append(&mut refused);
        answer.refused.sort_by_key(|(at, _)| *at);
        Ok(answer)
    }

    async fn transaction(
        &self,
        caller: &Caller,
        doc: &Doc,
        entries: Vec<Entry<'_>>,
        resolved: &mut ResolvedReferences,
        documents: &[DocumentWrite],
        lenient: bool,
    ) -> Result<BundleAnswer, Fault> {
        let mut draft = Draft::default();
        for entry in &entries {
            let step = self.plan(caller, entry).await.and_then(|plan| draft.add(entry, plan));
            match step {
                Ok(()) => {}
                Err(fault) if lenient => draft.refuse(entry.index, fault),
                Err(fault) => return Err(fault.in_entry(entry.index)),
            }
        }
        let mut changes = Vec::new();
        let mut of_entry = Vec::new();
        for entry in &entries {
            match self.change(caller, doc, entry, &mut draft, resolved).await {
                Ok(Some(change)) => {
                    changes.push(change);
                    of_entry.push(entry.index);
                }
                Ok(None) => {}
                Err(fault) if lenient => draft.refuse(entry.index, fault),
                Err(fault) => return Err(fault.in_entry(entry.index)),
            }
        }
        let guards: Vec<Guard<'_>> = draft
            .guards
            .iter()
            .filter_map(|(index, rtype, filters)| {
                let change = of_entry.iter().position(|of| of == index)?;
                Some(Guard { change, rtype: *rtype, filters })
            })
            .collect();
        let written =
            self.door.write(caller, &changes, &guards, documents).await.map_err(|error| {
                match change_of(&error).and_then(|change| of_entry.get(change)) {
                    Some(&index) => Fault::from(error).in_entry(index),
                    None => Fault::from(error),
                }
            })?;
        for (written, index) in written.into_iter().zip(of_entry) {
            let deleted = matches!(draft.plans.get(&index), Some(Plan::Delete { .. }));
            let mut stored = stored(written);
            if deleted {
                stored.status = WriteStatus::Deleted;
            }
            draft.stored.insert(index, stored);
        }
        self.answer(caller, &entries, draft).await
    }

    /// Decides what an entry will do, before anything is done.
    async fn plan(&self, caller: &Caller, entry: &Entry<'_>) -> Result<Plan, Fault> {
        Ok(match &entry.request {
            Request::Create { rtype, if_none_exist: None } => {
                Plan::Create { rtype: *rtype, id: self.new_id(), guard: None }
            }
            Request::Create { rtype, if_none_exist: Some(query) } => {
                let filters = self.condition(*rtype, query)?;
                match self.matching(caller, Interaction::Create, *rtype, &filters).await? {
                    Match::None => Plan::Create { rtype: *rtype, id: self.new_id(), guard: Some(filters) },
                    Match::One(id, version) => Plan::Kept { rtype: *rtype, id, version },
                    Match::Several => return Err(several()),
                }
            }
            Request::Update { rtype, id: Some(id), if_match, .. } => {
                check_client_id(*rtype, id)?;
                let expected = if_match.map_or(Expected::Any, Expected::At);
                Plan::Update { rtype: *rtype, id: id.clone(), expected }
            }
            Request::Update { rtype, condition, if_match, .. } => {
                let filters = self.condition(*rtype, condition.as_deref().unwrap_or_default())?;
                match self.matching(caller, Interaction::Update, *rtype, &filters).await? {
                    Match::None => Plan::Create { rtype: *rtype, id: self.new_id(), guard: Some(filters) },
                    Match::One(id, version) => {
                        Plan::Update { rtype: *rtype, id, expected: Expected::At(if_match.unwrap_or(version)) }
                    }
                    Match::Several => return Err(several()),
                }
            }
            Request::Delete { rtype, id: Some(id), if_match, .. } => {
                let expected = if_match.map_or(Expected::Any, Expected::At);
                Plan::Delete { rtype: *rtype, id: id.clone(), expected }
            }
            Request::Delete { rtype, condition, .. } => {
                let filters = self.condition(*rtype, condition.as_deref().unwrap_or_default())?;
                match self.matching(caller, Interaction::Delete, *rtype, &filters).await? {
                    Match::None => Plan::Nothing,
                    Match::One(id, version) => Plan::Delete { rtype: *rtype, id, expected: Expected::At(version) },
                    Match::Several => return Err(several()),
                }
            }
            Request::Read { .. } | Request::Search { .. } => Plan::Look,
        })
    }

    /// The change that an entry makes, its references resolved and checked.
    async fn change(
        &self,
        caller: &Caller,
        doc: &Doc,
        entry: &Entry<'_>,
        draft: &mut Draft,
        resolved: &mut ResolvedReferences,
    ) -> Result<Option<Change>, Fault> {
        let (rtype, id, expected) = match draft.plans.get(&entry.index) {
            Some(Plan::Create { rtype, id, .. }) => (*rtype, id.clone(), Expected::Absent),
            Some(Plan::Update { rtype, id, expected }) => (*rtype, id.clone(), *expected),
            Some(Plan::Delete { rtype, id, expected }) => {
                return Ok(Some(Change::Delete { rtype: *rtype, id: id.clone(), expected: *expected }));
            }
            _ => return Ok(None),
        };
        let Some(resource) = entry.resource else { return Ok(None) };
        let mut replacements = Vec::new();
        for found in references(resource) {
            if let Some(name) = draft.names.get(found.text.as_ref()) {
                replacements.push((found.span, name.clone()));
            } else if found.text.contains('?') {
                let name = match resolved.get(found.text.as_ref()) {
                    Some(name) => name.clone(),
                    None => {
                        let name = self.resolve(caller, &found.text).await?;
                        resolved.insert(found.text.into_owned(), name.clone());
                        name
                    }
                };
                replacements.push((found.span, name));
            } else if found.text.starts_with("urn:uuid:") {
                return Err(Fault::new(422, "not-found", "a urn:uuid reference leads to no entry of this bundle"));
            }
        }
        let text = rewrite(doc.text(), resource.span(), &replacements);
        let limits = Limits { max_bytes: usize::MAX, ..self.limits() };
        let own = Doc::parse(text, &limits)?;
        crate::body::check_resource(&own, rtype)?;
        self.check_references(caller, own.root(), &mut draft.known)?;
        Ok(Some(Change::Put { rtype, id, doc: own, expected }))
    }

    /// Resolves a conditional reference (`Practitioner?identifier=…`) to the one record it describes.
    async fn resolve(&self, caller: &Caller, text: &str) -> Result<String, Fault> {
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        let rtype = ResourceType::parse(name)
            .ok_or_else(|| Fault::new(422, "value", "a conditional reference does not begin with a resource type"))?;
        let filters = self.condition(rtype, query)?;
        // Who may write only, may still refer: the right to create is what counts for him.
        let found = match self.matching(caller, Interaction::Search, rtype, &filters).await {
            Err(fault) if fault.status == 403 => self.matching(caller, Interaction::Create, rtype, &filters).await?,
            other => other?,
        };
        match found {
            Match::One(id, _) => Ok(format!("{}/{id}", rtype.name())),
            Match::None => Err(Fault::new(412, "not-found", "a conditional reference matches no record")),
            Match::Several => Err(several()),
        }
    }

    async fn answer(&self, caller: &Caller, entries: &[Entry<'_>], mut draft: Draft) -> Result<BundleAnswer, Fault> {
        let mut bundle = BundleWriter::new("transaction-response", None, &[]);
        let mut receipt = None;
        let mut written: BTreeMap<ResourceType, usize> = BTreeMap::new();
        for entry in entries {
            let plan = draft.plans.remove(&entry.index);
            match (plan, draft.stored.remove(&entry.index)) {
                (_, Some(mut stored)) => {
                    *written.entry(stored.rtype).or_default() += 1;
                    push_stored(&mut bundle, &stored);
                    receipt = stored.receipt.take().or(receipt);
                }
                (Some(Plan::Kept { rtype, id, version }), None) => {
                    let kept = Stored { status: WriteStatus::Ok, rtype, id, version, updated: None, receipt: None };
                    push_stored(&mut bundle, &kept);
                }
                (Some(Plan::Look), None) => match self.look(caller, entry).await {
                    Ok((json, proof)) => {
                        push_resource(&mut bundle, &json);
                        receipt = Some(proof);
                    }
                    Err(fault) => push_fault(&mut bundle, &fault),
                },
                _ => push_status(&mut bundle, "204 No Content"),
            }
        }
        Ok(BundleAnswer { json: bundle.finish(), receipt, written, refused: draft.refused })
    }

    async fn look(&self, caller: &Caller, entry: &Entry<'_>) -> Result<(Vec<u8>, Receipt), Fault> {
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

    async fn batch(&self, caller: &Caller, doc: &Doc, nodes: Vec<Node<'_>>) -> Result<BundleAnswer, Fault> {
        let mut bundle = BundleWriter::new("batch-response", None, &[]);
        let mut written: BTreeMap<ResourceType, usize> = BTreeMap::new();
        let mut receipt = None;
        let mut refused = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let done = match read_entry(index, node) {
                Ok(entry) => self.batch_entry(caller, doc, &entry).await,
                Err(fault) => Err(fault),
            };
            match done {
                Ok(Done::Stored(mut stored)) => {
                    *written.entry(stored.rtype).or_default() += 1;
                    push_stored(&mut bundle, &stored);
                    receipt = stored.receipt.take().or(receipt);
                }
                Ok(Done::Shown(json, proof)) => {
                    push_resource(&mut bundle, &json);
                    receipt = Some(proof);
                }
                Ok(Done::Nothing) => push_status(&mut bundle, "204 No Content"),
                Err(fault) => {
                    push_fault(&mut bundle, &fault);
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
            Request::Delete { rtype, id, condition, if_match } => {
                let done = self.delete(caller, *rtype, id.clone(), condition.as_deref(), *if_match).await?;
                Ok(done.map_or(Done::Nothing, Done::Stored))
            }
            Request::Read { .. } | Request::Search { .. } => {
                self.look(caller, entry).await.map(|(json, receipt)| Done::Shown(json, receipt))
            }
        }
    }
}

enum Done {
    Stored(Stored),
    Shown(Vec<u8>, Receipt),
    Nothing,
}

/// What an entry will do.
enum Plan {
    Create {
        rtype: ResourceType,
        id: LogicalId,
        guard: Option<Vec<Filter>>,
    },
    Update {
        rtype: ResourceType,
        id: LogicalId,
        expected: Expected,
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
    },
    Look,
    Nothing,
}

#[derive(Default)]
struct Draft {
    plans: BTreeMap<usize, Plan>,
    guards: Vec<(usize, ResourceType, Vec<Filter>)>,
    /// `fullUrl` → `Type/id`.
    names: BTreeMap<String, String>,
    /// Records that this bundle makes, and others that were seen to exist.
    known: BTreeSet<(ResourceType, LogicalId)>,
    changed: BTreeSet<(ResourceType, LogicalId)>,
    stored: BTreeMap<usize, Stored>,
    refused: Vec<(usize, Fault)>,
}

impl Draft {
    fn add(&mut self, entry: &Entry<'_>, mut plan: Plan) -> Result<(), Fault> {
        let (rtype, id) = match &plan {
            Plan::Create { rtype, id, .. } | Plan::Update { rtype, id, .. } | Plan::Kept { rtype, id, .. } => {
                (*rtype, id.clone())
            }
            Plan::Delete { rtype, id, .. } => {
                if !self.changed.insert((*rtype, id.clone())) {
                    return Err(twice());
                }
                self.plans.insert(entry.index, plan);
                return Ok(());
            }
            Plan::Look | Plan::Nothing => {
                self.plans.insert(entry.index, plan);
                return Ok(());
            }
        };
        if !matches!(plan, Plan::Kept { .. }) && !self.changed.insert((rtype, id.clone())) {
            return Err(twice());
        }
        if let Some(url) = &entry.full_url {
            let name = format!("{}/{id}", rtype.name());
            if self.names.insert(url.clone(), name).is_some() {
                return Err(Fault::new(400, "invariant", "two entries have the same fullUrl"));
            }
        }
        self.known.insert((rtype, id));
        if let Plan::Create { rtype, guard, .. } = &mut plan {
            self.guards.extend(guard.take().map(|filters| (entry.index, *rtype, filters)));
        }
        self.plans.insert(entry.index, plan);
        Ok(())
    }

    fn refuse(&mut self, index: usize, fault: Fault) {
        if let Some(Plan::Create { rtype, id, .. }) = self.plans.remove(&index) {
            self.known.remove(&(rtype, id));
        }
        self.refused.push((index, fault.in_entry(index)));
    }
}

fn twice() -> Fault {
    Fault::new(400, "invariant", "two entries change the same record")
}

const fn change_of(error: &DoorError) -> Option<usize> {
    match error {
        DoorError::VersionMismatch { change }
        | DoorError::Duplicate { change }
        | DoorError::UnknownSubject { change }
        | DoorError::ForeignSubject { change }
        | DoorError::RedactedBase { change }
        | DoorError::ClassesForbidden { change, .. } => Some(*change),
        _ => None,
    }
}

fn push_stored(bundle: &mut BundleWriter, stored: &Stored) {
    let Stored { status, rtype, id, version, updated, .. } = stored;
    let status = match status {
        WriteStatus::Created => "201 Created",
        WriteStatus::Ok => "200 OK",
        WriteStatus::Deleted => return push_status(bundle, "204 No Content"),
    };
    let modified = updated.map(|at| format!(r#","lastModified":"{at}""#)).unwrap_or_default();
    let out = bundle.open();
    let name = rtype.name();
    let response = format!(
        r#""response":{{"status":"{status}","location":"{name}/{id}/_history/{version}","etag":"W/\"{version}\""{modified}}}"#
    );
    out.extend_from_slice(response.as_bytes());
    bundle.close();
}

fn push_status(bundle: &mut BundleWriter, status: &str) {
    let out = bundle.open();
    out.extend_from_slice(format!(r#""response":{{"status":"{status}"}}"#).as_bytes());
    bundle.close();
}

fn push_resource(bundle: &mut BundleWriter, json: &[u8]) {
    let out = bundle.open();
    out.extend_from_slice(br#""resource":"#);
    out.extend_from_slice(json);
    out.extend_from_slice(br#","response":{"status":"200 OK"}"#);
    bundle.close();
}

fn push_fault(bundle: &mut BundleWriter, fault: &Fault) {
    let out = bundle.open();
    out.extend_from_slice(format!(r#""response":{{"status":"{}","outcome":"#, fault.status).as_bytes());
    out.extend_from_slice(&operation_outcome(fault));
    out.push(b'}');
    bundle.close();
}
