//! The sweep: reads everything, takes what is new or changed, and asks after every known object that did not show.

use super::changes::OVERLAP;
use super::engine::{Sync, Verdict};
use super::lists::short;
use super::object::ObjectNote;
use super::ports::{Note, Space};
use super::run::{Hear, RunError};
use crate::pattern::ResourceCapability;
use crate::vendor::{Changes, Lists, Way};
use std::collections::HashSet;

/// Notes that are looked through at once.
const BLOCK: usize = 500;
/// Milliseconds for which seen events are remembered: longer than any source sends again or lists.
const EVENTS_KEPT: i64 = 35 * 86_400_000;

impl Sync {
    pub(crate) async fn sweep(&self, hear: Hear<'_>) -> Result<(), RunError> {
        let began = self.now();
        let capabilities = self.source().vendor.capabilities();
        let offer = self.source().offer(true).await?;
        let mut seen = HashSet::new();
        for resource in capabilities.resources {
            let way = self.source().vendor.way(resource, &offer);
            if matches!(way.lists, Lists::All | Lists::PerPatient) {
                seen.extend(self.sweep_kind(resource, way, hear).await?);
            }
        }
        self.note_listed().await?;
        self.ask_after_the_missing(&seen, began.0).await?;
        self.forget_old_events(began.0).await?;
        self.note_time("swept", began).await?;
        Ok(())
    }

    async fn sweep_kind(
        &self,
        resource: &'static ResourceCapability,
        way: Way,
        hear: Hear<'_>,
    ) -> Result<Vec<u128>, RunError> {
        let walked = self.walk_all(resource, way, None, hear).await?;
        // A sweep is as good a beginning for the next list of changes as such a list itself.
        if let (Some(newest), Changes::Since, true) = (walked.newest, way.changes, walked.whole) {
            self.note_time(&format!("since/{}", resource.kind), newest.plus_seconds(-OVERLAP)).await?;
        }
        Ok(walked.seen)
    }

    /// An object that is known here and was in no list is asked for by its id: the answer says whether it is gone.
    async fn ask_after_the_missing(&self, seen: &HashSet<u128>, began: i64) -> Result<(), RunError> {
        let prefix = self.prefix();
        let mut after: Option<String> = None;
        loop {
            let block = self.intake().list(Space::Objects, &prefix, after.as_deref(), BLOCK)?;
            let Some((last, _)) = block.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, bytes) in block {
                let Some(name) = key.strip_prefix(&prefix) else { continue };
                let Some(note) = ObjectNote::decode(&bytes) else { continue };
                if note.deleted || note.asked >= began || seen.contains(&short(name)) {
                    continue;
                }
                if self.is_protected(name)? {
                    continue;
                }
                if let Some(resource) = self.source().vendor.capabilities().resource(&note.kind) {
                    let verdict = self.take_by_id(resource, &note.id).await?;
                    if verdict == Verdict::Aside {
                        tracing::warn!("an object that is in no list could not be asked for");
                    }
                }
            }
        }
    }

    async fn forget_old_events(&self, now: i64) -> Result<(), RunError> {
        let prefix = self.prefix();
        let mut after: Option<String> = None;
        loop {
            let block = self.intake().list(Space::Events, &prefix, after.as_deref(), BLOCK)?;
            let Some((last, _)) = block.last() else { return Ok(()) };
            after = Some(last.clone());
            let old = |bytes: &[u8]| {
                let at = bytes.first_chunk().map(|at| i64::from_be_bytes(*at)).unwrap_or_default();
                now.saturating_sub(at) > EVENTS_KEPT
            };
            let gone: Vec<Note> = block
                .into_iter()
                .filter(|(_, bytes)| old(bytes))
                .map(|(key, _)| Note { space: Space::Events, key, value: None })
                .collect();
            if !gone.is_empty() {
                self.intake().write(None, gone).await?;
            }
        }
    }
}
