//! Sealed records in one SQLite database: `records.db` with its write-ahead log.
//!
//! One thread writes everything that waits as one transaction, together with its audit entries; receipts exist only after the
//! transaction is on the disk. Reads go through a few pooled connections. A crash at any point leaves the last commit.

mod apply;
mod carrier;
mod changes;
mod connection;
#[cfg(feature = "insecure-benchmark-control")]
mod control;
mod database;
mod format;
mod log;
mod migrate;
mod pool;
mod queue;
mod read;
mod store;
#[cfg(test)]
mod test_dir;
mod writer;

pub use store::{Inspection, Options, SqliteStore};
