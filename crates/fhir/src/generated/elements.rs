use crate::definitions::{Element, ResourceType, Scope};
pub(crate) static ELEMENTS: [Element; 0] = [];
pub(crate) static SCOPES: [Scope; 0] = [];
pub(crate) static SLOTS: [u8; 0] = [];
pub(crate) static DATATYPES: [u16; 0] = [];
pub(crate) static TARGET_LISTS: [&[ResourceType]; 0] = [];
