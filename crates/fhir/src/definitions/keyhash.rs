//! The hash behind the member-name tables. Also compiled into the generator, which searches for a seed per table such
//! that no two names of the table meet.

/// The slot of a name in a table of `1 << bits` slots. Uses the length and up to the first and last eight bytes.
pub(crate) fn slot(name: &[u8], seed: u32, bits: u8) -> usize {
    let (first, last) = outer(name);
    let mixed = (first ^ last.rotate_left(29)).wrapping_add(name.len() as u64);
    let hash = mixed.wrapping_mul((u64::from(seed) << 1 | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    ((hash ^ (hash >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> (64 - u32::from(bits.clamp(1, 32)))) as usize
}

fn outer(name: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        return (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
    }
    (name.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)), 0)
}
