//! What an expression may see beside its focus, and how much it may cost.

use std::cell::{Cell, RefCell};

use aceso_base::Timestamp;

use super::item::Item;
use crate::json::Node;
use crate::terminology::Membership;

/// The surroundings of an evaluation. Everything in it comes from the caller; nothing is looked up elsewhere.
pub struct Context<'a> {
    /// `%resource`: the resource that holds the focus. Where it is not given, the focus when that is a resource.
    pub resource: Option<Item<'a>>,
    /// `%rootResource`: the resource that holds the contained one; as a rule the same as `%resource`. Where it is a
    /// `Bundle`, `resolve()` looks there.
    pub root_resource: Option<Item<'a>>,
    /// `%context`; the focus where it is not given.
    pub context: Option<Item<'a>>,
    /// The bundle that the resource came in, for `resolve()`.
    pub bundle: Option<Node<'a>>,
    /// Variables: name without `%`, and what they hold.
    pub variables: Vec<(String, Vec<Item<'a>>)>,
    /// For `now()`, `today()` and `timeOfDay()`; in UTC.
    pub now: Option<Timestamp>,
    /// Asked by `resolve()` for what is neither contained nor in the bundle.
    pub resolver: Option<&'a dyn Resolver<'a>>,
    /// Asked by `memberOf`, `subsumes` and `subsumedBy`.
    pub terminology: Option<&'a dyn Membership>,
    /// Asked by `conformsTo`.
    pub profiles: Option<&'a dyn Conformance>,
    /// Takes what `trace` shows. It shows values of the record: not for logs.
    pub trace: Option<&'a Trace>,
    /// `as` on several items filters them, as the invariants and search parameters of R4 need, rather than being an error
    /// (FHIRPath 2.0.0, section 6.3.3).
    pub filtering_as: bool,
    /// What the evaluation may cost.
    pub limits: Limits,
    /// Takes what it did cost, in steps: added to what is there.
    pub spent: Option<&'a Cell<u64>>,
}

impl<'a> Context<'a> {
    /// Of a resource that is looked at as a whole.
    #[must_use]
    pub fn of_resource(node: Node<'a>) -> Self {
        let resource = Item::resource(node);
        Self { resource: Some(resource.clone()), root_resource: Some(resource), ..Self::empty() }
    }

    /// Nothing but the focus and the default limits.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            resource: None,
            root_resource: None,
            context: None,
            bundle: None,
            variables: Vec::new(),
            now: None,
            resolver: None,
            terminology: None,
            profiles: None,
            trace: None,
            filtering_as: false,
            limits: Limits::default(),
            spent: None,
        }
    }
}

/// What an evaluation may cost. Each is an error when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Operations: an evaluated part of the expression, an item looked at, a comparison, or 64 bytes of text.
    pub steps: u64,
    /// Parts of the expression inside each other that are under evaluation.
    pub depth: u16,
    /// Items in one collection.
    pub items: usize,
    /// Bytes in one text.
    pub text: usize,
}

impl Default for Limits {
    /// 2,000,000 steps, 250 levels, 100,000 items, 1 MiB of text.
    fn default() -> Self {
        Self { steps: 2_000_000, depth: 250, items: 100_000, text: 1 << 20 }
    }
}

/// Finds resources that are not in the document.
pub trait Resolver<'a> {
    /// The resource that a reference (`Patient/1`, an absolute url) or a canonical url names; `None` when it is not known.
    fn resolve(&self, reference: &str) -> Option<Node<'a>>;
}

/// Judges resources by profiles.
pub trait Conformance {
    /// Whether the resource conforms to the profile with this canonical url; `None` when the profile is not known.
    fn conforms(&self, resource: Node<'_>, profile: &str) -> Option<bool>;
}

/// What `trace` showed: a name of the expression and the items, up to a bound.
#[derive(Debug, Default)]
pub struct Trace {
    entries: RefCell<Vec<(String, Vec<String>)>>,
}

/// Entries, items of one entry and bytes of one item that a trace keeps.
const TRACED: usize = 100;
const TRACED_BYTES: usize = 1000;

impl Trace {
    /// Name and texts of the items; an item that is no value is shown by its type.
    #[must_use]
    pub fn entries(&self) -> Vec<(String, Vec<String>)> {
        self.entries.borrow().clone()
    }

    pub(super) fn note(&self, name: &str, items: &[Item<'_>]) {
        let Ok(mut entries) = self.entries.try_borrow_mut() else { return };
        if entries.len() >= TRACED {
            return;
        }
        let shown = items.iter().take(TRACED).map(|item| {
            let text = item.value().map_or_else(|| item.type_info().to_string(), |value| value.to_text());
            text.chars().take(TRACED_BYTES).collect()
        });
        entries.push((name.chars().take(TRACED_BYTES).collect(), shown.collect()));
    }
}
