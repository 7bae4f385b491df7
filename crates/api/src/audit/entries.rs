//! `GET /audit/entries?from=N&count=N`: opened entries for auditors, as JSON. They name ids, roles, classes; no health data.

use super::admit;
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, add_receipt, json};
use aceso_audit::LoggedEntry;
use aceso_repository::{Fault, decode_pairs};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

const MAX: u64 = 1000;

pub(crate) async fn get(State(api): State<Api>, Asking(caller): Asking, uri: Uri) -> Result<Response, Refusal> {
    let receipt = admit(&api, &caller, "entries").await?;
    let (mut from, mut count) = (None, 100);
    for (at, (name, value)) in decode_pairs(uri.query().unwrap_or_default())?.into_iter().enumerate() {
        let number =
            |place| value.parse::<u64>().map_err(|_| Fault::at(400, "value", place, "a whole number is expected"));
        match name.as_str() {
            "from" => from = Some(number("http.from")?),
            "count" => count = number("http.count")?,
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "the parameters here are from and count").into());
            }
        }
    }
    if count > MAX {
        return Err(Fault::at(400, "too-long", "http.count", "at most 1000 entries at once").into());
    }
    // Without `from`, the newest entries: the reading itself is the last of them.
    let size = receipt.tree_size();
    let from = from.unwrap_or_else(|| size.saturating_sub(count));
    let range = from.min(size)..from.saturating_add(count).min(size);
    let entries = api
        .repository
        .door()
        .log_entries(range)
        .map_err(|_| Fault::new(500, "exception", "the audit log does not read back; run aceso audit verify"))?;
    let shown = |logged: &LoggedEntry| {
        let mut value: serde_json::Value = serde_json::from_str(&logged.entry.to_json(logged.time).ok()?).ok()?;
        value.as_object_mut()?.insert("index".to_owned(), logged.index.into());
        Some(value)
    };
    let listed: Option<Vec<serde_json::Value>> = entries.iter().map(shown).collect();
    let listed = listed.ok_or_else(|| Fault::new(500, "exception", "an entry of the audit log cannot be shown"))?;
    let mut response = json(StatusCode::OK, &serde_json::json!({ "size": size, "entries": listed }));
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}
