use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::*;

const MANIFEST: &str = r#"{"name":"test.one","version":"1.0.0","fhirVersions":["4.0.1"],"dependencies":{"hl7.fhir.r4.core":"4.0.1","test.two":"2.1.x"}}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn member(archive: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, text: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    // Written past the library's own check, as a hostile archive would be.
    header.as_mut_bytes().get_mut(..path.len()).unwrap().copy_from_slice(path.as_bytes());
    header.set_cksum();
    archive.append(&header, text).unwrap();
}

fn package(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (path, text) in members {
        member(&mut archive, EntryType::Regular, path, text.as_bytes());
    }
    gzip(&archive.into_inner().unwrap())
}

fn refused(bytes: &[u8]) -> PackageProblem {
    Package::read(bytes, &PackageLimits::default()).err().expect("it should be refused").problem
}

fn of_us_core(version: &str) -> Package {
    let path = format!("{}/../../testdata/us-core/us-core-{version}.tgz", env!("CARGO_MANIFEST_DIR"));
    Package::read(&std::fs::read(path).unwrap(), &PackageLimits::default()).unwrap()
}

const VALUE_SET: &str =
    r#"{"resourceType":"ValueSet","text":{"status":"generated","div":"<div/>"},"url":"http://x/vs","version":"1"}"#;

#[test]
fn us_core_is_read_with_all_its_profiles() {
    let package = of_us_core("6.1.0");
    assert_eq!(package.id(), "hl7.fhir.us.core#6.1.0");
    let counts = PackageKind::ALL.map(|kind| package.count(kind));
    assert_eq!(counts, [59, 36, 5, 106]);
    assert_eq!(package.dependencies().len(), 8);
    assert!(package.kept_bytes() < 900_000, "{}", package.kept_bytes());
    let set = PackageSet::new(vec![Arc::new(package)]).unwrap();
    let url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let patient = set.structure(url).unwrap().document().unwrap();
    assert_eq!(patient.root().get("type").unwrap().as_str().unwrap(), "Patient");
    assert!(patient.root().get("text").is_none());
    assert!(patient.root().get("snapshot").is_some());
    assert!(set.structure(&format!("{url}|6.1.0")).is_some());
    assert!(set.structure(&format!("{url}|3.1.1")).is_none());
    assert!(set.find(PackageKind::ValueSet, url).is_none());
}

#[test]
fn without_a_version_the_newest_of_two_packages_is_meant() {
    let set = PackageSet::new(vec![Arc::new(of_us_core("6.1.0")), Arc::new(of_us_core("3.1.1"))]).unwrap();
    let url = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    assert_eq!(set.structure(url).unwrap().version(), Some("6.1.0"));
    assert_eq!(set.structure(&format!("{url}|3.1.1")).unwrap().version(), Some("3.1.1"));
    assert_eq!(set.all(PackageKind::StructureDefinition).count(), 59 + 30);
}

#[test]
fn versions_are_compared_by_their_numbers() {
    use super::canonical::compare_versions;
    assert!(compare_versions(Some("10.0.0"), Some("9.1.0")).is_gt());
    assert!(compare_versions(Some("2.0.0"), Some("2.0")).is_gt());
    assert!(compare_versions(None, Some("0")).is_lt());
    assert!(compare_versions(Some("20130131"), Some("20130131")).is_eq());
}

#[test]
fn what_a_package_needs_and_nobody_brings_is_said() {
    let one = package(&[("package/package.json", MANIFEST)]);
    let one = Arc::new(Package::read(&one, &PackageLimits::default()).unwrap());
    let set = PackageSet::new(vec![Arc::clone(&one)]).unwrap();
    let missing: Vec<String> = set.missing().iter().map(|(_, need)| need.name.clone()).collect();
    assert_eq!(missing, ["test.two"]);
    let two = package(&[("package/package.json", r#"{"name":"test.two","version":"2.1.7"}"#)]);
    let two = Arc::new(Package::read(&two, &PackageLimits::default()).unwrap());
    assert!(PackageSet::new(vec![one, two]).unwrap().missing().is_empty());
}

#[test]
fn a_file_of_one_code_system_is_a_package_of_its_own() {
    let json = br#"{"resourceType":"CodeSystem","name":"LOINC_Part","url":"http://loinc.org","version":"2.78"}"#;
    let package = Package::read_resource(json.to_vec(), &PackageLimits::default()).unwrap();
    assert_eq!(package.id(), "codesystem.loinc-part#2.78");
    assert_eq!(package.resources().first().unwrap().canonical(), "http://loinc.org|2.78");
    let patient = br#"{"resourceType":"Patient"}"#;
    let error = Package::read_resource(patient.to_vec(), &PackageLimits::default()).err().unwrap();
    assert_eq!(error.problem, PackageProblem::NotTerminology);
}

#[test]
fn paths_that_leave_the_package_are_refused() {
    for path in ["../x.json", "package/../../x.json", "/etc/x.json", "package\\x.json", "C:x.json", "package/.."] {
        assert_eq!(
            refused(&package(&[("package/package.json", MANIFEST), (path, "{}")])),
            PackageProblem::Path,
            "{path}"
        );
    }
    let plain = package(&[("./package/package.json", MANIFEST), ("package/a..b.txt", "")]);
    assert!(Package::read(&plain, &PackageLimits::default()).is_ok());
}

#[test]
fn links_and_devices_are_refused() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Fifo, EntryType::GNUSparse] {
        let mut archive = Builder::new(Vec::new());
        member(&mut archive, kind, "package/x.json", b"");
        assert_eq!(refused(&gzip(&archive.into_inner().unwrap())), PackageProblem::NotAFile, "{kind:?}");
    }
}

#[test]
fn a_long_path_is_read_and_judged_from_the_header_that_holds_it() {
    for (long, accepted) in [(format!("package/{}.json", "a".repeat(200)), true), ("../".repeat(60) + "x.json", false)]
    {
        for kind in [EntryType::GNULongName, EntryType::XHeader] {
            let mut archive = Builder::new(Vec::new());
            member(&mut archive, EntryType::Regular, "package/package.json", MANIFEST.as_bytes());
            let record = format!(" path={long}\n");
            let header =
                if kind == EntryType::XHeader { format!("{}{record}", record.len() + 3) } else { long.clone() };
            member(&mut archive, kind, "header", header.as_bytes());
            member(&mut archive, EntryType::Regular, "package/short.json", VALUE_SET.as_bytes());
            let read = Package::read(&gzip(&archive.into_inner().unwrap()), &PackageLimits::default());
            assert_eq!(read.map(|package| package.resources().len()).ok(), accepted.then_some(1), "{kind:?}");
        }
    }
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let mut archive = Builder::new(Vec::new());
    member(&mut archive, EntryType::Regular, "package/package.json", MANIFEST.as_bytes());
    member(&mut archive, EntryType::Regular, "package/other/zeros", &vec![0; 64 << 20]);
    let bomb = gzip(&archive.into_inner().unwrap());
    assert!(bomb.len() < 100_000);
    assert_eq!(refused(&bomb), PackageProblem::InflatesTooFar);
    // A resource that claims to be large is not even begun.
    let small = PackageLimits { max_resource: 10, ..PackageLimits::default() };
    let error = Package::read(&package(&[("package/package.json", MANIFEST)]), &small).err().unwrap();
    assert_eq!(error.problem, PackageProblem::ResourceTooLarge);
    let few = PackageLimits { max_entries: 1, ..PackageLimits::default() };
    let error = Package::read(&package(&[("package/package.json", MANIFEST), ("a", "")]), &few).err().unwrap();
    assert_eq!(error.problem, PackageProblem::TooManyEntries);
    let short = PackageLimits { max_bytes: 10, ..PackageLimits::default() };
    let error = Package::read(&package(&[("package/package.json", MANIFEST)]), &short).err().unwrap();
    assert_eq!(error.problem, PackageProblem::TooLarge);
}

#[test]
fn a_package_that_is_cut_or_changed_anywhere_is_refused() {
    let good = package(&[("package/package.json", MANIFEST), ("package/v.json", VALUE_SET)]);
    assert!(Package::read(&good, &PackageLimits::default()).is_ok());
    for length in 0..good.len() {
        assert!(Package::read(good.get(..length).unwrap(), &PackageLimits::default()).is_err(), "cut at {length}");
    }
    // The ten bytes of the gzip header hold time, flags and system, which no checksum covers.
    for place in 10..good.len() {
        let mut changed = good.clone();
        *changed.get_mut(place).unwrap() ^= 0x10;
        assert!(Package::read(&changed, &PackageLimits::default()).is_err(), "changed at {place}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let twice =
        package(&[("package/package.json", MANIFEST), ("package/a.json", VALUE_SET), ("package/b.json", VALUE_SET)]);
    assert_eq!(refused(&twice), PackageProblem::DuplicateCanonical("http://x/vs|1".to_owned()));
    let same_path = package(&[("package/package.json", MANIFEST), ("package/package.json", MANIFEST)]);
    assert_eq!(refused(&same_path), PackageProblem::DuplicatePath);
    assert_eq!(refused(&package(&[("package/v.json", VALUE_SET)])), PackageProblem::NoManifest);
    let manifest = |text: &str| refused(&package(&[("package/package.json", text)]));
    assert_eq!(manifest(r#"{"name":"a","version":"1","fhirVersions":["5.0.0"]}"#), PackageProblem::FhirVersion);
    assert_eq!(manifest(r#"{"name":"hl7.fhir.r4.core","version":"4.0.1"}"#), PackageProblem::Core);
    for name in ["../up", "A", "", "a b", ".hidden", "a#b"] {
        let text = format!(r#"{{"name":"{name}","version":"1"}}"#);
        assert_eq!(manifest(&text), PackageProblem::Manifest("name"), "{name}");
    }
    assert_eq!(manifest(r#"{"name":"a","version":"1/2"}"#), PackageProblem::Manifest("version"));
    assert!(matches!(manifest("{"), PackageProblem::Json(_)));
    let nameless = package(&[("package/package.json", MANIFEST), ("package/a.json", r#"{"resourceType":"ValueSet"}"#)]);
    assert_eq!(refused(&nameless), PackageProblem::Resource("url"));
}

#[test]
fn two_packages_may_share_a_resource_but_not_contradict_each_other() {
    let with = |name: &str, text: &str| {
        let manifest = format!(r#"{{"name":"{name}","version":"1"}}"#);
        let bytes = package(&[("package/package.json", &manifest), ("package/v.json", text)]);
        Arc::new(Package::read(&bytes, &PackageLimits::default()).unwrap())
    };
    let same = PackageSet::new(vec![with("a", VALUE_SET), with("b", VALUE_SET)]).unwrap();
    assert_eq!(same.all(PackageKind::ValueSet).count(), 1);
    let other = VALUE_SET.replace("\"1\"}", "\"1\",\"name\":\"Other\"}");
    let conflict = PackageSet::new(vec![with("a", VALUE_SET), with("b", &other)]).err().unwrap();
    assert!(matches!(conflict, SetError::Conflict { .. }), "{conflict}");
    let twice = PackageSet::new(vec![with("a", VALUE_SET), with("a", VALUE_SET)]).err().unwrap();
    assert_eq!(twice, SetError::Twice("a#1".to_owned()));
}

#[test]
fn examples_and_files_for_other_tools_are_passed_over() {
    let bytes = package(&[
        ("package/package.json", MANIFEST),
        ("package/example/Patient-a.json", "no JSON at all"),
        ("package/.index.json", "nor this"),
        ("package/CapabilityStatement-x.json", r#"{"resourceType":"CapabilityStatement"}"#),
    ]);
    let package = Package::read(&bytes, &PackageLimits::default()).unwrap();
    assert_eq!((package.resources().len(), package.passed_over()), (0, 1));
    let mut rest = Vec::new();
    flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut rest).unwrap();
    assert!(rest.len() > 4 * 512);
}
