use std::fmt;
use std::sync::OnceLock;

use super::bound::Bound;
use super::value::Value;
use crate::definitions::{Severity, Strength, TypeRef};
use crate::fhirpath::Expression;

/// A compiled profile or extension definition.
#[derive(Debug)]
pub struct Profile {
    pub(crate) url: Box<str>,
    pub(crate) version: Box<str>,
    /// The type that it constrains.
    pub(crate) scope: TypeRef,
    /// Where an extension may stand: kind and expression of `StructureDefinition.context`.
    pub(crate) contexts: Vec<(ContextKind, Source)>,
    /// FHIRPath on what holds the extension; all of it has to hold (`StructureDefinition.contextInvariant`).
    pub(crate) context_invariants: Vec<Source>,
    /// An extension that changes the meaning of what holds it.
    pub(crate) modifier: bool,
    pub(crate) root: Rule,
}

impl Profile {
    /// The canonical URL, without version.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The business version; empty when there is none.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The resource type or data type that it constrains.
    #[must_use]
    pub fn constrained(&self) -> TypeRef {
        self.scope
    }
}

/// How the expression of an extension's context is meant (R4 value set extension-context-type).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContextKind {
    FhirPath,
    Element,
    Extension,
}

/// What a profile asks of one element, or of one slice of it. Neutral values mean "nothing beyond the base".
#[derive(Debug)]
pub(crate) struct Rule {
    /// The name in FHIRPath; for the root the name of the type.
    pub(crate) name: Box<str>,
    /// [`crate::definitions::Element::place`] in the scope of the parent.
    pub(crate) place: u8,
    /// Only the variant of a choice with this member name; empty: any.
    pub(crate) key: Box<str>,
    /// The slice's name; empty when this is no slice.
    pub(crate) slice: Box<str>,
    pub(crate) min: u32,
    /// `u32::MAX`: no bound.
    pub(crate) max: u32,
    /// Allowed types; empty: as in the base.
    pub(crate) types: Vec<TypeRule>,
    pub(crate) fixed: Option<Value>,
    pub(crate) pattern: Option<Value>,
    pub(crate) binding: Option<(Strength, Box<str>)>,
    pub(crate) invariants: Vec<RuleInvariant>,
    /// Characters of a string; 0: no bound.
    pub(crate) max_length: u32,
    /// The smallest value.
    pub(crate) least: Option<Bound>,
    /// The largest value.
    pub(crate) most: Option<Bound>,
    /// The scope that the children are members of, as [`TypeRef`]'s number.
    pub(crate) scope: TypeRef,
    pub(crate) children: Vec<Rule>,
    pub(crate) slicing: Option<Box<Slicing>>,
    /// The path below the root whose rules hold here too (`contentReference`); empty: none.
    pub(crate) content: Box<str>,
}

/// One allowed type of an element.
#[derive(Debug, PartialEq, Eq, Clone)]
pub(crate) struct TypeRule {
    /// The type's name.
    pub(crate) code: Box<str>,
    /// The member name of the variant; empty when the element is no choice.
    pub(crate) key: Box<str>,
    /// Profiles of which a value has to meet one.
    pub(crate) profiles: Vec<Box<str>>,
    /// Types or profiles that a reference may lead to.
    pub(crate) targets: Vec<Box<str>>,
}

/// An invariant that a profile adds.
pub(crate) struct RuleInvariant {
    pub(crate) key: Box<str>,
    pub(crate) severity: Severity,
    pub(crate) human: Box<str>,
    pub(crate) expression: Source,
}

/// FHIRPath that is compiled when it is first needed.
pub(crate) struct Source {
    pub(crate) text: Box<str>,
    compiled: OnceLock<Option<Expression>>,
}

impl Source {
    pub(crate) fn new(text: Box<str>) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// `None` when it is not FHIRPath.
    pub(crate) fn compiled(&self) -> Option<&Expression> {
        self.compiled.get_or_init(|| Expression::compile(&self.text).ok()).as_ref()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RuleInvariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// How the items of an element are told apart.
#[derive(Debug)]
pub(crate) struct Slicing {
    pub(crate) contents: Contents,
    pub(crate) ordered: bool,
    pub(crate) by: Vec<Discriminator>,
    pub(crate) slices: Vec<Rule>,
}

/// What may stand beside the slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    Open,
    OpenAtEnd,
    Closed,
}

/// One discriminator of a slicing.
#[derive(Debug)]
pub(crate) struct Discriminator {
    pub(crate) kind: DiscriminatorKind,
    pub(crate) path: Vec<Step>,
}

/// `value` and `pattern` are one: both compare with what the slice fixes (R4 profiling.html, section 5.1.0.14.1; R5 merged them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiscriminatorKind {
    Value,
    Exists,
    Type,
    Profile,
}

/// One step of a discriminator's path, of the restricted FHIRPath of R4 profiling.html.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Child(Box<str>),
    Extension(Box<str>),
    OfType(Box<str>),
    Resolve,
}

impl Rule {
    /// A rule that asks for nothing.
    pub(crate) fn neutral(name: &str, place: u8, scope: TypeRef) -> Self {
        Self {
            name: name.into(),
            place,
            key: "".into(),
            slice: "".into(),
            min: 0,
            max: u32::MAX,
            types: Vec::new(),
            fixed: None,
            pattern: None,
            binding: None,
            invariants: Vec::new(),
            max_length: 0,
            least: None,
            most: None,
            scope,
            children: Vec::new(),
            slicing: None,
            content: "".into(),
        }
    }

    /// Whether it asks for nothing, with all that is below it.
    pub(crate) fn is_neutral(&self) -> bool {
        self.min == 0
            && self.max == u32::MAX
            && self.types.is_empty()
            && self.fixed.is_none()
            && self.pattern.is_none()
            && self.binding.is_none()
            && self.invariants.is_empty()
            && self.max_length == 0
            && self.least.is_none()
            && self.most.is_none()
            && self.children.is_empty()
            && self.slicing.is_none()
            && self.content.is_empty()
    }

    /// The children and slices of this name, whichever variant.
    pub(crate) fn named<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r Rule> {
        let children = self.children.iter().filter(move |child| *child.name == *name);
        children.flat_map(|child| std::iter::once(child).chain(child.slices()))
    }

    /// The slices of this element, one level.
    pub(crate) fn slices(&self) -> &[Rule] {
        self.slicing.as_ref().map_or(&[], |slicing| &slicing.slices)
    }
}
