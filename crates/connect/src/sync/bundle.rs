//! What is written of one object, as FHIR text.

use crate::pattern::Mapped;
use aceso_base::LogicalId;
use aceso_fhir::definitions::ResourceType;
use zeroize::Zeroizing;

/// A transaction that puts every record under its own id and deletes what is no longer made.
pub(super) fn bundle(mapped: &Mapped, left: &[(ResourceType, LogicalId)]) -> Zeroizing<Vec<u8>> {
    let size: usize = mapped.records.iter().map(|record| record.json.len() + 128).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(size + 64 + left.len() * 96));
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":"transaction","entry":["#);
    let mut first = true;
    for record in &mapped.records {
        separate(&mut out, &mut first);
        out.extend_from_slice(br#"{"resource":"#);
        out.extend_from_slice(&record.json);
        request(&mut out, b",", "PUT", record.rtype, &record.id);
    }
    for (rtype, id) in left {
        separate(&mut out, &mut first);
        request(&mut out, b"{", "DELETE", *rtype, id);
    }
    out.extend_from_slice(b"]}");
    out
}

fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

fn request(out: &mut Vec<u8>, before: &[u8], method: &str, rtype: ResourceType, id: &LogicalId) {
    out.extend_from_slice(before);
    let text = format!(r#""request":{{"method":"{method}","url":"{}/{id}"}}}}"#, rtype.name());
    out.extend_from_slice(text.as_bytes());
}
