//! Every resource of the synthetic patients is taken: the bundles as a whole and each resource alone.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Limits, minify, write};
use aceso_fhir::{Issue, ValidateOptions, validate};

const CONDITIONAL: ValidateOptions = ValidateOptions { allow_conditional: true, expected: None };

/// `ACESO_SYNTHEA` names a folder with more patients than the repository holds.
fn folder() -> PathBuf {
    std::env::var_os("ACESO_SYNTHEA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/synthea"), PathBuf::from)
}

fn bundles() -> impl Iterator<Item = (String, Doc)> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bz2"));
    paths.sort();
    assert!(paths.len() >= 14, "{} files", paths.len());
    paths.into_iter().map(|path| {
        let mut text = Vec::new();
        bzip2::read::BzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
        let limits = Limits { max_bytes: 64 << 20, ..Limits::default() };
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            Doc::parse(text, &limits).unwrap_or_else(|e| panic!("{e}")),
        )
    })
}

fn show(issues: &[Issue]) -> String {
    issues.iter().map(|i| format!("{} at {}: {}\n", i.code.as_str(), i.expression, i.message)).collect()
}

#[test]
fn every_bundle_and_every_resource_in_it_is_valid() {
    let (mut resources, mut faults) = (0, Vec::new());
    for (name, bundle) in bundles() {
        match validate(&bundle, &CONDITIONAL) {
            Ok(found) => assert_eq!(found, ResourceType::BUNDLE),
            Err(issues) => faults.push(format!("{name}:\n{}", show(&issues))),
        }
        for entry in bundle.root().get("entry").unwrap().items() {
            let mut text = Vec::new();
            write(entry.get("resource").unwrap(), &mut text);
            let resource = Doc::parse(text, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(minify(&resource), resource.text());
            if let Err(issues) = validate(&resource, &CONDITIONAL) {
                faults.push(format!("{name}:\n{}", show(&issues)));
            }
            resources += 1;
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults, the first:\n{}",
        faults.len(),
        faults.concat().chars().take(5000).collect::<String>()
    );
    assert!(resources >= 2751, "{resources}");
}

#[test]
fn conditional_references_are_refused_outside_a_transaction() {
    let mut refused = 0;
    for (_, bundle) in bundles() {
        if let Err(issues) = validate(&bundle, &ValidateOptions::default()) {
            assert!(issues.iter().all(|i| i.expression.ends_with(".reference") || i.code.as_str() == "too-costly"));
            assert!(issues.len() <= 51);
            refused += 1;
        }
    }
    assert!(refused >= 12);
}
