//! Chance that comes out the same for the same seed. For a simulator only: everybody can predict it.

/// The finalizer of `SplitMix64` (Steele, Lea and Flood 2014).
const fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// One number out of several: the same for the same parts in the same order.
pub(crate) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(STEP, |state, part| finish(state.wrapping_add(STEP) ^ finish(part.wrapping_add(STEP))))
}

/// A number of 0 to `limit - 1` out of a hash; 0 when the limit is 0.
pub(crate) const fn within(hash: u64, limit: u64) -> u64 {
    match hash.checked_rem(limit) {
        Some(number) => number,
        None => 0,
    }
}

/// One of these, by a hash; nothing only of nothing.
pub(crate) fn choose<T>(hash: u64, from: &[T]) -> Option<&T> {
    from.get(usize::try_from(within(hash, from.len() as u64)).unwrap_or(0))
}

/// A stream of numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Stream(u64);

impl Stream {
    /// The stream of this seed for this use of it.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self(mix(&[seed, purpose]))
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        finish(self.0)
    }

    /// A number of 0 to `limit - 1`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        within(self.next(), limit)
    }

    /// True with this probability (0 to 1). Draws in every case, so that a changed probability does not shift the rest.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        const BITS: u32 = 32;
        let drawn = f64::from(u32::try_from(self.next() >> (64 - BITS)).unwrap_or(u32::MAX));
        drawn < probability * 4_294_967_296.0
    }

    /// Thirty-two bytes.
    pub(crate) fn bytes32(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        for chunk in out.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_parts_counts_and_the_same_parts_give_the_same_number() {
        assert_eq!(mix(&[1, 2, 3]), mix(&[1, 2, 3]));
        assert_ne!(mix(&[1, 2, 3]), mix(&[3, 2, 1]));
    }

    #[test]
    fn a_probability_of_a_quarter_comes_true_about_every_fourth_time() {
        let mut stream = Stream::new(7, 0);
        let hits = (0..4000).filter(|_| stream.chance(0.25)).count();
        assert!((900..1100).contains(&hits), "{hits}");
        assert!((0..100).all(|_| stream.chance(1.0)) && !(0..100).any(|_| stream.chance(0.0)));
    }
}
