//! Validates every resource of the bundles in a folder and counts what is found:
//! `cargo run --release -p aceso-fhir --example validate_folder -- FOLDER [PACKAGE.tgz …]`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool of the repository")]

use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "testdata/synthea".to_owned());
    let known = synthetic::Known::load(arguments.map(std::path::PathBuf::from));
    let (mut tally, mut resources, mut took) = (synthetic::Tally::default(), 0u64, Duration::ZERO);
    for path in synthetic::bundles(Path::new(&folder)) {
        let all = synthetic::resources(&path);
        resources += all.len() as u64;
        let validation = known.validation();
        let start = Instant::now();
        for doc in &all {
            tally.add(&validation.run(doc));
        }
        took += start.elapsed();
    }
    print!("{tally}");
    println!("{resources} resources, {} with an error, {took:?} in validation", tally.invalid);
}
