//! Profiles: what a StructureDefinition asks beyond the definitions of its type, in one compiled form.
//!
//! The promise: [`Profile`] holds the difference between a snapshot and the R4 tables and nothing else, whether it was published with the
//! specification (embedded, decoded when first asked for) or comes from a package. What a profile says and this form cannot is an error of
//! the compilation ([`ProfileProblem`]), never left out in silence, but for what no validator looks at (`mustSupport`, mappings, texts,
//! examples, default values).
//!
//! Source: R4 profiling.html (sections 5.1.0 to 5.1.0.14), elementdefinition.html, extensibility.html.

mod bound;
mod compile;
mod discriminator;
mod model;
mod set;
mod value;
mod wire;

pub(crate) use bound::{Bound, BoundKind};
pub use compile::ProfileProblem;
pub use model::Profile;
pub(crate) use model::{
    Contents, ContextKind, Discriminator, DiscriminatorKind, Rule, RuleInvariant, Slicing, Source, Step, TypeRule,
};
pub use set::{Profiles, embedded_table};
