//! The versions of one record as a Bundle (R4 http.html, section 3.1.0.12).

use crate::cursor::{format_of, in_format};
use crate::page::{Answer, BundleWriter, count_of};
use crate::{Fault, Repository};
use aceso_base::{Caller, LogicalId, Version};
use aceso_custodian::{HistoryItem, Position};
use aceso_fhir::Format;
use aceso_fhir::definitions::ResourceType;

impl Repository {
    /// history-instance, newest version first, page by page. `pairs` may hold `_count` and `_cursor`.
    ///
    /// # Errors
    /// 400 for other parameters, 403, 404, 500 or 503 as a [`Fault`].
    pub async fn history(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: &LogicalId,
        pairs: &[(String, String)],
    ) -> Result<Answer, Fault> {
        let record = format!("{}/{id}", rtype.name());
        let path = format!("{record}/_history");
        let continued = self.continued_by(caller, &path, pairs)?;
        let format = in_format(format_of(pairs));
        let (pairs, before) = match &continued {
            Some(continued) => (continued.pairs.as_slice(), Some(continued.position.version())),
            None => (pairs, None),
        };
        let asked = asked_count(pairs)?;
        let count = self.page_size(asked);
        // One more than asked, to know whether there is a next page, would open one more than shown: versions count down
        // to one without gaps, so the lowest one tells.
        let (items, receipt) = self.door.history(caller, rtype, id, before, count).await?;
        let base = &self.settings.base_url;
        let place = format!("{base}/{record}");
        let asked = asked.filter(|_| before.is_none()).map(|_| format!("&_count={count}")).unwrap_or_default();
        let own = format!("{asked}{format}").replacen('&', "?", 1);
        let mut links = vec![("self", format!("{base}/{path}{own}"))];
        let lowest = items.iter().map(HistoryItem::version).min().unwrap_or(Version::FIRST);
        if lowest > Version::FIRST {
            let position = Position::after_version(rtype, id, lowest);
            let cursor = self.cursor_text(caller, &path, pairs, &position)?;
            links.push(("next", format!("{base}/{path}?_cursor={cursor}{format}")));
        }
        let mut bundle = BundleWriter::new("history", None, &links);
        for item in &items {
            let version = item.version();
            let out = bundle.open();
            out.extend_from_slice(format!(r#""fullUrl":"{place}","#).as_bytes());
            let (method, status) = match item {
                HistoryItem::Version(view) => {
                    out.extend_from_slice(br#""resource":"#);
                    out.extend_from_slice(view.json());
                    out.push(b',');
                    if version == Version::FIRST { ("POST", "201") } else { ("PUT", "200") }
                }
                HistoryItem::Deleted { .. } => ("DELETE", "204"),
            };
            let url = if method == "POST" { rtype.name().to_owned() } else { format!("{}/{id}", rtype.name()) };
            let request = format!(
                r#""request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}","etag":"W/\"{version}\"","lastModified":"{}"}}"#,
                item.updated()
            );
            out.extend_from_slice(request.as_bytes());
            bundle.close();
        }
        Ok(Answer { json: bundle.finish(), receipt })
    }
}

fn asked_count(pairs: &[(String, String)]) -> Result<Option<u32>, Fault> {
    let mut count = None;
    for (at, (name, value)) in pairs.iter().enumerate() {
        match name.as_str() {
            "_count" if count.is_none() => count = Some(count_of(value)?),
            "_format" if Format::of_parameter(value).is_some() => {}
            "_pretty" if value == "false" => {}
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "not a parameter of a history on this server"));
            }
        }
    }
    Ok(count)
}
