//! The order of records.

use std::cmp::Ordering;

use zeroize::Zeroizing;

use super::decimal::Decimal;
use super::model::SearchParam;
use super::view::{SearchView, Stored};

/// Where a record stands in the order of one `_sort` rule; smaller comes first. Keys of different rules must not be
/// compared with each other. Has no `Debug`: it holds a value.
pub struct SortKey {
    value: Option<SortValue>,
    descending: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum SortValue {
    Moment(i64),
    Number(Decimal),
    Text(WipedText),
}

struct WipedText(Zeroizing<Vec<u8>>);

impl Ord for WipedText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_slice().cmp(other.0.as_slice())
    }
}

impl PartialOrd for WipedText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for WipedText {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for WipedText {}

impl Ord for SortKey {
    /// Records without a value come last in both directions.
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.value, &other.value) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) if self.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SortKey {}

/// The record's key for a rule. Of several values the smallest counts, descending the largest (R4 search.html section
/// 3.1.1.5.1). Dates go by their beginning (descending: their end), numbers and quantities by value without unit,
/// strings folded, tokens by code, references by `Type/id`, uris as they are; composites have no order.
#[must_use]
pub fn sort_key(view: &SearchView<'_>, param: &SearchParam, descending: bool) -> SortKey {
    let values = param.sources.iter().filter(|_| param.rtype == view.rtype).flat_map(|source| view.values(source));
    let keys = values.filter_map(|(_, _, value)| sort_value(&value, descending));
    SortKey { value: if descending { keys.max() } else { keys.min() }, descending }
}

fn sort_value(value: &Stored<'_>, descending: bool) -> Option<SortValue> {
    let text = match value {
        Stored::Date { low, high } => return Some(SortValue::Moment(if descending { *high } else { *low })),
        Stored::Quantity { low, high, .. } => {
            let end = if descending { high.or(*low) } else { low.or(*high) };
            return end.map(SortValue::Number);
        }
        Stored::Text(text) => {
            let mut folded = Zeroizing::new(Vec::with_capacity(text.raw.len()));
            text.write_folded(&mut folded);
            folded
        }
        Stored::Token { code, text, .. } => {
            let shown = if code.is_none() { text } else { code };
            Zeroizing::new(shown.raw.to_vec())
        }
        Stored::Reference(reference) if reference.id.is_none() => Zeroizing::new(reference.url.raw.to_vec()),
        Stored::Reference(reference) => {
            let name = reference.rtype.map(|rtype| rtype.name()).unwrap_or_default();
            Zeroizing::new([name.as_bytes(), b"/", reference.id.raw].concat())
        }
        Stored::Uri(uri) => Zeroizing::new(uri.raw.to_vec()),
    };
    (!text.is_empty()).then_some(SortValue::Text(WipedText(text)))
}
