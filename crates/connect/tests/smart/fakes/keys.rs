//! Key pairs of the client, and the check of its assertions (SMART App Launch 2.2, "Asymmetric (public key) client authentication").

use aceso_connect::keeper::{Algorithm, Assertion};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA384,
    UnparsedPublicKey,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::Value;
use std::sync::OnceLock;

/// The id under which the fakes know the client's keys.
pub(crate) const KEY_ID: &str = "client-key-1";

pub(crate) struct Pair {
    algorithm: Algorithm,
    pem: String,
    public: Vec<u8>,
}

impl Pair {
    pub(crate) fn of(algorithm: Algorithm) -> &'static Self {
        static RSA: OnceLock<Pair> = OnceLock::new();
        static EC: OnceLock<Pair> = OnceLock::new();
        match algorithm {
            Algorithm::Rs384 => RSA.get_or_init(Self::rsa),
            Algorithm::Es384 => EC.get_or_init(Self::ec),
        }
    }

    pub(crate) fn rsa() -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let private = pem(AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref());
        Self { algorithm: Algorithm::Rs384, pem: private, public: pair.public_key().as_ref().to_vec() }
    }

    pub(crate) fn ec() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let private = pem(pair.to_pkcs8v1().unwrap().as_ref());
        Self { algorithm: Algorithm::Es384, pem: private, public: pair.public_key().as_ref().to_vec() }
    }

    pub(crate) fn assertion(&self) -> Assertion {
        Assertion::new(self.algorithm, KEY_ID, self.pem.as_bytes()).unwrap()
    }

    /// Header and claims of an assertion that this key has signed.
    pub(crate) fn verify(&self, jwt: &str) -> Option<(Value, Value)> {
        let (signed, signature) = jwt.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let genuine = match self.algorithm {
            Algorithm::Rs384 => {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA384, &self.public).verify(signed.as_bytes(), &signature)
            }
            Algorithm::Es384 => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, &self.public).verify(signed.as_bytes(), &signature)
            }
        };
        genuine.ok()?;
        let read = |part: &str| serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).ok()?).ok();
        Some((read(header)?, read(claims)?))
    }

    pub(crate) const fn name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Rs384 => "RS384",
            Algorithm::Es384 => "ES384",
        }
    }
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
