//! Bundles as JSON text: pages of a search, histories.

use crate::{Fault, Repository};
use aceso_custodian::{Page, Receipt, View};
use aceso_fhir::json::write_string;

/// A bundle (or a single record), ready to be sent.
#[derive(Debug)]
pub struct Answer {
    /// JSON text.
    pub json: Vec<u8>,
    /// The entry of the log that records the disclosure.
    pub receipt: Receipt,
}

impl Repository {
    /// How many a page holds at most: as many as were asked for, up to what this server gives (R4 search.html#count: a server may give
    /// fewer, never more).
    pub(crate) fn page_size(&self, asked: Option<u32>) -> usize {
        asked.map_or(self.settings.default_page, |count| count as usize).min(self.settings.max_page)
    }

    /// A page of matches, and what came along with them, as a Bundle.
    pub(crate) fn page(&self, page: Page, links: &[(&str, String)]) -> Answer {
        // Beside the record, an entry holds some 60 bytes and the base URL: so the text is written into one piece of memory.
        let base = &self.settings.base_url;
        let views = || page.matches.iter().chain(&page.included);
        let room: usize = views().map(|view| view.json().len() + base.len() + 160).sum();
        let mut bundle = BundleWriter::new("searchset", Some(page.total), links);
        bundle.out.reserve(room);
        for view in &page.matches {
            bundle.resource(base, view, "match");
        }
        for view in &page.included {
            bundle.resource(base, view, "include");
        }
        Answer { json: bundle.finish(), receipt: page.receipt }
    }
}

/// `_count` of a list that has no total to ask for alone.
///
/// # Errors
/// 400 unless it is a whole number from 1 on.
pub(crate) fn count_of(value: &str) -> Result<u32, Fault> {
    let count = value.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| Fault::at(400, "value", "http._count", "a whole number from 1 on is expected"))
}

/// Writes a Bundle entry by entry.
pub(crate) struct BundleWriter {
    out: Vec<u8>,
    entries: usize,
}

impl BundleWriter {
    pub(crate) fn new(kind: &str, total: Option<usize>, links: &[(&str, String)]) -> Self {
        let mut out = format!(r#"{{"resourceType":"Bundle","type":"{kind}""#).into_bytes();
        if let Some(total) = total {
            out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
        }
        if !links.is_empty() {
            out.extend_from_slice(br#","link":["#);
            for (at, (relation, url)) in links.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(format!(r#"{{"relation":"{relation}","url":"#).as_bytes());
                write_string(url, &mut out);
                out.push(b'}');
            }
            out.push(b']');
        }
        Self { out, entries: 0 }
    }

    /// Starts an entry; the caller closes it with [`BundleWriter::close`].
    pub(crate) fn open(&mut self) -> &mut Vec<u8> {
        self.out.extend_from_slice(if self.entries == 0 { br#","entry":[{"# } else { b",{" });
        self.entries += 1;
        &mut self.out
    }

    pub(crate) fn close(&mut self) {
        self.out.push(b'}');
    }

    pub(crate) fn resource(&mut self, base: &str, view: &View, mode: &str) {
        let out = self.open();
        let (rtype, id) = (view.resource_type().name(), view.id().as_str());
        for part in [r#""fullUrl":""#, base, "/", rtype, "/", id, r#"","resource":"#] {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(view.json());
        for part in [r#","search":{"mode":""#, mode, r#""}"#] {
            out.extend_from_slice(part.as_bytes());
        }
        self.close();
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.push(b'}');
        self.out
    }
}
