//! Addresses, names, phones and what else many objects have.

use super::{Kept, Mapper, keep, text};
use crate::elation::model::{Email, Icd10, Many, Metadata, Phone, Str};
use crate::fhir::{Object, Text, coding, concept, identifier, object, system, text_concept};
use crate::table;

/// A postal address.
pub(super) fn address<'a>(
    lines: [Option<Str<'a>>; 2],
    city: Option<Str<'a>>,
    state: Option<Str<'a>>,
    zip: Option<Str<'a>>,
) -> Object<'a> {
    let lines: Vec<Text<'a>> = lines.into_iter().filter_map(text).collect();
    object! {
        "line" => lines,
        "city" => text(city),
        "state" => text(state),
        "postalCode" => text(zip),
    }
}

/// A name of parts.
pub(super) fn human_name<'a>(
    usage: Option<&'static str>,
    given: [Option<Str<'a>>; 2],
    family: Option<Str<'a>>,
    suffix: Option<Str<'a>>,
) -> Option<Object<'a>> {
    let given: Vec<Text<'a>> = given.into_iter().filter_map(text).collect();
    let suffix: Vec<Text<'a>> = text(suffix).into_iter().collect();
    let name = object! { "family" => text(family), "given" => given, "suffix" => suffix };
    (!name.is_empty()).then(|| {
        let mut name = name;
        name.set("use", usage);
        name
    })
}

/// A way to reach somebody; nothing without a value.
pub(super) fn contact_point<'a>(
    system: &'static str,
    value: Option<Str<'a>>,
    usage: Option<&'static str>,
) -> Option<Object<'a>> {
    text(value).map(|value| object! { "system" => system, "value" => value, "use" => usage })
}

/// A diagnosis of ICD-10-CM.
pub(super) fn diagnosis<'a>(code: Icd10<'a>, kept: &mut Kept<'a>) -> Object<'a> {
    let Icd10 { code, description, rest, node: _ } = code;
    kept.rest(rest);
    concept(coding(system::ICD10, text(code), None).into_iter().collect(), text(description))
}

/// Diagnoses, each code once.
pub(super) fn diagnoses<'a>(
    name: &str,
    codes: Option<Many<'a, Icd10<'a>>>,
    kept: &mut Kept<'a>,
    out: &mut Vec<(Option<String>, Object<'a>)>,
) {
    for (index, icd10) in codes.into_iter().flat_map(|codes| codes.items) {
        let key = text(icd10.code).map(|code| code.to_string());
        let is_new = key.is_none() || !out.iter().any(|(other, _)| *other == key);
        let mut inner = Kept::default();
        if is_new {
            out.push((key, diagnosis(icd10, &mut inner)));
        } else {
            // The same code may come with another text: that of the second stays beside the record.
            inner.member("description", icd10.description.as_ref());
            inner.rest(icd10.rest);
        }
        kept.absorb(&format!("{name}.{index}"), inner);
    }
}

impl<'a> Mapper<'_, 'a> {
    /// A phone, by its type.
    pub(super) fn phone(&mut self, phone: Phone<'a>, kept: &mut Kept<'a>) -> Option<Object<'a>> {
        let Phone { phone, phone_type, created_date, deleted_date, rest, node: _ } = phone;
        kept.rest(rest);
        keep!(kept: created_date);
        let row = self.code(kept, &table::PHONE_TYPE, "phones.phone_type", phone_type);
        let ended = self.time(kept, "phones.deleted_date", deleted_date);
        let usage = if ended.is_some() { Some("old") } else { row.and_then(|row| row.cell(2)) };
        if ended.is_some() {
            keep!(kept: phone_type);
        }
        let mut point = contact_point(row.and_then(|row| row.cell(1)).unwrap_or("phone"), phone, usage);
        match point.as_mut() {
            Some(point) => point.set("period", ended.map(|end| object! { "end" => end })),
            None => keep!(kept: phone_type, deleted_date),
        }
        point
    }

    /// An e-mail address.
    pub(super) fn email(&mut self, email: Email<'a>, kept: &mut Kept<'a>) -> Option<Object<'a>> {
        let Email { email, created_date, deleted_date, rest, node: _ } = email;
        kept.rest(rest);
        keep!(kept: created_date);
        let ended = self.time(kept, "emails.deleted_date", deleted_date);
        let mut point = contact_point("email", email, ended.as_ref().map(|_| "old"));
        match point.as_mut() {
            Some(point) => point.set("period", ended.map(|end| object! { "end" => end })),
            None => keep!(kept: deleted_date),
        }
        point
    }

    /// The identifier that an application has noted on the object; the rest of its notes is kept.
    pub(super) fn metadata(&self, metadata: Option<Metadata<'a>>, kept: &mut Kept<'a>) -> Option<Object<'a>> {
        let Metadata { object_id, object_web_link, data, rest, node: _ } = metadata?;
        let mut inner = Kept::default();
        keep!(inner: object_web_link, data);
        inner.rest(rest);
        kept.absorb("metadata", inner);
        identifier(self.system("metadata"), text(object_id))
    }

    /// A concept of a table with columns code, system, display; the text of the source where the table has none.
    pub(super) fn coded(
        &mut self,
        kept: &mut Kept<'a>,
        table: &'static table::Table,
        member: &'static str,
        value: Option<Str<'a>>,
    ) -> Option<Object<'a>> {
        let source = text(value)?;
        let Some(row) = self.code(kept, table, member, value) else {
            return Some(text_concept(Some(source)));
        };
        let shown: Option<Text<'a>> = row.cell(3).map(Into::into);
        let coding =
            row.cell(1).map(|code| object! { "system" => row.cell(2), "code" => code, "display" => row.cell(3) });
        Some(concept(coding.into_iter().collect(), Some(shown.unwrap_or(source))))
    }
}
