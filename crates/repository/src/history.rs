//! The versions of one record as a Bundle (R4 http.html, section 3.1.0.12).

use crate::cursor::in_format;
use crate::page::{Answer, BundleWriter};
use crate::{Fault, Repository};
use aceso_base::{Caller, LogicalId, Version};
use aceso_custodian::HistoryItem;
use aceso_fhir::Format;
use aceso_fhir::definitions::ResourceType;

impl Repository {
    /// history-instance. `count` versions on a page, those below `before`. `format`: what `_format` asks
    /// for, which the link to the next page repeats.
    ///
    /// # Errors
    /// 403, 404, 500 or 503 as a [`Fault`].
    pub async fn history(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        id: &LogicalId,
        before: Option<Version>,
        count: Option<usize>,
        format: Option<Format>,
    ) -> Result<Answer, Fault> {
        let asked = count;
        let count = count.unwrap_or(self.settings.default_page);
        if count == 0 || count > self.settings.max_page {
            let text = format!("from 1 to {} versions on a page", self.settings.max_page);
            return Err(Fault::at(400, "value", "http._count", text));
        }
        // One more than asked, to know whether there is a next page, would open one more than shown: versions count down
        // to one without gaps, so the lowest one tells.
        let (items, receipt) = self.door.history(caller, rtype, id, before, count).await?;
        let base = &self.settings.base_url;
        let place = format!("{base}/{}/{id}", rtype.name());
        let before = before.map(|before| format!("&_before={}", before.0)).unwrap_or_default();
        let asked = asked.map(|count| format!("&_count={count}")).unwrap_or_default();
        let own = format!("{before}{asked}{}", in_format(format)).replacen('&', "?", 1);
        let mut links = vec![("self", format!("{place}/_history{own}"))];
        let lowest = items.iter().map(|item| item.version().0).min().unwrap_or(1);
        if lowest > 1 {
            let format = in_format(format);
            links.push(("next", format!("{place}/_history?_before={lowest}&_count={count}{format}")));
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
