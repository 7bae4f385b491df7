//! Where the cache is. An address can hold a password, so nothing prints one.

use redis::{Client, ConnectionAddr, IntoConnectionInfo as _};
use std::net::IpAddr;

/// An address of a Redis server that was understood.
#[derive(Clone)]
pub struct RedisAddress(Client);

/// The text is no address of a Redis server. Says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER], or rediss:// for TLS, without '?' and '#'")]
pub struct AddressError;

impl RedisAddress {
    /// Reads `redis://` or `rediss://` (TLS, certificates that this machine trusts), with user, password and database number where
    /// needed. Options behind `?` and `#` are refused: one of them switches the check of certificates off.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let known = text.starts_with("redis://") || text.starts_with("rediss://");
        if !known || text.contains(['?', '#']) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError);
        }
        let info = text.into_connection_info().map_err(|_| AddressError)?;
        Client::open(info).map(Self).map_err(|_| AddressError)
    }

    /// The address of a server that asks for no password.
    ///
    /// # Errors
    /// [`AddressError`] for anything but `HOST:PORT`.
    pub fn plain(host_and_port: &str) -> Result<Self, AddressError> {
        let (host, port) = host_and_port.rsplit_once(':').ok_or(AddressError)?;
        let good = !host.is_empty() && !host.contains(['/', '@']) && port.parse::<u16>().is_ok_and(|port| port > 0);
        if good { Self::parse(&format!("redis://{host_and_port}")) } else { Err(AddressError) }
    }

    /// Whether everything on the way can be read by others: no TLS, and not on this machine.
    #[must_use]
    pub fn is_open_on_the_way(&self) -> bool {
        match self.0.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) => {
                let own = host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback());
                !own
            }
            _ => false,
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.0.clone()
    }
}

impl std::fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_a_password_are_understood_and_never_printed() {
        for text in ["redis://127.0.0.1:6379", "redis://:s3cret@cache.example/2", "rediss://u:s3cret@[::1]:7000"] {
            let address = RedisAddress::parse(text).unwrap();
            assert_eq!(format!("{address:?}"), "RedisAddress(…)");
        }
        assert!(RedisAddress::plain("localhost:6379").is_ok());
    }

    #[test]
    fn other_texts_and_options_are_refused_without_being_repeated() {
        for text in [
            "",
            "s3cret",
            "http://s3cret",
            "redis://",
            "redis+unix:///tmp/s3cret",
            "unix:///tmp/s3cret",
            "rediss://host/#insecure",
            "redis://host/?protocol=s3cret",
            "redis://host/s3cret",
            "redis://host:s3cret",
            "redis://ho st",
        ] {
            let error = RedisAddress::parse(text).map(drop).expect_err(text);
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
        for text in ["host", ":6379", "host:0", "host:x", "user@host:6379", "host:6379/1"] {
            assert!(RedisAddress::plain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_tls_or_this_machine_is_closed_on_the_way() {
        let open = |text: &str| RedisAddress::parse(text).unwrap().is_open_on_the_way();
        assert!(open("redis://cache.example") && open("redis://10.0.0.1"));
        assert!(!open("rediss://cache.example") && !open("redis://127.0.0.1") && !open("redis://localhost"));
        assert!(!open("redis://[::1]:1"));
    }
}
