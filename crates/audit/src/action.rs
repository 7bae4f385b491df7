//! What happened, and how it ended.

use std::borrow::Cow;
use std::fmt;

use aceso_base::Interaction;

/// What kind of thing an action is: what reports group by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ActionClass {
    /// Records were asked for.
    Read,
    /// Records were changed.
    Write,
    /// Somebody proved, or failed to prove, who he is.
    Auth,
    /// Keys came, changed or went.
    Key,
    /// Somebody ran or set up the system, or read this log.
    Admin,
    /// The system itself.
    System,
}

impl ActionClass {
    /// The name as it stands in exports and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Auth => "auth",
            Self::Key => "key",
            Self::Admin => "admin",
            Self::System => "system",
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal, $class:ident;)+) => {
        /// One kind of event. The number is part of the stored format and never changes.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Action { $($(#[$doc])* $variant = $code),+ }

        impl Action {
            /// Every action, in order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as it stands in exports and reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),+ } }

            /// The action with this name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$variant),)+ _ => None } }

            /// The number that stored entries hold.
            #[must_use]
            pub const fn code(self) -> u8 { self as u8 }

            /// The action with this number; `None` when there is none, which in a stored entry means damage.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> { match code { $($code => Some(Self::$variant),)+ _ => None } }

            /// What kind of thing it is.
            #[must_use]
            pub const fn class(self) -> ActionClass { match self { $(Self::$variant => ActionClass::$class),+ } }
        }
    };
}

actions! {
    /// Current version of one record.
    Read = 1, "read", Read;
    /// One version of one record.
    Vread = 2, "vread", Read;
    /// The versions of one record.
    History = 3, "history", Read;
    /// Records that match.
    Search = 4, "search", Read;
    /// All of one patient.
    Everything = 5, "everything", Read;
    /// Records left in bulk.
    Export = 6, "export", Read;
    /// A new record.
    Create = 16, "create", Write;
    /// A new version.
    Update = 17, "update", Write;
    /// The end of a record.
    Delete = 18, "delete", Write;
    /// A new version, made of the one that was there.
    Patch = 19, "patch", Write;
    /// A session began.
    LoggedIn = 32, "logged-in", Auth;
    /// A wrong password, factor or assertion.
    LoginFailed = 33, "login-failed", Auth;
    /// A session ended.
    LoggedOut = 34, "logged-out", Auth;
    /// A token was issued.
    TokenIssued = 35, "token-issued", Auth;
    /// A token was asked for and not issued.
    TokenRefused = 36, "token-refused", Auth;
    /// A token was exchanged for a new one.
    TokenRefreshed = 37, "token-refreshed", Auth;
    /// A refresh token came a second time: its family was revoked.
    RefreshReuse = 38, "refresh-reuse", Auth;
    /// A token or session was revoked.
    Revoked = 39, "revoked", Auth;
    /// A key came into being.
    KeyCreated = 48, "key-created", Key;
    /// A new version of a key.
    KeyRotated = 49, "key-rotated", Key;
    /// A key was wrapped under a newer one.
    KeyRewrapped = 50, "key-rewrapped", Key;
    /// A key was destroyed, and with it what it sealed.
    KeyShredded = 51, "key-shredded", Key;
    /// A wrapped key did not open.
    UnwrapFailed = 52, "unwrap-failed", Key;
    /// A sealed record did not open: damaged, moved or swapped.
    OpenFailed = 53, "open-failed", Key;
    /// Somebody administered the system; the detail says what.
    Administered = 64, "administered", Admin;
    /// Somebody read this log.
    LogRead = 65, "log-read", Admin;
    /// The rules or the configuration changed.
    PolicyChanged = 66, "policy-changed", Admin;
    /// The system started.
    SystemStart = 80, "system-start", System;
    /// The system stopped in order.
    SystemStop = 81, "system-stop", System;
    /// Nothing happened for a while: silence is evidence too.
    Heartbeat = 82, "heartbeat", System;
    /// An earlier write whose end was unknown has been resolved.
    Recovered = 83, "recovered", System;
}

impl From<Interaction> for Action {
    fn from(interaction: Interaction) -> Self {
        match interaction {
            Interaction::Read => Self::Read,
            Interaction::Vread => Self::Vread,
            Interaction::History => Self::History,
            Interaction::Search => Self::Search,
            Interaction::Everything => Self::Everything,
            Interaction::Create => Self::Create,
            Interaction::Update => Self::Update,
            Interaction::Patch => Self::Patch,
            Interaction::Delete => Self::Delete,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A short fixed code: why something was denied or failed, or what exactly was administered.
///
/// Made from program text only, so that no value of anybody's data can get into the log this way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Code(pub(crate) Cow<'static, str>);

impl Code {
    /// A code of the program, like `not-own-record`.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Code {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

/// How it ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// Allowed, and done as far as is known when the entry is written.
    Granted,
    /// Not allowed, and why.
    Denied(Code),
    /// Allowed, but it did not work, and why.
    Failed(Code),
}

impl Outcome {
    /// Not allowed, for this reason.
    #[must_use]
    pub const fn denied(reason: &'static str) -> Self {
        Self::Denied(Code::new(reason))
    }

    /// Allowed, but it did not work, for this reason.
    #[must_use]
    pub const fn failed(reason: &'static str) -> Self {
        Self::Failed(Code::new(reason))
    }

    /// The name as it stands in exports and reports: `granted`, `denied`, `failed`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
        }
    }

    /// Why not, unless granted.
    #[must_use]
    pub const fn reason(&self) -> Option<&Code> {
        match self {
            Self::Granted => None,
            Self::Denied(code) | Self::Failed(code) => Some(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_back_to_their_action() {
        for &action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
            assert_eq!(Action::from_code(action.code()), Some(action));
        }
        assert_eq!(Action::from_code(0), None);
        assert!(Action::ALL.is_sorted());
    }

    #[test]
    fn every_interaction_keeps_its_name() {
        for &interaction in Interaction::ALL {
            assert_eq!(Action::from(interaction).as_str(), interaction.as_str());
        }
    }
}
