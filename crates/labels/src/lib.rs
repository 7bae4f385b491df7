//! Which element of a record is of what data class, and how a record is split by class and put together again.

mod class;

pub use class::{ClassSet, DataClass};
