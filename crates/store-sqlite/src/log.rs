//! The audit log's rows: one for each commit that made entries, full tiles, and the present head.

use crate::connection::fault;
use crate::read::{Readers, bytes, column, each_row, many, number, one, stored};
use aceso_audit::{Frame, LogReader, ReadError, SealedBatch};
use aceso_store::StoreError;
use rusqlite::Connection;
use std::ops::Range;

/// Adds a frame to the open transaction.
pub(crate) fn insert_frame(connection: &Connection, frame: &Frame) -> Result<(), StoreError> {
    const FRAME: &str = "INSERT INTO audit_frame (first, count, commitments, body) VALUES (?1, ?2, ?3, ?4)";
    const TILE: &str = "INSERT INTO audit_tile (level, position, hashes) VALUES (?1, ?2, ?3)";
    const HEAD: &str = "INSERT INTO audit_head (one, size, checkpoint, state) VALUES (1, ?1, ?2, ?3) \
                        ON CONFLICT (one) DO UPDATE SET size = ?1, checkpoint = ?2, state = ?3";
    let size = frame.first.saturating_add(u64::from(frame.count));
    let mut statement = connection.prepare_cached(FRAME).map_err(fault)?;
    statement.execute((stored(frame.first), frame.count, &frame.commitments, &frame.body)).map_err(fault)?;
    for tile in &frame.tiles {
        let mut statement = connection.prepare_cached(TILE).map_err(fault)?;
        statement.execute((tile.level, stored(tile.index), &tile.hashes)).map_err(fault)?;
    }
    let mut statement = connection.prepare_cached(HEAD).map_err(fault)?;
    statement.execute((stored(size), &frame.checkpoint, &frame.state)).map(drop).map_err(fault)
}

/// The log's present head.
pub(crate) struct LogHead {
    /// Entries.
    pub(crate) size: u64,
    /// The signed note.
    pub(crate) checkpoint: Vec<u8>,
    /// What a sequencer resumes from.
    pub(crate) state: Vec<u8>,
}

/// The head, `None` before the first entry. Refuses a head that the frames do not reach or that they pass.
pub(crate) fn head(connection: &Connection) -> Result<Option<LogHead>, StoreError> {
    let head = one(connection, "SELECT size, checkpoint, state FROM audit_head WHERE one = 1", [], |row| {
        Ok(LogHead { size: number(row, 0)?, checkpoint: column(row, 1)?, state: column(row, 2)? })
    })?;
    const LAST: &str = "SELECT first + count FROM audit_frame ORDER BY first DESC LIMIT 1";
    let last = one(connection, LAST, [], |row| number(row, 0))?;
    if head.as_ref().map(|head| head.size) == last {
        Ok(head)
    } else {
        Err(StoreError::Corrupt("the audit log's head is not that of its last row"))
    }
}

impl LogReader for Readers {
    fn size(&self) -> Result<u64, ReadError> {
        let read = |connection: &Connection| {
            one(connection, "SELECT size FROM audit_head WHERE one = 1", [], |row| number(row, 0))
        };
        Ok(self.pool.with(read).map_err(ReadError::new)?.unwrap_or(0))
    }

    fn latest_checkpoint(&self) -> Result<Option<Vec<u8>>, ReadError> {
        let read = |connection: &Connection| {
            one(connection, "SELECT checkpoint FROM audit_head WHERE one = 1", [], |row| column(row, 0))
        };
        self.pool.with(read).map_err(ReadError::new)
    }

    fn commitments(&self, range: Range<u64>) -> Result<Vec<[u8; 32]>, ReadError> {
        const SQL: &str = "SELECT first, commitments FROM audit_frame WHERE first >= \
                           (SELECT coalesce(max(first), 0) FROM audit_frame WHERE first <= ?1) AND first < ?2 ORDER BY first";
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        let mut next = range.start;
        let read = |connection: &Connection| {
            each_row(connection, SQL, (stored(range.start), stored(range.end)), |row| {
                let first = number(row, 0)?;
                let (hashes, _) = bytes(row, 1)?.as_chunks::<32>();
                for (index, hash) in (first..).zip(hashes).filter(|(index, _)| range.contains(index)) {
                    if index != next {
                        return Err(StoreError::Corrupt("an audit row is missing"));
                    }
                    out.push(*hash);
                    next += 1;
                }
                Ok(())
            })
        };
        self.pool.with(read).map_err(ReadError::new)?;
        if next == range.end { Ok(out) } else { Err(ReadError::corrupt("an audit row is missing")) }
    }

    fn full_tile(&self, level: u8, index: u64) -> Result<Option<Vec<u8>>, ReadError> {
        const SQL: &str = "SELECT hashes FROM audit_tile WHERE level = ?1 AND position = ?2";
        let read = |connection: &Connection| one(connection, SQL, (level, stored(index)), |row| column(row, 0));
        self.pool.with(read).map_err(ReadError::new)
    }

    fn bodies(&self, range: Range<u64>) -> Result<Vec<SealedBatch>, ReadError> {
        const SQL: &str = "SELECT first, count, body FROM audit_frame WHERE first >= \
                           (SELECT coalesce(max(first), 0) FROM audit_frame WHERE first <= ?1) AND first < ?2 ORDER BY first";
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let read = |connection: &Connection| {
            many(connection, SQL, (stored(range.start), stored(range.end)), |row| {
                Ok(SealedBatch { first: number(row, 0)?, count: column(row, 1)?, body: column(row, 2)? })
            })
        };
        let mut found = self.pool.with(read).map_err(ReadError::new)?;
        found.retain(|batch| batch.first.saturating_add(u64::from(batch.count)) > range.start);
        Ok(found)
    }
}
