//! One value of a parameter.

use zeroize::Zeroizing;

use crate::definitions::ResourceType;
use crate::search::criterion::{
    Criterion, DateCriterion, Modifier, Needle, NumberCriterion, Prefix, QuantityCriterion, ReferenceCriterion,
    SystemIs, TokenCriterion, UnitIs, UriCriterion,
};
use crate::search::decimal::Decimal;
use crate::search::extract::{is_id, parse_reference};
use crate::search::model::{ParamKind, SearchParam};
use crate::search::moment::date_range;

use super::QueryProblem;
use super::text::{split, unescape};

/// Reads one of the alternatives of a parameter, escapes still in it.
pub(super) fn criterion(param: &SearchParam, modifier: Modifier, text: &str) -> Result<Criterion, QueryProblem> {
    if text.is_empty() {
        return Err(QueryProblem::Empty);
    }
    match modifier {
        Modifier::Missing => match text {
            "true" => Ok(Criterion::Missing(true)),
            "false" => Ok(Criterion::Missing(false)),
            _ => Err(QueryProblem::NotBoolean),
        },
        Modifier::Text => Ok(Criterion::Text(Needle::new(unescape(text)))),
        Modifier::Identifier => token(text),
        Modifier::OfType => match bars(text)?.as_slice() {
            [system, code, value] if !system.is_empty() && !code.is_empty() && !value.is_empty() => {
                Ok(Criterion::OfType {
                    system: Zeroizing::new(unescape(system)),
                    code: Zeroizing::new(unescape(code)),
                    value: Zeroizing::new(unescape(value)),
                })
            }
            _ => Err(QueryProblem::Parts),
        },
        _ => match param.composite {
            Some(composite) => {
                let parts = split(text, '$').ok_or(QueryProblem::Escape)?;
                if parts.len() != composite.components.len() || parts.iter().any(|part| part.is_empty()) {
                    return Err(QueryProblem::Parts);
                }
                let each = parts.iter().zip(composite.components);
                each.map(|(part, component)| plain(component.kind, &[], None, part))
                    .collect::<Result<_, _>>()
                    .map(Criterion::Composite)
            }
            None => plain(
                param.kind,
                param.targets,
                if let Modifier::Type(rtype) = modifier { Some(rtype) } else { None },
                text,
            ),
        },
    }
}

fn plain(
    kind: ParamKind,
    targets: &[ResourceType],
    rtype: Option<ResourceType>,
    text: &str,
) -> Result<Criterion, QueryProblem> {
    match kind {
        ParamKind::Token => token(text),
        ParamKind::String => Ok(Criterion::Text(Needle::new(unescape(text)))),
        ParamKind::Number => number(text).map(Criterion::Number),
        ParamKind::Quantity => quantity(text),
        ParamKind::Date => date(text),
        ParamKind::Reference => reference(targets, rtype, text),
        ParamKind::Uri => Ok(Criterion::Uri(UriCriterion { value: Zeroizing::new(unescape(text)) })),
        ParamKind::Composite | ParamKind::Special => Err(QueryProblem::NotSupported),
    }
}

fn bars(text: &str) -> Result<Vec<&str>, QueryProblem> {
    split(text, '|').ok_or(QueryProblem::Escape)
}

fn token(text: &str) -> Result<Criterion, QueryProblem> {
    let (system, code) = match bars(text)?.as_slice() {
        [code] => (SystemIs::Any, Some(unescape(code))),
        ["", ""] => return Err(QueryProblem::Empty),
        ["", code] => (SystemIs::None, Some(unescape(code))),
        [system, ""] => (SystemIs::Is(Zeroizing::new(unescape(system))), None),
        [system, code] => (SystemIs::Is(Zeroizing::new(unescape(system))), Some(unescape(code))),
        _ => return Err(QueryProblem::Parts),
    };
    Ok(Criterion::Token(TokenCriterion::new(system, code)))
}

fn number(text: &str) -> Result<NumberCriterion, QueryProblem> {
    let (prefix, number) = Prefix::split(text);
    Decimal::parse(number).map(|value| NumberCriterion::new(prefix, value)).ok_or(QueryProblem::NotNumber)
}

fn quantity(text: &str) -> Result<Criterion, QueryProblem> {
    let (text, unit) = match bars(text)?.as_slice() {
        [number] | [number, "", ""] => (*number, UnitIs::Any),
        [number, "", unit] => (*number, UnitIs::CodeOrUnit(Zeroizing::new(unescape(unit)))),
        [number, system, code] if !code.is_empty() => {
            (*number, UnitIs::Coded { system: Zeroizing::new(unescape(system)), code: Zeroizing::new(unescape(code)) })
        }
        _ => return Err(QueryProblem::Parts),
    };
    Ok(Criterion::Quantity(QuantityCriterion { number: number(text)?, unit }))
}

fn date(text: &str) -> Result<Criterion, QueryProblem> {
    let (prefix, date) = Prefix::split(text);
    let (low, high) = date_range(date).ok_or(QueryProblem::NotDate)?;
    let margin = if prefix == Prefix::Ap { high - low + 1 } else { 0 };
    Ok(Criterion::Date(DateCriterion { prefix, low: low.saturating_sub(margin), high: high.saturating_add(margin) }))
}

fn reference(targets: &[ResourceType], rtype: Option<ResourceType>, text: &str) -> Result<Criterion, QueryProblem> {
    let text = Zeroizing::new(unescape(text));
    if is_id(&text) {
        let only = if let [only] = targets { Some(*only) } else { None };
        let id = text;
        return Ok(Criterion::Reference(ReferenceCriterion::Local { rtype: rtype.or(only), id, version: None }));
    }
    let parsed = parse_reference(&text);
    if !parsed.id.is_empty() {
        if rtype.is_some() && rtype != parsed.rtype {
            return Err(QueryProblem::WrongTarget);
        }
        if !targets.is_empty() && parsed.rtype.is_some_and(|rtype| !targets.contains(&rtype)) {
            return Err(QueryProblem::WrongTarget);
        }
        let version = (!parsed.version.is_empty()).then(|| Zeroizing::new(parsed.version.to_owned()));
        let id = Zeroizing::new(parsed.id.to_owned());
        return Ok(Criterion::Reference(ReferenceCriterion::Local { rtype: parsed.rtype, id, version }));
    }
    let absolute = text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if !absolute || rtype.is_some() {
        return Err(QueryProblem::NotReference);
    }
    let (url, version) = text.split_once('|').map_or((text.as_str(), None), |(url, version)| (url, Some(version)));
    let version = version.map(|version| Zeroizing::new(version.to_owned()));
    Ok(Criterion::Reference(ReferenceCriterion::Url { url: Zeroizing::new(url.to_owned()), version }))
}
