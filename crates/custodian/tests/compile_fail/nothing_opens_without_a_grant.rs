use aceso_audit::Receipt;
use aceso_base::Timestamp;
use aceso_phi::Sealed;
use aceso_seal::{OpenError, OpenedRecord, Place, SubjectKey, TenantKeys, open_record};

type Open = fn(&TenantKeys, Option<&SubjectKey>, &Receipt, &Place<'_>, &Sealed, Timestamp) -> Result<OpenedRecord, OpenError>;

fn main() {
    let _ = open_record as Open;
}
