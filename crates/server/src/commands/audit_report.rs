//! `aceso audit report`: what the log says when entries are read together.

use super::AsJson;
use super::audit::{key_of, verdict};
use crate::exit::{Exit, Failure};
use aceso_audit::{Disclosed, Disclosures, Entry, each_exported};
use aceso_base::{SubjectId, Timestamp};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Which report.
#[derive(Debug, clap::Subcommand)]
pub enum Report {
    /// Who was shown which elements of which record: each read, joined with the write of the version that it read
    Disclosures(OfLog),
}

/// Of which log, and about whom.
#[derive(Debug, clap::Args)]
pub struct OfLog {
    /// The exported folder; it is verified first
    #[arg(value_name = "OUT")]
    pub folder: PathBuf,
    /// Only what was shown of this patient
    #[arg(long, value_name = "ID")]
    pub patient: Option<String>,
    /// The log's public key; without it the key in the folder is believed, which proves less
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// Runs it. Exit 1 and the first fault when the log does not verify: then nothing is reported.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(Report::Disclosures(of): &Report, out: &mut dyn Write) -> Result<Exit, Failure> {
    let unknown = || Failure::Usage("--patient is not an id of a patient (a UUID)".to_owned());
    let patient = of.patient.as_ref().map(|id| SubjectId::of_patient(id).ok_or_else(unknown)).transpose()?;
    let key = key_of(&of.folder, of.key.as_deref())?;
    let size = match aceso_audit::verify(&of.folder, &key, None, &mut |_, _| {}) {
        Ok(verified) => verified.size,
        Err(fault) => return verdict(out, of.form, &fault),
    };
    let mut log = Disclosures::default();
    let mut lines = Lines { out, json: of.form.json, written: Ok(()), any: false };
    let read = each_exported(&of.folder, size, &mut |index, time, entry| {
        let shown = log.take(entry);
        if patient.is_none_or(|patient| entry.subjects().contains(&patient)) {
            shown.iter().for_each(|one| lines.add(index, time, entry, one));
        }
    });
    read.map_err(|fault| Failure::NotSo(fault.to_string()))?;
    lines.end()?;
    Ok(Exit::Done)
}

struct Lines<'o> {
    out: &'o mut dyn Write,
    json: bool,
    written: Result<(), std::io::Error>,
    any: bool,
}

impl Lines<'_> {
    fn add(&mut self, index: u64, time: Timestamp, entry: &Entry, shown: &Disclosed) {
        if self.written.is_err() {
            return;
        }
        let value = described(index, time, entry, shown);
        self.written = if self.json {
            writeln!(self.out, "{}{value}", if self.any { "," } else { "[" })
        } else {
            writeln!(self.out, "{}", readable(&value))
        };
        self.any = true;
    }

    fn end(self) -> Result<(), Failure> {
        self.written?;
        match (self.json, self.any) {
            (true, true) => writeln!(self.out, "]")?,
            (true, false) => writeln!(self.out, "[]")?,
            (false, true) => {}
            (false, false) => writeln!(self.out, "Nothing was shown.")?,
        }
        Ok(())
    }
}

/// As JSON; `elements` is null where the log has no entry of the write of that version.
fn described(index: u64, time: Timestamp, entry: &Entry, shown: &Disclosed) -> Value {
    let record = &shown.record;
    let roles: Vec<&str> = entry.roles().iter().map(|role| role.as_str()).collect();
    json!({
        "entry": index,
        "time": time.to_string(),
        "user": entry.user().map(ToString::to_string),
        "client": entry.client().map(ToString::to_string),
        "roles": roles,
        "purpose": entry.purpose().map(|purpose| purpose.as_str()),
        "action": entry.action().as_str(),
        "record": format!("{}/{}/_history/{}", record.rtype.name(), record.id, record.version.0),
        "elements": shown.elements,
    })
}

fn readable(value: &Value) -> String {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("-");
    let list = |name: &str| {
        let items = value.get(name).and_then(Value::as_array)?;
        Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>())
    };
    let elements = list("elements").map_or_else(
        || "elements not known: the log has no entry of this version's writing".to_owned(),
        |paths| {
            paths.iter().map(|path| path.split_once('.').map_or(*path, |(_, name)| name)).collect::<Vec<_>>().join(" ")
        },
    );
    let roles = list("roles").unwrap_or_default().join("+");
    format!(
        "{}  {} {roles} {}  {}  {}\n    {elements}",
        text("time"),
        text("user"),
        text("purpose"),
        text("action"),
        text("record")
    )
}
