//! What must not compile: ways around the door.

use aceso_audit::Receipt;
use aceso_custodian::{Custodian, View};
use aceso_phi::{Phi, Sealed};
use aceso_policy::Grant;
use std::fmt::Display;

/// The messages are kept short on purpose: each file has one forbidden line.
#[test]
fn ways_around_the_door_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

/// Compiles only if the type does not have the trait: else the inferred parameter is ambiguous.
macro_rules! has_not {
    ($type:ty: $($bound:path),+) => {$({
        trait Ambiguous<A> {
            fn item() {}
        }
        struct Has;
        impl<T: ?Sized> Ambiguous<()> for T {}
        impl<T: ?Sized + $bound> Ambiguous<Has> for T {}
        <$type as Ambiguous<_>>::item();
    })+};
}

#[test]
fn veiled_values_keys_and_permissions_lack_the_traits_that_would_let_them_out() {
    has_not!(Phi<String>: Display, serde::Serialize, PartialEq, PartialOrd, Clone, AsRef<str>);
    has_not!(Phi<Vec<u8>>: Display, serde::Serialize, PartialEq, PartialOrd, Clone, AsRef<[u8]>, IntoIterator);
    has_not!(Grant: Clone, Default, PartialEq, serde::de::DeserializeOwned);
    has_not!(Receipt: Clone, Default, serde::de::DeserializeOwned);
    has_not!(Sealed: From<Vec<u8>>, From<String>, Default, Display);
    has_not!(View: From<Vec<u8>>, From<String>, Default, Clone, Display);
    has_not!(Custodian: std::fmt::Debug, serde::Serialize);
    has_not!(aceso_seal::OpenedRecord: Display, serde::Serialize, Clone);
    has_not!(aceso_seal::SubjectKey: Display, serde::Serialize, Clone, AsRef<[u8]>);
    has_not!(aceso_seal::TenantKeys: Display, serde::Serialize, Clone, AsRef<[u8]>);
}
