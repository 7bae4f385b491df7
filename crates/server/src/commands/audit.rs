//! `aceso audit`.

use super::audit_report::{self, Report};
use super::order::{have_done, show};
use super::{AsJson, ConfigFile};
use crate::config::Config;
use crate::control::{Order, ask_server, verifying_key};
use crate::demo::CONFIG_FILE;
use crate::exit::{Exit, Failure};
use aceso_audit::{Fault, VerifyingKey, exported_key, verify};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What to do with the audit log.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Write the whole log to a folder: C2SP tiles and checkpoint, and the entries with their salts
    Export(Export),
    /// Check an exported log, offline: nothing changed, removed, reordered or cut off. Exit 1 names the first fault
    Verify(Verify),
    /// Reports over an exported log, offline
    #[command(subcommand)]
    Report(Report),
}

/// Which log, and where to.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// Where the configuration is.
    #[command(flatten)]
    pub file: ConfigFile,
    /// A data directory, or the folder of a demo, instead of a configuration: the configuration is then the `aceso.toml` in it or
    /// beside it, unless a server is serving the directory now
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// An empty or new folder
    #[arg(long, value_name = "OUT")]
    pub out: PathBuf,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// What to check, and against what.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The exported folder
    #[arg(value_name = "OUT")]
    pub folder: PathBuf,
    /// A checkpoint that was kept from before: the log must still begin with what was signed then
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// The log's public key; without it the key in the folder is believed, which proves less
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

/// Runs it.
///
/// # Errors
/// [`Failure`].
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    match command {
        Command::Export(export) => run_export(export, out),
        Command::Verify(verify) => run_verify(verify, out),
        Command::Report(report) => audit_report::run(report, out),
    }
}

fn run_export(export: &Export, out: &mut dyn Write) -> Result<Exit, Failure> {
    let folder = std::path::absolute(&export.out).map_err(|_| Failure::Usage("--out is not a path".to_owned()))?;
    let order = Order::AuditExport { out: folder };
    let answer = match &export.data {
        Some(data) => of_directory(data, order)?,
        None => have_done(Config::load(&export.file.config).map_err(Failure::Configuration)?, order)?,
    };
    show(out, export.form, &answer)
}

/// The keys of the log are sealed under the root key: a server that runs has it, else a configuration names it.
fn of_directory(data: &Path, order: Order) -> Result<serde_json::Value, Failure> {
    for directory in [data.to_owned(), data.join("data")] {
        if let Some(answer) = ask_server(&directory, &order)? {
            return Ok(answer);
        }
    }
    let beside = data.parent().map(|parent| parent.join(CONFIG_FILE));
    let found = std::iter::once(data.join(CONFIG_FILE)).chain(beside).find(|file| file.is_file());
    let Some(file) = found else {
        let text = "no server serves this directory and no aceso.toml lies in it or beside it; give one with --config";
        return Err(Failure::NotSo(text.to_owned()));
    };
    have_done(Config::load(&file).map_err(Failure::Configuration)?, order)
}

fn run_verify(asked: &Verify, out: &mut dyn Write) -> Result<Exit, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|_| Failure::Usage("the file of --checkpoint cannot be read".to_owned()))
    };
    let kept = asked.checkpoint.as_ref().map(read).transpose()?;
    let key = key_of(&asked.folder, asked.key.as_deref())?;
    match verify(&asked.folder, &key, kept.as_deref(), &mut |_, _| {}) {
        Ok(verified) => {
            let root: String = verified.root.iter().map(|byte| format!("{byte:02x}")).collect();
            let value = serde_json::json!({
                "ok": true, "entries": verified.size, "root": root,
                "key": key.to_string(), "key_given": asked.key.is_some(), "checkpoint_kept": kept.is_some(),
            });
            show(out, asked.form, &value)
        }
        Err(fault) => verdict(out, asked.form, &fault),
    }
}

/// The key that is given, else the one in the folder, which must be one.
pub(super) fn key_of(folder: &Path, given: Option<&str>) -> Result<VerifyingKey, Failure> {
    if !folder.is_dir() {
        return Err(Failure::Usage("OUT is no folder; it is what `aceso audit export --out` wrote".to_owned()));
    }
    match given {
        Some(text) => verifying_key(text),
        None => exported_key(folder).map_err(|fault| Failure::NotSo(fault.to_string())),
    }
}

/// Tells the first fault of a log.
pub(super) fn verdict(out: &mut dyn Write, form: AsJson, fault: &Fault) -> Result<Exit, Failure> {
    let value =
        serde_json::json!({ "ok": false, "file": fault.file, "entry": fault.entry, "fault": fault.to_string() });
    show(out, form, &value)?;
    Ok(Exit::NotSo)
}
