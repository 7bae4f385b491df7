//! Index tokens: keyed, deterministic stand-ins for values, by which rows are found and nothing is read.
//!
//! Stored layout (index version 1), first byte the class of `index::IndexClass`:
//!
//! ```text
//! P            class, index version, HMAC[..8]                     under the subject's token key
//! I, C         class, index version, HMAC[..16]                    under the tenant's index key
//! N, D         class, index version, namespace[6], HMAC[..bits]    under the tenant's index key
//! ```
//!
//! The HMAC is over the length-prefixed tuple of a label, class, index version, type, parameter, form and canonical
//! value. A truncated token alone would collide across types, parameters and tenants, so it carries the first 48 bits
//! of the HMAC of the same tuple without a value.

use crate::hazard::MacKey;
use crate::index::{Index, IndexClass};
use crate::keys::{SubjectKey, TenantKeys};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::IndexToken;

/// The version of normalisation, layout and keys of all tokens made here. A change of any of them is a new version,
/// and queries then ask for both until every row has moved.
pub const INDEX_VERSION: u8 = 1;

/// A token inside one subject's compartment (class P, 64 bits): equal for equal type, parameter and canonical value of
/// the same subject, unrelated between subjects, and gone with the subject's key. About 0.3 µs.
#[must_use]
pub fn subject_token(subject: &SubjectKey, rtype: ResourceType, param: &str, canonical: &[u8]) -> IndexToken {
    let class = IndexClass::PatientScoped.code();
    let mac = sign(&subject.token, b"aceso/1/token", class, rtype, param, "", canonical);
    token(class, &[], mac.get(..8).unwrap_or_default(), 64)
}

/// The name of something in a cache outside: a keyed hash of kind and parts, under the tenant's index key and a label of its own, so
/// that it says nothing of them and is not an index token of any row. The same after a rotation of the tenant's keys.
#[must_use]
pub fn cache_name(keys: &TenantKeys, kind: &str, parts: &[&[u8]]) -> [u8; 32] {
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
    let all = [b"aceso/1/cache", kind.as_bytes()].into_iter().chain(parts.iter().copied());
    let mut message = Vec::with_capacity(64);
    for part in all {
        message.extend_from_slice(&length(part));
        message.extend_from_slice(part);
    }
    keys.index().mac.sign(&[&message])
}

/// A token that the whole tenant can look up. Only planned indexes ([`crate::index::TABLE`]) have one.
pub(crate) fn tenant_token(keys: &TenantKeys, index: &Index, rtype: ResourceType, canonical: &[u8]) -> IndexToken {
    let class = index.class.code();
    let key = &keys.index().mac;
    let mac = sign(key, b"aceso/1/token", class, rtype, index.param, index.form, canonical);
    let length = usize::from(index.bits).div_ceil(8);
    let bits = mac.get(..length).unwrap_or(&mac);
    if index.class.is_truncated() {
        let namespace = sign(key, b"aceso/1/namespace", class, rtype, index.param, index.form, &[]);
        token(class, namespace.get(..6).unwrap_or_default(), bits, index.bits)
    } else {
        token(class, &[], bits, index.bits)
    }
}

fn token(class: u8, namespace: &[u8], mac: &[u8], bits: u8) -> IndexToken {
    let mut out = Vec::with_capacity(2 + namespace.len() + mac.len());
    out.extend_from_slice(&[class, INDEX_VERSION]);
    out.extend_from_slice(namespace);
    out.extend_from_slice(mac);
    if let (Some(last), spare @ 1..) = (out.last_mut(), (8 - bits % 8) % 8) {
        *last &= 0xff << spare;
    }
    IndexToken::from_store(out)
}

fn sign(
    key: &MacKey,
    label: &[u8],
    class: u8,
    rtype: ResourceType,
    param: &str,
    form: &str,
    canonical: &[u8],
) -> [u8; 32] {
    let rtype = rtype.name().as_bytes();
    let (param, form) = (param.as_bytes(), form.as_bytes());
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
    key.sign(&[
        &length(label),
        label,
        &[class, INDEX_VERSION],
        &length(rtype),
        rtype,
        &length(param),
        param,
        &length(form),
        form,
        canonical,
    ])
}
