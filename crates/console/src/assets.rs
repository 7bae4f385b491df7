//! Style, scripts and the picture of the tab: files of this crate, in the binary, under names that change with their content.

use crate::refusal::Refused;
use aceso_repository::Fault;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

struct Asset {
    name: &'static str,
    media: &'static str,
    content: &'static str,
    hash: u64,
}

const fn asset(name: &'static str, media: &'static str, content: &'static str) -> Asset {
    Asset { name, media, content, hash: fnv(content.as_bytes()) }
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 5] = [
    asset("console.css", CSS, include_str!("../assets/console.css")),
    asset("console.js", SCRIPT, include_str!("../assets/console.js")),
    asset("merkle.js", SCRIPT, include_str!("../assets/merkle.js")),
    asset("verify.js", SCRIPT, include_str!("../assets/verify.js")),
    asset("mark.svg", "image/svg+xml", include_str!("../assets/mark.svg")),
];

/// A name for this content (FNV-1a, 64 bits): told apart from other versions of the same file, not protected from anybody, because
/// both the page and the file come from this binary.
const fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        hash = (hash ^ *first as u64).wrapping_mul(0x0100_0000_01b3);
        rest = after;
    }
    hash
}

/// The path of an asset, with the hash of all assets: scripts import each other by relative names.
pub(crate) fn path(name: &str) -> String {
    format!("/console/assets/{:016x}/{name}", version())
}

fn version() -> u64 {
    ASSETS.iter().fold(0, |all, asset| all.rotate_left(5) ^ asset.hash)
}

pub(crate) async fn get(Path((asked, name)): Path<(String, String)>) -> Result<Response, Refused> {
    let current = asked == format!("{:016x}", version());
    let asset = ASSETS.iter().find(|asset| current && asset.name == name);
    let asset = asset.ok_or_else(|| Fault::new(404, "not-found", "there is no such file"))?;
    let headers = [(header::CONTENT_TYPE, asset.media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
