//! Commands that work on a data directory: here when nobody serves it, else by the server that does.

use super::{AsJson, ConfigFile, write_json};
use crate::app::App;
use crate::config::Config;
use crate::control::{Order, ask_server, carry_out};
use crate::exit::{Exit, Failure};
use crate::serve::runtime;
use serde_json::Value;
use std::io::Write;

/// Whose data.
#[derive(Debug, Clone, clap::Args)]
pub struct OfTenant {
    /// Where the configuration is.
    #[command(flatten)]
    pub file: ConfigFile,
    /// Whose data; needed when the configuration has several tenants
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// The form of the answer.
    #[command(flatten)]
    pub form: AsJson,
}

impl OfTenant {
    /// The configuration, and the tenant that is meant.
    ///
    /// # Errors
    /// [`Failure::Usage`] when several could be.
    pub fn load(&self) -> Result<(Config, String), Failure> {
        let config = Config::load(&self.file.config).map_err(Failure::Configuration)?;
        let tenant = match (&self.tenant, config.tenants.as_slice()) {
            (Some(name), _) => name.clone(),
            (None, [only]) => only.as_str().to_owned(),
            (None, _) => {
                return Err(Failure::Usage("several tenants are configured: name one with --tenant".to_owned()));
            }
        };
        Ok((config, tenant))
    }
}

/// Has an order carried out.
///
/// # Errors
/// [`Failure`].
pub fn have_done(config: Config, order: Order) -> Result<Value, Failure> {
    if let Some(answer) = ask_server(&config.data_dir, &order)? {
        return Ok(answer);
    }
    runtime()?.block_on(async {
        let app = App::open(config).await?;
        carry_out(&app, None, order).await
    })
}

/// Writes an answer: as JSON when asked for, else as lines of `name: value`, and lists as one line an item.
///
/// # Errors
/// When the output is closed.
pub fn show(out: &mut dyn Write, form: AsJson, value: &Value) -> Result<Exit, Failure> {
    if form.json {
        write_json(out, value)?;
        return Ok(Exit::Done);
    }
    match value {
        Value::Array(items) if items.is_empty() => writeln!(out, "There are none.")?,
        Value::Array(items) => {
            for item in items {
                writeln!(out, "{}", line(item))?;
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::Array(items) => {
                        writeln!(out, "{name}:")?;
                        for item in items {
                            writeln!(out, "  {}", line(item))?;
                        }
                    }
                    other => writeln!(out, "{name}: {}", plain(other))?,
                }
            }
        }
        other => writeln!(out, "{}", plain(other))?,
    }
    Ok(Exit::Done)
}

fn line(item: &Value) -> String {
    match item {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join("  ")
        }
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
