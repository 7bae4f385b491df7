//! What is fuzzed, and the property that each target checks.

mod audit;
mod bundle;
mod claims;
mod clinic;
mod config;
mod cursor;
mod envelope;
mod fhirpath;
mod json;
mod package;
mod query;
mod search;
mod splice;
mod tokens;
mod xml;

/// A function of bytes that panics when its property is broken.
#[derive(Debug)]
pub struct Target {
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
pub const TARGETS: &[Target] = &[
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
        name: "package",
        about: "any package is read or refused within its limits; what is kept is read again, and what its value sets list are their members",
        words: package::WORDS,
        seeds: package::seeds,
        run: package::target,
    },
    Target {
        name: "xml",
        about: "what is read from XML is written, and read again as the same, and so from JSON; no error quotes it; little makes no much",
        words: xml::WORDS,
        seeds: xml::seeds,
        run: xml::target,
    },
    Target {
        name: "fhirpath",
        about: "any text is an expression or refused, and any expression ends within its budget over any document; no error quotes a value",
        words: fhirpath::WORDS,
        seeds: fhirpath::seeds,
        run: fhirpath::target,
    },
    Target {
        name: "search",
        about: "any query string is parsed or refused, and matches without a panic; stored search parts too",
        words: search::WORDS,
        seeds: search::seeds,
        run: search::target,
    },
    Target {
        name: "query",
        about: "a percent-encoded query decodes to one list of pairs; a search with it is answered or refused, and no refusal quotes it",
        words: query::WORDS,
        seeds: query::seeds,
        run: query::target,
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
        about: "no page link but the genuine one leads on, and only for its caller and type; any sealed question is answered or refused",
        words: search::WORDS,
        seeds: cursor::seeds,
        run: cursor::target,
    },
    Target {
        name: "audit",
        about: "an entry has one encoding and a tile one path; a checkpoint that opens is the signed one; a log with any change in its frame is \
                not read back, and not continued as another",
        words: audit::WORDS,
        seeds: audit::seeds,
        run: audit::target,
    },
    Target {
        name: "token",
        about: "of a token of the real signer and everything like it, only the unchanged one is taken",
        words: tokens::WORDS,
        seeds: tokens::seeds,
        run: tokens::target,
    },
    Target {
        name: "claims",
        about: "signed with the real key, only claims are taken that are for this server, of these times and of an account that lives",
        words: claims::WORDS,
        seeds: claims::seeds,
        run: claims::target,
    },
    Target {
        name: "bundle",
        about: "any bundle is done or refused by the client's fault, entry by entry; no refusal quotes it; a refused transaction leaves nothing",
        words: bundle::WORDS,
        seeds: bundle::seeds,
        run: bundle::target,
    },
    Target {
        name: "config",
        about: "an accepted configuration, written out, is read as the same; no problem quotes a value",
        words: config::WORDS,
        seeds: config::seeds,
        run: config::target,
    },
];

/// The target of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
