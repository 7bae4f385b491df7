//! Decide, then record: what stands before every opening.

use crate::door::Custodian;
use crate::error::DoorError;
use aceso_audit::{Action, Entry, Outcome, Receipt};
use aceso_base::{Caller, Interaction};
use aceso_labels::ClassSet;
use aceso_policy::{AdminAction, Decision, Denial, DenialReason, Grant, Target};
use aceso_store::{CommitError, StoreError, Unit};

impl Custodian {
    /// Asks the rules. The answer is not yet in the log: nothing may be opened with it alone.
    pub(crate) fn decide(&self, caller: &Caller, action: Interaction, target: &Target) -> Decision {
        self.inner.engine.decide(caller, action, target, self.now(), &*self.inner.rng)
    }

    /// Makes entries durable; one receipt each, in order.
    pub(crate) async fn record(&self, entries: Vec<Entry>) -> Result<Vec<Receipt>, DoorError> {
        self.commit(Unit { entries, ..Unit::default() }).await.map_err(|error| match error {
            CommitError::Unavailable(error) => unavailable(error),
            CommitError::Refused { .. } => DoorError::Unavailable("the log refused an entry"),
        })
    }

    #[cfg(not(feature = "insecure-benchmark-control"))]
    pub(crate) async fn commit(&self, unit: Unit) -> Result<Vec<Receipt>, CommitError> {
        let receipts = self.inner.store.commit(unit).await?;
        if let Some(last) = receipts.last() {
            self.inner.freshness.reached(last.tree_size());
        }
        Ok(receipts)
    }

    /// Makes one entry durable.
    pub(crate) async fn record_one(&self, entry: Entry) -> Result<Receipt, DoorError> {
        self.record(vec![entry]).await?.pop().ok_or(DoorError::Unavailable("the log gave no receipt"))
    }

    /// Asks the rules for what a shape wants, which may be less than they would give.
    pub(crate) fn decide_for(
        &self,
        caller: &Caller,
        action: Interaction,
        target: &Target,
        wanted: Option<ClassSet>,
    ) -> Decision {
        let decision = self.decide(caller, action, target);
        match wanted {
            Some(wanted) => decision.narrowed(wanted),
            None => decision,
        }
    }

    /// Decides and records in one step. `describe` completes the entry, which already holds the grant and its classes.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        action: Interaction,
        target: &Target,
        describe: impl FnOnce(Entry) -> Entry,
    ) -> Result<(Grant, Receipt), DoorError> {
        self.admit_for(caller, action, target, None, describe).await
    }

    /// As [`Custodian::admit`], for no more than the wanted classes.
    pub(crate) async fn admit_for(
        &self,
        caller: &Caller,
        action: Interaction,
        target: &Target,
        wanted: Option<ClassSet>,
        describe: impl FnOnce(Entry) -> Entry,
    ) -> Result<(Grant, Receipt), DoorError> {
        match self.decide_for(caller, action, target, wanted) {
            Decision::Granted(grant) => {
                let receipt = self.record_one(describe(self.granted(caller, &grant))).await?;
                Ok((grant, receipt))
            }
            Decision::Denied(denial) => Err(self.refuse(describe(Entry::by(caller, action)), &denial).await),
        }
    }

    /// The beginning of the entry for a granted request.
    pub(crate) fn granted(&self, caller: &Caller, grant: &Grant) -> Entry {
        Entry::by(caller, grant.interaction())
            .with_grant(grant.id())
            .with_classes(grant.classes())
            .with_policy(self.inner.engine.version())
    }

    /// Records a denial and says how it is answered.
    pub(crate) async fn refuse(&self, entry: Entry, denial: &Denial) -> DoorError {
        let entry =
            entry.with_outcome(Outcome::denied(denial.reason.as_str())).with_policy(self.inner.engine.version());
        match self.record_one(entry).await {
            Ok(receipt) if denial.hide => DoorError::Absent { receipt },
            Ok(receipt) => DoorError::Forbidden { receipt, reason: denial.reason },
            Err(error) => error,
        }
    }
}

pub(crate) const fn unavailable(error: StoreError) -> DoorError {
    DoorError::Unavailable(error.code())
}

impl Custodian {
    /// Decides and records an act of administration: `what` is a fixed word for the log.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] when the roles do not allow it, [`DoorError::Unavailable`] when it cannot be recorded.
    pub async fn admit_admin(
        &self,
        caller: &Caller,
        action: AdminAction,
        what: &'static str,
    ) -> Result<Receipt, DoorError> {
        let logged = if action == AdminAction::ReadAudit { Action::LogRead } else { Action::Administered };
        let entry = Entry::by(caller, logged).with_detail(what).with_policy(self.inner.engine.version());
        if self.inner.engine.admin(caller, action) {
            return self.record_one(entry).await;
        }
        self.forbid(entry, DenialReason::Interaction).await
    }

    /// Records that somebody asked for what is nobody's record, such as terminology: `what` is a fixed word for the log. Everybody may who
    /// may act for the purpose that he names.
    ///
    /// # Errors
    /// [`DoorError::Forbidden`] when he may not, [`DoorError::Unavailable`] when it cannot be recorded.
    pub async fn admit_reference(&self, caller: &Caller, what: &'static str) -> Result<Receipt, DoorError> {
        let engine = &self.inner.engine;
        let entry = Entry::by(caller, Action::Read).with_detail(what).with_policy(engine.version());
        if caller.region != *self.region() {
            return self.forbid(entry, DenialReason::Region).await;
        }
        if !engine.may_use(caller.roles, caller.purpose) {
            return self.forbid(entry, DenialReason::Purpose).await;
        }
        self.record_one(entry).await
    }

    async fn forbid(&self, entry: Entry, reason: DenialReason) -> Result<Receipt, DoorError> {
        let receipt = self.record_one(entry.with_outcome(Outcome::denied(reason.as_str()))).await?;
        Err(DoorError::Forbidden { receipt, reason })
    }
}
