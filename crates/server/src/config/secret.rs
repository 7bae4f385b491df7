//! Secrets are referred to, never written down.

use std::fmt;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where a secret is to be found.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// The content of a file, without the line end at its end. Others than owner and group must not be able to read it.
    File(PathBuf),
    /// An environment variable of the process.
    Env(String),
}

/// Largest secret: enough for a PEM key, too small to swallow a file given by mistake.
const MOST_BYTES: u64 = 64 * 1024;

/// Texts that stand in examples and must not guard anything.
const PLACEHOLDERS: &[&str] =
    &["changeme", "change-me", "change_me", "secret", "password", "default", "example", "test", "todo", "xxx", "admin"];

/// A secret cannot be had. Carries no byte of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the file cannot be read ({0:?}); create it, or correct the path")]
    File(std::io::ErrorKind),
    /// Everybody on the machine can read the file.
    #[error("the file is readable for everybody on the machine; chmod 600 it")]
    WorldReadable,
    /// The file is larger than a secret can be.
    #[error("the file is larger than 64 KiB; the path leads to something else")]
    TooLarge,
    /// The variable is not set.
    #[error("the environment variable is not set; set it for the process")]
    Env,
    /// There is nothing in it.
    #[error("it is empty; put a generated secret there")]
    Empty,
    /// It is a placeholder from an example.
    #[error("it is a placeholder such as 'changeme' or one byte repeated; put a generated secret there")]
    Placeholder,
}

impl SecretRef {
    /// Fetches the secret. The buffer is wiped when it is dropped.
    ///
    /// # Errors
    /// [`SecretError`] when it is missing, open to everybody, or a placeholder.
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let mut secret = match self {
            Self::File(path) => read_private(path)?,
            Self::Env(name) => Zeroizing::new(std::env::var_os(name).ok_or(SecretError::Env)?.into_encoded_bytes()),
        };
        while secret.last().is_some_and(|byte| *byte == b'\n' || *byte == b'\r') {
            secret.pop();
        }
        if secret.is_empty() {
            return Err(SecretError::Empty);
        }
        if is_placeholder(&secret) {
            return Err(SecretError::Placeholder);
        }
        Ok(secret)
    }

    /// The file, when the secret is in one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Env(_) => None,
        }
    }
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let failed = |error: std::io::Error| SecretError::File(error.kind());
    let file = std::fs::File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if about.permissions().mode() & 0o007 != 0 {
        return Err(SecretError::WorldReadable);
    }
    if about.len() > MOST_BYTES {
        return Err(SecretError::TooLarge);
    }
    // Full size at once: a growing buffer would leave copies of the secret behind.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0) + 1));
    file.take(MOST_BYTES).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}

fn is_placeholder(secret: &[u8]) -> bool {
    let same = secret.first().is_some_and(|first| secret.iter().all(|byte| byte == first));
    same || PLACEHOLDERS.iter().any(|word| secret.eq_ignore_ascii_case(word.as_bytes()))
}

impl fmt::Debug for SecretRef {
    /// The reference; there is no secret in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{{ file = {path:?} }}"),
            Self::Env(name) => write!(f, "{{ env = {name:?} }}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("aceso-secret-{}-{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_private_file_gives_its_content_without_the_line_end() {
        let path = file("ok", "correct horse battery\n", 0o600);
        assert_eq!(SecretRef::File(path).read().unwrap().as_slice(), b"correct horse battery");
    }

    #[test]
    fn a_file_open_to_everybody_is_refused() {
        assert_eq!(SecretRef::File(file("open", "a good one", 0o604)).read().unwrap_err(), SecretError::WorldReadable);
    }

    #[test]
    fn placeholders_and_empty_secrets_are_refused() {
        assert_eq!(SecretRef::File(file("empty", "\n", 0o600)).read().unwrap_err(), SecretError::Empty);
        for text in ["ChangeMe", "secret", "0000000000000000000000000000000000000000000000000000000000000000"] {
            assert_eq!(SecretRef::File(file("weak", text, 0o600)).read().unwrap_err(), SecretError::Placeholder);
        }
    }

    #[test]
    fn a_missing_secret_is_an_error_and_not_an_empty_one() {
        assert_eq!(SecretRef::Env("ACESO_NO_SUCH_VARIABLE".into()).read().unwrap_err(), SecretError::Env);
        let missing = SecretRef::File("/nonexistent/aceso".into());
        assert_eq!(missing.read().unwrap_err(), SecretError::File(std::io::ErrorKind::NotFound));
    }
}
