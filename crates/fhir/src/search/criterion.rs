//! What a query asks of one parameter.

use zeroize::Zeroizing;

use crate::definitions::ResourceType;

use super::decimal::Decimal;
use super::fold::{fold, normalise_contact};
use super::model::SearchParam;

/// One `name:modifier=value,value` of a query: true for a record when any alternative is. Has no `Debug` text of the
/// values: they are as secret as the record.
pub struct Filter {
    /// The parameter.
    pub param: &'static SearchParam,
    /// How it is asked.
    pub modifier: Modifier,
    /// The values, of which one must match (none may, with `:not`).
    pub alternatives: Vec<Criterion>,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}:{:?} ({} values)", self.param, self.modifier, self.alternatives.len())
    }
}

/// The modifiers that are served (R4 search.html section 3.1.1.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    /// No modifier.
    None,
    /// `:missing`
    Missing,
    /// `:exact`, strings.
    Exact,
    /// `:contains`, strings.
    Contains,
    /// `:not`, tokens: also true for records without the value.
    Not,
    /// `:text`, tokens and references: a string match on the display text.
    Text,
    /// `:of-type`, identifiers: `type system|type code|value`.
    OfType,
    /// `:identifier`, references: by the identifier in the reference.
    Identifier,
    /// `:[type]`, references.
    Type(ResourceType),
    /// `:below`, uris.
    Below,
    /// `:above`, uris.
    Above,
}

/// One value of a filter.
pub enum Criterion {
    /// `:missing=true` or `false`.
    Missing(bool),
    /// Token, or reference with `:identifier`.
    Token(TokenCriterion),
    /// `:of-type`.
    OfType {
        /// Code system of the identifier's type.
        system: Zeroizing<String>,
        /// Code of the identifier's type.
        code: Zeroizing<String>,
        /// The identifier's value.
        value: Zeroizing<String>,
    },
    /// String, or `:text`.
    Text(Needle),
    /// Number.
    Number(NumberCriterion),
    /// Quantity.
    Quantity(QuantityCriterion),
    /// Date.
    Date(DateCriterion),
    /// Reference.
    Reference(ReferenceCriterion),
    /// Uri.
    Uri(UriCriterion),
    /// Composite: one for each component.
    Composite(Vec<Criterion>),
}

/// A text as asked, and folded.
pub struct Needle {
    /// As asked.
    pub raw: Zeroizing<String>,
    /// Without case and accents.
    pub folded: Zeroizing<String>,
}

impl Needle {
    pub(super) fn new(text: String) -> Self {
        let folded = Zeroizing::new(fold(&text));
        Self { raw: Zeroizing::new(text), folded }
    }
}

/// What the system of a token must be.
pub enum SystemIs {
    /// `code`
    Any,
    /// `|code`
    None,
    /// `system|code`, `system|`
    Is(Zeroizing<String>),
}

/// A token value.
pub struct TokenCriterion {
    /// The system.
    pub system: SystemIs,
    /// The code; `None` with `system|`.
    pub code: Option<Needle>,
    /// The code as a contact point is stored.
    pub(super) contact: Zeroizing<String>,
}

impl TokenCriterion {
    pub(super) fn new(system: SystemIs, code: Option<String>) -> Self {
        let contact = Zeroizing::new(code.as_deref().map(normalise_contact).unwrap_or_default());
        Self { system, code: code.map(Needle::new), contact }
    }
}

/// The comparison before a number, date or quantity (R4 search.html section 3.1.1.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the specification")]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

impl Prefix {
    pub(super) fn split(text: &str) -> (Self, &str) {
        const ALL: [(&str, Prefix); 9] = [
            ("eq", Prefix::Eq),
            ("ne", Prefix::Ne),
            ("gt", Prefix::Gt),
            ("lt", Prefix::Lt),
            ("ge", Prefix::Ge),
            ("le", Prefix::Le),
            ("sa", Prefix::Sa),
            ("eb", Prefix::Eb),
            ("ap", Prefix::Ap),
        ];
        let found = ALL.into_iter().find_map(|(name, prefix)| Some((prefix, text.strip_prefix(name)?)));
        found.unwrap_or((Prefix::Eq, text))
    }
}

/// A number with its comparison.
pub struct NumberCriterion {
    /// The comparison.
    pub prefix: Prefix,
    /// The number as asked.
    pub value: Decimal,
    /// What its digits stand for; for `ap` what it accepts. Low end in, high end out (in, for `ap`).
    pub range: (Decimal, Decimal),
}

impl NumberCriterion {
    pub(super) fn new(prefix: Prefix, value: Decimal) -> Self {
        let range = if prefix == Prefix::Ap { value.about() } else { value.precision_range() };
        Self { prefix, value, range }
    }
}

/// What the unit of a quantity must be.
pub enum UnitIs {
    /// `number`
    Any,
    /// `number||unit`: code or unit.
    CodeOrUnit(Zeroizing<String>),
    /// `number|system|code`
    Coded {
        /// Code system.
        system: Zeroizing<String>,
        /// Code.
        code: Zeroizing<String>,
    },
}

/// A quantity with its comparison. Units are compared as they are, not converted.
pub struct QuantityCriterion {
    /// The number.
    pub number: NumberCriterion,
    /// The unit.
    pub unit: UnitIs,
}

/// A range of time with its comparison: first and last millisecond. For `ap` it is already widened by its own length
/// to both sides (the specification leaves the approximation to the server; this one does not depend on today).
#[derive(Debug, Clone, Copy)]
pub struct DateCriterion {
    /// The comparison.
    pub prefix: Prefix,
    /// First millisecond since 1970 UTC.
    pub low: i64,
    /// Last millisecond.
    pub high: i64,
}

/// A reference value.
pub enum ReferenceCriterion {
    /// `id`, `Type/id`, with an optional version.
    Local {
        /// The type; `None`: any that the parameter may point at.
        rtype: Option<ResourceType>,
        /// Logical id.
        id: Zeroizing<String>,
        /// Version, when asked with `/_history/`.
        version: Option<Zeroizing<String>>,
    },
    /// An absolute URL or URN, compared as it is; a canonical's `|version` is compared only when asked.
    Url {
        /// Without version.
        url: Zeroizing<String>,
        /// After `|`.
        version: Option<Zeroizing<String>>,
    },
}

/// A uri value.
pub struct UriCriterion {
    /// As asked.
    pub value: Zeroizing<String>,
}
