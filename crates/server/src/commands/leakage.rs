//! `aceso leakage`.

use super::order::{OfTenant, have_done, show};
use crate::control::Order;
use crate::exit::{Exit, Failure};
use std::io::Write;

/// Runs it.
///
/// # Errors
/// [`Failure`].
pub fn run(of: &OfTenant, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (config, tenant) = of.load()?;
    show(out, of.form, &have_done(config, Order::Leakage { tenant })?)
}
