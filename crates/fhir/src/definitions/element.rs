use super::{ResourceType, keyhash};
use crate::generated::codes::CODE_LISTS;
use crate::generated::elements::{DATATYPES, ELEMENTS, SCOPES, SLOTS, TARGET_LISTS};

/// A place where members can be: a resource type, a data type, or a backbone element such as `Patient.contact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeRef(pub(crate) u16);

/// One member that the definitions allow: an element, or one variant of a choice element.
#[derive(Debug)]
pub struct Element {
    /// The index in the table of all elements. Changes when the generator changes: do not store it.
    pub id: u16,
    /// The path in the definitions: `Patient.contact.name`; the same for all variants of a choice: `Observation.value[x]`.
    pub path: &'static str,
    /// The JSON member name: `name`, `valueQuantity`.
    pub key: &'static str,
    /// What the value is.
    pub value: ValueType,
    /// Whether the value is an array in JSON (the element's maximum is above one).
    pub array: bool,
    /// How many are required: 0 or 1.
    pub min: u8,
    /// Whether a summary shows it (`_summary=true`; R4 elementdefinition.html, `isSummary`).
    pub summary: bool,
    /// The element's place among those of its scope (below 64), shared by all variants of a choice.
    pub(crate) place: u8,
    pub(crate) choice: bool,
    pub(crate) targets: u16,
    pub(crate) codes: u16,
}

/// What the value of an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A JSON string, number or boolean.
    Primitive(Primitive),
    /// An object with the members of this scope.
    Complex(TypeRef),
    /// A whole resource of any type: `contained`, `Bundle.entry.resource`, `Parameters.parameter.resource`.
    Resource,
}

/// The primitive types of R4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of the specification, section 2.24")]
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// One scope: its elements are `ELEMENTS[first..first + count]`, its name table `SLOTS[slots..slots + (1 << bits)]`
/// with element numbers counted from `first`, plus one (0: no name here).
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    /// What it is derived from; empty for `Element`.
    pub(crate) base: &'static str,
    pub(crate) first: u16,
    pub(crate) count: u8,
    pub(crate) bits: u8,
    pub(crate) slots: u32,
    pub(crate) seed: u32,
    /// One bit per [`Element::place`] that must be there.
    pub(crate) required: u64,
}

impl TypeRef {
    /// The scope of a whole resource.
    #[must_use]
    pub fn of_resource(rtype: ResourceType) -> Self {
        Self(u16::from(rtype.0))
    }

    /// The scope of a data type by its name (`HumanName`, `Reference`); `None` for primitives and unknown names.
    #[must_use]
    pub fn of_datatype(name: &str) -> Option<Self> {
        let at = DATATYPES.binary_search_by(|&scope| Self(scope).name().cmp(name)).ok()?;
        DATATYPES.get(at).copied().map(Self)
    }

    /// The name of a resource or data type, or the path of a backbone element.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.scope().map_or("", |scope| scope.name)
    }

    /// The name of the type that this one is derived from: `DomainResource` or `Resource` for a resource, `BackboneElement` or `Element`
    /// for the parts of one, `Quantity` for `Age`, `Element` for most data types; empty for `Element` itself.
    #[must_use]
    pub fn base_name(self) -> &'static str {
        self.scope().map_or("", |scope| scope.base)
    }

    /// The element behind a JSON member name; true when the name is the `_name` sibling of a primitive.
    ///
    /// Names of choice variants lead to the choice element with the variant's value type. `resourceType` is not an
    /// element.
    #[must_use]
    pub fn child(self, key: &str) -> Option<(&'static Element, bool)> {
        match key.strip_prefix('_') {
            None => Some((self.element(key)?, false)),
            Some(name) => {
                let element = self.element(name)?;
                matches!(element.value, ValueType::Primitive(p) if p != Primitive::Xhtml).then_some((element, true))
            }
        }
    }

    /// All elements of the scope in the order of the definitions, one per variant of a choice.
    #[must_use]
    pub fn elements(self) -> &'static [Element] {
        self.scope()
            .and_then(|scope| {
                ELEMENTS.get(usize::from(scope.first)..usize::from(scope.first) + usize::from(scope.count))
            })
            .unwrap_or_default()
    }

    /// All scopes: resource types by code, data types, backbone elements.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SCOPES.len() as u16).map(Self)
    }

    pub(crate) fn scope(self) -> Option<&'static Scope> {
        SCOPES.get(usize::from(self.0))
    }

    fn element(self, key: &str) -> Option<&'static Element> {
        let scope = self.scope()?;
        let slot = scope.slots as usize + keyhash::slot(key.as_bytes(), scope.seed, scope.bits);
        let number = SLOTS.get(slot)?.checked_sub(1)?;
        let element = ELEMENTS.get(usize::from(scope.first) + usize::from(number))?;
        (element.key == key).then_some(element)
    }
}

impl Element {
    /// Every element of every scope, in order of [`Element::id`].
    #[must_use]
    pub fn all() -> &'static [Element] {
        &ELEMENTS
    }

    /// The name in FHIRPath: `value` for every variant of `value[x]`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        let last = self.path.rsplit_once('.').map_or(self.path, |(_, last)| last);
        last.strip_suffix("[x]").unwrap_or(last)
    }

    /// Whether this is one variant of a choice element (`value[x]`).
    #[must_use]
    pub fn is_choice(&self) -> bool {
        self.choice
    }

    /// The resource types that a `Reference` or `canonical` may point at; empty when any type is allowed or the value
    /// is neither.
    #[must_use]
    pub fn targets(&self) -> &'static [ResourceType] {
        TARGET_LISTS.get(usize::from(self.targets)).copied().unwrap_or_default()
    }

    /// The codes that a required binding allows, sorted; `None` when the value is no `code`, the binding is not
    /// required, or its value set cannot be listed (media types, languages, currencies).
    #[must_use]
    pub fn codes(&self) -> Option<&'static [&'static str]> {
        CODE_LISTS.get(usize::from(self.codes).checked_sub(1)?).copied()
    }
}
