//! Reads of one record.

use crate::{Fault, Repository};
use aceso_base::{Caller, LogicalId, Timestamp, Version};
use aceso_custodian::{Receipt, Shape};
use aceso_fhir::definitions::ResourceType;

/// What is read.
#[derive(Clone, Debug)]
pub struct ReadCall {
    /// The type.
    pub rtype: ResourceType,
    /// The logical id.
    pub id: LogicalId,
    /// A version other than the current one.
    pub version: Option<Version>,
    /// How much of it.
    pub shape: Shape,
}

/// One version of one record as the caller may see it.
#[derive(Debug)]
pub struct Instance {
    /// JSON text.
    pub json: Vec<u8>,
    /// The version, for `ETag`.
    pub version: Version,
    /// For `Last-Modified`.
    pub updated: Timestamp,
    /// Whether something was masked: the `ETag` is weak in any case, and such a copy is no base for an update.
    pub redacted: bool,
    /// The entry of the log.
    pub receipt: Receipt,
}

impl Repository {
    /// read and vread (R4 http.html, sections 3.1.0.1 and 3.1.0.2).
    ///
    /// # Errors
    /// 404, 410, 403, 500 or 503 as a [`Fault`].
    pub async fn read(&self, caller: &Caller, call: &ReadCall) -> Result<Instance, Fault> {
        let (view, receipt) = self.door.read(caller, call.rtype, &call.id, call.version, &call.shape).await?;
        let (version, updated, redacted) = (view.version(), view.updated(), view.is_redacted());
        Ok(Instance { json: view.into_json(), version, updated, redacted, receipt })
    }
}
