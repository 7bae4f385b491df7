//! Sealed bytes.

use crate::edits;
use aceso_base::{Region, TenantId};
use aceso_phi::Sealed;
use aceso_seal::{
    KeyContext, KeyProvider, ProviderError, SystemRandomness, TenantKeys, document_key_version, header, open_document,
    seal_document, search_header,
};
use std::sync::LazyLock;
use zeroize::Zeroizing;

const PLAIN: &[u8] = b"what was sealed";

/// Keys of one run, and what they sealed.
static GENUINE: LazyLock<(TenantKeys, Vec<u8>)> = LazyLock::new(|| {
    let (region, tenant) = (Region::parse("us").unwrap(), TenantId::parse("clinic").unwrap());
    let (_, _, keys) = TenantKeys::create(&Unwrapped, &region, &tenant, &SystemRandomness).unwrap();
    let sealed = seal_document(&keys, "cursor", "question", PLAIN).unwrap();
    (keys, sealed.as_bytes().to_vec())
});

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut record = vec![1, 1, 0, 0, 0, 1];
    record.extend_from_slice(&[7; 120]);
    let mut seeds = edits::seeds(EDITED);
    seeds.extend([GENUINE.1.clone(), record]);
    seeds
}

/// Before edits of the genuine bytes; no format begins like this.
const EDITED: u8 = 0xfe;

/// Edits of the genuine bytes, or bytes as they are.
pub(super) fn target(bytes: &[u8]) {
    match bytes {
        [EDITED, edits @ ..] => opens_only_as_it_was(&edits::apply(&GENUINE.1, edits)),
        bytes => opens_only_as_it_was(bytes),
    }
}

fn opens_only_as_it_was(bytes: &[u8]) {
    let (keys, genuine) = &*GENUINE;
    let sealed = Sealed::from_store(bytes.to_vec());
    let _ = (header(&sealed).is_ok(), search_header(&sealed).is_ok(), document_key_version(&sealed).is_ok());
    match open_document(keys, "cursor", "question", &sealed) {
        Ok(plain) => assert!(bytes == genuine.as_slice() && plain.as_slice() == PLAIN, "changed bytes opened"),
        Err(_) => assert!(bytes != genuine.as_slice(), "the genuine bytes did not open"),
    }
    assert!(open_document(keys, "cursor", "another", &sealed).is_err(), "opened for another question");
}

/// Leaves wrapping out: what is tried here is the envelope itself.
struct Unwrapped;

impl KeyProvider for Unwrapped {
    fn name(&self) -> &'static str {
        "unwrapped"
    }

    fn safe_for_production(&self) -> bool {
        false
    }

    fn wrap(&self, _: &KeyContext<'_>, key: &[u8]) -> Result<Vec<u8>, ProviderError> {
        Ok(key.to_vec())
    }

    fn unwrap(&self, _: &KeyContext<'_>, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
        Ok(Zeroizing::new(wrapped.to_vec()))
    }

    fn check(&self) -> Result<(), ProviderError> {
        Ok(())
    }
}
