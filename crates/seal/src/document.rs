use crate::hazard::OVERHEAD;
use crate::keys::{COMMITMENT, TenantKeys, TenantVersion};
use crate::place::push;
use aceso_phi::Sealed;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

/// A document does not open, or could not be sealed. Says nothing of why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the sealed document cannot be used")]
pub struct DocumentError;

/// Seals a secret of the system itself (signing keys, upstream tokens): no health data of a subject, so no grant and
/// no subject key. Bound to namespace and key, which together name it among all documents of the tenant.
///
/// Stored: `format 2, suite 1, tenant key version u32, commitment[32], nonce[12], ciphertext, tag[16]`. Lengths are not
/// hidden. Format 1 had no commitment; it opens as before.
///
/// # Errors
/// [`DocumentError`] when the module failed to seal.
pub fn seal_document(keys: &TenantKeys, namespace: &str, key: &str, bytes: &[u8]) -> Result<Sealed, DocumentError> {
    let version = keys.primary_version();
    let mut out = Vec::with_capacity(HEADER + COMMITMENT + OVERHEAD + bytes.len());
    out.extend_from_slice(&[FORMAT, SUITE]);
    out.extend_from_slice(&version.version.to_be_bytes());
    out.extend_from_slice(&version.document_commitment);
    version.document.seal(&aad(keys, namespace, key, FORMAT, version), bytes, &mut out).map_err(|_| DocumentError)?;
    Ok(Sealed::from_store(out))
}

/// Opens a sealed document, under whichever tenant key version it names.
///
/// # Errors
/// [`DocumentError`]: other namespace, key, tenant or region; changed bytes; a version that is not open; unknown format.
pub fn open_document(
    keys: &TenantKeys,
    namespace: &str,
    key: &str,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, DocumentError> {
    let number = document_key_version(sealed)?;
    let version = keys.version(number).ok_or(DocumentError)?;
    let (&[format, ..], text) = sealed.as_bytes().split_first_chunk::<HEADER>().ok_or(DocumentError)?;
    let text = if format == OLD_FORMAT {
        text
    } else {
        // Before anything is opened: under another key the same bytes could be another document.
        let (commitment, text) = text.split_first_chunk::<COMMITMENT>().ok_or(DocumentError)?;
        verify_slices_are_equal(commitment, &version.document_commitment).map_err(|_| DocumentError)?;
        text
    };
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    version.document.open(&aad(keys, namespace, key, format, version), text, &mut out).map_err(|_| DocumentError)?;
    Ok(out)
}

/// Which tenant key version a document is sealed under, from its clear header: what a rotation counts.
///
/// # Errors
/// [`DocumentError`] for an unknown format.
pub fn document_key_version(sealed: &Sealed) -> Result<u32, DocumentError> {
    match sealed.as_bytes().first_chunk::<HEADER>() {
        Some(&[FORMAT | OLD_FORMAT, SUITE, a, b, c, d]) => Ok(u32::from_be_bytes([a, b, c, d])),
        _ => Err(DocumentError),
    }
}

const FORMAT: u8 = 2;
const OLD_FORMAT: u8 = 1;
const SUITE: u8 = 1;
const HEADER: usize = 6;

fn aad(keys: &TenantKeys, namespace: &str, key: &str, format: u8, version: &TenantVersion) -> Vec<u8> {
    let mut aad = Vec::with_capacity(192);
    push(&mut aad, b"aceso/1/document");
    push(&mut aad, &[format, SUITE]);
    push(&mut aad, keys.region().as_str().as_bytes());
    push(&mut aad, keys.tenant().as_str().as_bytes());
    push(&mut aad, &version.version.to_be_bytes());
    push(&mut aad, namespace.as_bytes());
    push(&mut aad, key.as_bytes());
    aad
}
