//! What a search parameter is.

use crate::definitions::ResourceType;

use super::generated::TYPES;

/// The type of a search parameter (R4 search.html section 3.1.1.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum ParamKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

/// Why a parameter that R4 defines is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `_text`, `_content`: full text is not indexed.
    FullText,
    /// `_query`: no named queries.
    NamedQuery,
    /// `near`: no geography.
    Geography,
    /// `Bundle.composition`, `Bundle.message`: the value is a whole resource, of use in chains only.
    InlineResource,
}

/// One search parameter of one resource type.
pub struct SearchParam {
    /// The place in the alphabetical list of the type's parameters: stable, because R4 is frozen.
    pub index: u16,
    /// The resource type.
    pub rtype: ResourceType,
    /// The name in a query: `birthdate`.
    pub code: &'static str,
    /// How values are compared.
    pub kind: ParamKind,
    /// Which types a reference may point at; empty: any, or not a reference.
    pub targets: &'static [ResourceType],
    /// The FHIRPath of the definition, all types of a shared definition included.
    pub expression: &'static str,
    /// Set when the parameter is known and not served.
    pub refusal: Option<Refusal>,
    pub(crate) sources: &'static [SourceRef],
    pub(crate) composite: Option<&'static Composite>,
    pub(crate) paths: &'static [&'static str],
}

impl SearchParam {
    /// The elements that the parameter reads, as paths of the resource's definition (`Patient.name`,
    /// `Observation.value[x]`), sorted: a caller who may not see one of them may not use the parameter.
    #[must_use]
    pub fn paths(&self) -> &'static [&'static str] {
        self.paths
    }

    /// Whether searches by this parameter are answered.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.refusal.is_none()
    }

    /// The parameters that a composite is made of: code and kind, in order of the `$` parts; empty for other kinds.
    pub fn components(&self) -> impl Iterator<Item = (&'static str, ParamKind)> {
        self.composite.iter().flat_map(|composite| composite.components).map(|c| (c.code, c.kind))
    }

    pub(crate) fn table(&self) -> &'static TypeTable {
        table(self.rtype)
    }
}

impl PartialEq for SearchParam {
    fn eq(&self, other: &Self) -> bool {
        self.rtype == other.rtype && self.index == other.index
    }
}

impl Eq for SearchParam {}

impl std::fmt::Debug for SearchParam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.rtype.name(), self.code)
    }
}

/// The parameter of this name for this type: its own or one of `Resource` and `DomainResource`. Also those that are
/// not served: see [`SearchParam::refusal`].
#[must_use]
pub fn param(rtype: ResourceType, code: &str) -> Option<&'static SearchParam> {
    let params = params_of(rtype);
    params.get(params.binary_search_by(|p| p.code.cmp(code)).ok()?)
}

/// All parameters of a type, in order of [`SearchParam::index`].
#[must_use]
pub fn params_of(rtype: ResourceType) -> &'static [SearchParam] {
    table(rtype).params
}

pub(crate) fn table(rtype: ResourceType) -> &'static TypeTable {
    static NONE: TypeTable = TypeTable { name: "", starts: &[], sources: &[], params: &[] };
    TYPES.get(usize::from(rtype.code())).copied().unwrap_or(&NONE)
}

/// All that search knows about one resource type.
pub(crate) struct TypeTable {
    #[cfg_attr(not(test), expect(dead_code, reason = "checked against the definitions by a test"))]
    pub(crate) name: &'static str,
    /// By first member name, sorted: the sources `from..to` that begin there; the empty name is read at the root.
    pub(crate) starts: &'static [(&'static str, u8, u8)],
    pub(crate) sources: &'static [Source],
    pub(crate) params: &'static [SearchParam],
}

/// A place in a resource whose values are stored once, whichever parameters read it.
pub(crate) struct Source {
    pub(crate) steps: &'static [Step],
    pub(crate) value: Value,
    pub(crate) data: Data,
    /// After how many steps the elements are counted that a composite must not mix; 0: not counted.
    pub(crate) group: u8,
    /// The one code system of the element's value set, for plain codes.
    pub(crate) system: Option<&'static str>,
}

/// One step of the walk to a source.
#[derive(Debug)]
pub(crate) enum Step {
    /// Into the member of this name; arrays are entered.
    Key(&'static str),
    /// Only where the member has this string.
    Where(&'static str, &'static str),
}

/// What is stored for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Token,
    Text,
    Date,
    Number,
    Quantity,
    Reference,
    Uri,
}

/// How the element is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the names are those of the data types")]
pub(crate) enum Data {
    CodeableConcept,
    Coding,
    Code,
    Boolean,
    Identifier,
    ContactPoint,
    /// A string: compared folded.
    Text,
    /// A uri or id: compared as it is.
    Plain,
    HumanName,
    Address,
    DateTime,
    Period,
    Timing,
    Number,
    Range,
    Quantity,
    Money,
    SampledData,
    Reference,
    Canonical,
    /// A boolean that is true when one of these members is there and not `false`.
    Present(&'static [&'static str]),
}

/// A parameter's use of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceRef {
    pub(crate) source: u8,
    /// Only references to this type.
    pub(crate) only: Option<ResourceType>,
}

/// How a composite parameter is put together.
pub(crate) struct Composite {
    pub(crate) components: &'static [Component],
    /// One per kind of element that holds the components.
    pub(crate) variants: &'static [Variant],
}

pub(crate) struct Component {
    pub(crate) code: &'static str,
    pub(crate) kind: ParamKind,
}

pub(crate) struct Variant {
    /// In order of the components.
    pub(crate) parts: &'static [Part],
}

pub(crate) struct Part {
    pub(crate) sources: &'static [SourceRef],
    /// Must come from the same element as the other grouped parts.
    pub(crate) grouped: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_type_and_parameter_is_there_and_either_served_or_refused_by_name() {
        let all: Vec<&SearchParam> = ResourceType::all().flat_map(params_of).collect();
        let refused = all.iter().filter(|p| !p.is_served()).count();
        let served = all.iter().filter(|p| p.is_served() && (!p.sources.is_empty() || p.composite.is_some())).count();
        // 1,699 pairs of the definitions, and on each of 146 types the 8 of Resource, on 143 also the one of DomainResource.
        assert_eq!((all.len(), served, refused), (1699 + 146 * 8 + 143, 2572, 438));
    }

    #[test]
    fn tables_stand_in_the_order_of_the_type_codes_and_parameters_in_the_order_of_their_names() {
        for rtype in ResourceType::all() {
            assert_eq!(table(rtype).name, rtype.name());
            let params = params_of(rtype);
            assert!(params.windows(2).all(|w| w[0].code < w[1].code), "{rtype}");
            for (index, p) in params.iter().enumerate() {
                assert_eq!((usize::from(p.index), p.rtype), (index, rtype));
                assert_eq!(param(rtype, p.code), Some(p));
            }
        }
    }

    #[test]
    fn a_parameter_names_the_elements_that_it_reads() {
        let paths = |t: &str, code: &str| param(ResourceType::parse(t).unwrap(), code).unwrap().paths();
        assert_eq!(paths("Patient", "family"), ["Patient.name"]);
        assert_eq!(paths("Patient", "deceased"), ["Patient.deceased[x]"]);
        assert_eq!(paths("Observation", "value-quantity"), ["Observation.value[x]"]);
        assert_eq!(paths("Observation", "code-value-quantity"), ["Observation.code", "Observation.value[x]"]);
        for p in ResourceType::all().flat_map(params_of).filter(|p| p.is_served()) {
            assert!(!p.paths().is_empty(), "{p:?}");
        }
    }
}
