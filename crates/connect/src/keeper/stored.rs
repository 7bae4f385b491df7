//! A token as it is kept between restarts, sealed by the vault.

use aceso_base::Timestamp;
use zeroize::Zeroizing;

/// An access token. `text` is wiped when dropped.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: Zeroizing<String>,
    pub(super) obtained: Timestamp,
    pub(super) expires: Timestamp,
}

/// Version byte, 8 bytes for which credentials, two times (milliseconds, big endian), the token.
const FORMAT: u8 = 1;

impl Token {
    pub(super) fn encode(&self, credentials: &[u8; 8]) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(25 + self.text.len()));
        bytes.push(FORMAT);
        bytes.extend_from_slice(credentials);
        bytes.extend_from_slice(&self.obtained.0.to_be_bytes());
        bytes.extend_from_slice(&self.expires.0.to_be_bytes());
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }

    /// `None` for another format, or a token of other credentials.
    pub(super) fn decode(bytes: &[u8], credentials: &[u8; 8]) -> Option<Self> {
        let (&[FORMAT], rest) = bytes.split_first_chunk()? else { return None };
        let (found, rest) = rest.split_first_chunk::<8>()?;
        let (obtained, rest) = rest.split_first_chunk::<8>()?;
        let (expires, text) = rest.split_first_chunk::<8>()?;
        (found == credentials).then_some(())?;
        Some(Self {
            text: Zeroizing::new(std::str::from_utf8(text).ok()?.to_owned()),
            obtained: Timestamp(i64::from_be_bytes(*obtained)),
            expires: Timestamp(i64::from_be_bytes(*expires)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_token_comes_back_for_the_same_credentials_only() {
        let token = Token { text: Zeroizing::new("abc".to_owned()), obtained: Timestamp(1), expires: Timestamp(2) };
        let bytes = token.encode(b"11111111");
        let back = Token::decode(&bytes, b"11111111").unwrap();
        assert_eq!((back.text.as_str(), back.obtained, back.expires), ("abc", Timestamp(1), Timestamp(2)));
        assert!(Token::decode(&bytes, b"22222222").is_none());
        let mut other = bytes.to_vec();
        other[0] = 2;
        assert!(Token::decode(&other, b"11111111").is_none());
        assert!(Token::decode(&bytes[..20], b"11111111").is_none());
    }
}
