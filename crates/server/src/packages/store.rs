use aceso_audit::sha256;
use aceso_fhir::packages::{Package, PackageError, PackageLimits};
use aceso_fhir::terminology::{Table, TableError};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder of packages in a data directory.
#[derive(Debug, Clone)]
pub struct PackageStore {
    folder: PathBuf,
}

/// A package that lies there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredPackage {
    /// `name#version`
    pub id: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Whether it is a single resource.
    pub is_json: bool,
}

/// What came of adding one.
pub struct Added {
    /// Where it lies now.
    pub stored: StoredPackage,
    /// What is in it.
    pub package: Package,
    /// It was there already, with the same bytes.
    pub was_there: bool,
}

/// Why a package is not there or not taken. Holds names of packages and elements, never their content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The package itself is refused.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A code system or value set in it is refused.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Another package of this name and version is there.
    #[error("another {0} is there already, with other bytes; give the new one another version, or remove the file")]
    Other(String),
    /// There is none.
    #[error("is not there; add it with: aceso fhir packages add FILE")]
    Absent,
    /// The bytes are not those that were added.
    #[error("has changed since it was added; remove the file and add it again")]
    Changed,
    /// The disk.
    #[error("cannot be read or written ({0:?})")]
    Io(io::ErrorKind),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

impl PackageStore {
    /// The packages of a data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("packages") }
    }

    /// Reads a package whole and keeps its bytes. Nothing is written before it is known to be usable, and then in one step.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn add(&self, bytes: &[u8]) -> Result<Added, StoreError> {
        let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let package = parse(bytes.to_vec(), is_json)?;
        Table::of_package(&package)?;
        let stored = StoredPackage { id: package.id(), sha256: hex(bytes), is_json };
        if let Some(there) = self.list()?.into_iter().find(|there| there.id == stored.id) {
            let was_there = there.sha256 == stored.sha256;
            return if was_there {
                Ok(Added { stored, package, was_there })
            } else {
                Err(StoreError::Other(stored.id))
            };
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let place = self.folder.join(stored.file_name());
        let unfinished = self.folder.join(format!(".{}.new", std::process::id()));
        let written = write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &place));
        if let Err(error) = written {
            // The reason is told; what is left of the attempt has no name that anything reads.
            drop(fs::remove_file(&unfinished));
            return Err(error.into());
        }
        File::open(&self.folder)?.sync_all()?;
        Ok(Added { stored, package, was_there: false })
    }

    /// What is there, by name. Files that are no packages are not looked at.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn list(&self) -> Result<Vec<StoredPackage>, StoreError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut found = Vec::new();
        for entry in entries {
            found.extend(entry?.file_name().to_str().and_then(StoredPackage::of_file_name));
        }
        found.sort();
        Ok(found)
    }

    /// A package by `name#version`, its bytes held against the hash.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn load(&self, id: &str) -> Result<Package, StoreError> {
        let stored = self.list()?.into_iter().find(|there| there.id == id).ok_or(StoreError::Absent)?;
        let limit = PackageLimits::default().max_resource as u64;
        let mut bytes = Vec::new();
        File::open(self.folder.join(stored.file_name()))?.take(limit + 1).read_to_end(&mut bytes)?;
        if hex(&bytes) != stored.sha256 {
            return Err(StoreError::Changed);
        }
        let package = parse(bytes, stored.is_json)?;
        if package.id() == stored.id { Ok(package) } else { Err(StoreError::Changed) }
    }
}

impl StoredPackage {
    fn file_name(&self) -> String {
        format!("{}.{}.{}", self.id, self.sha256, if self.is_json { "json" } else { "tgz" })
    }

    fn of_file_name(name: &str) -> Option<Self> {
        let (rest, ending) = name.rsplit_once('.')?;
        let (id, sha256) = rest.rsplit_once('.')?;
        let is_hash = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = is_hash && matches!(ending, "tgz" | "json") && id.contains('#');
        fits.then(|| Self { id: id.to_owned(), sha256: sha256.to_owned(), is_json: ending == "json" })
    }
}

fn parse(bytes: Vec<u8>, is_json: bool) -> Result<Package, PackageError> {
    let limits = PackageLimits::default();
    if is_json { Package::read_resource(bytes, &limits) } else { Package::read(&bytes, &limits) }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = r#"{"resourceType":"CodeSystem","url":"http://c","version":"1","name":"Colours","content":"complete","concept":[{"code":"red"}]}"#;

    fn store(name: &str) -> PackageStore {
        let data = std::env::temp_dir().join(format!("aceso-packages-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&data));
        fs::create_dir_all(&data).unwrap();
        PackageStore::of(&data)
    }

    fn us_core() -> Vec<u8> {
        fs::read(format!("{}/../../testdata/us-core/us-core-6.1.0.tgz", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn what_was_added_is_there_and_adding_it_again_changes_nothing() {
        let store = store("again");
        assert!(store.list().unwrap().is_empty());
        for was_there in [false, true] {
            let added = store.add(&us_core()).unwrap();
            assert_eq!((added.was_there, added.stored.id.as_str()), (was_there, "hl7.fhir.us.core#6.1.0"));
            assert_eq!(added.stored.sha256, "4c4e7fbb07ef2fdb35bdfc3f5d09a417ee0d8644ea17cb3692ca6d03c4358b1d");
            store.add(SYSTEM.as_bytes()).unwrap();
        }
        let names: Vec<String> = store.list().unwrap().into_iter().map(|stored| stored.id).collect();
        assert_eq!(names, ["codesystem.colours#1", "hl7.fhir.us.core#6.1.0"]);
        assert_eq!(store.load("hl7.fhir.us.core#6.1.0").unwrap().resources().len(), 206);
        assert_eq!(fs::read_dir(&store.folder).unwrap().count(), 2);
    }

    #[test]
    fn a_damaged_package_leaves_nothing_behind() {
        let store = store("damaged");
        let mut cut = us_core();
        cut.truncate(cut.len() - 1);
        assert!(matches!(store.add(&cut), Err(StoreError::Package(_))));
        assert!(matches!(store.add(b"{\"resourceType\":\"Patient\"}"), Err(StoreError::Package(_))));
        let broken = SYSTEM.replace("complete", "everything");
        assert!(matches!(store.add(broken.as_bytes()), Err(StoreError::Table(_))));
        assert!(!store.folder.exists());
    }

    #[test]
    fn other_bytes_under_the_same_name_are_refused_and_changed_bytes_are_seen() {
        let store = store("changed");
        store.add(SYSTEM.as_bytes()).unwrap();
        let other = SYSTEM.replace("red", "green");
        assert!(matches!(store.add(other.as_bytes()), Err(StoreError::Other(_))));
        let file = fs::read_dir(&store.folder).unwrap().next().unwrap().unwrap().path();
        fs::write(file, other).unwrap();
        assert!(matches!(store.load("codesystem.colours#1"), Err(StoreError::Changed)));
        assert!(matches!(store.load("codesystem.colours#2"), Err(StoreError::Absent)));
    }
}
