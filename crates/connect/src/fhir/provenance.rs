//! Where records come from (R4 `Provenance`): the same for every vendor.

use super::BASE;
use super::terms::identifier;
use super::text::Text;
use super::tree::{Object, object};
use crate::pattern::ConnectionId;
use aceso_base::{LogicalId, Timestamp};

/// What is said of the origin of records.
pub(crate) struct Origin<'o, 'a> {
    /// Name of the connector.
    pub(crate) connector: &'static str,
    /// Name and version of what mapped.
    pub(crate) assembler: String,
    /// What the source is called.
    pub(crate) author: &'static str,
    /// The connection that the object came by.
    pub(crate) connection: &'o ConnectionId,
    /// System of the ids of its kind.
    pub(crate) system: String,
    /// Its id at the source.
    pub(crate) id: Text<'a>,
    /// Its version, as the source marks it.
    pub(crate) version: Option<Text<'a>>,
    /// When the source has changed it last.
    pub(crate) occurred: Option<Text<'a>>,
    /// When it was received.
    pub(crate) received: Timestamp,
}

/// A Provenance of the records that `targets` refer to. A patient is a target of the provenance of his records, because that is how
/// it comes into his compartment and under his keys.
pub(crate) fn provenance<'a>(id: &LogicalId, targets: Vec<String>, origin: Origin<'_, 'a>) -> Object<'a> {
    let Origin { connector, assembler, author, connection, system, id: source, version, occurred, received } = origin;
    let assembler = object! {
        "type" => agent_type("assembler", "Assembler"),
        "who" => object! {
            "type" => "Device",
            "identifier" => identifier(format!("{BASE}sid/connector"), Some(connector.into())),
            "display" => assembler,
        },
    };
    let author = object! {
        "type" => agent_type("author", "Author"),
        "who" => object! {
            "type" => "Organization",
            "identifier" => identifier(format!("{BASE}sid/connection"), Some(connection.to_string().into())),
            "display" => author,
        },
    };
    let what = object! { "identifier" => identifier(system.clone(), Some(source)), "display" => version };
    let targets: Vec<Object<'a>> = targets.into_iter().map(|target| object! { "reference" => target }).collect();
    object! {
        "resourceType" => "Provenance",
        "id" => id.to_string(),
        "meta" => object! { "source" => system },
        "target" => targets,
        "occurredDateTime" => occurred,
        "recorded" => received.to_string(),
        "agent" => vec![assembler, author],
        "entity" => vec![object! { "role" => "source", "what" => what }],
    }
}

fn agent_type<'a>(code: &'static str, display: &'static str) -> Object<'a> {
    let system = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
    object! { "coding" => vec![object! { "system" => system, "code" => code, "display" => display }] }
}
