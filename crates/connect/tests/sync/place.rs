//! A place for records in memory, which takes bundles as the repository does: all or nothing.

use aceso_connect::IdKey;
use aceso_connect::keeper::{BoxFuture, Vault, VaultError};
use aceso_connect::pattern::IdMinter;
use aceso_connect::sync::{Intake, IntakeError, Keyed, Note, Space};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use zeroize::Zeroizing;

pub(crate) struct Place {
    keys: IdKey,
    pub(crate) state: Mutex<Held>,
    pub(crate) writes: AtomicU64,
    pub(crate) down: AtomicBool,
}

#[derive(Default)]
pub(crate) struct Held {
    pub(crate) records: BTreeMap<String, Value>,
    /// How often each record was put.
    pub(crate) versions: BTreeMap<String, u64>,
    notes: BTreeMap<(&'static str, String), Vec<u8>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            keys: IdKey::of_tenant(&[7; 32], "clinic"),
            state: Mutex::default(),
            writes: AtomicU64::new(0),
            down: AtomicBool::new(false),
        }
    }

    fn apply(&self, bundle: Option<Zeroizing<Vec<u8>>>, notes: Vec<Note>) -> Result<(), IntakeError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(IntakeError::Unavailable);
        }
        let mut held = self.state.lock().unwrap();
        if let Some(bundle) = bundle {
            let bundle: Value = serde_json::from_slice(&bundle).map_err(|_| IntakeError::Refused("structure"))?;
            for entry in bundle["entry"].as_array().unwrap() {
                let url = entry["request"]["url"].as_str().unwrap().to_owned();
                if entry["request"]["method"] == "DELETE" {
                    held.records.remove(&url);
                } else {
                    let resource = &entry["resource"];
                    let named =
                        format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
                    assert_eq!(named, url, "a record under another name");
                    held.records.insert(url.clone(), resource.clone());
                    *held.versions.entry(url).or_default() += 1;
                }
            }
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
        for note in notes {
            let key = (note.space.name(), note.key);
            let listed = [Space::Letters, Space::Due].contains(&note.space);
            match note.value {
                Some(value) => held.notes.insert(key, value.to_vec()),
                None => {
                    let gone = held.notes.remove(&key);
                    assert!(gone.is_some() || !listed, "a row that is not there is removed");
                    gone
                }
            };
        }
        Ok(())
    }

    /// Every key of every note, to look for what must not stand there.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().notes.keys().map(|(_, key)| key.clone()).collect()
    }
}

impl IdMinter for Place {
    fn keyed(&self, input: &[u8]) -> [u8; 16] {
        self.keys.keyed(input)
    }
}

impl Intake for Place {
    fn fingerprint(&self, bytes: &[u8]) -> Result<[u8; 16], IntakeError> {
        Ok(self.keys.fingerprint(bytes))
    }

    fn load(&self, space: Space, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>, IntakeError> {
        let held = self.state.lock().unwrap();
        Ok(held.notes.get(&(space.name(), key.to_owned())).cloned().map(Zeroizing::new))
    }

    fn list(&self, space: Space, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<Keyed>, IntakeError> {
        let held = self.state.lock().unwrap();
        let found = held.notes.iter().filter(|((name, key), _)| {
            *name == space.name() && key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after)
        });
        Ok(found.take(limit).map(|((_, key), value)| (key.clone(), Zeroizing::new(value.clone()))).collect())
    }

    fn count(&self, space: Space, prefix: &str) -> Result<u64, IntakeError> {
        let held = self.state.lock().unwrap();
        let own = held.notes.keys().filter(|(name, key)| *name == space.name() && key.starts_with(prefix));
        Ok(own.count() as u64)
    }

    fn write<'a>(
        &'a self,
        bundle: Option<Zeroizing<Vec<u8>>>,
        notes: Vec<Note>,
    ) -> BoxFuture<'a, Result<(), IntakeError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.apply(bundle, notes)
        })
    }
}

/// Forgets tokens.
pub(crate) struct NoVault;

impl Vault for NoVault {
    fn load(&self, _name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(None)
    }

    fn keep(&self, _name: &str, _plain: Option<Zeroizing<Vec<u8>>>) -> BoxFuture<'_, Result<(), VaultError>> {
        Box::pin(async { Ok(()) })
    }
}
