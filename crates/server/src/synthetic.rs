//! The synthetic patients that the demo loads: Synthea, Apache-2.0, see `testdata/synthea/README.md`. Nobody real.

use crate::import::Source;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        [$(Source::Embedded($name, include_bytes!(concat!("../../../testdata/synthea/", $name)))),+]
    };
}

/// The bundles: hospitals and practitioners, then twelve patients.
#[must_use]
pub(crate) fn bundles() -> Vec<Source> {
    embedded![
        "0-hospitalInformation1625911868739.json.bz2",
        "0-practitionerInformation1625911868739.json.bz2",
        "085e81c0-7a95-ef02-16ef-aa1b4344deed.json.bz2",
        "19625ee6-1a94-1a6a-ca95-40c4efbbdfc7.json.bz2",
        "53eac4c0-8d6b-72da-2768-a6d08e687f48.json.bz2",
        "5f66ecbb-b445-1290-4b55-9fc3ddfd569e.json.bz2",
        "6c8f3e83-c351-ed33-c38d-6be101c275d2.json.bz2",
        "8708d3e1-f718-96bb-03f0-f2a6564ae1cd.json.bz2",
        "8a4c9c04-1524-9f1c-d65b-9b17e4520fef.json.bz2",
        "9a174f9e-ed67-6617-0106-745fb1f9a344.json.bz2",
        "be9d18f7-f230-dadc-049e-c13d3a4ac079.json.bz2",
        "beb53716-4df8-a51c-c58e-a8b814b8ac88.json.bz2",
        "c0697745-be05-4abc-07e0-f78ca6cb7230.json.bz2",
        "d1193889-ebd9-4e35-bf1b-8a73ecbfc00b.json.bz2",
    ]
    .to_vec()
}
