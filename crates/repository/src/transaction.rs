//! transaction: all entries or none (R4 http.html, section 3.1.0.11.2).
//!
//! The entries are planned first (which record each is about), then turned into changes with their references resolved; the
//! reading ones are decided; then all is written as one unit of work, and only then are the reading ones answered: so the order of
//! entries makes no difference, and one that would fail fails all of them.

use crate::body::check_resource;
use crate::bundle::{Beside, BundleAnswer, ResolvedReferences};
use crate::conditional::Match;
use crate::entry::{Entry, Request};
use crate::page::BundleWriter;
use crate::patch::{Patched, patch_in};
use crate::plan::{Draft, Plan};
use crate::references::{local, references, referred, rewrite};
use crate::respond::{push_fault, push_kept, push_resource, push_status, push_stored};
use crate::write::{Stored, UpdateTarget, WriteStatus, body_id, check_client_id, check_same_id, guard, several};
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, LogicalId, Version};
use aceso_custodian::{Change, DoorError, Expected, Guard};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits, Node};
use std::collections::BTreeMap;

/// What becomes of entries that are not in order, and what is stored with the others.
pub(crate) struct Terms<'a> {
    /// `None`: one of them refuses the whole. Else they are left out and named in the answer; these are already.
    pub(crate) left_out: Option<Vec<(usize, Fault)>>,
    pub(crate) beside: &'a Beside<'a>,
}

impl Repository {
    /// Runs a transaction.
    pub(crate) async fn transaction(
        &self,
        caller: &Caller,
        doc: &Doc,
        entries: Vec<Entry<'_>>,
        resolved: &mut ResolvedReferences,
        terms: Terms<'_>,
    ) -> Result<BundleAnswer, Fault> {
        let lenient = terms.left_out.is_some();
        let mut draft = Draft { refused: terms.left_out.unwrap_or_default(), ..Draft::default() };
        for entry in &entries {
            let planned = match self.plan(caller, entry, &draft).await {
                Ok(plan) => draft.add(entry, plan),
                Err(fault) => Err(fault.in_entry(entry.index)),
            };
            match self.logged(caller, entry.about(), planned).await {
                Ok(()) => {}
                Err(fault) if lenient => draft.refuse(entry.index, fault),
                Err(fault) => return Err(fault),
            }
        }
        let mut changes = Vec::new();
        for entry in &entries {
            let change = self.change(caller, (doc, &entries), entry, &draft, resolved).await;
            let change = change.map_err(|fault| fault.in_entry(entry.index));
            match self.logged(caller, entry.about(), change).await {
                Ok(Some(change)) => changes.push((entry.index, change)),
                Ok(None) => {}
                Err(fault) if lenient => draft.refuse(entry.index, fault),
                Err(fault) => return Err(fault),
            }
        }
        for entry in &entries {
            let ahead = self.ahead(caller, entry, &draft).await.map_err(|fault| fault.in_entry(entry.index));
            match self.logged(caller, entry.about(), ahead).await {
                Ok(()) => {}
                Err(fault) if lenient => draft.refuse(entry.index, fault),
                Err(fault) => return Err(fault),
            }
        }
        // A patient's keys come into being with his record: it goes before all that belongs to him.
        changes.sort_by_key(|(_, change)| !is_patient(change));
        self.write_all(caller, changes, &mut draft, (terms.beside, lenient)).await?;
        self.answer(caller, &entries, draft).await
    }

    /// Whether a reading entry would be answered: where it would not, nothing is to be done (R4 http.html, section 3.1.0.11.2).
    async fn ahead(&self, caller: &Caller, entry: &Entry<'_>, draft: &Draft) -> Result<(), Fault> {
        if !matches!(draft.plans.get(&entry.index), Some(Plan::Look)) {
            return Ok(());
        }
        let mut comes = false;
        if let Request::Read { rtype, id, version: None } = &entry.request {
            let name = (*rtype, id.clone());
            if draft.ended.contains(&name) {
                return Err(Fault::new(410, "deleted", "this bundle deletes the record"));
            }
            comes = draft.changed.contains_key(&name);
        }
        self.look_ahead(caller, entry, comes).await
    }

    /// Writes the changes as one unit. With `lenient`, a change that the door refuses is left out, and the rest tried again.
    async fn write_all(
        &self,
        caller: &Caller,
        changes: Vec<(usize, Change)>,
        draft: &mut Draft,
        (beside, lenient): (&Beside<'_>, bool),
    ) -> Result<(), Fault> {
        let (mut of_entry, mut changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
        loop {
            let documents = beside(&draft.refused);
            if changes.is_empty() && documents.is_empty() {
                return Ok(());
            }
            let guards = draft
                .guards
                .iter()
                .filter_map(|(index, rtype, filters)| {
                    let change = of_entry.iter().position(|of| of == index)?;
                    Some(guard(change, *rtype, filters))
                })
                .collect::<Result<Vec<Guard<'_>>, Fault>>()?;
            let error = match self.door.write(caller, &changes, &guards, &documents).await {
                Ok(written) => {
                    draft.note(written, of_entry);
                    return Ok(());
                }
                Err(error) => error,
            };
            let Some((at, index)) = change_of(&error).and_then(|at| Some((at, *of_entry.get(at)?))) else {
                return Err(error.into());
            };
            if !lenient {
                return Err(Fault::from(error).in_entry(index));
            }
            draft.refuse(index, Fault::from(error).in_entry(index));
            of_entry.remove(at);
            drop(changes.remove(at));
        }
    }

    /// Decides what an entry will do, before anything is done.
    async fn plan(&self, caller: &Caller, entry: &Entry<'_>, draft: &Draft) -> Result<Plan, Fault> {
        match &entry.request {
            Request::Create { rtype, if_none_exist } => {
                self.plan_create(caller, *rtype, if_none_exist.as_deref(), draft).await
            }
            Request::Update { rtype, id, condition, if_match } => {
                let in_body = entry.resource.map(body_id).transpose()?.flatten();
                let target = match id {
                    Some(id) => {
                        check_same_id(id, in_body.as_ref(), true)?;
                        let expected = if_match.map_or(Expected::Any, Expected::At);
                        UpdateTarget { id: id.clone(), expected, guarded: false }
                    }
                    None => {
                        let filters = self.condition(*rtype, condition.as_deref().unwrap_or_default())?;
                        let target = self.update_target(caller, *rtype, &filters, in_body, *if_match).await?;
                        if target.guarded {
                            check_client_id(*rtype, &target.id, entry.resource)?;
                            return Ok(Plan::Create {
                                rtype: *rtype,
                                id: target.id,
                                guard: Some(filters),
                                under: None,
                            });
                        }
                        target
                    }
                };
                check_client_id(*rtype, &target.id, entry.resource)?;
                Ok(Plan::Update { rtype: *rtype, id: target.id, expected: target.expected })
            }
            Request::Patch { rtype, id, condition, if_match } => {
                let (format, body) = patch_in(entry)?;
                let patch = self.read_patch(format, body)?;
                let (id, expected) = match id {
                    Some(id) => (id.clone(), *if_match),
                    None => {
                        let filters = self.condition(*rtype, condition.as_deref().unwrap_or_default())?;
                        self.patch_target(caller, *rtype, &filters, *if_match).await?
                    }
                };
                Ok(Plan::Patch { rtype: *rtype, id, expected, patch })
            }
            Request::Delete { rtype, id, condition, if_match } => {
                self.plan_delete(caller, *rtype, (id.as_ref(), condition.as_deref()), *if_match).await
            }
            Request::Read { .. } | Request::Search { .. } => Ok(Plan::Look),
        }
    }

    async fn plan_create(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        condition: Option<&str>,
        draft: &Draft,
    ) -> Result<Plan, Fault> {
        let Some(query) = condition else {
            return Ok(Plan::Create { rtype, id: self.new_id(), guard: None, under: None });
        };
        let filters = self.condition(rtype, query)?;
        let under = (rtype, query.to_owned());
        if let Some(id) = draft.conditional.get(&under) {
            return Ok(Plan::Same { rtype, id: id.clone() });
        }
        match self.matching(caller, Interaction::Create, rtype, &filters).await? {
            (Match::None, _) => Ok(Plan::Create { rtype, id: self.new_id(), guard: Some(filters), under: Some(under) }),
            (Match::One(id, version), receipt) => Ok(Plan::Kept { rtype, id, version, receipt }),
            (Match::Several, _) => Err(several()),
        }
    }

    async fn plan_delete(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        (id, condition): (Option<&LogicalId>, Option<&str>),
        if_match: Option<Version>,
    ) -> Result<Plan, Fault> {
        let Some(id) = id else {
            let filters = self.condition(rtype, condition.unwrap_or_default())?;
            return match self.matching(caller, Interaction::Delete, rtype, &filters).await? {
                (Match::None, receipt) => Ok(Plan::Nothing { receipt }),
                (Match::One(id, version), _) => {
                    Ok(Plan::Delete { rtype, id, expected: Expected::At(if_match.unwrap_or(version)) })
                }
                (Match::Several, _) => Err(several()),
            };
        };
        if self.door.exists(caller, rtype, id)?.is_some() {
            let expected = if_match.map_or(Expected::Any, Expected::At);
            return Ok(Plan::Delete { rtype, id: id.clone(), expected });
        }
        // The door says, and puts into the log, whether he may hear that it is gone. No record has version 0: this deletes nothing.
        let attempt = Change::Delete { rtype, id: id.clone(), expected: Expected::At(Version(0)) };
        match self.door.write(caller, &[attempt], &[], &[]).await {
            Err(DoorError::Gone { receipt, .. }) => Ok(Plan::Nothing { receipt }),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Fault::new(409, "conflict", "the record came into being at the same moment")),
        }
    }

    /// The change that an entry makes, its references resolved and checked.
    async fn change(
        &self,
        caller: &Caller,
        (doc, entries): (&Doc, &[Entry<'_>]),
        entry: &Entry<'_>,
        draft: &Draft,
        resolved: &mut ResolvedReferences,
    ) -> Result<Option<Change>, Fault> {
        let (rtype, id, expected) = match draft.plans.get(&entry.index) {
            Some(Plan::Create { rtype, id, .. }) => (*rtype, id.clone(), Expected::Absent),
            Some(Plan::Update { rtype, id, expected }) => (*rtype, id.clone(), *expected),
            Some(Plan::Patch { rtype, id, expected, patch }) => {
                let Patched { doc, version } = self.patched(caller, (*rtype, id), *expected, patch).await?;
                let own = self.resolved(caller, (&doc, doc.root()), (entries, draft), resolved).await?;
                check_resource(&own, *rtype)?;
                drop(self.conforms(caller, &own, *rtype)?);
                let (rtype, id, expected, refers) = (*rtype, id.clone(), Expected::At(version), referred(own.root()));
                return Ok(Some(Change::Put { rtype, id, doc: own, expected, refers, patched: true }));
            }
            Some(Plan::Delete { rtype, id, expected }) => {
                return Ok(Some(Change::Delete { rtype: *rtype, id: id.clone(), expected: *expected }));
            }
            _ => return Ok(None),
        };
        let Some(resource) = entry.resource else { return Ok(None) };
        let own = self.resolved(caller, (doc, resource), (entries, draft), resolved).await?;
        check_resource(&own, rtype)?;
        drop(self.conforms(caller, &own, rtype)?);
        let refers = referred(own.root());
        Ok(Some(Change::Put { rtype, id, doc: own, expected, refers, patched: false }))
    }

    /// A resource of a document with its references resolved, as a document of its own.
    async fn resolved(
        &self,
        caller: &Caller,
        (doc, resource): (&Doc, Node<'_>),
        (entries, draft): (&[Entry<'_>], &Draft),
        resolved: &mut ResolvedReferences,
    ) -> Result<Doc, Fault> {
        let mut replacements = Vec::new();
        for found in references(resource) {
            let text = found.text.as_ref();
            if let Some(name) = draft.names.get(text) {
                replacements.push((found.span, name.clone()));
            } else if text.contains('?') {
                let name = match resolved.get(text) {
                    Some(name) => name.clone(),
                    None => self.resolve(caller, entries, draft, resolved, text).await?,
                };
                replacements.push((found.span, name));
            } else if text.starts_with("urn:uuid:") {
                return Err(Fault::new(422, "not-found", "a urn:uuid reference leads to no entry of this bundle"));
            } else if local(text).is_some_and(|name| draft.ended.contains(&name)) {
                return Err(Fault::new(422, "not-found", "a reference leads to a record that this bundle deletes"));
            }
        }
        let text = rewrite(doc.text(), resource.span(), &replacements);
        Ok(Doc::parse(text, &Limits { max_bytes: usize::MAX, ..self.limits() })?)
    }

    /// Resolves a conditional reference (`Practitioner?identifier=…`) to the one record it describes: of this bundle, or stored and
    /// not changed by this bundle. What was found among stored records is remembered.
    async fn resolve(
        &self,
        caller: &Caller,
        entries: &[Entry<'_>],
        draft: &Draft,
        resolved: &mut ResolvedReferences,
        text: &str,
    ) -> Result<String, Fault> {
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        let rtype = ResourceType::parse(name)
            .ok_or_else(|| Fault::new(422, "value", "a conditional reference does not begin with a resource type"))?;
        let filters = self.condition(rtype, query)?;
        let mut made = entries.iter().filter_map(|entry| draft.made(entry, rtype, &filters));
        let (of_bundle, another) = (made.next(), made.next());
        // Who may write only, may still refer: the right to create is what counts for him.
        let (found, _) = match self.matching(caller, Interaction::Search, rtype, &filters).await {
            Err(fault) if fault.status == 403 => self.matching(caller, Interaction::Create, rtype, &filters).await?,
            other => other?,
        };
        let found = match found {
            Match::One(id, _) if draft.changed.contains_key(&(rtype, id.clone())) => Match::None,
            other => other,
        };
        match (of_bundle, another, found) {
            (Some(id), None, Match::None) => Ok(format!("{name}/{id}")),
            (None, None, Match::One(id, _)) => {
                let name = format!("{name}/{id}");
                resolved.insert(text.to_owned(), name.clone());
                Ok(name)
            }
            (None, None, Match::None) => Err(Fault::new(412, "not-found", "a conditional reference matches no record")),
            _ => Err(several()),
        }
    }

    async fn answer(&self, caller: &Caller, entries: &[Entry<'_>], mut draft: Draft) -> Result<BundleAnswer, Fault> {
        let mut bundle = BundleWriter::new("transaction-response", None, &[]);
        let mut receipt = None;
        let mut written: BTreeMap<ResourceType, usize> = BTreeMap::new();
        for entry in entries {
            let plan = draft.plans.remove(&entry.index);
            match (plan, draft.stored.remove(&entry.index)) {
                (_, Some(stored)) => {
                    *written.entry(stored.rtype).or_default() += 1;
                    push_stored(&mut bundle, &stored);
                    receipt = Some(stored.receipt);
                }
                (Some(Plan::Kept { rtype, id, version, receipt: proof }), None) => {
                    let (status, updated, findings) = (WriteStatus::Ok, None, Vec::new());
                    let kept = Stored { status, rtype, id, version, updated, receipt: proof, findings };
                    push_stored(&mut bundle, &kept);
                    receipt = receipt.or(Some(kept.receipt));
                }
                (Some(Plan::Same { rtype, id }), None) => {
                    push_kept(&mut bundle, rtype, &id, Version::FIRST);
                }
                (Some(Plan::Look), None) => match self.look(caller, entry).await {
                    Ok((json, proof)) => {
                        push_resource(&mut bundle, &json);
                        receipt = Some(proof);
                    }
                    Err(fault) => push_fault(&mut bundle, &fault.in_entry(entry.index)),
                },
                (Some(Plan::Nothing { receipt: proof }), None) => {
                    push_status(&mut bundle, "204 No Content");
                    receipt = receipt.or(Some(proof));
                }
                _ => push_status(&mut bundle, "204 No Content"),
            }
        }
        Ok(BundleAnswer { json: bundle.finish(), receipt, written, refused: draft.refused })
    }
}

const fn change_of(error: &DoorError) -> Option<usize> {
    match error {
        DoorError::VersionMismatch { change, .. }
        | DoorError::Duplicate { change, .. }
        | DoorError::UnknownSubject { change, .. }
        | DoorError::ForeignSubject { change, .. }
        | DoorError::Unresolved { change, .. }
        | DoorError::SameRecord { change, .. }
        | DoorError::RedactedBase { change, .. }
        | DoorError::ClassesForbidden { change, .. } => Some(*change),
        _ => None,
    }
}

fn is_patient(change: &Change) -> bool {
    change.record().0.name() == "Patient"
}
