use crate::keyring::{Keyring, RootKeys, key_from_base64, random_root_key};
use aceso_base::Randomness;
use aceso_seal::{KeyContext, KeyProvider, ProviderError};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use zeroize::Zeroizing;

/// Root keys in a file of this machine. For development and trials: whoever takes the machine takes data and key
/// together, so it is not safe for production.
///
/// The file: first line `aceso-root-key 1`, then one line `VERSION BASE64` per root key.
pub struct LocalProvider {
    ring: RwLock<Keyring>,
    /// One change of the file at a time.
    turning: Mutex<()>,
    path: PathBuf,
    data_dir: PathBuf,
}

/// Why a key file cannot be used. Names the file, never its content.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file or a folder cannot be read or written.
    #[error("root key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key beside the data is stolen with the data.
    #[error("root key file {0} is inside the data directory: move it elsewhere")]
    InsideData(PathBuf),
    /// Others could read the file.
    #[error("root key file {path} has mode {mode:o}: run chmod 600 on it")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another user could change the file.
    #[error("root key file {0} belongs to another user")]
    Owner(PathBuf),
    /// Not a regular file.
    #[error("root key file {0} is not a regular file")]
    Kind(PathBuf),
    /// Unknown header, a line that is no key, no key, or a version twice.
    #[error("root key file {0} does not hold root keys of a known format")]
    Format(PathBuf),
}

impl LocalProvider {
    /// Opens an existing key file. Never makes one: a new key in the place of a lost one would hide the loss.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn open(key_file: &Path, data_dir: &Path) -> Result<Self, KeyFileError> {
        refuse_inside(key_file, data_dir)?;
        let keys = read(key_file)?;
        let ring = Keyring::new(&keys).map_err(|_| KeyFileError::Format(key_file.to_owned()))?;
        Ok(Self {
            ring: RwLock::new(ring),
            turning: Mutex::new(()),
            path: key_file.to_owned(),
            data_dir: data_dir.to_owned(),
        })
    }

    /// Makes a key file with one fresh root key, mode 0600, durable before this returns. An existing file stays as it
    /// is and is an error.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn create(key_file: &Path, data_dir: &Path, rng: &dyn Randomness) -> Result<Self, KeyFileError> {
        refuse_inside(key_file, data_dir)?;
        write_new(key_file, &[(1, random_root_key(rng))])?;
        Self::open(key_file, data_dir)
    }

    /// Adds the next version, which wraps from now on. The file is replaced in one step. Afterwards wrap every tenant
    /// row anew.
    ///
    /// # Errors
    /// [`KeyFileError`]; then file and provider are as before.
    pub fn add_version(&self, rng: &dyn Randomness) -> Result<u32, KeyFileError> {
        let _one = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        refuse_inside(&self.path, &self.data_dir)?;
        let mut keys = read(&self.path)?;
        let bad = || KeyFileError::Format(self.path.clone());
        let version = keys.iter().map(|(version, _)| *version).max().and_then(|v| v.checked_add(1)).ok_or_else(bad)?;
        keys.push((version, random_root_key(rng)));
        self.replace(&keys)?;
        Ok(version)
    }

    /// Takes all versions but the newest out of the file. Tenant rows still wrapped under one of them are lost.
    ///
    /// # Errors
    /// [`KeyFileError`]; then file and provider are as before.
    pub fn drop_old_versions(&self) -> Result<(), KeyFileError> {
        let _one = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        refuse_inside(&self.path, &self.data_dir)?;
        let mut keys = read(&self.path)?;
        keys.sort_by_key(|(version, _)| *version);
        let newest = keys.pop().ok_or_else(|| KeyFileError::Format(self.path.clone()))?;
        self.replace(&[newest])
    }

    /// The version that wraps.
    #[must_use]
    pub fn primary(&self) -> u32 {
        self.ring().primary()
    }

    fn ring(&self) -> RwLockReadGuard<'_, Keyring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, keys: &[(u32, Zeroizing<[u8; 32]>)]) -> Result<(), KeyFileError> {
        let ring = Keyring::new(keys).map_err(|_| KeyFileError::Format(self.path.clone()))?;
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        // Left over from a rotation that was cut off: it never became the key file, so nothing is wrapped under it.
        match std::fs::remove_file(&new) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(io(&new)(source)),
            _ => {}
        }
        write_new(&new, keys)?;
        std::fs::rename(&new, &self.path).map_err(io(&self.path))?;
        sync_folder(&self.path)?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }
}

impl KeyProvider for LocalProvider {
    fn name(&self) -> &'static str {
        "local"
    }

    fn safe_for_production(&self) -> bool {
        false
    }

    fn wrap(&self, context: &KeyContext<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        self.ring().wrap(context, key)
    }

    fn unwrap(&self, context: &KeyContext<'_>, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        self.ring().unwrap(context, wrapped)
    }

    fn primary_root(&self) -> Option<u32> {
        Some(self.primary())
    }

    fn root_version(&self, wrapped: &[u8]) -> Option<u32> {
        Keyring::version_of(wrapped)
    }

    fn add_root(&self, rng: &dyn Randomness) -> Result<u32, ProviderError> {
        self.add_version(rng).map_err(|_| ProviderError::Unavailable("the root key file cannot be replaced"))
    }

    fn remove_old_roots(&self) -> Result<(), ProviderError> {
        self.drop_old_versions().map_err(|_| ProviderError::Unavailable("the root key file cannot be replaced"))
    }

    /// The file must still be there and as it should be: a process that runs on without it could not start again.
    fn check(&self) -> Result<(), ProviderError> {
        let gone = ProviderError::Unavailable("the root key file is gone or not as it should be");
        Self::open(&self.path, &self.data_dir).map(|_| ()).map_err(|_| gone)
    }
}

const HEADER: &str = "aceso-root-key 1";

/// Resolves links on both sides first. The key file need not exist yet, its folder must; a data directory that does
/// not exist yet is compared as written.
fn refuse_inside(key_file: &Path, data_dir: &Path) -> Result<(), KeyFileError> {
    let folder = folder_of(key_file).canonicalize().map_err(io(key_file))?;
    let file =
        key_file.canonicalize().unwrap_or_else(|_| key_file.file_name().map_or(folder.clone(), |n| folder.join(n)));
    let data = data_dir.canonicalize().or_else(|_| std::path::absolute(data_dir)).map_err(io(data_dir))?;
    let inside = file.starts_with(&data) || folder.starts_with(&data);
    if inside { Err(KeyFileError::InsideData(key_file.to_owned())) } else { Ok(()) }
}

fn read(path: &Path) -> Result<RootKeys, KeyFileError> {
    let mut file = File::open(path).map_err(io(path))?;
    // Asked of the open file, so that it cannot be changed for another in between.
    let meta = file.metadata().map_err(io(path))?;
    if !meta.is_file() {
        return Err(KeyFileError::Kind(path.to_owned()));
    }
    let mode = meta.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Mode { path: path.to_owned(), mode });
    }
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(KeyFileError::Owner(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::with_capacity(4096));
    (&mut file).take(4096).read_to_string(&mut text).map_err(io(path))?;
    parse(&text).ok_or_else(|| KeyFileError::Format(path.to_owned()))
}

fn parse(text: &str) -> Option<RootKeys> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) || !text.ends_with('\n') {
        return None;
    }
    let keys = lines.map(|line| {
        let (version, key) = line.split_once(' ')?;
        Some((version.parse().ok()?, key_from_base64(key)?))
    });
    keys.collect()
}

/// Writes a file that must not exist yet, and makes it and its name durable.
fn write_new(path: &Path, keys: &[(u32, Zeroizing<[u8; 32]>)]) -> Result<(), KeyFileError> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    text.push_str(HEADER);
    text.push('\n');
    for (version, key) in keys {
        text.push_str(&version.to_string());
        text.push(' ');
        data_encoding::BASE64.encode_append(key.as_slice(), &mut text);
        text.push('\n');
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|e| io(path)(e.into()))?;
    let mut file = File::from(opened);
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io(path))?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<(), KeyFileError> {
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(io(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aceso_base::{Region, TenantId};
    use aceso_seal::{KeyKind, SystemRandomness, TenantKeys};

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("aceso-kms-{}", SystemRandomness.uuid()));
            std::fs::create_dir_all(path.join("data")).unwrap();
            Self(path)
        }

        fn key(&self) -> PathBuf {
            self.0.join("root.key")
        }

        fn data(&self) -> PathBuf {
            self.0.join("data")
        }

        fn create(&self) -> LocalProvider {
            LocalProvider::create(&self.key(), &self.data(), &SystemRandomness).unwrap()
        }

        fn open(&self) -> Result<LocalProvider, KeyFileError> {
            LocalProvider::open(&self.key(), &self.data())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn names() -> (Region, TenantId) {
        (Region::parse("us").unwrap(), TenantId::parse("acme").unwrap())
    }

    #[test]
    fn a_key_file_is_made_private_and_opens_again() {
        let folder = Folder::new();
        let (region, tenant) = names();
        let (row, root, _) = TenantKeys::create(&folder.create(), &region, &tenant, &SystemRandomness).unwrap();
        assert_eq!(std::fs::metadata(folder.key()).unwrap().permissions().mode() & 0o7777, 0o600);
        let again = folder.open().unwrap();
        TenantKeys::open(&again, &region, &tenant, &[row], &root).unwrap();
        assert!(!again.safe_for_production());
    }

    #[test]
    fn opening_never_makes_a_key_and_making_never_replaces_one() {
        let folder = Folder::new();
        assert!(matches!(folder.open(), Err(KeyFileError::Io { .. })));
        assert!(!folder.key().exists());
        folder.create();
        let before = std::fs::read(folder.key()).unwrap();
        assert!(LocalProvider::create(&folder.key(), &folder.data(), &SystemRandomness).is_err());
        assert_eq!(std::fs::read(folder.key()).unwrap(), before);
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let folder = Folder::new();
        folder.create();
        for mode in [0o640, 0o604, 0o620, 0o666, 0o601] {
            std::fs::set_permissions(folder.key(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(folder.open(), Err(KeyFileError::Mode { mode: m, .. }) if m == mode));
        }
    }

    #[test]
    fn a_key_inside_the_data_directory_is_refused_by_whatever_way_it_is_named() {
        let folder = Folder::new();
        folder.create();
        let inside = folder.data().join("root.key");
        let refused =
            |path: &Path| matches!(LocalProvider::open(path, &folder.data()), Err(KeyFileError::InsideData(_)));
        std::fs::copy(folder.key(), &inside).unwrap();
        assert!(refused(&inside));
        assert!(refused(&folder.data().join("../data/root.key")));
        let link = folder.0.join("link.key");
        std::os::unix::fs::symlink(&inside, &link).unwrap();
        assert!(refused(&link));
        let making = LocalProvider::create(&folder.data().join("new.key"), &folder.data(), &SystemRandomness);
        assert!(matches!(making, Err(KeyFileError::InsideData(_))));
        std::os::unix::fs::symlink(folder.key(), folder.data().join("outward.key")).unwrap();
        assert!(refused(&folder.data().join("outward.key")));
    }

    #[test]
    fn a_rotated_root_key_opens_old_rows_until_they_are_rewrapped() {
        let folder = Folder::new();
        let provider = folder.create();
        let (region, tenant) = names();
        let (row, root, _) = TenantKeys::create(&provider, &region, &tenant, &SystemRandomness).unwrap();
        assert_eq!(provider.add_version(&SystemRandomness).unwrap(), 2);
        let reopened = folder.open().unwrap();
        assert_eq!(reopened.primary(), 2);
        let new_row = TenantKeys::rewrap(&reopened, &provider, &region, &tenant, &row).unwrap();
        let new_root = TenantKeys::rewrap_index_root(&reopened, &provider, &region, &tenant, &root).unwrap();
        provider.drop_old_versions().unwrap();
        let last = folder.open().unwrap();
        assert_eq!(last.primary(), 2);
        TenantKeys::open(&last, &region, &tenant, &[new_row], &new_root).unwrap();
        assert!(TenantKeys::open(&last, &region, &tenant, &[row], &root).is_err());
        assert_eq!(std::fs::metadata(folder.key()).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_wrapped_key_opens_in_its_own_context_alone() {
        let folder = Folder::new();
        let provider = folder.create();
        let (region, tenant) = names();
        let (other_region, other_tenant) = (Region::parse("ksa").unwrap(), TenantId::parse("other").unwrap());
        let context = KeyContext { region: &region, tenant: &tenant, kind: KeyKind::TenantKey, version: 1 };
        let wrapped = provider.wrap(&context, &[7; 64]).unwrap();
        assert_eq!(provider.unwrap(&context, &wrapped).unwrap().as_slice(), [7; 64]);
        for wrong in [
            KeyContext { region: &other_region, ..context },
            KeyContext { tenant: &other_tenant, ..context },
            KeyContext { kind: KeyKind::IndexRoot, ..context },
            KeyContext { version: 2, ..context },
        ] {
            assert_eq!(provider.unwrap(&wrong, &wrapped), Err(ProviderError::Refused));
        }
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert_eq!(provider.unwrap(&context, &changed), Err(ProviderError::Refused), "byte {at}");
            assert_eq!(provider.unwrap(&context, &wrapped[..at]), Err(ProviderError::Refused), "length {at}");
        }
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_its_content_is_not_shown() {
        let folder = Folder::new();
        let provider = folder.create();
        let good = std::fs::read_to_string(folder.key()).unwrap();
        for bad in [
            String::new(),
            good.replace("key 1", "key 2"),
            good.trim_end().to_owned(),
            format!("{good}1 AAAA\n"),
            format!("{good}{}\n", good.lines().nth(1).unwrap()),
            format!("{HEADER}\n"),
        ] {
            std::fs::write(folder.key(), &bad).unwrap();
            let refused = folder.open().err().unwrap();
            assert!(matches!(refused, KeyFileError::Format(_)), "{refused}");
            assert!(matches!(provider.check(), Err(ProviderError::Unavailable(_))));
        }
        std::fs::remove_file(folder.key()).unwrap();
        assert!(matches!(provider.check(), Err(ProviderError::Unavailable(_))));
    }
}
