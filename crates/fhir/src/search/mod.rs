//! Search parameters: which values a resource offers to a search, and whether they match a query.
//!
//! All R4 parameters are static tables ([`param`], [`params_of`]). [`extract`] reads a resource once into
//! [`SearchValues`], [`encode`] writes them as the compact bytes that are sealed beside the record, and [`SearchView`]
//! reads those bytes in place. [`Query::parse`] turns the pairs of a request into [`Filter`]s and [`Controls`];
//! [`Filter::matches`] says whether one record matches, without allocation. What is not served is refused by name,
//! never ignored (R4 search.html).

mod criterion;
mod decimal;
mod extract;
mod fold;
#[rustfmt::skip]
mod generated;
mod known;
mod matching;
mod model;
mod moment;
mod query;
mod sort;
mod tokens;
mod values;
mod view;
mod words;

pub use criterion::{
    Criterion, DateCriterion, Filter, Modifier, Needle, NumberCriterion, Prefix, QuantityCriterion, ReferenceCriterion,
    SystemIs, TokenCriterion, UnitIs, UriCriterion,
};
pub use decimal::Decimal;
pub use extract::extract;
pub use fold::{fold, normalise_contact};
pub use model::{ParamKind, Refusal, SearchParam, param, params_of};
pub use moment::date_range;
pub use query::{Controls, Include, ParamPlace, Query, QueryError, QueryProblem, Summary, Total};
pub use sort::{SortKey, sort_key};
pub use tokens::{TokenValue, token_values, visit_tokens};
pub use values::{SearchValues, encode};
pub use view::{SearchView, ViewError};
