//! The canonical bytes of an entry: what the log commits to. One value has one encoding and one encoding one value.
//!
//! Version byte, presence bits, then the fields in a fixed order. Numbers, lengths and counts are unsigned LEB128 without
//! padding; texts are length and UTF-8; times are 8 bytes big-endian. A change of any of this is a new version byte.

use std::borrow::Cow;

use aceso_base::{LogicalId, Purpose, Region, Role, RoleSet, SubjectId, TenantId, Timestamp, Token16, UserId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_labels::ClassSet;

use crate::action::{Action, Code, Outcome};
use crate::entry::{Entry, KeyRef, Name, RecordRef};

const VERSION: u8 = 1;

const TENANT: u16 = 1;
const REQUEST: u16 = 1 << 1;
const USER: u16 = 1 << 2;
const CLIENT: u16 = 1 << 3;
const SESSION: u16 = 1 << 4;
const PURPOSE: u16 = 1 << 5;
const DETAIL: u16 = 1 << 6;
const GRANT: u16 = 1 << 7;
const COUNT: u16 = 1 << 8;
const POLICY: u16 = 1 << 9;
const KNOWN: u16 = (1 << 10) - 1;

/// The bytes are not the canonical form of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical entry: {field}")]
pub struct DecodeError {
    /// The field that does not decode.
    pub field: &'static str,
}

impl Entry {
    /// Appends the canonical bytes of the entry as recorded at this time.
    pub fn encode(&self, time: Timestamp, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.presence().to_be_bytes());
        out.extend_from_slice(&time.0.to_be_bytes());
        put_text(out, self.region.as_str());
        put_option(out, self.tenant.as_ref(), |out, tenant| put_text(out, tenant.as_str()));
        put_option(out, self.request.as_ref(), |out, request| out.extend_from_slice(&request.0));
        put_option(out, self.user.as_ref(), |out, user| put_text(out, user.as_str()));
        put_option(out, self.client.as_ref(), |out, client| put_text(out, client.as_str()));
        put_option(out, self.session.as_ref(), |out, session| out.extend_from_slice(&session.0));
        put_number(out, role_bits(self.roles));
        put_option(out, self.purpose, |out, purpose| out.push(purpose_code(purpose)));
        out.push(self.action.code());
        put_option(out, self.detail.as_ref(), |out, detail| put_text(out, detail.as_str()));
        out.push(outcome_code(&self.outcome));
        put_option(out, self.outcome.reason(), |out, reason| put_text(out, reason.as_str()));
        put_option(out, self.grant.as_ref(), |out, grant| out.extend_from_slice(&grant.0));
        out.push(self.classes.bits());
        put_list(out, &self.elements, |out, name| put_text(out, name));
        put_list(out, &self.parameters, |out, name| put_text(out, name));
        put_list(out, &self.subjects, |out, subject| out.extend_from_slice(&subject.0));
        put_list(out, &self.records, |out, record| {
            out.push(record.rtype.code());
            put_text(out, record.id.as_str());
            put_number(out, u64::from(record.version.0));
        });
        put_list(out, &self.keys, |out, key| {
            out.extend_from_slice(&key.id.0);
            put_number(out, u64::from(key.version));
        });
        put_option(out, self.count, put_number);
        put_option(out, self.policy.as_ref(), |out, policy| put_text(out, policy));
    }

    /// The time and the entry of these canonical bytes.
    ///
    /// # Errors
    /// [`DecodeError`] for everything that [`Entry::encode`] would not have written, byte for byte.
    pub fn decode(bytes: &[u8]) -> Result<(Timestamp, Self), DecodeError> {
        let mut input = Input(bytes);
        if input.byte("version")? != VERSION {
            return Err(DecodeError { field: "version" });
        }
        let present = u16::from_be_bytes(input.array("presence")?);
        if present & !KNOWN != 0 {
            return Err(DecodeError { field: "presence" });
        }
        let has = |bit: u16| present & bit != 0;
        let time = Timestamp(i64::from_be_bytes(input.array("time")?));
        let region = input.id("region", Region::parse)?;
        let entry = Self {
            region,
            tenant: has(TENANT).then(|| input.id("tenant", TenantId::parse)).transpose()?,
            request: has(REQUEST).then(|| input.token("request")).transpose()?,
            user: has(USER).then(|| input.id("user", UserId::parse)).transpose()?,
            client: has(CLIENT).then(|| input.id("client", UserId::parse)).transpose()?,
            session: has(SESSION).then(|| input.token("session")).transpose()?,
            roles: input.roles()?,
            purpose: has(PURPOSE).then(|| input.purpose()).transpose()?,
            action: Action::from_code(input.byte("action")?).ok_or(DecodeError { field: "action" })?,
            detail: has(DETAIL).then(|| input.code("detail")).transpose()?,
            outcome: input.outcome()?,
            grant: has(GRANT).then(|| input.token("grant")).transpose()?,
            classes: ClassSet::from_bits(input.byte("classes")?).ok_or(DecodeError { field: "classes" })?,
            elements: input.list("elements", |input| input.name("elements"))?,
            parameters: input.list("parameters", |input| input.name("parameters"))?,
            subjects: input.list("subjects", |input| input.array("subjects").map(SubjectId))?,
            records: input.list("records", Input::record)?,
            keys: input.list("keys", Input::key)?,
            count: has(COUNT).then(|| input.number("count")).transpose()?,
            policy: has(POLICY).then(|| input.name("policy")).transpose()?,
        };
        if input.0.is_empty() { Ok((time, entry)) } else { Err(DecodeError { field: "end" }) }
    }

    fn presence(&self) -> u16 {
        let bit = |present: bool, bit: u16| if present { bit } else { 0 };
        bit(self.tenant.is_some(), TENANT)
            | bit(self.request.is_some(), REQUEST)
            | bit(self.user.is_some(), USER)
            | bit(self.client.is_some(), CLIENT)
            | bit(self.session.is_some(), SESSION)
            | bit(self.purpose.is_some(), PURPOSE)
            | bit(self.detail.is_some(), DETAIL)
            | bit(self.grant.is_some(), GRANT)
            | bit(self.count.is_some(), COUNT)
            | bit(self.policy.is_some(), POLICY)
    }
}

pub(crate) fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    if let Some(value) = value {
        put(out, value);
    }
}

fn put_list<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    put_number(out, items.len() as u64);
    items.iter().for_each(|item| put(out, item));
}

/// Numbers of their own, so that the order of an enum elsewhere cannot change a stored format.
const ROLES: [(Role, u32); 9] = [
    (Role::Physician, 0),
    (Role::Nurse, 1),
    (Role::FrontDesk, 2),
    (Role::Billing, 3),
    (Role::Researcher, 4),
    (Role::Auditor, 5),
    (Role::Operator, 6),
    (Role::Patient, 7),
    (Role::Integration, 8),
];

fn role_bits(roles: RoleSet) -> u64 {
    ROLES.iter().filter(|(role, _)| roles.contains(*role)).fold(0, |bits, (_, bit)| bits | 1 << bit)
}

const fn purpose_code(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Treatment => 1,
        Purpose::EmergencyTreatment => 2,
        Purpose::Payment => 3,
        Purpose::Operations => 4,
        Purpose::Research => 5,
        Purpose::PatientRequest => 6,
        Purpose::Administration => 7,
        Purpose::Compliance => 8,
    }
}

const fn outcome_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Granted => 0,
        Outcome::Denied(_) => 1,
        Outcome::Failed(_) => 2,
    }
}

/// What is left to read.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(DecodeError { field })?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        self.take(N, field)?.try_into().map_err(|_| DecodeError { field })
    }

    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(field)?;
            let bits = u64::from(byte & 0x7f);
            let padded = byte == 0 && shift > 0;
            if padded || (shift == 63 && bits > 1) {
                return Err(DecodeError { field });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError { field })
    }

    fn length(&mut self, field: &'static str) -> Result<usize, DecodeError> {
        let length = usize::try_from(self.number(field)?).map_err(|_| DecodeError { field })?;
        // Every item takes at least one byte, so a longer list than the rest is damage, refused before memory is taken.
        if length > self.0.len() { Err(DecodeError { field }) } else { Ok(length) }
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let length = self.length(field)?;
        std::str::from_utf8(self.take(length, field)?).map_err(|_| DecodeError { field })
    }

    fn id<T, E>(&mut self, field: &'static str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, DecodeError> {
        parse(self.text(field)?).map_err(|_| DecodeError { field })
    }

    fn token(&mut self, field: &'static str) -> Result<Token16, DecodeError> {
        self.array(field).map(Token16)
    }

    fn name(&mut self, field: &'static str) -> Result<Name, DecodeError> {
        Ok(Cow::Owned(self.text(field)?.to_owned()))
    }

    fn code(&mut self, field: &'static str) -> Result<Code, DecodeError> {
        self.name(field).map(Code)
    }

    fn list<T>(
        &mut self,
        field: &'static str,
        item: impl Fn(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        (0..self.length(field)?).map(|_| item(self)).collect()
    }

    fn roles(&mut self) -> Result<RoleSet, DecodeError> {
        let bits = self.number("roles")?;
        let roles = ROLES.iter().filter(|(_, bit)| bits & 1 << bit != 0).map(|(role, _)| *role).collect();
        if role_bits(roles) == bits { Ok(roles) } else { Err(DecodeError { field: "roles" }) }
    }

    fn purpose(&mut self) -> Result<Purpose, DecodeError> {
        let code = self.byte("purpose")?;
        let found = Purpose::ALL.iter().copied().find(|purpose| purpose_code(*purpose) == code);
        found.ok_or(DecodeError { field: "purpose" })
    }

    fn outcome(&mut self) -> Result<Outcome, DecodeError> {
        match self.byte("outcome")? {
            0 => Ok(Outcome::Granted),
            1 => self.code("outcome").map(Outcome::Denied),
            2 => self.code("outcome").map(Outcome::Failed),
            _ => Err(DecodeError { field: "outcome" }),
        }
    }

    fn record(&mut self) -> Result<RecordRef, DecodeError> {
        let field = "records";
        let rtype = ResourceType::from_code(self.byte(field)?).ok_or(DecodeError { field })?;
        let id = self.id(field, LogicalId::parse)?;
        let version = u32::try_from(self.number(field)?).map_err(|_| DecodeError { field })?;
        Ok(RecordRef { rtype, id, version: Version(version) })
    }

    fn key(&mut self) -> Result<KeyRef, DecodeError> {
        let field = "keys";
        let id = self.token(field)?;
        let version = u32::try_from(self.number(field)?).map_err(|_| DecodeError { field })?;
        Ok(KeyRef { id, version })
    }
}
