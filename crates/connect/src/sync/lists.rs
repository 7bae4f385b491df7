//! Walking lists: pages one after another, their objects side by side, and what else they lead to.

use super::engine::{Found, Sync};
use super::object::ObjectNote;
use super::ports::{IntakeError, Space};
use super::run::{Hear, Progress, RunError};
use crate::fhir::timestamp;
use crate::pattern::ResourceCapability;
use crate::source::ReadError;
use crate::vendor::{Ask, Lists, Page, Way};
use aceso_base::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Objects of one list that are worked on at once: enough to share commits.
const AT_ONCE: usize = 32;
/// Lists that are read at once where a kind has many.
const LISTS_AT_ONCE: usize = 4;
/// How often a list is begun anew when the source has forgotten it.
const BEGINNINGS: u32 = 4;
/// Notes that are looked through at once.
const BLOCK: usize = 500;

/// What lists have shown.
#[derive(Default)]
pub(crate) struct Walked {
    /// The names of the objects, shortened.
    pub(crate) seen: Vec<u128>,
    /// The newest time of change.
    pub(crate) newest: Option<Timestamp>,
    /// Every list was read to its end, and the source did not say that there may be more.
    pub(crate) whole: bool,
}

/// One list to be read.
#[derive(Clone)]
struct List {
    address: String,
    /// The patient whose list it is, by his id at the source.
    patient: Option<String>,
}

/// Objects that others have named and that are in no list: read once in a run.
#[derive(Default)]
pub(crate) struct Named {
    waiting: BTreeSet<(&'static str, String)>,
    tried: BTreeSet<(&'static str, String)>,
}

impl Sync {
    /// Reads all lists of a kind and takes their objects.
    pub(crate) async fn walk_all(
        &self,
        resource: &'static ResourceCapability,
        way: Way,
        since: Option<&str>,
        hear: Hear<'_>,
    ) -> Result<Walked, RunError> {
        let panel = self.source().vendor.panel();
        if !panel.is_empty() && resource.kind == self.source().vendor.patients() {
            return self.walk_panel(resource, panel, hear).await;
        }
        let lists = self.lists(resource, way, since)?;
        if let [list] = lists.as_slice() {
            return self.walk(resource, list.clone(), hear).await;
        }
        let mut all = Walked { whole: true, ..Walked::default() };
        let mut done = 0_u64;
        let mut lists = lists.into_iter();
        let mut work: JoinSet<Result<Walked, RunError>> = JoinSet::new();
        loop {
            while work.len() < LISTS_AT_ONCE
                && let Some(list) = lists.next()
            {
                let sync = self.clone();
                work.spawn(async move { sync.walk(resource, list, &|_| {}).await });
            }
            let Some(ended) = work.join_next().await else { break };
            let walked = ended.map_err(|_| IntakeError::Unavailable)??;
            done += walked.seen.len() as u64;
            all.seen.extend(walked.seen);
            all.newest = all.newest.max(walked.newest);
            all.whole &= walked.whole;
            hear(Progress { kind: resource.kind, objects: done });
        }
        Ok(all)
    }

    fn lists(
        &self,
        resource: &'static ResourceCapability,
        way: Way,
        since: Option<&str>,
    ) -> Result<Vec<List>, IntakeError> {
        let (source, now) = (self.source(), self.now());
        let of = |patient: Option<&str>, since: Option<&str>| {
            let asked = source.vendor.lists(resource, &Ask { since, now, patient });
            let list = |path: String| List { address: source.address(&path), patient: patient.map(str::to_owned) };
            asked.into_iter().map(list).collect::<Vec<List>>()
        };
        if way.lists != Lists::PerPatient {
            return Ok(of(None, since));
        }
        let mut lists = Vec::new();
        for patient in self.patients()? {
            if self.is_protected(&self.patient_name(&patient))? {
                continue;
            }
            // Of a patient who has come after the last run, what is older than it counts, too.
            let known = self.cursor(&self.listed(&patient))?.is_some();
            lists.extend(of(Some(&patient), since.filter(|_| known)));
        }
        Ok(lists)
    }

    /// Works off the pages of one list.
    async fn walk(
        &self,
        resource: &'static ResourceCapability,
        list: List,
        hear: Hear<'_>,
    ) -> Result<Walked, RunError> {
        let mut walk = Walk::new(self, resource);
        let mut beginnings = 1;
        let mut next = Some(list.address.clone());
        while let Some(address) = next.take() {
            let asked = self.now();
            let page = match self.source().page(&address).await {
                Ok(page) => page,
                Err(ReadError::Expired) if beginnings < BEGINNINGS => {
                    beginnings += 1;
                    next = Some(list.address.clone());
                    continue;
                }
                Err(error @ (ReadError::Object(_) | ReadError::Deleted)) => {
                    self.refused(error.code(), &list).await?;
                    walk.walked.whole = false;
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            if page.incomplete {
                self.tally().incomplete_lists.fetch_add(1, Ordering::Relaxed);
                walk.walked.whole = false;
            }
            self.take_named_by(&page).await?;
            next = page.next.filter(|later| *later != address);
            for (_, id) in page.named.into_iter().filter(|(kind, _)| *kind == resource.kind) {
                walk.take_by_id(id).await?;
            }
            for json in page.objects {
                walk.take(Found { json, asked }).await?;
            }
            hear(Progress { kind: resource.kind, objects: walk.done });
        }
        walk.end(hear).await
    }

    /// The patients that the configuration names, instead of a list of the source.
    async fn walk_panel(
        &self,
        resource: &'static ResourceCapability,
        panel: &[String],
        hear: Hear<'_>,
    ) -> Result<Walked, RunError> {
        let mut walk = Walk::new(self, resource);
        for id in panel {
            walk.take_by_id(id.clone()).await?;
        }
        walk.end(hear).await
    }

    /// A list that is not for this application, or not offered: the others may be. A patient whom the source protects is not asked for
    /// again until somebody has looked at his letter.
    async fn refused(&self, code: &'static str, list: &List) -> Result<(), IntakeError> {
        self.tally().refused_lists.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(code, "a list of the source is refused; it is left out");
        match &list.patient {
            Some(patient) if code == RESTRICTED => {
                let kind = self.source().vendor.patients();
                self.set_aside(&self.patient_name(patient), (kind, patient), code, None).await
            }
            _ => Ok(()),
        }
    }

    /// Whether the source protects an object, or the lists of a patient: it is not asked again until somebody has looked at the letter.
    pub(crate) fn is_protected(&self, name: &str) -> Result<bool, IntakeError> {
        Ok(self.letter(name)?.is_some_and(|letter| letter.reason == RESTRICTED))
    }

    fn patient_name(&self, id: &str) -> String {
        self.name_of(self.source().vendor.patients(), id)
    }

    /// Reads the objects that those of a page name and that are in no list, so that the references find them.
    async fn take_named_by(&self, page: &Page) -> Result<(), RunError> {
        for object in &page.objects {
            self.hear_of(object)?;
        }
        self.take_named().await
    }

    /// Notes what an object names of the kinds that are in no list.
    pub(crate) fn hear_of(&self, object: &[u8]) -> Result<(), IntakeError> {
        let vendor = &self.source().vendor;
        let Some(offer) = self.source().known_offer() else { return Ok(()) };
        for (kind, id) in vendor.refers(object) {
            let resource = vendor.capabilities().resource(kind);
            let in_no_list = resource.is_some_and(|resource| vendor.way(resource, &offer).lists == Lists::Named);
            if in_no_list && !self.is_here(kind, &self.name_of(kind, &id))? {
                let mut named = self.named();
                if !named.tried.contains(&(kind, id.clone())) {
                    named.waiting.insert((kind, id));
                }
            }
        }
        Ok(())
    }

    /// Reads what was named, and what that names, each once in a run.
    pub(crate) async fn take_named(&self) -> Result<(), RunError> {
        loop {
            let first = {
                let mut named = self.named();
                let first = named.waiting.pop_first();
                named.tried.extend(first.clone());
                first
            };
            let Some((kind, id)) = first else { return Ok(()) };
            if let Some(resource) = self.source().vendor.capabilities().resource(kind) {
                self.take_by_id(resource, &id).await?;
            }
        }
    }

    /// A run reads again what was not there the last time.
    pub(crate) fn begin_named(&self) {
        *self.named() = Named::default();
    }

    fn named(&self) -> MutexGuard<'_, Named> {
        self.inner.named.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether a patient is there to have lists.
    pub(crate) fn note_patient(&self, kind: &str, id: &str, gone: bool) {
        let mut patients = self.inner.patients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(patients) = patients.as_mut().filter(|_| kind == self.source().vendor.patients()) {
            if gone {
                patients.remove(id)
            } else {
                patients.insert(id.to_owned())
            };
        }
    }

    /// The patients whose lists there are: from the notes after a start, then kept along.
    fn patients(&self) -> Result<BTreeSet<String>, IntakeError> {
        let known = self.inner.patients.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let (kind, prefix) = (self.source().vendor.patients(), self.prefix());
        let mut found = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let block = self.intake().list(Space::Objects, &prefix, after.as_deref(), BLOCK)?;
            let Some((last, _)) = block.last() else { break };
            after = Some(last.clone());
            let notes = block.iter().filter_map(|(_, bytes)| ObjectNote::decode(bytes));
            found.extend(notes.filter(|note| note.kind == kind && !note.deleted).map(|note| note.id));
        }
        *self.inner.patients.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// All lists of the patients who are known were read: from now on, changes do.
    pub(crate) async fn note_listed(&self) -> Result<(), RunError> {
        let known = self.inner.patients.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for patient in known.unwrap_or_default() {
            let name = self.listed(&patient);
            if self.cursor(&name)?.is_none() && !self.is_protected(&self.patient_name(&patient))? {
                self.note_time(&name, self.now()).await?;
            }
        }
        Ok(())
    }

    fn listed(&self, patient: &str) -> String {
        format!("listed/{}", self.patient_name(patient))
    }
}

/// One list while it is read.
struct Walk<'s> {
    sync: &'s Sync,
    resource: &'static ResourceCapability,
    slots: Arc<Semaphore>,
    work: JoinSet<Result<(), IntakeError>>,
    walked: Walked,
    /// What this list has shown, where a list may show an object twice.
    shown: HashMap<u128, Option<Timestamp>>,
    done: u64,
}

impl<'s> Walk<'s> {
    fn new(sync: &'s Sync, resource: &'static ResourceCapability) -> Self {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let walked = Walked { whole: true, ..Walked::default() };
        Self { sync, resource, slots, work: JoinSet::new(), walked, shown: HashMap::new(), done: 0 }
    }

    async fn take_by_id(&mut self, id: String) -> Result<(), IntakeError> {
        let name = self.sync.name_of(self.resource.kind, &id);
        self.walked.seen.push(short(&name));
        if self.sync.is_protected(&name)? {
            return Ok(());
        }
        let (sync, resource) = (self.sync.clone(), self.resource);
        self.begin(async move { sync.take_by_id(resource, &id).await.map(|_| ()) }).await
    }

    async fn take(&mut self, found: Found) -> Result<(), IntakeError> {
        let (sync, resource) = (self.sync.clone(), self.resource);
        let vendor = &self.sync.source().vendor;
        if let Ok(source) = vendor.source(resource.kind, &found.json) {
            let changed = source.version.as_deref().and_then(timestamp);
            self.walked.newest = self.walked.newest.max(changed);
            let name = short(&self.sync.name_of(resource.kind, &source.id));
            self.walked.seen.push(name);
            if vendor.repeats()
                && let Some(before) = self.shown.insert(name, changed)
            {
                if changed <= before {
                    self.shown.insert(name, before);
                    return Ok(());
                }
                // It has changed while the list was read: only a fresh reading is sure to be the newest.
                return self.begin(async move { sync.take_by_id(resource, &source.id).await.map(|_| ()) }).await;
            }
        }
        self.begin(async move { sync.take(resource, found).await.map(|_| ()) }).await
    }

    async fn begin(
        &mut self,
        job: impl Future<Output = Result<(), IntakeError>> + Send + 'static,
    ) -> Result<(), IntakeError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| IntakeError::Unavailable)?;
        self.work.spawn(async move {
            let ended = job.await;
            drop(slot);
            ended
        });
        while let Some(ended) = self.work.try_join_next() {
            ended.map_err(|_| IntakeError::Unavailable)??;
            self.done += 1;
        }
        Ok(())
    }

    async fn end(mut self, hear: Hear<'_>) -> Result<Walked, RunError> {
        while let Some(ended) = self.work.join_next().await {
            ended.map_err(|_| IntakeError::Unavailable)??;
            self.done += 1;
        }
        hear(Progress { kind: self.resource.kind, objects: self.done });
        Ok(self.walked)
    }
}

/// The word for a record that the source protects.
const RESTRICTED: &str = "restricted";

/// A name is a UUID: 128 bits tell it from all others.
pub(crate) fn short(name: &str) -> u128 {
    name.bytes().filter_map(|byte| char::from(byte).to_digit(16)).fold(0, |sum, digit| (sum << 4) | u128::from(digit))
}
