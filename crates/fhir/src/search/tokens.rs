//! Canonical values for a blind index: what a record stores and what a filter looks up, made by the same rules.
//!
//! An index over these values may only choose candidates: every hit is checked with [`Filter::matches`].

use zeroize::Zeroizing;

use super::criterion::{
    Criterion, DateCriterion, Filter, Modifier, Prefix, ReferenceCriterion, SystemIs, TokenCriterion,
};
use super::model::{Data, ParamKind, SearchParam, Source, params_of};
use super::values::{SearchValues, encode};
use super::view::{SearchView, Stored, Text};

const DAY: i64 = 86_400_000;

/// A parameter and one canonical value; wiped on drop.
pub type TokenValue = (&'static SearchParam, Zeroizing<Vec<u8>>);

/// The canonical values of a record, by parameter in order of their index, without duplicates per parameter.
///
/// Tokens give `code` and `system|code` (identifiers `value` and `system|value`; contact points and plain strings
/// normalised), references `Type/id` or their URL, uris themselves and without `|version`, strings their folded whole,
/// dates that lie in one day (UTC) its `YYYY-MM-DD`. Numbers, quantities and composites give none.
pub fn token_values(values: &SearchValues) -> impl Iterator<Item = TokenValue> {
    let mut bytes = Zeroizing::new(Vec::new());
    encode(values, &mut bytes);
    let mut found: Vec<TokenValue> = Vec::new();
    if let Ok(view) = SearchView::open(&bytes) {
        visit_tokens(
            &view,
            |_| true,
            |param, value| {
                let known = found.iter().rev().take_while(|(p, _)| *p == param).any(|(_, v)| v.as_slice() == value);
                if !known {
                    found.push((param, Zeroizing::new(value.to_vec())));
                }
            },
        );
    }
    found.into_iter()
}

/// As [`token_values`], over stored values, for the wanted parameters, one call per value (duplicates possible), without a
/// list in between.
pub fn visit_tokens(
    view: &SearchView<'_>,
    wanted: impl Fn(&SearchParam) -> bool,
    mut visit: impl FnMut(&'static SearchParam, &[u8]),
) {
    let mut scratch = Zeroizing::new(Vec::with_capacity(128));
    for param in params_of(view.rtype()).iter().filter(|p| wanted(p)) {
        for (_, source, value) in param.sources.iter().flat_map(|source| view.values(source)) {
            stored_tokens(source, &value, &mut scratch, &mut |bytes| visit(param, bytes));
        }
    }
}

fn stored_tokens(source: &Source, value: &Stored<'_>, scratch: &mut Vec<u8>, emit: &mut impl FnMut(&[u8])) {
    scratch.clear();
    match value {
        Stored::Token { code, .. } if code.is_none() => {}
        Stored::Token { system, code, .. } => {
            let system = if source.data == Data::Code { source.system.unwrap_or("").as_bytes() } else { system.raw };
            write_code(source.data, *code, scratch);
            emit(scratch);
            if !system.is_empty() {
                scratch.clear();
                scratch.extend_from_slice(system);
                scratch.push(b'|');
                write_code(source.data, *code, scratch);
                emit(scratch);
            }
        }
        Stored::Text(text) => {
            text.write_folded(scratch);
            emit(scratch);
        }
        Stored::Date { low, high } => {
            if low.div_euclid(DAY) == high.div_euclid(DAY) {
                emit(day(*low).as_bytes());
            }
        }
        Stored::Reference(reference) => {
            if let (Some(rtype), false) = (reference.rtype, reference.id.is_none()) {
                emit(&[rtype.name().as_bytes(), b"/", reference.id.raw].concat());
            } else if !reference.url.is_none() {
                emit(reference.url.raw);
            }
        }
        Stored::Uri(uri) => {
            emit(uri.raw);
            if let Some(at) = uri.raw.iter().position(|b| *b == b'|') {
                emit(uri.raw.get(..at).unwrap_or_default());
            }
        }
        Stored::Quantity { .. } => {}
    }
}

fn write_code(data: Data, code: Text<'_>, out: &mut Vec<u8>) {
    match data {
        Data::Text => code.write_folded(out),
        _ => out.extend_from_slice(code.raw),
    }
}

impl Filter {
    /// The canonical values of which a matching record must have at least one ([`token_values`]); `None` when the filter
    /// cannot be looked up: a modifier other than `:[type]` and `:exact`, a default string match (see
    /// [`Filter::prefixes`]), a comparison, `system|` alone, a date wider than a day, a reference by id to very many types.
    #[must_use]
    pub fn index_keys(&self) -> Option<Vec<TokenValue>> {
        if !matches!(self.modifier, Modifier::None | Modifier::Exact | Modifier::Type(_)) {
            return None;
        }
        let mut keys: Vec<TokenValue> = Vec::new();
        for alternative in &self.alternatives {
            for key in self.keys_of(alternative)? {
                if keys.iter().all(|(_, known)| *known != key) {
                    keys.push((self.param, key));
                }
            }
        }
        (!keys.is_empty()).then_some(keys)
    }

    /// For a default string match: the folded texts, with one of which some folded string of a matching record begins.
    /// For indexes over prefixes of the strings of [`token_values`]. `None` for any other filter.
    #[must_use]
    pub fn prefixes(&self) -> Option<Vec<Zeroizing<String>>> {
        if self.param.kind != ParamKind::String || self.modifier != Modifier::None {
            return None;
        }
        let folded = |criterion: &Criterion| match criterion {
            Criterion::Text(needle) => Some(needle.folded.clone()),
            _ => None,
        };
        self.alternatives.iter().map(folded).collect()
    }

    fn keys_of(&self, criterion: &Criterion) -> Option<Vec<Zeroizing<Vec<u8>>>> {
        let key = |parts: &[&[u8]]| Zeroizing::new(parts.concat());
        Some(match criterion {
            Criterion::Token(token) => {
                let data =
                    self.param.sources.iter().filter_map(|s| self.param.table().sources.get(usize::from(s.source)));
                let mut keys: Vec<_> = data.map(|source| token_key(token, source.data)).collect::<Option<_>>()?;
                keys.dedup();
                keys
            }
            Criterion::Text(needle) if self.modifier == Modifier::Exact => vec![key(&[needle.folded.as_bytes()])],
            Criterion::Date(DateCriterion { prefix: Prefix::Eq, low, high })
                if low.div_euclid(DAY) == high.div_euclid(DAY) =>
            {
                vec![key(&[day(*low).as_bytes()])]
            }
            Criterion::Reference(ReferenceCriterion::Local { rtype, id, .. }) => {
                let single = rtype.as_slice();
                let types = if single.is_empty() { self.param.targets } else { single };
                if types.is_empty() || types.len() > 16 {
                    return None;
                }
                types.iter().map(|rtype| key(&[rtype.name().as_bytes(), b"/", id.as_bytes()])).collect()
            }
            Criterion::Reference(ReferenceCriterion::Url { url, .. }) => vec![key(&[url.as_bytes()])],
            Criterion::Uri(uri) => vec![key(&[uri.value.as_bytes()])],
            _ => return None,
        })
    }
}

fn token_key(token: &TokenCriterion, data: Data) -> Option<Zeroizing<Vec<u8>>> {
    let needle = token.code.as_ref()?;
    let code = match data {
        Data::ContactPoint => &token.contact,
        Data::Text => &needle.folded,
        _ => &needle.raw,
    };
    Some(Zeroizing::new(match &token.system {
        SystemIs::Any | SystemIs::None => code.as_bytes().to_vec(),
        SystemIs::Is(system) => [system.as_bytes(), b"|", code.as_bytes()].concat(),
    }))
}

/// The day (UTC) of a moment as `YYYY-MM-DD`. By hand, because the calendar library ends a day before FHIR does.
fn day(moment: i64) -> String {
    let days = moment.div_euclid(DAY) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_day_is_named_as_it_was_read() {
        for text in ["0001-01-01", "1970-01-01", "2000-02-29", "1999-12-31", "2024-03-01", "9999-12-31"] {
            assert_eq!(super::day(crate::search::date_range(text).unwrap().0), text);
        }
    }
}
