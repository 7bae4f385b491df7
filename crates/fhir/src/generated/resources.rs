pub(crate) static NAMES: [&str; 0] = [];
pub(crate) static NAME_SEED: u32 = 0;
pub(crate) static NAME_BITS: u8 = 1;
pub(crate) static NAME_SLOTS: [u8; 0] = [];
pub(crate) static COMPARTMENT: [&[&str]; 0] = [];
