//! What the store knows of a record without opening it (id, time of the last change), as search parameters and sort rules.

use crate::search::SortRule;
use aceso_base::{LogicalId, Timestamp};
use aceso_fhir::search::{
    Criterion, DateCriterion, Filter, Modifier, Prefix, SearchView, SortKey, SystemIs, TokenCriterion, sort_key,
};

/// Facts about one record version.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) id: &'a LogicalId,
    pub(crate) updated: Timestamp,
}

/// Whether a record matches a filter. `_id` and `_lastUpdated` go by the row, the rest by the opened values.
pub(crate) fn matches(filter: &Filter, view: &SearchView<'_>, facts: Facts<'_>) -> bool {
    let is = |wanted: &Criterion| match (filter.param.code, wanted) {
        (_, Criterion::Missing(missing)) => !missing,
        ("_id", Criterion::Token(token)) => id_text(token) == Some(facts.id.as_str()),
        (_, Criterion::Date(wanted)) => time_matches(*wanted, facts.updated.0),
        _ => false,
    };
    match filter.param.code {
        "_id" | "_lastUpdated" => filter.alternatives.iter().any(is) != (filter.modifier == Modifier::Not),
        _ => filter.matches(view),
    }
}

/// A moment against a period (R4 search.html, section 3.1.1.4.5): the moment has the precision of a millisecond.
const fn time_matches(wanted: DateCriterion, at: i64) -> bool {
    let DateCriterion { prefix, low, high } = wanted;
    match prefix {
        Prefix::Eq => low <= at && at <= high,
        Prefix::Ne => at < low || high < at,
        Prefix::Gt | Prefix::Sa => high < at,
        Prefix::Lt | Prefix::Eb => at < low,
        Prefix::Ge => low <= at,
        Prefix::Le => at <= high,
        // The period is already widened by its own length.
        Prefix::Ap => low <= at && at <= high,
    }
}

/// The id that a token asks for. Ids are of no code system.
fn id_text(token: &TokenCriterion) -> Option<&str> {
    let code = token.code.as_ref()?;
    (!matches!(token.system, SystemIs::Is(_))).then_some(code.raw.as_str())
}

/// The exact ids that a filter asks for, when it asks for nothing else.
pub(crate) fn ids(filter: &Filter) -> Option<Vec<LogicalId>> {
    if filter.param.code != "_id" || filter.modifier != Modifier::None {
        return None;
    }
    let id = |wanted: &Criterion| match wanted {
        Criterion::Token(token) => LogicalId::parse(id_text(token)?).ok(),
        _ => None,
    };
    // What is no id at all is the id of no record.
    Some(filter.alternatives.iter().filter_map(id).collect())
}

/// The times `from..to` outside of which no record can match.
pub(crate) fn updated_range(filter: &Filter) -> Option<(Timestamp, Timestamp)> {
    let ("_lastUpdated", [Criterion::Date(DateCriterion { prefix, low, high })]) =
        (filter.param.code, filter.alternatives.as_slice())
    else {
        return None;
    };
    let (from, to) = match prefix {
        Prefix::Eq | Prefix::Ap => (*low, high.saturating_add(1)),
        Prefix::Gt | Prefix::Sa | Prefix::Ge => (*low, i64::MAX),
        Prefix::Lt | Prefix::Eb | Prefix::Le => (i64::MIN, high.saturating_add(1)),
        Prefix::Ne => return None,
    };
    Some((Timestamp(from), Timestamp(to)))
}

/// A record's place in the answer by one rule.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    Rising(String),
    Falling(std::cmp::Reverse<String>),
    Time(i64),
    Value(SortKey),
}

impl Order {
    pub(crate) fn of(rule: &SortRule, view: &SearchView<'_>, facts: Facts<'_>) -> Self {
        match (rule.param.code, rule.descending) {
            ("_id", false) => Self::Rising(facts.id.as_str().to_owned()),
            ("_id", true) => Self::Falling(std::cmp::Reverse(facts.id.as_str().to_owned())),
            ("_lastUpdated", false) => Self::Time(facts.updated.0),
            ("_lastUpdated", true) => Self::Time(facts.updated.0.saturating_neg()),
            (_, descending) => Self::Value(sort_key(view, rule.param, descending)),
        }
    }
}
