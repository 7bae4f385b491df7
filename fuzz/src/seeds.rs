//! What a fuzzer from outside starts with: the seeds as files, the words as a dictionary.

use crate::{Target, run};
use std::path::Path;

/// Writes the seeds and former breaks of a target into `folder/seeds`, and its words into `folder/words` in the form that libFuzzer and AFL
/// read (one quoted word a line), where it has words. Files of the same names are replaced.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(target: &Target, folder: &Path) -> std::io::Result<()> {
    let seeds = folder.join("seeds");
    std::fs::create_dir_all(&seeds)?;
    let former = run::regressions(target)?.into_iter().map(|(_, bytes)| bytes);
    for (number, bytes) in (target.seeds)().into_iter().chain(former).enumerate() {
        std::fs::write(seeds.join(format!("{number:04}")), bytes)?;
    }
    // A dictionary without a word is an error to libFuzzer.
    if target.words.is_empty() { Ok(()) } else { std::fs::write(folder.join("words"), dictionary(target.words)) }
}

fn dictionary(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{}\"\n", word.bytes().map(escaped).collect::<String>())).collect()
}

fn escaped(byte: u8) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_quotes_its_words() {
        assert_eq!(
            dictionary(&["null", "\"id\":", "\\u0000", "\u{e9}"]),
            "\"null\"\n\"\\\"id\\\":\"\n\"\\\\u0000\"\n\"\\xc3\\xa9\"\n"
        );
    }

    #[test]
    fn seeds_and_words_are_written() {
        let target = Target {
            name: "none",
            about: "",
            words: &["a"],
            seeds: || vec![b"one".to_vec(), b"two".to_vec()],
            run: |_| (),
        };
        let folder = std::env::temp_dir().join(format!("aceso-seeds-{}", std::process::id()));
        write(&target, &folder).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!([read("seeds/0000"), read("seeds/0001"), read("words")], ["one", "two", "\"a\"\n"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
