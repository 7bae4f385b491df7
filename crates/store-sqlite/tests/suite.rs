//! The suite that every store passes.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use aceso_store::RecordKey;
use aceso_store::suite::Fixture;
use aceso_store_sqlite::SqliteStore;
use common::{Place, start};

struct Sqlite(Place);

impl Fixture for Sqlite {
    type Store = SqliteStore;

    fn new() -> Self {
        Self(Place::new())
    }

    fn open(&self) -> SqliteStore {
        start(&self.0.database())
    }

    fn fill_disk(&self, store: &SqliteStore, full: bool) {
        // Less than the database has already: not one page more.
        store.set_quota(full.then_some(4096));
    }

    fn lose_index_rows(&self, _: &SqliteStore, key: &RecordKey) {
        let sql = rusqlite::Connection::open(self.0.database()).unwrap();
        sql.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        for table in ["token", "link"] {
            let gone = format!("DELETE FROM {table} WHERE rtype = ?1 AND id = ?2");
            sql.execute(&gone, (key.rtype.code(), key.id.as_str())).unwrap();
        }
    }
}

aceso_store::store_suite!(Sqlite);
