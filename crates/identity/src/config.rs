//! What the operator chooses.

use aceso_base::Region;

/// Settings of the token service.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// `iss` of every token: the public base URL, compared exactly.
    pub issuer: String,
    /// `aud` of every access token: the FHIR base URL, compared exactly.
    pub audience: String,
    /// The region of this installation.
    pub region: Region,
    /// How long tokens live.
    pub ttl: Ttl,
    /// The cost of a password guess.
    pub hashing: PasswordHashing,
    /// Shortest password that may be set, in characters (ASVS 5.0 6.2.1 demands at least 8 and advises 15).
    pub min_password: usize,
    /// How many verified access tokens are remembered.
    pub cached_tokens: usize,
}

impl IdentityConfig {
    /// The defaults for an issuer and audience.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, region: Region) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            region,
            ttl: Ttl::default(),
            hashing: PasswordHashing::default(),
            min_password: 12,
            cached_tokens: 16_384,
        }
    }
}

/// Life times in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Ttl {
    /// Of an access token.
    pub access: i64,
    /// Of a refresh token that is not used.
    pub refresh_idle: i64,
    /// Of a session, however often it is refreshed.
    pub refresh_absolute: i64,
}

impl Default for Ttl {
    fn default() -> Self {
        Self { access: 300, refresh_idle: 8 * 3600, refresh_absolute: 24 * 3600 }
    }
}

/// Argon2id parameters (RFC 9106). The defaults are OWASP's: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordHashing {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// How many passwords are hashed at the same time; others wait.
    pub parallel: usize,
    /// How many may wait before the answer is "try again later".
    pub waiting: usize,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1, parallel: 2, waiting: 64 }
    }
}
