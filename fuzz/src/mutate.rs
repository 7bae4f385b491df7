//! Small changes to good inputs.

use aceso_testkit::PlannedRandomness;

/// Bytes that parsers decide on.
const EDGES: &[u8] = &[
    0, 1, 0x1f, b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'-', b'.', b'e', b'0', 0x7f, 0x80, 0xc0, 0xed, 0xff,
];

/// One seed, changed one to eight times.
pub(crate) fn next(chance: &PlannedRandomness, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut input = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(8) {
        change(chance, &mut input, seeds, words);
    }
    input.truncate(64 * 1024);
    input
}

fn change(chance: &PlannedRandomness, input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
    let at = chance.below(input.len() + 1);
    let inside = at.min(input.len().saturating_sub(1));
    match chance.below(9) {
        0 if !input.is_empty() => input[inside] ^= 1 << chance.below(8),
        1 if !input.is_empty() => input[inside] = EDGES[chance.below(EDGES.len())],
        2 => input.insert(at, EDGES[chance.below(EDGES.len())]),
        3 => input.truncate(at),
        4 => {
            let end = (at + chance.below(32)).min(input.len());
            input.drain(at..end);
        }
        5 => {
            let end = (at + chance.below(64)).min(input.len());
            let piece = input[at..end].to_vec();
            let to = chance.below(input.len() + 1);
            input.splice(to..to, piece);
        }
        6 => {
            let other = &seeds[chance.below(seeds.len())];
            let from = chance.below(other.len() + 1);
            let end = (from + chance.below(128)).min(other.len());
            input.splice(at..at, other[from..end].iter().copied());
        }
        7 if !words.is_empty() => {
            input.splice(at..at, words[chance.below(words.len())].bytes());
        }
        _ => input.insert(at, chance.next().to_le_bytes()[0]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs_and_they_differ_from_each_other() {
        let seeds = [b"{\"a\":1}".to_vec(), Vec::new()];
        let some = |seed| {
            let chance = PlannedRandomness::seeded(seed);
            (0..50).map(|_| next(&chance, &seeds, &["null"])).collect::<Vec<_>>()
        };
        assert_eq!(some(3), some(3));
        let mut different = some(3);
        different.sort();
        different.dedup();
        assert!(different.len() > 30);
    }
}
