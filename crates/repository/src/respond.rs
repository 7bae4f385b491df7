//! The entries of a batch-response or transaction-response (R4 http.html, section 3.1.0.11.3).

use crate::page::BundleWriter;
use crate::write::{Stored, WriteStatus};
use crate::{Fault, operation_outcome};
use aceso_base::{LogicalId, Version};
use aceso_fhir::definitions::ResourceType;

pub(crate) fn push_stored(bundle: &mut BundleWriter, stored: &Stored) {
    let Stored { status, rtype, id, version, updated, .. } = stored;
    let status = match status {
        WriteStatus::Created => "201 Created",
        WriteStatus::Ok => "200 OK",
        WriteStatus::Deleted => return push_status(bundle, "204 No Content"),
    };
    let modified = updated.map(|at| format!(r#","lastModified":"{at}""#)).unwrap_or_default();
    push_response(bundle, status, *rtype, id, *version, &modified);
}

/// A record that was there, or that an earlier entry made.
pub(crate) fn push_kept(bundle: &mut BundleWriter, rtype: ResourceType, id: &LogicalId, version: Version) {
    push_response(bundle, "200 OK", rtype, id, version, "");
}

fn push_response(
    bundle: &mut BundleWriter,
    status: &str,
    rtype: ResourceType,
    id: &LogicalId,
    version: Version,
    modified: &str,
) {
    let out = bundle.open();
    let name = rtype.name();
    let response = format!(
        r#""response":{{"status":"{status}","location":"{name}/{id}/_history/{version}","etag":"W/\"{version}\""{modified}}}"#
    );
    out.extend_from_slice(response.as_bytes());
    bundle.close();
}

pub(crate) fn push_status(bundle: &mut BundleWriter, status: &str) {
    let out = bundle.open();
    out.extend_from_slice(format!(r#""response":{{"status":"{status}"}}"#).as_bytes());
    bundle.close();
}

pub(crate) fn push_resource(bundle: &mut BundleWriter, json: &[u8]) {
    let out = bundle.open();
    out.extend_from_slice(br#""resource":"#);
    out.extend_from_slice(json);
    out.extend_from_slice(br#","response":{"status":"200 OK"}"#);
    bundle.close();
}

pub(crate) fn push_fault(bundle: &mut BundleWriter, fault: &Fault) {
    let out = bundle.open();
    out.extend_from_slice(format!(r#""response":{{"status":"{}","outcome":"#, fault.status).as_bytes());
    out.extend_from_slice(&operation_outcome(fault));
    out.push(b'}');
    bundle.close();
}
