//! Packages: the archive, the resources in it, and the terminology made of them.

use aceso_fhir::json::Node;
use aceso_fhir::packages::{Package, PackageKind, PackageLimits, PackageSet};
use aceso_fhir::terminology::{ExpandError, ExpandOptions, MAX_PAGE, Membership as _, Table, Terminology};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;
use std::sync::Arc;
use tar::{Builder, Header};

pub(super) const WORDS: &[&str] = &[
    "package/",
    "package/package.json",
    "../",
    "ustar\u{0}00",
    "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}",
    "00000000777",
    "12 path=a/b\n",
    "\"resourceType\":\"ValueSet\"",
    "\"resourceType\":\"CodeSystem\"",
    "\"url\":\"http://x/vs\"",
    "\"content\":\"complete\"",
    "\"hierarchyMeaning\":\"is-a\"",
    "\"concept\":[{\"code\":\"a\",\"concept\":[]}]",
    "\"property\":[{\"code\":\"parent\",\"valueCode\":\"b\"}]",
    "\"compose\":{\"include\":[{\"valueSet\":[\"http://x/vs\"]}]}",
    "\"filter\":[{\"property\":\"concept\",\"op\":\"is-a\",\"value\":\"a\"}]",
    "\"dependencies\":{\"a\":\"1.x\"}",
];

const MANIFEST: &str =
    r#"{"name":"test.one","version":"1.0.0","fhirVersions":["4.0.1"],"dependencies":{"test.two":"2.1.x"}}"#;
const SYSTEM: &str = r#"{"resourceType":"CodeSystem","url":"http://x/cs","version":"1","name":"X","content":"complete","hierarchyMeaning":"is-a","valueSet":"http://x/all","concept":[{"code":"a","concept":[{"code":"b","property":[{"code":"child","valueCode":"c"}]}]},{"code":"c","display":"C","designation":[{"language":"de","value":"Ce"}]}]}"#;
const SET: &str = r#"{"resourceType":"ValueSet","url":"http://x/vs","version":"1","name":"V","compose":{"include":[{"system":"http://x/cs","filter":[{"property":"concept","op":"is-a","value":"a"}]},{"valueSet":["http://x/all"]}],"exclude":[{"system":"http://x/cs","concept":[{"code":"c"}]}]}}"#;

/// Small enough to be tried often; the bounds are the same code as the large ones.
const LIMITS: PackageLimits = PackageLimits {
    max_bytes: 64 << 10,
    max_inflated: 1 << 20,
    max_ratio: 100,
    max_entries: 64,
    max_resource: 64 << 10,
    max_values: 10_000,
};

/// The first byte says what the others are: 0 a package, 1 its archive before compression, 2 a resource in a file of its own.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for (path, text) in [("package/package.json", MANIFEST), ("package/c.json", SYSTEM), ("package/v.json", SET)] {
        let mut header = Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let with = |mode: u8, bytes: &[u8]| [&[mode], bytes].concat();
    vec![with(0, &gzip(&archive)), with(1, &archive), with(2, SYSTEM.as_bytes()), with(2, SET.as_bytes())]
}

pub(super) fn target(bytes: &[u8]) {
    let Some((mode, bytes)) = bytes.split_first() else { return };
    let read = match mode {
        0 => Package::read(bytes, &LIMITS),
        1 => Package::read(&gzip(&with_checksums(bytes.to_vec())), &LIMITS),
        _ => Package::read_resource(bytes.to_vec(), &LIMITS),
    };
    let Ok(package) = read else { return };
    assert!(package.name().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b)));
    assert!(!package.version().contains(['/', '\\', '\0']));
    let mut size = 0;
    for resource in package.resources() {
        let doc = resource.document().expect("what was kept is read again");
        assert_eq!(doc.root().get("url").and_then(Node::as_str).unwrap(), resource.url());
        size += doc.text().len();
    }
    assert!(size as u64 <= LIMITS.max_inflated, "more is kept than may be inflated");
    let Ok(table) = Table::of_package(&package) else { return };
    let package = Arc::new(package);
    let set = PackageSet::new(vec![Arc::clone(&package)]).expect("one package does not contradict itself");
    let terminology = Terminology::new(vec![Arc::new(table)]);
    for resource in set.all(PackageKind::ValueSet) {
        let canonical = resource.canonical();
        match terminology.expand(&canonical, &ExpandOptions::default()) {
            Ok(expansion) => {
                assert!(expansion.members.len() <= MAX_PAGE && expansion.total == expansion.members.len());
                for member in expansion.members.iter().take(16) {
                    let found = terminology.contains(&canonical, Some(member.system), member.code);
                    assert_eq!(found, aceso_fhir::terminology::Contains::Yes, "a member that is none");
                }
            }
            Err(error) => assert_ne!(error, ExpandError::UnknownValueSet, "a value set of the package is not found"),
        }
    }
    for resource in set.all(PackageKind::CodeSystem) {
        for (a, b) in [("a", "b"), ("c", "a"), ("", "a")] {
            let _ = terminology.subsumes(resource.url(), a, b);
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Headers with the sum that belongs to them, so that a changed one is looked at and not only its sum.
fn with_checksums(mut archive: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(block) = archive.get_mut(at..at + 512) {
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let mut header = Header::from_byte_slice(block).clone();
        header.set_cksum();
        block.copy_from_slice(header.as_bytes());
        let size = header.entry_size().unwrap_or_default().min(1 << 30);
        at += 512 + size.div_ceil(512) as usize * 512;
    }
    archive
}
