//! The suite that every store passes.

mod common;

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
}

aceso_store::store_suite!(Sqlite);
