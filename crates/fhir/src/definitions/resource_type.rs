use std::fmt;

use super::keyhash;
use crate::generated::resources::{COMPARTMENT, NAME_BITS, NAME_SEED, NAME_SLOTS, NAMES};

/// One of the concrete resource types of R4: its index in the alphabetical list. The list is frozen because R4 is, so
/// the code may be stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceType(pub(crate) u8);

impl ResourceType {
    /// The type with exactly this name (`Patient`).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let slot = keyhash::slot(name.as_bytes(), NAME_SEED, NAME_BITS);
        let code = NAME_SLOTS.get(slot)?.checked_sub(1)?;
        (*NAMES.get(usize::from(code))? == name).then_some(Self(code))
    }

    /// The name as it is written in `resourceType`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// The index in the alphabetical list of all concrete R4 resource types.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The type with this code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        (usize::from(code) < NAMES.len()).then_some(Self(code))
    }

    /// All types, in order of their codes.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + DoubleEndedIterator {
        (0..NAMES.len() as u8).map(Self)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The search parameters that put a resource of this type into a patient's compartment (CompartmentDefinition
/// `patient`); empty when the type is not in it. `Patient` itself is in its own compartment by its id, beside `link`.
#[must_use]
pub fn patient_params(rtype: ResourceType) -> &'static [&'static str] {
    COMPARTMENT.get(usize::from(rtype.0)).copied().unwrap_or_default()
}
