//! Bulk import of FHIR bundles: resumable, because what was taken is remembered in the very unit of work that took it, with what was left
//! out and why: the quarantine file of an import that was ended is completed by the next one.

use crate::app::{App, unreachable};
use crate::exit::Failure;
use aceso_base::{Caller, Purpose, Role, TenantId};
use aceso_fhir::definitions::ResourceType;
use aceso_repository::{Fault, ResolvedReferences};
use aceso_store::{DocumentWrite, Reader as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One bundle to take.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file: `.json`, `.json.gz` or `.json.bz2`.
    File(PathBuf),
    /// Bytes that the program carries, bzip2.
    Embedded(&'static str, &'static [u8]),
}

/// What became of an import.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Bundles taken now.
    pub bundles: usize,
    /// Bundles that were taken before.
    pub known: usize,
    /// Records made, by type.
    pub records: BTreeMap<&'static str, usize>,
    /// Bundles of which nothing was taken.
    pub bundles_refused: usize,
    /// Entries, and whole bundles, that were refused.
    pub refused: usize,
    /// Bytes of JSON.
    pub bytes: usize,
}

impl Summary {
    /// Records made, all types.
    #[must_use]
    pub fn total(&self) -> usize {
        self.records.values().sum()
    }

    fn add(&mut self, other: Self) {
        self.bundles += other.bundles;
        self.known += other.known;
        self.bundles_refused += other.bundles_refused;
        self.refused += other.refused;
        self.bytes += other.bytes;
        for (name, count) in other.records {
            *self.records.entry(name).or_default() += count;
        }
    }
}

/// Where taken bundles are remembered.
const TAKEN: &str = "imports";

/// The files of the arguments, practitioners and hospitals first: others refer to them by their identifiers.
///
/// # Errors
/// [`Failure::Usage`] for a path that is not there.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let listed = std::fs::read_dir(path).map_err(|error| unreadable(&error))?;
            let listed = listed.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(&error))?;
            files.extend(listed.into_iter().map(|entry| entry.path()).filter(|path| is_bundle(path)));
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            return Err(Failure::Usage("one of the paths is neither a file nor a folder".to_owned()));
        }
    }
    files.sort_by_key(|path| (rank(path), path.clone()));
    Ok(files.into_iter().map(Source::File).collect())
}

fn is_bundle(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    [".json", ".json.gz", ".json.bz2"].iter().any(|end| name.ends_with(end))
}

fn rank(path: &Path) -> u8 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name {
        name if name.contains("hospitalInformation") => 0,
        name if name.contains("practitionerInformation") => 1,
        _ => 2,
    }
}

/// How many bundles are worked on at once: one is parsed and sealed while another is being committed.
const WORKERS: usize = 3;
/// How many bytes of JSON may be worked on at once, all workers together: a bundle takes some ten times its bytes of memory on its
/// way. A larger bundle is worked on alone.
const AT_ONCE: usize = 12 << 20;
/// A kilobyte: what the bytes are counted in.
const COUNTED: usize = 1024;

/// Takes all sources. `progress` hears (done, all, records) after every bundle; `quarantine` gets a line of JSON for everything
/// that was refused, with the reason and never a value.
///
/// # Errors
/// [`Failure::Unreachable`] when the store cannot be used. What was taken stays taken; started again, the import goes on.
pub async fn run(
    app: &App,
    tenant: &TenantId,
    sources: Vec<Source>,
    quarantine: &Path,
    progress: &(dyn Fn(usize, usize, usize) + Send + Sync),
) -> Result<Summary, Failure> {
    let caller = app.local_caller(tenant, Role::Integration, Purpose::Operations);
    let all = sources.len();
    let quarantine = &Arc::new(Quarantine::open(quarantine, &sources)?);
    let total = Arc::new(Mutex::new(Summary::default()));
    let resolved = Arc::new(Mutex::new(ResolvedReferences::new()));
    // The directory first, one after the other: everything else refers to it.
    let (first, rest): (Vec<Source>, Vec<Source>) = sources.into_iter().partition(|source| source.rank() < 2);
    for source in first {
        let summary = take(app, &caller, &source, &resolved, quarantine).await?;
        note(&total, summary, all, progress);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let room = Arc::new(tokio::sync::Semaphore::new(AT_ONCE / COUNTED));
    let rest = Arc::new(rest);
    let mut workers = tokio::task::JoinSet::new();
    let (sender, mut receiver) = tokio::sync::mpsc::channel(WORKERS);
    for _ in 0..WORKERS {
        let (app, caller, rest, next) = (app.clone(), caller.clone(), Arc::clone(&rest), Arc::clone(&next));
        let (resolved, quarantine, sender) = (Arc::clone(&resolved), Arc::clone(quarantine), sender.clone());
        let room = Arc::clone(&room);
        workers.spawn(async move {
            while let Some(source) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                let size = source.about_bytes().clamp(COUNTED, AT_ONCE) / COUNTED;
                // The semaphore is never closed.
                let held = room.acquire_many(u32::try_from(size).unwrap_or(1)).await;
                let done = take(&app, &caller, source, &resolved, &quarantine).await;
                drop(held);
                if sender.send(done).await.is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    while let Some(done) = receiver.recv().await {
        note(&total, done?, all, progress);
    }
    let summary = total.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(summary)
}

fn note(total: &Mutex<Summary>, summary: Summary, all: usize, progress: &(dyn Fn(usize, usize, usize) + Send + Sync)) {
    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
    total.add(summary);
    progress(total.bundles + total.known + total.bundles_refused, all, total.total());
}

async fn take(
    app: &App,
    caller: &Caller,
    source: &Source,
    resolved: &Mutex<ResolvedReferences>,
    quarantine: &Quarantine,
) -> Result<Summary, Failure> {
    let body = match source.read() {
        Ok(body) => body,
        // One damaged file of many does not stop the others.
        Err(error) => {
            let text = format!("the file cannot be read or unpacked ({:?})", error.kind());
            return refused_whole(quarantine, source, &Fault::new(400, "structure", text), 0);
        }
    };
    let bytes = body.len();
    let mark =
        app.door().fingerprint(&caller.tenant, &body).map_err(|error| unreachable("the keys", error.to_string()))?;
    let key = format!("{}/{}", caller.tenant, hex(&mark));
    let known = app.store.document(TAKEN, &key).map_err(|error| unreachable("the store", error.to_string()))?;
    if let Some(known) = known {
        quarantine.complete(source, &known.bytes)?;
        return Ok(Summary { known: 1, ..Summary::default() });
    }
    let mark = |refused: &[(usize, Fault)]| {
        vec![DocumentWrite { space: TAKEN.to_owned(), key: key.clone(), bytes: Some(mark_of(refused)) }]
    };
    let mut own = resolved.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let taken = app.repository.import(caller, body, &mut own, &mark).await;
    resolved.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
    let mut summary = Summary { bundles: 1, bytes, ..Summary::default() };
    match taken {
        Ok(answer) => {
            summary.refused = answer.refused.len();
            quarantine.complete(source, &mark_of(&answer.refused))?;
            let named = |(rtype, count): (ResourceType, usize)| (rtype.name(), count);
            summary.records = answer.written.into_iter().map(named).collect();
        }
        Err(fault) if fault.status == 503 => {
            let text = fault.issues.first().map(|issue| issue.diagnostics.to_string()).unwrap_or_default();
            return Err(unreachable("the store", format!("{text}; start the import again, it goes on")));
        }
        Err(fault) => return refused_whole(quarantine, source, &fault, bytes),
    }
    Ok(summary)
}

fn refused_whole(quarantine: &Quarantine, source: &Source, fault: &Fault, bytes: usize) -> Result<Summary, Failure> {
    quarantine.add(&with_source(&refusal(None, fault), source))?;
    Ok(Summary { bundles_refused: 1, refused: 1, bytes, ..Summary::default() })
}

/// What the mark of a taken bundle says: version byte, then what was left out as lines of JSON, in the order of the entries. Names of
/// elements and reasons only.
fn mark_of(refused: &[(usize, Fault)]) -> Vec<u8> {
    let mut refused: Vec<&(usize, Fault)> = refused.iter().collect();
    refused.sort_by_key(|(entry, _)| *entry);
    let lines: String = refused.iter().map(|(entry, fault)| format!("{}\n", refusal(Some(*entry), fault))).collect();
    std::iter::once(MARK).chain(lines.into_bytes()).collect()
}

const MARK: u8 = 1;

fn refusal(entry: Option<usize>, fault: &Fault) -> Value {
    let issues: Vec<Value> = fault
        .issues
        .iter()
        .map(|issue| json!({ "code": issue.code, "diagnostics": issue.diagnostics, "expression": issue.expression }))
        .collect();
    json!({ "entry": entry, "issues": issues })
}

fn with_source(refusal: &Value, source: &Source) -> Value {
    json!({ "source": source.name(), "entry": refusal.get("entry"), "issues": refusal.get("issues") })
}

/// The file of what was refused: a line of JSON each.
struct Quarantine {
    path: PathBuf,
    /// The lines in it; nothing is written twice.
    lines: Mutex<HashSet<String>>,
}

impl Quarantine {
    /// Bundles that were refused whole are tried again, so what an earlier run wrote of them goes.
    fn open(path: &Path, sources: &[Source]) -> Result<Self, Failure> {
        let names: BTreeSet<String> = sources.iter().map(Source::name).collect();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unreadable(&error)),
        };
        let (mut kept, mut lines) = (String::with_capacity(text.len()), HashSet::new());
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            let source = value.get("source").and_then(Value::as_str);
            let whole = value.get("entry").is_some_and(Value::is_null);
            if !(whole && source.is_some_and(|name| names.contains(name))) {
                kept.extend([line, "\n"]);
                let _ = lines.insert(value.to_string());
            }
        }
        if kept != text {
            std::fs::write(path, kept).map_err(|error| unreadable(&error))?;
        }
        Ok(Self { path: path.to_owned(), lines: Mutex::new(lines) })
    }

    /// Adds what the mark of a bundle says and the file lacks.
    fn complete(&self, source: &Source, mark: &[u8]) -> Result<(), Failure> {
        let other = || unreachable("the store", "the mark of a taken bundle is of another format");
        let lines = mark.strip_prefix(&[MARK]).and_then(|lines| std::str::from_utf8(lines).ok()).ok_or_else(other)?;
        lines.lines().try_for_each(|line| {
            let refusal: Value = serde_json::from_str(line).map_err(|_| other())?;
            self.add(&with_source(&refusal, source))
        })
    }

    fn add(&self, refusal: &Value) -> Result<(), Failure> {
        let line = refusal.to_string();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if !lines.contains(&line) {
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&self.path);
            let mut file = file.map_err(|error| unreadable(&error))?;
            // In one piece, so that an end in between leaves no half line behind others.
            file.write_all(format!("{line}\n").as_bytes()).map_err(|error| unreadable(&error))?;
            let _ = lines.insert(line);
        }
        Ok(())
    }
}

impl Source {
    fn rank(&self) -> u8 {
        match self {
            Self::File(path) => rank(path),
            Self::Embedded(name, _) => rank(Path::new(name)),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned(),
            Self::Embedded(name, _) => (*name).to_owned(),
        }
    }

    /// How many bytes of JSON it probably has: packed bundles are some 22 times smaller (bzip2) or 14 times (gzip).
    fn about_bytes(&self) -> usize {
        let (name, packed) = match self {
            Self::File(path) => {
                let length = std::fs::metadata(path).map_or(0, |meta| meta.len());
                (path.as_path(), usize::try_from(length).unwrap_or(usize::MAX))
            }
            Self::Embedded(name, bytes) => (Path::new(*name), bytes.len()),
        };
        match name.extension().and_then(|end| end.to_str()) {
            Some("bz2") => packed.saturating_mul(23),
            Some("gz") => packed.saturating_mul(15),
            _ => packed,
        }
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(self.about_bytes().min(AT_ONCE));
        match self {
            Self::Embedded(_, bytes) => {
                bzip2::read::MultiBzDecoder::new(*bytes).read_to_end(&mut body)?;
            }
            Self::File(path) => {
                let file = std::io::BufReader::new(std::fs::File::open(path)?);
                match path.extension().and_then(|end| end.to_str()) {
                    Some("bz2") => bzip2::read::MultiBzDecoder::new(file).read_to_end(&mut body)?,
                    Some("gz") => flate2::read::MultiGzDecoder::new(file).read_to_end(&mut body)?,
                    _ => std::io::BufReader::new(file).read_to_end(&mut body)?,
                };
            }
        }
        Ok(body)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unreadable(error: &std::io::Error) -> Failure {
    unreachable("a file of the import", format!("cannot be read or written ({:?})", error.kind()))
}
