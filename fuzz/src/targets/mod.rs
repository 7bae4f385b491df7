//! What is fuzzed, and the property that each target checks.

mod audit;
mod envelope;
mod json;
mod search;
mod splice;
mod tokens;

/// A function of bytes that panics when its property is broken.
pub(crate) struct Target {
    /// Name on the command line.
    pub name: &'static str,
    /// The property.
    pub about: &'static str,
    /// Words that mean something to the parser.
    pub words: &'static [&'static str],
    /// Good inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The function.
    pub run: fn(&[u8]),
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "json",
        about: "what the JSON reader accepts, serde_json reads the same; what it refuses, it refuses for a listed reason",
        words: json::WORDS,
        seeds: json::seeds,
        run: json::target,
    },
    Target {
        name: "validate",
        about: "any document is judged without a panic, and no issue quotes it",
        words: json::WORDS,
        seeds: json::seeds,
        run: json::validate_target,
    },
    Target {
        name: "search",
        about: "any query string is parsed or refused, and matches without a panic; stored search parts too",
        words: search::WORDS,
        seeds: search::seeds,
        run: search::target,
    },
    Target {
        name: "splice",
        about: "a valid resource comes apart and together again; damaged parts are refused or masked",
        words: json::WORDS,
        seeds: json::seeds,
        run: splice::target,
    },
    Target {
        name: "envelope",
        about: "no sealed bytes but the genuine ones open",
        words: &[],
        seeds: envelope::seeds,
        run: envelope::target,
    },
    Target {
        name: "cursor",
        about: "no cursor text but the genuine one opens",
        words: &[],
        seeds: envelope::cursor_seeds,
        run: envelope::cursor_target,
    },
    Target {
        name: "audit",
        about: "an audit entry that decodes encodes to the same bytes; a checkpoint that opens was signed",
        words: &["\u{2014} ", "\n\n"],
        seeds: audit::seeds,
        run: audit::target,
    },
    Target {
        name: "token",
        about: "no token is taken that this server has not signed",
        words: tokens::WORDS,
        seeds: tokens::seeds,
        run: tokens::target,
    },
];
