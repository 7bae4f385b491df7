//! From the pairs of a request to filters and controls.

mod controls;
mod error;
mod text;
mod value;

pub use controls::{Controls, Include, Summary, Total};
pub use error::{ParamPlace, QueryError, QueryProblem};

use crate::definitions::ResourceType;

use super::criterion::{Criterion, Filter, Modifier};
use super::model::{ParamKind, SearchParam, param};

/// A search of one resource type, wholly understood: everything else is an error that names the parameter.
#[derive(Debug)]
pub struct Query {
    /// The type that is searched.
    pub rtype: ResourceType,
    /// All must match.
    pub filters: Vec<Filter>,
    /// What the answer shall look like.
    pub controls: Controls,
}

impl Query {
    /// Reads the decoded name and value pairs of a request (R4 search.html).
    ///
    /// # Errors
    /// [`QueryError`] for the first parameter that is unknown, malformed or not supported. It names the parameter only
    /// when the name is one of ours, else its position from 1, and never a value.
    pub fn parse(rtype: ResourceType, pairs: &[(String, String)]) -> Result<Self, QueryError> {
        let mut query = Self { rtype, filters: Vec::new(), controls: Controls::default() };
        for (index, (name, value)) in pairs.iter().enumerate() {
            let at = ParamPlace::At(index + 1);
            if value.is_empty() {
                let place = known_place(rtype, name).unwrap_or(at);
                return Err(QueryError { parameter: place, problem: QueryProblem::Empty });
            }
            if let Some(result) = query.controls.take(rtype, name, value) {
                result?;
            } else {
                query.filters.push(filter(rtype, name, value, at)?);
            }
        }
        Ok(query)
    }
}

fn known_place(rtype: ResourceType, name: &str) -> Option<ParamPlace> {
    let bare = name.split([':', '.']).next().unwrap_or(name);
    param(rtype, bare).map(|p| p.code).or_else(|| controls::known(bare)).map(ParamPlace::Named)
}

fn filter(rtype: ResourceType, name: &str, value: &str, at: ParamPlace) -> Result<Filter, QueryError> {
    if name.starts_with("_has:") {
        return Err(QueryError { parameter: ParamPlace::Named("_has"), problem: QueryProblem::ReverseChain });
    }
    let (path, modifier) = name.split_once(':').map_or((name, None), |(path, modifier)| (path, Some(modifier)));
    let chained = name.contains('.');
    let code = path.split('.').next().unwrap_or(path);
    let Some(param) = param(rtype, code) else {
        let problem = if chained { QueryProblem::Chain } else { QueryProblem::Unknown };
        return Err(QueryError { parameter: at, problem });
    };
    let fail = |problem| QueryError { parameter: ParamPlace::Named(param.code), problem };
    if let Some(refusal) = param.refusal {
        return Err(fail(QueryProblem::NotServed(refusal)));
    }
    if chained {
        return Err(fail(QueryProblem::Chain));
    }
    let modifier = read_modifier(param, modifier).map_err(fail)?;
    let parts = text::split(value, ',').ok_or_else(|| fail(QueryProblem::Escape))?;
    let alternatives =
        parts.iter().map(|part| value::criterion(param, modifier, part)).collect::<Result<Vec<Criterion>, _>>();
    Ok(Filter { param, modifier, alternatives: alternatives.map_err(fail)? })
}

fn read_modifier(param: &SearchParam, modifier: Option<&str>) -> Result<Modifier, QueryProblem> {
    use ParamKind as K;
    let Some(name) = modifier else { return Ok(Modifier::None) };
    Ok(match (name, param.kind) {
        ("missing", _) => Modifier::Missing,
        ("exact", K::String) => Modifier::Exact,
        ("contains", K::String) => Modifier::Contains,
        ("not", K::Token) => Modifier::Not,
        ("text", K::Token | K::Reference) => Modifier::Text,
        ("of-type", K::Token) if reads_identifiers(param) => Modifier::OfType,
        ("identifier", K::Reference) => Modifier::Identifier,
        ("below", K::Uri) => Modifier::Below,
        ("above", K::Uri) => Modifier::Above,
        (_, K::Reference) if ResourceType::parse(name).is_some() => {
            let rtype = ResourceType::parse(name).ok_or(QueryProblem::UnknownModifier)?;
            if !param.targets.is_empty() && !param.targets.contains(&rtype) {
                return Err(QueryProblem::WrongTarget);
            }
            Modifier::Type(rtype)
        }
        _ => {
            let known = [
                "exact",
                "contains",
                "not",
                "text",
                "of-type",
                "identifier",
                "in",
                "not-in",
                "below",
                "above",
                "iterate",
            ];
            let known = known.into_iter().find(|known| *known == name);
            return Err(known.map_or(QueryProblem::UnknownModifier, QueryProblem::ModifierNotSupported));
        }
    })
}

fn reads_identifiers(param: &SearchParam) -> bool {
    let table = param.table();
    let mut sources = param.sources.iter().filter_map(|s| table.sources.get(usize::from(s.source)));
    sources.any(|source| source.data == super::model::Data::Identifier)
}

#[cfg(test)]
mod tests;
