//! Values that must not be seen, sealed bytes, and what may be logged.
//!
//! `Phi<T>` has no `Display`, no telling `Debug`, no comparison and no serialiser: whoever wants to show, compare or
//! write out what is inside has to say so with [`Phi::expose`], a name that reviewers and the lint look for.

mod sealed;
mod veil;

pub use sealed::{IndexToken, Sealed};
pub use veil::{Phi, Wipe};
