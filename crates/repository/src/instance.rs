//! Reads of one record.

use crate::{Fault, Repository};
use aceso_base::{Caller, LogicalId, Timestamp, Version};
use aceso_custodian::{Fresh, Receipt, Shape};
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

/// What a conditional read found.
#[derive(Debug)]
pub enum Found {
    /// Another version than the client has.
    New(Instance),
    /// The client's copy is the stored version: nothing was opened, and the log says that he asked.
    Known {
        /// The version.
        version: Version,
        /// When it came into being.
        updated: Timestamp,
        /// The entry of the log.
        receipt: Receipt,
    },
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

    /// read and vread on a condition (R4 http.html, section 3.1.0.1.5): `known` says whether the client has this version already.
    ///
    /// # Errors
    /// As for [`Repository::read`].
    pub async fn read_unless(
        &self,
        caller: &Caller,
        call: &ReadCall,
        known: &(dyn Fn(Version, Timestamp) -> bool + Sync),
    ) -> Result<Found, Fault> {
        let name = (call.rtype, &call.id);
        let (found, receipt) = self.door.read_unless(caller, name, call.version, &call.shape, known).await?;
        Ok(match found {
            Fresh::Known { version, updated } => Found::Known { version, updated, receipt },
            Fresh::New(view) => {
                let (version, updated, redacted) = (view.version(), view.updated(), view.is_redacted());
                Found::New(Instance { json: view.into_json(), version, updated, redacted, receipt })
            }
        })
    }
}
