//! create, update and delete of one record, with their conditional forms.

use crate::conditional::Match;
use crate::references::referred;
use crate::scope::scope_of;
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_custodian::{Change, DoorError, Expected, Guard, Receipt, Written};
use aceso_fhir::Issue;
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Node;
use aceso_fhir::search::Filter;
use aceso_labels::{Holds, SubjectFound, holds, subject_of};

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteStatus {
    /// 201.
    Created,
    /// 200: a new version, or (conditional create) the record that was there.
    Ok,
    /// 204.
    Deleted,
}

/// The outcome of a write. Holds nothing of the record: to see it, read it.
#[derive(Debug)]
pub struct Stored {
    /// What happened.
    pub status: WriteStatus,
    /// The type.
    pub rtype: ResourceType,
    /// The logical id.
    pub id: LogicalId,
    /// The version that now stands.
    pub version: Version,
    /// When it came into being, if this request made it.
    pub updated: Option<Timestamp>,
    /// The entry of the log: of the change, or of the search that found the record.
    pub receipt: Receipt,
    /// What the profiles of a resource that was stored would have it be, where the configuration asks for that.
    pub findings: Vec<Issue>,
}

/// The outcome of a delete.
#[derive(Debug)]
pub enum Deleted {
    /// The record was deleted by this request.
    Now(Stored),
    /// The record had been deleted before: nothing changed.
    Before {
        /// The entry of the log.
        receipt: Receipt,
    },
    /// No record matches the condition: nothing changed.
    NoMatch {
        /// The entry of the search.
        receipt: Receipt,
    },
}

/// An update: of a known record, or of the one that a condition describes.
pub struct UpdateCall<'a> {
    /// The type.
    pub rtype: ResourceType,
    /// The logical id, unless conditional.
    pub id: Option<LogicalId>,
    /// The condition (`PUT [type]?[query]`).
    pub condition: Option<&'a str>,
    /// `If-Match`.
    pub if_match: Option<Version>,
    /// The body.
    pub body: Vec<u8>,
}

/// Races with other writers are tried again this often.
pub(crate) const ATTEMPTS: usize = 4;

impl Repository {
    /// create and conditional create (R4 http.html, sections 3.1.0.8 and 3.1.0.8.1).
    ///
    /// # Errors
    /// 400, 403, 412, 413, 422 or 503 as a [`Fault`].
    pub async fn create(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        body: Vec<u8>,
        if_none_exist: Option<&str>,
    ) -> Result<Stored, Fault> {
        let done = self.create_one(caller, rtype, body, if_none_exist).await;
        self.logged(caller, (Interaction::Create, Some(rtype), None), done).await
    }

    async fn create_one(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        body: Vec<u8>,
        if_none_exist: Option<&str>,
    ) -> Result<Stored, Fault> {
        let doc = self.parse_resource(body, rtype)?;
        let findings = self.conforms(caller, &doc, rtype)?;
        let refers = referred(doc.root());
        let filters = if_none_exist.map(|query| self.condition(rtype, query)).transpose()?;
        let change =
            [Change::Put { rtype, id: self.new_id(), doc, expected: Expected::Absent, refers, patched: false }];
        for _ in 0..ATTEMPTS {
            if let Some(filters) = &filters {
                match self.matching(caller, Interaction::Create, rtype, filters).await? {
                    (Match::None, _) => {}
                    (Match::One(id, version), receipt) => {
                        let (status, updated, findings) = (WriteStatus::Ok, None, Vec::new());
                        return Ok(Stored { status, rtype, id, version, updated, receipt, findings });
                    }
                    (Match::Several, _) => return Err(several()),
                }
            }
            let guard = filters.as_deref().map(|filters| guard(0, rtype, filters)).transpose()?;
            match self.door.write(caller, &change, guard.as_slice(), &[]).await {
                Err(DoorError::Duplicate { .. }) => {}
                other => return one(other?).map(|stored| Stored { findings, ..stored }),
            }
        }
        Err(Fault::new(409, "conflict", "other writers create matching records all the time; try again"))
    }

    /// update, update as create and conditional update (R4 http.html, sections 3.1.0.4 to 3.1.0.4.3).
    ///
    /// # Errors
    /// As for [`Repository::create`], and 409 where a condition that matches nothing comes with the id of an existing record.
    pub async fn update(&self, caller: &Caller, call: UpdateCall<'_>) -> Result<Stored, Fault> {
        let (rtype, id) = (call.rtype, call.id.clone());
        let done = self.update_one(caller, call).await;
        // An id that was refused because it may be a name stays out of the log.
        let refused = |fault: &Fault| fault.issues.first().is_some_and(|issue| issue.code == "business-rule");
        let id = id.filter(|_| !done.as_ref().is_err_and(refused));
        self.logged(caller, (Interaction::Update, Some(rtype), id.as_ref()), done).await
    }

    async fn update_one(&self, caller: &Caller, call: UpdateCall<'_>) -> Result<Stored, Fault> {
        let UpdateCall { rtype, id, condition, if_match, body } = call;
        let doc = self.parse_resource(body, rtype)?;
        let findings = self.conforms(caller, &doc, rtype)?;
        let in_body = body_id(doc.root())?;
        let refers = referred(doc.root());
        let filters = condition.map(|query| self.condition(rtype, query)).transpose()?;
        let target = match (id, &filters) {
            (Some(id), _) => {
                check_same_id(&id, in_body.as_ref(), true)?;
                UpdateTarget { id, expected: if_match.map_or(Expected::Any, Expected::At), guarded: false }
            }
            (None, Some(filters)) => self.update_target(caller, rtype, filters, in_body, if_match).await?,
            (None, None) => return Err(Fault::new(405, "not-supported", "an update needs an id or a condition")),
        };
        check_client_id(rtype, &target.id, Some(doc.root()))?;
        let UpdateTarget { id, expected, guarded } = target;
        let guard = filters.as_deref().filter(|_| guarded).map(|filters| guard(0, rtype, filters)).transpose()?;
        let change = [Change::Put { rtype, id, doc, expected, refers, patched: false }];
        match self.door.write(caller, &change, guard.as_slice(), &[]).await {
            Err(DoorError::VersionMismatch { receipt, .. }) if guarded => {
                let text = "the id is that of a record which the condition does not match";
                Err(Fault { receipt: Some(receipt), ..Fault::at(409, "conflict", "id", text) })
            }
            other => one(other?).map(|stored| Stored { findings, ..stored }),
        }
    }

    /// Which record a conditional update is about (R4 http.html, section 3.1.0.4.3).
    pub(crate) async fn update_target(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        filters: &[Filter],
        in_body: Option<LogicalId>,
        if_match: Option<Version>,
    ) -> Result<UpdateTarget, Fault> {
        match self.matching(caller, Interaction::Update, rtype, filters).await? {
            (Match::Several, _) => Err(several()),
            (Match::None, _) if if_match.is_some() => {
                let text = "the record is not at the expected version: no record matches the condition";
                Err(Fault::new(412, "conflict", text))
            }
            (Match::None, _) => {
                let id = in_body.unwrap_or_else(|| self.new_id());
                Ok(UpdateTarget { id, expected: Expected::Absent, guarded: true })
            }
            (Match::One(id, version), _) => {
                check_same_id(&id, in_body.as_ref(), false)?;
                Ok(UpdateTarget { id, expected: Expected::At(if_match.unwrap_or(version)), guarded: false })
            }
        }
    }

    /// delete (R4 http.html, section 3.1.0.7), and its conditional form for a single match.
    ///
    /// # Errors
    /// 403, 404, 412 or 503 as a [`Fault`]. A record that is deleted already is deleted once more without a change.
    pub async fn delete(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: Option<LogicalId>,
        condition: Option<&str>,
        if_match: Option<Version>,
    ) -> Result<Deleted, Fault> {
        let about = (Interaction::Delete, Some(rtype), id.clone());
        let done = self.delete_one(caller, rtype, id, condition, if_match).await;
        self.logged(caller, (about.0, about.1, about.2.as_ref()), done).await
    }

    async fn delete_one(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: Option<LogicalId>,
        condition: Option<&str>,
        if_match: Option<Version>,
    ) -> Result<Deleted, Fault> {
        let (id, expected) = match (id, condition) {
            (Some(id), _) => (id, if_match.map_or(Expected::Any, Expected::At)),
            (None, Some(query)) => {
                let filters = self.condition(rtype, query)?;
                match self.matching(caller, Interaction::Delete, rtype, &filters).await? {
                    (Match::None, receipt) => return Ok(Deleted::NoMatch { receipt }),
                    // The version that matched: another one might not.
                    (Match::One(id, version), _) => (id, Expected::At(if_match.unwrap_or(version))),
                    (Match::Several, _) => return Err(several()),
                }
            }
            (None, None) => return Err(Fault::new(405, "not-supported", "a delete needs an id or a condition")),
        };
        match self.door.write(caller, &[Change::Delete { rtype, id, expected }], &[], &[]).await {
            Ok(written) => one(written).map(|stored| Deleted::Now(Stored { status: WriteStatus::Deleted, ..stored })),
            Err(DoorError::Gone { receipt, .. }) => Ok(Deleted::Before { receipt }),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a refusal that has no entry yet into the log: what was wanted, of which record, and the code of the answer.
    pub(crate) async fn logged<T>(
        &self,
        caller: &Caller,
        (action, rtype, id): (Interaction, Option<ResourceType>, Option<&LogicalId>),
        done: Result<T, Fault>,
    ) -> Result<T, Fault> {
        match done {
            // What the log cannot take, it is not asked to take again.
            Err(fault) if fault.receipt.is_none() && fault.status != 503 => {
                let code = fault.issues.first().map_or("exception", |issue| issue.code);
                let receipt = self.door.record_fault(caller, action, (rtype, id), (fault.status == 403, code)).await?;
                Err(Fault { receipt: Some(receipt), ..fault })
            }
            other => other,
        }
    }

    /// A fresh logical id: a random UUID, never anything of the record.
    pub(crate) fn new_id(&self) -> LogicalId {
        loop {
            if let Ok(id) = LogicalId::parse(&self.rng.uuid()) {
                return id;
            }
        }
    }
}

/// Ids stand in URLs, logs and rows in clear: those of patients' records must be random, so a client may only bring a UUID. A record of
/// a type that may be nobody's (a device) is a patient's when it names one.
pub(crate) fn check_client_id(rtype: ResourceType, id: &LogicalId, resource: Option<Node<'_>>) -> Result<(), Fault> {
    let names = |root| subject_of(root, rtype) != SubjectFound::Directory;
    let of_a_patient = holds(rtype) == Holds::Patients || resource.is_some_and(names);
    if !of_a_patient || SubjectId::of_patient(id.as_str()).is_some() {
        return Ok(());
    }
    Err(Fault::at(422, "business-rule", "id", "ids of patients' records must be lower-case UUIDs: ids are not sealed"))
}

/// The guard of a condition that matched nothing.
pub(crate) fn guard(change: usize, rtype: ResourceType, filters: &[Filter]) -> Result<Guard<'_>, Fault> {
    Ok(Guard { change, rtype, filters, scope: scope_of(rtype, filters)? })
}

/// What a conditional update writes to.
pub(crate) struct UpdateTarget {
    pub(crate) id: LogicalId,
    pub(crate) expected: Expected,
    /// Whether the condition, which matched nothing, must still match nothing when the record comes into being.
    pub(crate) guarded: bool,
}

pub(crate) fn several() -> Fault {
    Fault::new(412, "multiple-matches", "the condition matches more than one record")
}

/// The id that a body brings.
pub(crate) fn body_id(root: Node<'_>) -> Result<Option<LogicalId>, Fault> {
    let id = root.get("id").and_then(|id| id.as_str()).map(|id| LogicalId::parse(&id));
    id.transpose().map_err(|_| Fault::at(422, "value", "id", "not a FHIR id"))
}

/// The id in a body must be that of the record which is written (R4 http.html, section 3.1.0.4).
pub(crate) fn check_same_id(id: &LogicalId, in_body: Option<&LogicalId>, required: bool) -> Result<(), Fault> {
    match in_body {
        Some(found) if found == id => Ok(()),
        None if !required => Ok(()),
        _ => Err(Fault::at(400, "value", "id", "the id in the body must be that of the record")),
    }
}

pub(crate) fn one(written: Vec<Written>) -> Result<Stored, Fault> {
    let written = written.into_iter().next().ok_or_else(|| Fault::new(500, "exception", "nothing was written"))?;
    Ok(stored(written))
}

pub(crate) fn stored(written: Written) -> Stored {
    Stored {
        status: if written.created { WriteStatus::Created } else { WriteStatus::Ok },
        rtype: written.rtype,
        id: written.id,
        version: written.version,
        updated: Some(written.updated),
        receipt: written.receipt,
        findings: Vec::new(),
    }
}
