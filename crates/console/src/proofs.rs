//! What the browser needs to check the log itself: checkpoint, tiles, and one entry with its proof.

use crate::context::Context;
use crate::guard::add_receipt;
use crate::refusal::Refused;
use aceso_policy::AdminAction;
use aceso_repository::{Fault, decode_pairs};
use axum::extract::Path;
use axum::http::{Uri, header};
use axum::response::{IntoResponse as _, Response};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::json;

/// The signed head, for those who may read the log.
pub(crate) async fn checkpoint(context: Context) -> Result<Response, Refused> {
    let receipt = context.door().admit_admin(&context.caller, AdminAction::ReadAudit, "checkpoint").await?;
    let note = context.door().checkpoint().ok_or_else(|| Fault::new(503, "transient", "no checkpoint yet"))?;
    let mut response = ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response();
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}

/// Hash tiles and entry bundles (C2SP tlog-tiles), for those who may read the log.
pub(crate) async fn tile(context: Context, Path(path): Path<String>) -> Result<Response, Refused> {
    let receipt = context.door().admit_admin(&context.caller, AdminAction::ReadAudit, "tile").await?;
    let found = context.door().tile(&format!("tile/{path}"));
    let tile = found.map_err(|_| Fault::new(404, "not-found", "the log has no such tile"))?;
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], tile).into_response();
    add_receipt(response.headers_mut(), Some(&receipt));
    Ok(response)
}

/// One entry with everything that proves that it is in the log; with `older`, also that the log of that size began today's.
pub(crate) async fn entry(context: Context, Path(index): Path<String>, uri: Uri) -> Result<Response, Refused> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| Fault::new(400, "value", "a whole number is expected"));
    let mut older = None;
    for (name, value) in decode_pairs(uri.query().unwrap_or_default())? {
        match name.as_str() {
            "older" => older = Some(number(&value)?),
            _ => return Err(Fault::new(400, "not-supported", "older is the only parameter").into()),
        }
    }
    let proof = context.door().prove_entry(&context.caller, number(&index)?, older).await?;
    let hashes = |list: &[[u8; 32]]| list.iter().map(|hash| HEXLOWER.encode(hash)).collect::<Vec<_>>();
    let shown = proof.logged.entry.to_json(proof.logged.time).unwrap_or_default();
    let body = json!({
        "index": proof.logged.index,
        "salt": HEXLOWER.encode(&proof.logged.salt),
        "canonical": BASE64.encode(&proof.logged.canonical),
        "shown": serde_json::from_str::<serde_json::Value>(&shown).unwrap_or_default(),
        "checkpoint": String::from_utf8_lossy(&proof.checkpoint),
        "size": proof.size,
        "inclusion": hashes(&proof.inclusion),
        "consistency": proof.consistency.as_deref().map(hashes),
    });
    let mut response = ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    add_receipt(response.headers_mut(), Some(&proof.receipt));
    Ok(response)
}
