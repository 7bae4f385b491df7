//! Tables that find a name with one look.

use crate::{Error, keyhash};

/// A table without collisions: `1 << bits` slots, each the number of a name plus one, or 0.
pub(crate) struct NameTable {
    pub(crate) seed: u32,
    pub(crate) bits: u8,
    pub(crate) slots: Vec<u8>,
}

/// Searches for the smallest table and a seed that keeps all names apart.
pub(crate) fn table<'a>(names: impl ExactSizeIterator<Item = &'a str> + Clone) -> Result<NameTable, Error> {
    let count = u8::try_from(names.len()).map_err(|_| "more than 255 names in one table")?;
    let smallest = (1u8..).find(|&bits| 1usize << bits > usize::from(count)).unwrap_or(1);
    for bits in smallest..=smallest + 4 {
        for seed in 1..20_000 {
            if let Some(slots) = try_seed(names.clone(), seed, bits) {
                return Ok(NameTable { seed, bits, slots });
            }
        }
    }
    Err("no seed keeps the names apart".into())
}

fn try_seed<'a>(names: impl Iterator<Item = &'a str>, seed: u32, bits: u8) -> Option<Vec<u8>> {
    let mut slots = vec![0; 1 << bits];
    for (number, name) in (1u8..=255).zip(names) {
        let slot = slots.get_mut(keyhash::slot(name.as_bytes(), seed, bits))?;
        if *slot != 0 {
            return None;
        }
        *slot = number;
    }
    Some(slots)
}
