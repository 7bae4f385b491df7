//! Ports, clock, core dumps.

use super::Finding;
use crate::config::Config;
use crate::hardening::memory_is_protected;
use aceso_base::{Clock, Timestamp};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::time::UNIX_EPOCH;

/// 2026-01-01T00:00:00Z: before this software existed.
const EARLIEST: Timestamp = Timestamp(1_767_225_600_000);

pub(super) fn examine(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let served = UnixStream::connect(crate::control::socket(&config.data_dir)).is_ok();
    vec![
        port("listen", config.listen, served),
        port("ops listen", config.ops_listen, served),
        loopback(config.ops_listen),
        clock_sanity(config, clock.now()),
        core_dumps(),
    ]
}

/// A port that is taken is as it should be while a server runs on this data directory.
fn port(check: &'static str, address: SocketAddr, served: bool) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::well(check, format!("{address} is free")),
        Err(error) if served && error.kind() == std::io::ErrorKind::AddrInUse => {
            Finding::well(check, format!("{address} is taken, and a server runs on this data directory"))
        }
        Err(error) => Finding::failed(
            check,
            format!("{address} cannot be had ({:?})", error.kind()),
            "stop what holds it, or choose another address",
        ),
    }
}

fn loopback(address: SocketAddr) -> Finding {
    const CHECK: &str = "ops exposure";
    if address.ip().is_loopback() {
        Finding::well(CHECK, "loopback only")
    } else {
        Finding::warning(
            CHECK,
            format!("{address} is not loopback"),
            "make sure that only the monitoring network reaches it",
        )
    }
}

/// A clock that stands before its own files has been set back: expiry of tokens and order of the log would be wrong.
fn clock_sanity(config: &Config, now: Timestamp) -> Finding {
    const CHECK: &str = "clock";
    let remedy = "set the clock, and keep it set (chrony, systemd-timesyncd)";
    if now < EARLIEST {
        return Finding::failed(CHECK, format!("it says {now}, which is before this software existed"), remedy);
    }
    let newest = std::fs::read_dir(&config.data_dir).ok().and_then(|entries| {
        let times =
            entries.filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok());
        times.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)).max()
    });
    match newest {
        Some(newest) if newest > now.plus_seconds(60).0 => {
            Finding::failed(CHECK, format!("it says {now}, but the data directory has a younger file"), remedy)
        }
        _ => Finding::well(CHECK, format!("{now}")),
    }
}

fn core_dumps() -> Finding {
    const CHECK: &str = "core dumps";
    if memory_is_protected() {
        Finding::well(CHECK, "off; other processes cannot read this one's memory")
    } else {
        let remedy = "allow prctl(PR_SET_DUMPABLE) and setrlimit(RLIMIT_CORE) to the process";
        Finding::failed(CHECK, "a crash would leave a core dump with keys in it", remedy)
    }
}
