//! The parameters that shape the answer (R4 search.html section 3.1.1.5).

use crate::Format;
use crate::definitions::{ResourceType, TypeRef};
use crate::search::model::{ParamKind, SearchParam, param};

use super::{ParamPlace, QueryError, QueryProblem};

/// How the answer shall look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controls {
    /// `_count`: records on a page; 0 asks for the total alone.
    pub count: Option<u32>,
    /// `_sort`: parameters in order, true for descending.
    pub sort: Vec<(&'static SearchParam, bool)>,
    /// `_include`.
    pub include: Vec<Include>,
    /// `_revinclude`.
    pub revinclude: Vec<Include>,
    /// `_elements`: names of elements of the root, a choice without its type (`value`); empty: all.
    pub elements: Vec<&'static str>,
    /// `_summary`.
    pub summary: Option<Summary>,
    /// `_total`.
    pub total: Option<Total>,
    /// `_cursor`: where a page begins; the server's own text from a `next` link, not looked at here.
    pub cursor: Option<String>,
    /// `_pretty`.
    pub pretty: bool,
}

/// One `_include` or `_revinclude`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Include {
    /// The type that holds the reference.
    pub source: ResourceType,
    /// The reference.
    pub param: &'static SearchParam,
    /// Only references to this type.
    pub target: Option<ResourceType>,
    /// `:iterate`: also from records that were included.
    pub iterate: bool,
}

/// `_summary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum Summary {
    True,
    Text,
    Data,
    Count,
    False,
}

/// `_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum Total {
    None,
    Estimate,
    Accurate,
}

const SERVED: &[&str] = &[
    "_count",
    "_sort",
    "_include",
    "_revinclude",
    "_elements",
    "_summary",
    "_total",
    "_cursor",
    "_format",
    "_pretty",
    "_contained",
];
const REFUSED: &[&str] = &["_filter", "_list", "_has", "_type", "_containedType", "_score", "_since", "_at", "_graph"];

/// The name as ours, when it is one of the parameters that are not about content.
pub(super) fn known(name: &str) -> Option<&'static str> {
    SERVED.iter().chain(REFUSED).find(|known| **known == name).copied()
}

impl Controls {
    /// Takes a parameter that is not about content; `None` when the name is none of them.
    pub(super) fn take(&mut self, rtype: ResourceType, name: &str, value: &str) -> Option<Result<(), QueryError>> {
        let (bare, modifier) = name.split_once(':').map_or((name, None), |(bare, modifier)| (bare, Some(modifier)));
        let known = known(bare)?;
        if known == "_has" && modifier.is_some() {
            return None;
        }
        let result = match (known, modifier) {
            _ if REFUSED.contains(&known) => Err(QueryProblem::NotSupported),
            ("_include" | "_revinclude", None | Some("iterate" | "recurse")) => {
                self.take_include(rtype, known, modifier.is_some(), value)
            }
            (_, Some(_)) => Err(QueryProblem::UnknownModifier),
            _ => self.take_plain(rtype, known, value),
        };
        Some(result.map_err(|problem| QueryError { parameter: ParamPlace::Named(known), problem }))
    }

    fn take_plain(&mut self, rtype: ResourceType, name: &str, value: &str) -> Result<(), QueryProblem> {
        match name {
            "_count" => once(&mut self.count, count(value)?),
            "_sort" => self.take_sort(rtype, value),
            "_elements" => self.take_elements(rtype, value),
            "_summary" => once(
                &mut self.summary,
                choose(
                    value,
                    &[
                        ("true", Summary::True),
                        ("text", Summary::Text),
                        ("data", Summary::Data),
                        ("count", Summary::Count),
                        ("false", Summary::False),
                    ],
                )?,
            ),
            "_total" => once(
                &mut self.total,
                choose(value, &[("none", Total::None), ("estimate", Total::Estimate), ("accurate", Total::Accurate)])?,
            ),
            "_cursor" => once(&mut self.cursor, value.to_owned()),
            "_format" => Format::of_parameter(value).map(|_| ()).ok_or(QueryProblem::NotAllowed),
            "_pretty" => choose(value, &[("true", true), ("false", false)]).map(|pretty| self.pretty = pretty),
            "_contained" => choose(value, &[("false", ())]),
            _ => Err(QueryProblem::NotSupported),
        }
    }

    fn take_sort(&mut self, rtype: ResourceType, value: &str) -> Result<(), QueryProblem> {
        if !self.sort.is_empty() {
            return Err(QueryProblem::Repeated);
        }
        for rule in value.split(',') {
            let (code, descending) = rule.strip_prefix('-').map_or((rule, false), |code| (code, true));
            let param = param(rtype, code).ok_or(QueryProblem::NotAllowed)?;
            if !param.is_served() || param.kind == ParamKind::Composite {
                return Err(QueryProblem::NotAllowed);
            }
            self.sort.push((param, descending));
        }
        Ok(())
    }

    fn take_elements(&mut self, rtype: ResourceType, value: &str) -> Result<(), QueryProblem> {
        for name in value.split(',') {
            let elements = TypeRef::of_resource(rtype).elements().iter();
            let mut names = elements.filter_map(|e| e.path.rsplit('.').next()).map(|n| n.trim_end_matches("[x]"));
            let known = names.find(|known| *known == name).ok_or(QueryProblem::NotAllowed)?;
            if !self.elements.contains(&known) {
                self.elements.push(known);
            }
        }
        Ok(())
    }

    fn take_include(
        &mut self,
        rtype: ResourceType,
        name: &str,
        iterate: bool,
        value: &str,
    ) -> Result<(), QueryProblem> {
        let mut parts = value.split(':');
        let (source, code, target) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
        let source = ResourceType::parse(source).ok_or(QueryProblem::NotAllowed)?;
        let param = param(source, code).filter(|p| p.is_served() && p.kind == ParamKind::Reference);
        let param = param.ok_or(QueryProblem::NotAllowed)?;
        let target = target.map(|target| ResourceType::parse(target).ok_or(QueryProblem::NotAllowed)).transpose()?;
        let reaches = |rtype: &ResourceType| param.targets.is_empty() || param.targets.contains(rtype);
        if parts.next().is_some() || !target.iter().all(reaches) {
            return Err(QueryProblem::NotAllowed);
        }
        let include = Include { source, param, target, iterate };
        let fits = match name {
            "_include" => source == rtype,
            _ => reaches(&rtype) && target.is_none_or(|target| target == rtype),
        };
        if !iterate && !fits {
            return Err(QueryProblem::NotAllowed);
        }
        let list = if name == "_include" { &mut self.include } else { &mut self.revinclude };
        if !list.contains(&include) {
            list.push(include);
        }
        Ok(())
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), QueryProblem> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(QueryProblem::Repeated),
    }
}

fn count(value: &str) -> Result<u32, QueryProblem> {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or(QueryProblem::NotCount)
}

fn choose<T: Copy>(value: &str, choices: &[(&str, T)]) -> Result<T, QueryProblem> {
    choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice).ok_or(QueryProblem::NotAllowed)
}
