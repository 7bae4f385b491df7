//! Which element of a record is of what data class, and how a record is split by class and put together again.
//!
//! The table in `table/` has one line for every element path of the R4 definitions; the build fails when a path has no
//! line or a line no path. An element that is not in the table is [`DataClass::Sensitive`].

mod class;
mod marker;
mod params;
mod rule;
mod slices;
mod splice;
mod split;
mod subject;
mod table;
#[cfg(test)]
mod tests;
mod walk;
mod wiped;

pub use class::{ClassSet, DataClass};
pub use params::{classes_of_element, param_classes, param_classes_modified};
pub use splice::{Shown, SpliceError, classes_of, splice};
pub use split::{Split, Stamp, split};
pub use subject::{Holds, SubjectFound, holds, other_subjects, subject_of};
