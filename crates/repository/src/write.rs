//! create, update and delete of one record, with their conditional forms.

use crate::conditional::Match;
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, LogicalId, SubjectId, Timestamp, Version};
use aceso_custodian::{Change, DoorError, Expected, Guard, Receipt, Written};
use aceso_fhir::definitions::{ResourceType, patient_params};
use aceso_fhir::search::Filter;
use std::collections::BTreeSet;

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
    /// The entry of the log, if something changed.
    pub receipt: Option<Receipt>,
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

/// Races with other conditional writers are tried again this often.
const ATTEMPTS: usize = 4;

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
        let doc = self.parse_resource(body, rtype)?;
        self.check_references(caller, doc.root(), &mut BTreeSet::new())?;
        let filters = if_none_exist.map(|query| self.condition(rtype, query)).transpose()?;
        let change = [Change::Put { rtype, id: self.new_id(), doc, expected: Expected::Absent }];
        for _ in 0..ATTEMPTS {
            if let Some(filters) = &filters {
                match self.matching(caller, Interaction::Create, rtype, filters).await? {
                    Match::None => {}
                    Match::One(id, version) => {
                        return Ok(Stored {
                            status: WriteStatus::Ok,
                            rtype,
                            id,
                            version,
                            updated: None,
                            receipt: None,
                        });
                    }
                    Match::Several => return Err(several()),
                }
            }
            let guard = filters.as_deref().map(|filters: &[Filter]| Guard { change: 0, rtype, filters });
            match self.door.write(caller, &change, guard.as_slice(), &[]).await {
                Err(DoorError::Duplicate { .. }) => {}
                other => return one(other?),
            }
        }
        Err(Fault::new(409, "conflict", "other writers create matching records all the time; try again"))
    }

    /// update, update as create and conditional update (R4 http.html, sections 3.1.0.4 to 3.1.0.4.3).
    ///
    /// # Errors
    /// As for [`Repository::create`], and 404 or 405 where a record may not be made by the client's id.
    pub async fn update(&self, caller: &Caller, call: UpdateCall<'_>) -> Result<Stored, Fault> {
        let UpdateCall { rtype, id, condition, if_match, body } = call;
        let doc = self.parse_resource(body, rtype)?;
        let in_body = doc.root().get("id").and_then(|id| id.as_str()).map(|id| LogicalId::parse(&id));
        let in_body = in_body.transpose().map_err(|_| Fault::at(422, "value", "id", "not a FHIR id"))?;
        self.check_references(caller, doc.root(), &mut BTreeSet::new())?;
        let (id, expected) = match (id, condition) {
            (Some(id), _) => {
                if in_body.as_ref() != Some(&id) {
                    return Err(Fault::at(400, "value", "id", "the id in the body must be the id in the URL"));
                }
                (id, if_match.map_or(Expected::Any, Expected::At))
            }
            (None, Some(query)) => {
                let filters = self.condition(rtype, query)?;
                match self.matching(caller, Interaction::Update, rtype, &filters).await? {
                    Match::Several => return Err(several()),
                    Match::None if in_body.is_none() => {
                        let id = self.new_id();
                        let change = [Change::Put { rtype, id, doc, expected: Expected::Absent }];
                        let guard = [Guard { change: 0, rtype, filters: &filters }];
                        return one(self.door.write(caller, &change, &guard, &[]).await?);
                    }
                    Match::None => (in_body.unwrap_or_else(|| self.new_id()), Expected::Any),
                    Match::One(found, _) if in_body.as_ref().is_some_and(|id| *id != found) => {
                        return Err(Fault::at(
                            400,
                            "value",
                            "id",
                            "the id in the body is not that of the record found",
                        ));
                    }
                    Match::One(found, version) => (found, Expected::At(if_match.unwrap_or(version))),
                }
            }
            (None, None) => return Err(Fault::new(405, "not-supported", "an update needs an id or a condition")),
        };
        check_client_id(rtype, &id)?;
        one(self.door.write(caller, &[Change::Put { rtype, id, doc, expected }], &[], &[]).await?)
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
    ) -> Result<Option<Stored>, Fault> {
        let id = match (id, condition) {
            (Some(id), _) => id,
            (None, Some(query)) => {
                let filters = self.condition(rtype, query)?;
                match self.matching(caller, Interaction::Delete, rtype, &filters).await? {
                    Match::None => return Ok(None),
                    Match::One(id, _) => id,
                    Match::Several => return Err(several()),
                }
            }
            (None, None) => return Err(Fault::new(405, "not-supported", "a delete needs an id or a condition")),
        };
        let expected = if_match.map_or(Expected::Any, Expected::At);
        match self.door.write(caller, &[Change::Delete { rtype, id, expected }], &[], &[]).await {
            Ok(written) => one(written).map(|stored| Some(Stored { status: WriteStatus::Deleted, ..stored })),
            Err(DoorError::Gone { .. }) => Ok(None),
            Err(error) => Err(error.into()),
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

/// Ids stand in URLs, logs and rows in clear: those of patients' records must be random, so a client may only bring a UUID.
pub(crate) fn check_client_id(rtype: ResourceType, id: &LogicalId) -> Result<(), Fault> {
    if patient_params(rtype).is_empty() || SubjectId::of_patient(id.as_str()).is_some() {
        return Ok(());
    }
    Err(Fault::at(422, "business-rule", "id", "ids of patients' records must be lower-case UUIDs: ids are not sealed"))
}

pub(crate) fn several() -> Fault {
    Fault::new(412, "multiple-matches", "the condition matches more than one record")
}

fn one(written: Vec<Written>) -> Result<Stored, Fault> {
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
        receipt: Some(written.receipt),
    }
}
