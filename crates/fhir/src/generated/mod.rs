pub(crate) mod codes;
pub(crate) mod elements;
pub(crate) mod resources;
