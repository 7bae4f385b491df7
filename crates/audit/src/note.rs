//! C2SP signed-note and tlog-checkpoint: the signed head of the log as text.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER};

use crate::tree::{Hash, sha256};

/// Signature type of Ed25519 (C2SP signed-note).
const ED25519_TYPE: u8 = 1;
/// No checkpoint is near this long, however many witnesses have signed.
const MAX_NOTE: usize = 1 << 16;

/// The name of a log, first line of its checkpoints: like a URL without a scheme (`audit.example.org/aceso`).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Origin(String);

/// What is wrong with a note, a key or an origin. Carries no part of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// An origin must not be empty nor hold white space, control characters or `+`.
    #[error("not a log origin: must not be empty nor hold spaces, control characters or '+'")]
    Origin,
    /// The text is not a C2SP vkey of Ed25519.
    #[error("not a C2SP verifier key of Ed25519")]
    Key,
    /// The text is not a signed note that holds a checkpoint.
    #[error("not a signed checkpoint")]
    Malformed,
    /// No signature is by this key: another log, or another key of it.
    #[error("no signature by this key")]
    WrongKey,
    /// The signature by this key does not fit the text.
    #[error("the signature does not verify")]
    BadSignature,
}

impl Origin {
    /// Checks the shape.
    ///
    /// # Errors
    /// [`NoteError::Origin`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let fine = !text.is_empty()
            && text.len() <= 255
            && !text.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control());
        if fine { Ok(Self(text.to_owned())) } else { Err(NoteError::Origin) }
    }

    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The public key of a log with its name: what a verifier needs. `Display` and [`VerifyingKey::parse`] are the C2SP vkey text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyingKey {
    origin: Origin,
    id: [u8; 4],
    key: [u8; 32],
}

impl VerifyingKey {
    pub(crate) fn of(origin: &Origin, pair: &Ed25519KeyPair) -> Self {
        let mut key = [0; 32];
        key.iter_mut().zip(pair.public_key().as_ref()).for_each(|(to, from)| *to = *from);
        Self { origin: origin.clone(), id: key_id(origin, &key), key }
    }

    /// Reads `name+hash+key` (C2SP signed-note, verifier keys).
    ///
    /// # Errors
    /// [`NoteError::Key`], also when the hash is not that of name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim_end().splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let origin = Origin::parse(name).map_err(|_| NoteError::Key)?;
        let bytes = BASE64.decode(key.as_bytes()).map_err(|_| NoteError::Key)?;
        let Some((&ED25519_TYPE, key)) = bytes.split_first() else { return Err(NoteError::Key) };
        let key: [u8; 32] = key.try_into().map_err(|_| NoteError::Key)?;
        let id = key_id(&origin, &key);
        if HEXLOWER.encode(&id) == hash { Ok(Self { origin, id, key }) } else { Err(NoteError::Key) }
    }

    /// The log that it is the key of.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[ED25519_TYPE][..], &self.key].concat();
        write!(f, "{}+{}+{}", self.origin.0, HEXLOWER.encode(&self.id), BASE64.encode(&typed))
    }
}

/// The head of a log: how many entries and their root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// How many entries.
    pub size: u64,
    /// The Merkle tree hash over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The checkpoint that a signed note holds, if this key has signed it. Other signatures (witnesses) are left alone.
    ///
    /// # Errors
    /// [`NoteError`]: malformed, by another key, or badly signed.
    pub fn open(note: &[u8], key: &VerifyingKey) -> Result<Self, NoteError> {
        let (text, signatures) = split_note(note)?;
        let checkpoint = Self::parse(text)?;
        if checkpoint.origin != key.origin {
            return Err(NoteError::WrongKey);
        }
        let mut result = Err(NoteError::WrongKey);
        for line in signatures.split_terminator('\n') {
            let (name, id, signature) = split_signature(line)?;
            if name != key.origin.0 || id != key.id {
                continue;
            }
            let verified = UnparsedPublicKey::new(&ED25519, &key.key).verify(text.as_bytes(), &signature);
            result = verified.map_err(|_| NoteError::BadSignature);
            if result.is_err() {
                break;
            }
        }
        result.map(|()| checkpoint)
    }

    /// The text that is signed (C2SP tlog-checkpoint): origin, size, root, each on a line.
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin.0, self.size, BASE64.encode(&self.root))
    }

    pub(crate) fn sign(&self, pair: &Ed25519KeyPair, key: &VerifyingKey) -> Vec<u8> {
        let text = self.text();
        let signature = [&key.id[..], pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n\u{2014} {} {}\n", self.origin.0, BASE64.encode(&signature)).into_bytes()
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.split_terminator('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::Malformed);
        };
        let plain = size == "0" || (!size.starts_with('0') && size.bytes().all(|b| b.is_ascii_digit()));
        let size = size.parse().ok().filter(|_| plain).ok_or(NoteError::Malformed)?;
        let root = BASE64.decode(root.as_bytes()).map_err(|_| NoteError::Malformed)?;
        // Extension lines are allowed by the format, never written by this log, and not empty.
        if lines.any(str::is_empty) {
            return Err(NoteError::Malformed);
        }
        Ok(Self {
            origin: Origin::parse(origin).map_err(|_| NoteError::Malformed)?,
            size,
            root: root.try_into().map_err(|_| NoteError::Malformed)?,
        })
    }
}

/// Key id of Ed25519 (C2SP signed-note, signatures): the first four bytes of SHA-256(name, newline, type, key).
fn key_id(origin: &Origin, key: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[origin.0.as_bytes(), b"\n", &[ED25519_TYPE], key].concat());
    [a, b, c, d]
}

fn split_note(note: &[u8]) -> Result<(&str, &str), NoteError> {
    let note = std::str::from_utf8(note).map_err(|_| NoteError::Malformed)?;
    let control = note.chars().any(|c| c.is_control() && c != '\n');
    if note.len() > MAX_NOTE || control || !note.ends_with('\n') {
        return Err(NoteError::Malformed);
    }
    let at = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
    let (text, signatures) = note.split_at_checked(at + 1).ok_or(NoteError::Malformed)?;
    let signatures = signatures.strip_prefix('\n').filter(|rest| !rest.is_empty()).ok_or(NoteError::Malformed)?;
    Ok((text, signatures))
}

fn split_signature(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::Malformed)?;
    let (name, blob) = rest.split_once(' ').ok_or(NoteError::Malformed)?;
    let mut blob = BASE64.decode(blob.as_bytes()).map_err(|_| NoteError::Malformed)?;
    if blob.len() < 5 || name.is_empty() {
        return Err(NoteError::Malformed);
    }
    let signature = blob.split_off(4);
    Ok((name, blob.try_into().map_err(|_| NoteError::Malformed)?, signature))
}
