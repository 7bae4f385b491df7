//! The data directory, the key file, SQLite on this file system.

use super::Finding;
use crate::config::{Config, RootKey};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = directory(&config.data_dir);
    if findings.iter().all(|finding| finding.state != super::State::Failed) {
        findings.push(free_space(&config.data_dir, config.reserve_bytes));
        findings.push(one_file_system(&config.data_dir));
        findings.push(sqlite(&config.data_dir));
    }
    findings.push(key_file(config));
    findings
}

fn directory(dir: &Path) -> Vec<Finding> {
    const CHECK: &str = "data directory";
    let shown = dir.display();
    let about = match fs::metadata(dir) {
        Ok(about) if about.is_dir() => about,
        Ok(_) => {
            return vec![Finding::failed(CHECK, format!("{shown} is not a directory"), "set store.dir to a directory")];
        }
        Err(error) => {
            let remedy = format!("create it for the user of the server: install -d -m 700 {shown}");
            return vec![Finding::failed(CHECK, format!("{shown} cannot be opened ({:?})", error.kind()), remedy)];
        }
    };
    let mode = about.permissions().mode() & 0o777;
    let mut findings = vec![if mode & 0o077 == 0 {
        Finding::well(CHECK, format!("{shown}, mode {mode:o}"))
    } else {
        Finding::warning(CHECK, format!("{shown} is open to others, mode {mode:o}"), format!("chmod 700 {shown}"))
    }];
    let probe = dir.join(format!(".doctor-{}", std::process::id()));
    let written = fs::write(&probe, b"probe").and_then(|()| fs::File::open(&probe)?.sync_all());
    let removed = fs::remove_file(&probe);
    findings.push(match written.and(removed) {
        Ok(()) => Finding::well("data writable", "a file was written, synced and removed"),
        Err(error) => Finding::failed(
            "data writable",
            format!("a file cannot be written and synced there ({:?})", error.kind()),
            "give the directory to the user of the server, mount it writable, free some space",
        ),
    });
    findings
}

fn free_space(dir: &Path, reserve: u64) -> Finding {
    const CHECK: &str = "free space";
    let Ok(about) = rustix::fs::statvfs(dir) else {
        return Finding::failed(
            CHECK,
            "the file system does not tell its free space",
            "put store.dir on a local file system",
        );
    };
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let detail = format!("{} MiB free, {} MiB reserved", free >> 20, reserve >> 20);
    if free < reserve {
        Finding::failed(CHECK, detail, "free some space: below the reserve every request is refused")
    } else if free < reserve.saturating_mul(4) {
        Finding::warning(CHECK, detail, "plan for more space soon")
    } else {
        Finding::well(CHECK, detail)
    }
}

/// A rename is atomic, and a sync means one thing, only within one file system.
fn one_file_system(dir: &Path) -> Finding {
    const CHECK: &str = "one file system";
    let device = fs::metadata(dir).map(|about| about.dev());
    let strangers = fs::read_dir(dir).map(|entries| {
        let devices = entries.filter_map(|entry| entry.ok()?.metadata().ok().map(|about| about.dev()));
        devices.filter(|found| device.as_ref().is_ok_and(|own| own != found)).count()
    });
    match strangers {
        Ok(0) => Finding::well(CHECK, "everything in the data directory lies on it"),
        Ok(count) => Finding::failed(
            CHECK,
            format!("{count} entries of the data directory lie on another one"),
            "unmount what is mounted below the data directory; it must be one file system",
        ),
        Err(error) => {
            Finding::failed(CHECK, format!("the directory cannot be listed ({:?})", error.kind()), "chmod 700 it")
        }
    }
}

/// Whether SQLite gets what the store demands here: WAL needs shared memory, which network file systems lack.
fn sqlite(dir: &Path) -> Finding {
    const CHECK: &str = "sqlite";
    let path = dir.join(format!(".doctor-{}.db", std::process::id()));
    let outcome = rusqlite::Connection::open(&path).and_then(|db| {
        let journal: String = db.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        db.execute_batch("PRAGMA synchronous=FULL; CREATE TABLE probe(x); INSERT INTO probe VALUES(1);")?;
        let level: i64 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
        let check: String = db.query_row("PRAGMA quick_check", [], |row| row.get(0))?;
        Ok(journal.eq_ignore_ascii_case("wal") && level == 2 && check == "ok")
    });
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
    match outcome {
        Ok(true) => Finding::well(CHECK, format!("{} with journal_mode=WAL, synchronous=FULL", rusqlite::version())),
        Ok(false) | Err(_) => Finding::failed(
            CHECK,
            "journal_mode=WAL with synchronous=FULL is not to be had in the data directory",
            "put store.dir on a local file system (ext4, xfs, zfs, btrfs), not on NFS or SMB",
        ),
    }
}

fn key_file(config: &Config) -> Finding {
    const CHECK: &str = "root key";
    let path = match &config.root_key {
        RootKey::Local(path) => path.as_path(),
        RootKey::Env(secret) => match secret.file() {
            Some(path) => path,
            None => return Finding::well(CHECK, "handed in by an environment variable"),
        },
    };
    let shown = path.display();
    let Ok(about) = fs::metadata(path) else {
        return match (&config.root_key, path.parent().map(fs::metadata)) {
            (RootKey::Local(_), Some(Ok(parent))) if parent.is_dir() => {
                Finding::well(CHECK, format!("{shown} will be made at the first start"))
            }
            _ => Finding::failed(
                CHECK,
                format!("{shown} does not exist"),
                "create the file, or its folder for provider local",
            ),
        };
    };
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Finding::failed(
            CHECK,
            format!("{shown} is open to others, mode {mode:o}"),
            format!("chmod 600 {shown}"),
        );
    }
    let data_device = fs::metadata(&config.data_dir).map(|data| data.dev());
    if data_device.is_ok_and(|device| device == about.dev()) {
        let remedy = "keep it on another disk, or in a KMS: a copy of this disk holds records and key together";
        return Finding::warning(CHECK, format!("{shown} lies on the same file system as the data"), remedy);
    }
    Finding::well(CHECK, format!("{shown}, mode {mode:o}, apart from the data"))
}
