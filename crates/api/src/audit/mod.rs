//! `/audit`: the log as C2SP tlog-tiles, and its entries, for auditors. Reading it is an entry of the log too.

pub(crate) mod checkpoint;
pub(crate) mod entries;
pub(crate) mod tile;

use crate::Api;
use crate::reply::Refusal;
use aceso_base::Caller;
use aceso_custodian::Receipt;
use aceso_policy::AdminAction;

async fn admit(api: &Api, caller: &Caller, what: &'static str) -> Result<Receipt, Refusal> {
    let door = api.repository.door();
    door.admit_admin(caller, AdminAction::ReadAudit, what).await.map_err(|error| Refusal(error.into()))
}
