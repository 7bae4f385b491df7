//! Whether a record matches: no allocation, no copy.

use super::criterion::{
    Criterion, DateCriterion, Filter, Modifier, NumberCriterion, Prefix, ReferenceCriterion, SystemIs, TokenCriterion,
    UnitIs, UriCriterion,
};
use super::decimal::Decimal;
use super::model::{Composite, Data, Part, SearchParam, Source, Variant};
use super::view::{SearchView, Stored, StoredReference, Text};

impl Filter {
    /// Whether the record matches (R4 search.html). A record of another type never does.
    ///
    /// Codes, identifiers, ids and uris are compared with case, strings and contact points without. `:not` is true
    /// also where there is no value; `ne` is true where any value differs.
    #[must_use]
    pub fn matches(&self, view: &SearchView<'_>) -> bool {
        if self.param.rtype != view.rtype {
            return false;
        }
        match self.modifier {
            Modifier::Missing => {
                let missing = !view.has(self.param);
                self.alternatives
                    .iter()
                    .any(|wanted| matches!(wanted, Criterion::Missing(wanted) if *wanted == missing))
            }
            Modifier::Not => !self.any(view),
            _ => self.any(view),
        }
    }

    fn any(&self, view: &SearchView<'_>) -> bool {
        if let Some(composite) = self.param.composite {
            return self.alternatives.iter().any(|alternative| match alternative {
                Criterion::Composite(parts) => composite_any(view, composite, |component, source, value| {
                    parts.get(component).is_some_and(|part| value_matches(part, Modifier::None, None, source, value))
                }),
                _ => false,
            });
        }
        self.param.sources.iter().any(|source| {
            view.values(source).any(|(_, source, value)| {
                let param = Some(self.param);
                self.alternatives.iter().any(|wanted| value_matches(wanted, self.modifier, param, source, &value))
            })
        })
    }
}

/// Whether some element has, for each component, a value that passes the test.
pub(super) fn composite_any(
    view: &SearchView<'_>,
    composite: &Composite,
    test: impl Fn(usize, &Source, &Stored<'_>) -> bool,
) -> bool {
    composite.variants.iter().any(|variant| variant_any(view, variant, &test))
}

fn variant_any(view: &SearchView<'_>, variant: &Variant, test: &impl Fn(usize, &Source, &Stored<'_>) -> bool) -> bool {
    let passes = |component: usize, part: &Part, group: Option<u64>| {
        part.sources
            .iter()
            .flat_map(|source| view.values(source))
            .any(|(of, source, value)| group.is_none_or(|group| group == of) && test(component, source, &value))
    };
    let single =
        variant.parts.iter().enumerate().filter(|(_, part)| !part.grouped).all(|(i, part)| passes(i, part, None));
    let mut grouped = variant.parts.iter().enumerate().filter(|(_, part)| part.grouped);
    let Some((first, part)) = grouped.next() else { return single };
    single
        && part.sources.iter().flat_map(|source| view.values(source)).any(|(group, source, value)| {
            test(first, source, &value) && grouped.clone().all(|(i, part)| passes(i, part, Some(group)))
        })
}

fn value_matches(
    wanted: &Criterion,
    modifier: Modifier,
    param: Option<&SearchParam>,
    source: &Source,
    value: &Stored<'_>,
) -> bool {
    match (wanted, value) {
        (Criterion::Token(wanted), Stored::Token { system, code, .. }) => token(wanted, source, *system, *code),
        (Criterion::Token(wanted), Stored::Reference(reference)) => {
            token(wanted, source, reference.identifier_system, reference.identifier_value)
        }
        (Criterion::OfType { system, code, value }, Stored::Token { code: stored, types, .. }) => {
            let of_type = |(s, c): (Text<'_>, Text<'_>)| s.raw == system.as_bytes() && c.raw == code.as_bytes();
            stored.raw == value.as_bytes() && types.clone().any(of_type)
        }
        (Criterion::Text(wanted), Stored::Token { text, .. }) => {
            !text.is_none() && text.starts_folded(wanted.folded.as_bytes())
        }
        (Criterion::Text(wanted), Stored::Reference(reference)) => {
            !reference.display.is_none() && reference.display.starts_folded(wanted.folded.as_bytes())
        }
        (Criterion::Text(wanted), Stored::Text(text)) => match modifier {
            Modifier::Exact => text.raw == wanted.raw.as_bytes(),
            Modifier::Contains => text.contains_folded(wanted.folded.as_bytes()),
            _ => text.starts_folded(wanted.folded.as_bytes()),
        },
        (Criterion::Number(wanted), Stored::Quantity { low, high, .. }) => number(wanted, *low, *high),
        (Criterion::Quantity(wanted), Stored::Quantity { low, high, system, code, unit }) => {
            let unit = match &wanted.unit {
                UnitIs::Any => true,
                UnitIs::CodeOrUnit(text) => code.raw == text.as_bytes() || unit.raw == text.as_bytes(),
                UnitIs::Coded { system: s, code: c } => system.raw == s.as_bytes() && code.raw == c.as_bytes(),
            };
            unit && number(&wanted.number, *low, *high)
        }
        (Criterion::Date(wanted), Stored::Date { low, high }) => date(*wanted, *low, *high),
        (Criterion::Reference(wanted), Stored::Reference(stored)) => reference(wanted, param, stored),
        (Criterion::Uri(wanted), Stored::Uri(stored)) => uri(wanted, modifier, stored.raw),
        _ => false,
    }
}

fn token(wanted: &TokenCriterion, source: &Source, system: Text<'_>, code: Text<'_>) -> bool {
    let coded = match &wanted.code {
        None => true,
        // A display text alone has no code.
        Some(_) if code.is_none() => false,
        Some(needle) => match source.data {
            Data::ContactPoint => code.raw == wanted.contact.as_bytes(),
            Data::Text => code.equals_folded(needle.folded.as_bytes()),
            _ => code.raw == needle.raw.as_bytes(),
        },
    };
    coded
        && match &wanted.system {
            SystemIs::Any => true,
            SystemIs::None => system.is_none(),
            SystemIs::Is(wanted) => match source.system {
                Some(implicit) if source.data == Data::Code => implicit == wanted.as_str(),
                _ => system.raw == wanted.as_bytes(),
            },
        }
}

/// `low..=high` is the stored range, `None` an open end.
fn number(wanted: &NumberCriterion, low: Option<Decimal>, high: Option<Decimal>) -> bool {
    let value = wanted.value;
    let (from, to) = wanted.range;
    let below = |test: fn(&Decimal, &Decimal) -> bool| low.is_none_or(|low| test(&low, &value));
    let above = |test: fn(&Decimal, &Decimal) -> bool| high.is_none_or(|high| test(&high, &value));
    let inside = || low.is_some_and(|low| from <= low) && high.is_some_and(|high| high < to);
    match wanted.prefix {
        Prefix::Eq => inside(),
        Prefix::Ne => !inside(),
        Prefix::Gt => above(Decimal::gt),
        Prefix::Ge => above(Decimal::ge),
        Prefix::Lt => below(Decimal::lt),
        Prefix::Le => below(Decimal::le),
        Prefix::Sa => low.is_some_and(|low| low > value),
        Prefix::Eb => high.is_some_and(|high| high < value),
        Prefix::Ap => low.is_none_or(|low| low <= to) && high.is_none_or(|high| high >= from),
    }
}

/// `low..=high` is the stored range, `i64::MIN` and `i64::MAX` its open ends.
fn date(wanted: DateCriterion, low: i64, high: i64) -> bool {
    let inside = wanted.low <= low && high <= wanted.high;
    match wanted.prefix {
        Prefix::Eq => inside,
        Prefix::Ne => !inside,
        Prefix::Gt => high > wanted.high,
        Prefix::Ge => high > wanted.high || inside,
        Prefix::Lt => low < wanted.low,
        Prefix::Le => low < wanted.low || inside,
        Prefix::Sa => low > wanted.high,
        Prefix::Eb => high < wanted.low,
        Prefix::Ap => low <= wanted.high && high >= wanted.low,
    }
}

fn reference(wanted: &ReferenceCriterion, param: Option<&SearchParam>, stored: &StoredReference<'_>) -> bool {
    let same_version = |wanted: &Option<zeroize::Zeroizing<String>>| match wanted {
        None => true,
        Some(version) => stored.version.raw == version.as_bytes(),
    };
    match wanted {
        ReferenceCriterion::Local { rtype, id, version } => {
            let targets = param.map(|p| p.targets).unwrap_or_default();
            !stored.id.is_none()
                && stored.id.raw == id.as_bytes()
                && match rtype {
                    Some(rtype) => stored.rtype == Some(*rtype),
                    None => targets.is_empty() || stored.rtype.is_some_and(|rtype| targets.contains(&rtype)),
                }
                && same_version(version)
        }
        ReferenceCriterion::Url { url, version } => {
            !stored.url.is_none() && stored.url.raw == url.as_bytes() && same_version(version)
        }
    }
}

fn uri(wanted: &UriCriterion, modifier: Modifier, stored: &[u8]) -> bool {
    let wanted = wanted.value.as_bytes();
    match modifier {
        Modifier::Below => is_below(stored, wanted),
        Modifier::Above => is_below(wanted, stored),
        // A canonical without `|version` asks for any version.
        _ => {
            stored == wanted
                || (!wanted.contains(&b'|') && stored.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(b"|")))
        }
    }
}

/// Whether `lower` is `upper` or a path under it.
fn is_below(lower: &[u8], upper: &[u8]) -> bool {
    lower.strip_prefix(upper).is_some_and(|rest| rest.is_empty() || upper.ends_with(b"/") || rest.starts_with(b"/"))
}
