//! `aceso import`.

use super::order::OfTenant;
use super::write_json;
use crate::app::App;
use crate::exit::{Exit, Failure};
use crate::import::{Summary, run as import, sources};
use crate::serve::runtime;
use aceso_base::TenantId;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::PathBuf;

/// What to import.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Bundles (`.json`, `.json.gz`, `.json.bz2`) or folders of them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Where refused bundles and entries are listed, with reasons and without values
    #[arg(long, value_name = "FILE", default_value = "quarantine.ndjson")]
    pub quarantine: PathBuf,
    /// Whose data.
    #[command(flatten)]
    pub of: OfTenant,
}

/// Runs it. Exit 1 when something was refused.
///
/// # Errors
/// [`Failure`].
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (config, tenant) = arguments.of.load()?;
    let tenant = TenantId::parse(&tenant).map_err(|error| Failure::Usage(error.to_string()))?;
    let found = sources(&arguments.paths)?;
    let (bar, progress) = progress_bar(found.len());
    let started = std::time::Instant::now();
    let summary = runtime()?.block_on(async {
        let app = App::open(config).await?;
        let summary = import(&app, &tenant, found, &arguments.quarantine, &progress).await;
        crate::serve::keep_at_the_end(&app).await;
        summary
    })?;
    bar.finish_and_clear();
    report(&summary, started.elapsed().as_secs_f64(), arguments, out)?;
    Ok(if summary.refused == 0 { Exit::Done } else { Exit::NotSo })
}

/// A bar on a terminal, nothing elsewhere, and what moves it after every bundle (done, all, records).
pub(crate) fn progress_bar(length: usize) -> (ProgressBar, impl Fn(usize, usize, usize) + Send + Sync) {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} bundles  {msg}  {elapsed_precise}");
    let bar = ProgressBar::new(length as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let shown = bar.clone();
    let progress = move |done: usize, _all: usize, records: usize| {
        shown.set_position(done as u64);
        shown.set_message(format!("{records} records"));
    };
    (bar, progress)
}

fn report(summary: &Summary, seconds: f64, arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    if arguments.of.form.json {
        let value = serde_json::json!({
            "bundles": summary.bundles,
            "known": summary.known,
            "bundles_refused": summary.bundles_refused,
            "records": summary.total(),
            "by_type": summary.records,
            "refused": summary.refused,
            "bytes": summary.bytes,
            "seconds": seconds,
        });
        return write_json(out, &value);
    }
    for (name, count) in &summary.records {
        writeln!(out, "{count:>8}  {name}")?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = summary.total() as f64 / seconds.max(0.001);
    writeln!(out, "{:>8}  records in {seconds:.1} s ({rate:.0}/s)", summary.total())?;
    let Summary { bundles, known, bundles_refused, refused, .. } = summary;
    writeln!(out, "{bundles:>8}  bundles taken, {known} taken before, {bundles_refused} refused")?;
    let entries = refused.saturating_sub(*bundles_refused);
    if *refused > 0 {
        if entries > 0 {
            writeln!(out, "{entries:>8}  entries refused in bundles that were taken")?;
        }
        writeln!(out, "          what was refused and why: {}", arguments.quarantine.display())?;
    }
    Ok(())
}
