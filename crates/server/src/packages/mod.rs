//! FHIR packages on the disk: added by command, named by the configuration, loaded at the start.
//!
//! `store.dir/packages` has one file for each, `NAME#VERSION.SHA256.tgz` (`.json` for a single CodeSystem or ValueSet). The hash in the name is
//! that of the bytes, so a file that changed afterwards is seen. They hold nothing of a patient and are not sealed.

mod in_force;
mod store;

pub use in_force::{examine, in_force};
pub use store::{Added, PackageStore, StoreError, StoredPackage};
