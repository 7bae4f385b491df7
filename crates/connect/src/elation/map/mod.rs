//! From Elation's objects to FHIR R4.
//!
//! Each function takes one model apart, member by member, and says where each goes: to an element, or to [`Kept`].

mod appointment;
mod clinical;
mod common;
mod coverage;
mod directory;
mod lab_order;
mod medication;
mod patient;
mod report;
mod vitals;

pub(super) use appointment::appointment;
pub(super) use clinical::{allergy, drug_intolerance, problem};
pub(super) use directory::{physician, practice};
pub(super) use lab_order::lab_order;
pub(super) use medication::{discontinuation, fill, medication_order};
pub(super) use patient::patient;
pub(super) use report::report;
pub(super) use vitals::vitals;

use aceso_base::{LogicalId, SubjectId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::Node;
use zeroize::Zeroizing;

use super::model::{Day, Id, Place, Read, Source, Str, Time};
use crate::fhir::{BASE, Kept, Moment, Object, Origin, Text, identifier, object, provenance, timestamp};
use crate::pattern::{MapCode, MapContext, MapError, Mapped, MappedRecord, SourceKey, SourceRef, UnknownCode, mint_id};
use crate::table::{Row, Table};

/// Between the texts that a part is made of: none of them holds a control character.
const SEPARATOR: char = '\u{1f}';

/// One object on its way.
pub(super) struct Mapper<'c, 'a> {
    ctx: MapContext<'c>,
    kind: &'static str,
    connector: &'static str,
    id: Text<'a>,
    version: Option<Text<'a>>,
    occurred: Option<Text<'a>>,
    deleted: bool,
    subject: SubjectId,
    patient: Option<LogicalId>,
    drafts: Vec<Draft<'a>>,
    unknown: Vec<UnknownCode>,
    due: Option<Timestamp>,
}

struct Draft<'a> {
    rtype: &'static str,
    id: LogicalId,
    body: Object<'a>,
    kept: Kept<'a>,
}

impl<'c, 'a> Mapper<'c, 'a> {
    /// For an object of `kind` with this id.
    pub(super) fn new(
        ctx: MapContext<'c>,
        kind: &'static str,
        connector: &'static str,
        id: Option<Id<'a>>,
    ) -> Result<Self, MapError> {
        let missing = || MapError { kind, path: "id".into(), code: MapCode::Missing };
        let id = id.map(Id::text).ok_or_else(missing)?;
        Ok(Self {
            ctx,
            kind,
            connector,
            id,
            version: None,
            occurred: None,
            deleted: false,
            subject: SubjectId::DIRECTORY,
            patient: None,
            drafts: Vec::new(),
            unknown: Vec::new(),
            due: None,
        })
    }

    /// A failure at a member.
    fn fail(&self, path: &str, code: MapCode) -> MapError {
        MapError { kind: self.kind, path: path.into(), code }
    }

    /// The system of the ids of a kind of object of this connection.
    fn system(&self, kind: &str) -> String {
        format!("{BASE}sid/{}/elation/{kind}", self.ctx.connection)
    }

    /// The logical id of a part of this object.
    fn part(&self, part: &str) -> LogicalId {
        self.mint(self.kind, &self.id, part)
    }

    /// An id for a part, unless a record has it already: lists of the source may name the same thing twice.
    fn free(&self, wanted: LogicalId, part: &str) -> LogicalId {
        let taken = |id: &LogicalId| self.drafts.iter().any(|draft| draft.id == *id);
        if !taken(&wanted) {
            return wanted;
        }
        let mut again = (1..).map(|count: usize| self.part(&format!("{part}{SEPARATOR}{count}")));
        again.find(|id| !taken(id)).unwrap_or(wanted)
    }

    fn mint(&self, kind: &str, id: &str, part: &str) -> LogicalId {
        mint_id(self.ctx.ids, &SourceKey { connection: self.ctx.connection, kind, id, part })
    }

    /// Notes when the source has changed and deleted the object.
    fn dated(&mut self, version: Option<Time<'a>>, changed: Option<Time<'a>>, deleted: Option<Time<'a>>) {
        self.version = version.map(Time::text);
        self.occurred = changed.and_then(|time| match time.moment() {
            Moment::Instant(text) => Some(text),
            _ => None,
        });
        self.deleted = deleted.is_some();
    }

    /// Takes the time of the last change from objects whose published schema has none, should one come with it.
    pub(super) fn date_by_its_own_word(&mut self, object: Node<'a>) {
        if self.version.is_none()
            && let Some(Ok(time)) = object.get("last_modified").map(|node| Time::read(node, &Place::ROOT))
        {
            let deleted = self.deleted;
            self.dated(Some(time), Some(time), None);
            self.deleted = deleted;
        }
    }

    /// The reference to the patient whose record this is.
    fn subject_of(&mut self, patient: Option<Id<'a>>) -> Result<(), MapError> {
        let source = patient.ok_or_else(|| self.fail("patient", MapCode::Missing))?;
        let id = self.mint("patients", &source.text(), "");
        if !self.is_known("Patient", &id) {
            return Err(self.fail("patient", MapCode::UnknownPatient));
        }
        self.belongs_to(&id);
        Ok(())
    }

    fn belongs_to(&mut self, patient: &LogicalId) {
        self.subject = SubjectId::of_patient(patient.as_str()).unwrap_or(SubjectId::DIRECTORY);
        self.patient = Some(patient.clone());
    }

    /// The reference to the patient.
    fn to_patient(&self) -> Option<Object<'a>> {
        self.patient.as_ref().map(|id| object! { "reference" => format!("Patient/{id}") })
    }

    fn is_known(&self, rtype: &str, id: &LogicalId) -> bool {
        ResourceType::parse(rtype).is_some_and(|rtype| (self.ctx.is_known)(rtype, id))
    }

    /// A reference to what another object became: literal where it is known here, and always by the id of the source,
    /// because physicians who have left are in old records and in no list.
    fn refer(&self, rtype: &'static str, kind: &str, id: Option<Id<'a>>) -> Option<Object<'a>> {
        let source = id?.text();
        let id = self.mint(kind, &source, "");
        let literal = self.is_known(rtype, &id).then(|| format!("{rtype}/{id}"));
        Some(object! {
            "reference" => literal,
            "type" => rtype,
            "identifier" => identifier(self.system(kind), Some(source)),
        })
    }

    /// A reference to another record of the same object.
    fn to_own(rtype: &str, id: &LogicalId) -> Object<'a> {
        object! { "reference" => format!("{rtype}/{id}") }
    }

    /// The row of a code. What the table does not know is kept and counted; what it says less exactly than the source is
    /// kept as well.
    fn code(
        &mut self,
        kept: &mut Kept<'a>,
        table: &'static Table,
        member: &'static str,
        value: Option<Str<'a>>,
    ) -> Option<&'static Row> {
        let value = value?;
        let text = value.text();
        if text.trim().is_empty() {
            return None;
        }
        let row = table.find(&text);
        if row.is_none() {
            self.unknown.push(UnknownCode { member, table: table.name });
        }
        if row.is_none_or(Row::keeps_source) {
            kept.put(last(member), value.node());
        }
        row
    }

    /// A FHIR `date`. What is no date is kept and counted.
    fn day(&mut self, kept: &mut Kept<'a>, member: &'static str, value: Option<Day<'a>>) -> Option<Text<'a>> {
        let value = value?;
        let (day, node) = (value.moment(), value.node());
        match day {
            Moment::Day(text) => Some(text),
            Moment::Instant(text) | Moment::Local(text) => {
                kept.put(last(member), node);
                text.get(..10).map(|day| day.to_owned().into())
            }
            Moment::Unreadable => self.unreadable(kept, member, node),
        }
    }

    /// A FHIR `dateTime`: to the day, where the source names no zone.
    fn time(&mut self, kept: &mut Kept<'a>, member: &'static str, value: Option<Time<'a>>) -> Option<Text<'a>> {
        let value = value?;
        match value.moment() {
            Moment::Day(text) | Moment::Instant(text) => Some(text),
            Moment::Local(text) => {
                kept.put(last(member), value.node());
                Some(text)
            }
            Moment::Unreadable => self.unreadable(kept, member, value.node()),
        }
    }

    /// A FHIR `instant`; a time that is less than that is kept.
    fn instant(&mut self, kept: &mut Kept<'a>, member: &'static str, value: Option<Time<'a>>) -> Option<Text<'a>> {
        let value = value?;
        match value.moment() {
            Moment::Instant(text) => Some(text),
            Moment::Day(_) | Moment::Local(_) => {
                kept.put(last(member), value.node());
                None
            }
            Moment::Unreadable => self.unreadable(kept, member, value.node()),
        }
    }

    fn unreadable(&mut self, kept: &mut Kept<'a>, member: &'static str, node: Node<'a>) -> Option<Text<'a>> {
        if node.as_str().is_some_and(|text| !text.is_empty()) {
            kept.put(last(member), node);
            self.unknown.push(UnknownCode { member, table: "date" });
        }
        None
    }

    /// Whether a day (`YYYY-MM-DD`) has begun, in UTC, when the object is received. One that has not makes the object due when it does.
    fn has_begun(&mut self, day: &str) -> bool {
        let today = self.ctx.received.to_string();
        if today.get(..10).is_some_and(|today| day <= today) {
            return true;
        }
        let begins = timestamp(&format!("{day}T00:00:00Z"));
        self.due = self.due.into_iter().chain(begins).min();
        false
    }

    /// A resource to be filled.
    fn start(&self, rtype: &'static str, id: &LogicalId) -> Object<'a> {
        object! {
            "resourceType" => rtype,
            "id" => id.to_string(),
            "meta" => object! { "source" => self.system(self.kind) },
        }
    }

    /// A resource to be filled that the source calls confidential.
    fn start_restricted(&self, rtype: &'static str, id: &LogicalId) -> Object<'a> {
        let system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
        let label = object! { "system" => system, "code" => "R", "display" => "restricted" };
        object! {
            "resourceType" => rtype,
            "id" => id.to_string(),
            "meta" => object! { "source" => self.system(self.kind), "security" => vec![label] },
        }
    }

    /// Adds a record.
    fn emit(&mut self, rtype: &'static str, id: LogicalId, body: Object<'a>, kept: Kept<'a>) {
        self.drafts.push(Draft { rtype, id, body, kept });
    }

    /// The records, with their `Provenance`. `strange` are texts that no FHIR string can hold: they are kept with the
    /// first record.
    pub(super) fn finish(mut self, strange: Kept<'a>) -> Result<Mapped, MapError> {
        let mut mapped = Mapped { deleted: self.deleted, ..Mapped::default() };
        if let Some(first) = self.drafts.first_mut() {
            first.kept.absorb("strange", strange);
        }
        let provenance = self.provenance();
        let drafts = std::mem::take(&mut self.drafts);
        for draft in drafts.into_iter().chain(provenance) {
            let Draft { rtype, id, mut body, kept } = draft;
            if let Some(extension) = kept.extension() {
                body.push("extension", extension);
            }
            let mut json = Zeroizing::new(Vec::with_capacity(4096));
            body.write(&mut json);
            let rtype = ResourceType::parse(rtype).ok_or_else(|| self.fail(rtype, MapCode::Invalid))?;
            let source = SourceRef {
                kind: self.kind,
                id: self.id.to_string(),
                version: self.version.as_ref().map(|version| version.to_string()),
            };
            mapped.records.push(MappedRecord { rtype, id, subject: self.subject, json, source });
        }
        mapped.unknown = self.unknown;
        mapped.due = self.due;
        Ok(mapped)
    }

    /// Where the records come from.
    fn provenance(&self) -> Option<Draft<'a>> {
        let mut targets: Vec<String> =
            self.drafts.iter().map(|draft| format!("{}/{}", draft.rtype, draft.id)).collect();
        if targets.is_empty() {
            return None;
        }
        if self.kind != "patients"
            && let Some(patient) = &self.patient
        {
            targets.push(format!("Patient/{patient}"));
        }
        let id = self.part("provenance");
        let origin = Origin {
            connector: "elation",
            assembler: format!("Aceso Elation connector {}", self.connector),
            author: "Elation",
            connection: self.ctx.connection,
            system: self.system(self.kind),
            id: self.id.clone(),
            version: self.version.clone(),
            occurred: self.occurred.clone(),
            received: self.ctx.received,
        };
        let body = provenance(&id, targets, origin);
        Some(Draft { rtype: "Provenance", id, body, kept: Kept::default() })
    }
}

/// The last name of a path of members.
fn last(member: &'static str) -> &'static str {
    member.rsplit('.').next().unwrap_or(member)
}

/// The text of a member, if a FHIR string can hold it; what cannot be held is kept with the first record.
fn text<'a>(member: Option<Str<'a>>) -> Option<Text<'a>> {
    member.map(Str::text).filter(Text::is_fhir_string)
}

impl<'a> Kept<'a> {
    /// Keeps a member, if it is there.
    fn member<T: Source<'a>>(&mut self, name: &str, member: Option<&T>) {
        if let Some(member) = member {
            self.put(name, member.node());
        }
    }

    /// Keeps the members that the model does not know.
    fn rest(&mut self, rest: Vec<(String, Node<'a>)>) {
        for (name, node) in rest {
            self.put(name, node);
        }
    }
}

/// Keeps members under their own names.
macro_rules! keep {
    ($kept:ident: $($member:ident),* $(,)?) => {{
        $($kept.member(stringify!($member), $member.as_ref());)*
    }};
}
use keep;
