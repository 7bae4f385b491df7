//! Which tokens a record gets and which a search asks for: by the same rules, so that what is stored is found.
//!
//! Tokens only choose candidates. Every candidate's values are opened and checked.

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Node};
use aceso_fhir::search::{
    Criterion, DateCriterion, Filter, Modifier, ParamKind, Prefix, SearchParam, SearchView, SystemIs, visit_tokens,
};
use aceso_phi::IndexToken;
use aceso_seal::index::{
    Lookup, PatientValues, Plan, birth_date_lookup, contact_lookup, family_birth_date_lookup, family_lookup,
    given_lookup, identifier_lookup, identifier_tokens, name_lookup, patient_tokens,
};
use aceso_seal::{SubjectKey, TenantKeys, subject_token};
use std::borrow::Cow;

/// All tokens of a record version, each once.
pub(crate) fn of_record(
    tenant: &TenantKeys,
    subject: &SubjectKey,
    plan: Plan,
    rtype: ResourceType,
    doc: &Doc,
    values: &SearchView<'_>,
) -> Vec<IndexToken> {
    let mut tokens = Vec::new();
    visit_tokens(values, has_subject_tokens, |param, canonical| {
        tokens.push(subject_token(subject, rtype, param.code, last_part(canonical)));
    });
    for identifier in list(doc.root().get("identifier")) {
        let system = identifier.get("system").and_then(Node::as_str);
        if let Some(value) = identifier.get("value").and_then(Node::as_str) {
            tokens.extend(identifier_tokens(tenant, rtype, system.as_deref(), &value));
        }
    }
    if rtype.name() == "Patient" {
        tokens.extend(of_patient(tenant, plan, doc));
    }
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}

fn of_patient(tenant: &TenantKeys, plan: Plan, doc: &Doc) -> Vec<IndexToken> {
    let root = doc.root();
    let (mut families, mut givens, mut others, mut contacts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for name in list(root.get("name")) {
        families.extend(name.get("family").and_then(Node::as_str));
        givens.extend(strings(name.get("given")));
        others.extend(name.get("text").and_then(Node::as_str));
        others.extend(strings(name.get("prefix")).chain(strings(name.get("suffix"))));
    }
    for contact in list(root.get("telecom")) {
        contacts.extend(contact.get("value").and_then(Node::as_str));
    }
    let birth_date = root.get("birthDate").and_then(Node::as_str);
    patient_tokens(
        tenant,
        plan,
        &PatientValues {
            families: &borrowed(&families),
            givens: &borrowed(&givens),
            other_names: &borrowed(&others),
            contacts: &borrowed(&contacts),
            birth_date: birth_date.as_deref(),
        },
    )
}

fn list(node: Option<Node<'_>>) -> impl Iterator<Item = Node<'_>> {
    node.into_iter().flat_map(Node::items)
}

fn strings(node: Option<Node<'_>>) -> impl Iterator<Item = Cow<'_, str>> {
    list(node).filter_map(Node::as_str)
}

fn borrowed<'a>(values: &'a [Cow<'a, str>]) -> Vec<&'a str> {
    values.iter().map(Cow::as_ref).collect()
}

/// The parameters with tokens inside a compartment: those that tell records of one patient apart. A status or a category
/// would only repeat.
fn has_subject_tokens(param: &SearchParam) -> bool {
    match param.kind {
        ParamKind::Reference => {
            !matches!(param.code, "patient" | "subject" | "beneficiary" | "individual" | "organization" | "requestor")
        }
        ParamKind::Token => matches!(param.code, "code" | "vaccine-code" | "context-type" | "specialty"),
        _ => false,
    }
}

/// `system|code` and `code` share one token: the code. Half the rows, and the check on opened values tells them apart.
fn last_part(canonical: &[u8]) -> &[u8] {
    canonical.rsplit(|byte| *byte == b'|').next().unwrap_or(canonical)
}

/// The tokens of which a matching record of the compartment has at least one; `None` when this filter is not indexed.
pub(crate) fn of_filter_in_compartment(
    tenant: &TenantKeys,
    subject: &SubjectKey,
    rtype: ResourceType,
    filter: &Filter,
) -> Option<Vec<IndexToken>> {
    if filter.param.code == "identifier" {
        return of_identifiers(tenant, rtype, filter);
    }
    if !has_subject_tokens(filter.param) {
        return None;
    }
    let keys = filter.index_keys()?;
    let token = |canonical: &[u8]| subject_token(subject, rtype, filter.param.code, last_part(canonical));
    Some(keys.iter().map(|(_, canonical)| token(canonical)).collect())
}

/// The tokens of the most telling filter of a search across patients; `None` when no index serves any of them.
pub(crate) fn of_population_search(
    tenant: &TenantKeys,
    plan: Plan,
    rtype: ResourceType,
    filters: &[Filter],
) -> Option<Vec<IndexToken>> {
    let find = |code: &'static str| filters.iter().filter(move |filter| filter.param.code == code);
    if let Some(tokens) = find("identifier").find_map(|filter| of_identifiers(tenant, rtype, filter)) {
        return Some(tokens);
    }
    if rtype.name() != "Patient" {
        return None;
    }
    let contacts = ["phone", "email", "telecom"].into_iter().flat_map(find);
    let lookups = [
        all_of(contacts, |criterion| Some(contact_lookup(tenant, criterion_text(criterion)?))),
        compound(tenant, filters),
        all_of(find("family"), |criterion| Some(family_lookup(tenant, plan, criterion_text(criterion)?))),
        all_of(find("birthdate"), |criterion| Some(birth_date_lookup(tenant, plan, years(criterion)?))),
        all_of(find("given"), |criterion| Some(given_lookup(tenant, plan, criterion_text(criterion)?))),
        all_of(find("name"), |criterion| Some(name_lookup(tenant, plan, criterion_text(criterion)?))),
    ];
    lookups.into_iter().flatten().next()
}

pub(crate) fn of_identifiers(tenant: &TenantKeys, rtype: ResourceType, filter: &Filter) -> Option<Vec<IndexToken>> {
    all_of(std::iter::once(filter), |criterion| {
        let Criterion::Token(token) = criterion else { return None };
        let value = &token.code.as_ref()?.raw;
        let system = match &token.system {
            SystemIs::Any => None,
            SystemIs::None => Some(""),
            SystemIs::Is(system) => Some(system.as_str()),
        };
        Some(identifier_lookup(tenant, rtype, system, value))
    })
}

/// The tokens of the first filter of which every alternative can be looked up.
fn all_of<'a>(
    filters: impl Iterator<Item = &'a Filter>,
    lookup: impl Fn(&Criterion) -> Option<Lookup>,
) -> Option<Vec<IndexToken>> {
    filters.filter(|filter| matches!(filter.modifier, Modifier::None | Modifier::Exact)).find_map(|filter| {
        let mut all = Vec::new();
        for criterion in &filter.alternatives {
            match lookup(criterion)? {
                Lookup::Tokens(tokens) => all.extend(tokens),
                Lookup::Scan => return None,
            }
        }
        Some(all)
    })
}

/// `family:exact` with a full birth date.
fn compound(tenant: &TenantKeys, filters: &[Filter]) -> Option<Vec<IndexToken>> {
    let family = filters.iter().find(|filter| filter.param.code == "family" && filter.modifier == Modifier::Exact)?;
    let birth = filters.iter().find(|filter| filter.param.code == "birthdate" && filter.modifier == Modifier::None)?;
    let days = birth.index_keys()?;
    let days: Vec<&str> = days.iter().map(|(_, day)| std::str::from_utf8(day).ok()).collect::<Option<Vec<&str>>>()?;
    let mut tokens = Vec::new();
    for criterion in &family.alternatives {
        for day in &days {
            match family_birth_date_lookup(tenant, criterion_text(criterion)?, day) {
                Lookup::Tokens(found) => tokens.extend(found),
                Lookup::Scan => return None,
            }
        }
    }
    Some(tokens)
}

fn criterion_text(criterion: &Criterion) -> Option<&str> {
    match criterion {
        Criterion::Text(needle) => Some(&needle.raw),
        Criterion::Token(token) => Some(&token.code.as_ref()?.raw),
        _ => None,
    }
}

/// The years in which a matching birth date can lie.
fn years(criterion: &Criterion) -> Option<std::ops::RangeInclusive<u16>> {
    const EARLIEST: u16 = 1850;
    const LATEST: u16 = 2150;
    let Criterion::Date(DateCriterion { prefix, low, high }) = criterion else { return None };
    match prefix {
        Prefix::Eq => Some(year(*low)?..=year(*high)?),
        Prefix::Gt | Prefix::Ge | Prefix::Sa => Some(year(*low)?.max(EARLIEST)..=LATEST),
        Prefix::Lt | Prefix::Le | Prefix::Eb => Some(EARLIEST..=year(*high)?.min(LATEST)),
        Prefix::Ne | Prefix::Ap => None,
    }
}

fn year(milliseconds: i64) -> Option<u16> {
    let moment = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    u16::try_from(moment.to_zoned(jiff::tz::TimeZone::UTC).year()).ok()
}
