//! Bytes that look random and come out the same in every run.

use aceso_base::Randomness;
use std::sync::atomic::{AtomicU64, Ordering};

/// A stream determined by its seed. For tests only: everybody can predict it.
#[derive(Debug)]
pub struct PlannedRandomness(AtomicU64);

impl PlannedRandomness {
    /// The stream of this seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits (SplitMix64, Steele, Lea and Flood 2014).
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is more than zero.
    pub fn below(&self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

impl Default for PlannedRandomness {
    fn default() -> Self {
        Self::seeded(1)
    }
}

impl Randomness for PlannedRandomness {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids_and_another_gives_others() {
        let ids = |seed| (0..3).map(|_| PlannedRandomness::seeded(seed).uuid()).collect::<Vec<_>>();
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }

    #[test]
    fn the_stream_is_splitmix64() {
        let stream = PlannedRandomness::seeded(1_234_567);
        assert_eq!([stream.next(), stream.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
