//! Splitting a resource by data class: one pass over the parsed document, no tree.

use std::fmt::Write as _;

use aceso_base::{LogicalId, Timestamp, Version};
use aceso_fhir::definitions::{ResourceType, TypeRef};
use aceso_fhir::json::{Doc, Kind, Node};

use crate::marker::{LABEL_ITEM, LABEL_MEMBER, MARK, VERSION};
use crate::slices::Text;
use crate::table::{self, Context};
use crate::walk::Walk;
use crate::wiped::Wiped;
use crate::{ClassSet, DataClass};

/// What the server says about a version of a record; written over what the client said.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    /// `id`.
    pub id: &'a LogicalId,
    /// `meta.versionId`.
    pub version: Version,
    /// `meta.lastUpdated`.
    pub updated: Timestamp,
}

/// A resource split by data class: what `seal` seals, each part under its own key. Wiped when dropped.
pub struct Split {
    structure: Wiped,
    parts: [Wiped; DataClass::COUNT],
}

impl Split {
    /// The skeleton: the structure class as JSON with markers where other parts go.
    #[must_use]
    pub fn structure(&self) -> &[u8] {
        &self.structure
    }

    /// The part of a class; empty when the resource has nothing of it, and always for the structure class.
    #[must_use]
    pub fn part(&self, class: DataClass) -> &[u8] {
        self.parts.get(usize::from(class.code())).map_or(&[], |part| part)
    }

    /// All parts, by [`DataClass::code`].
    #[must_use]
    pub fn parts(&self) -> [&[u8]; DataClass::COUNT] {
        DataClass::ALL.map(|class| self.part(class))
    }

    /// The classes that the resource has something of; always with the structure.
    #[must_use]
    pub fn classes(&self) -> ClassSet {
        let filled = DataClass::ALL.into_iter().filter(|class| !self.part(*class).is_empty());
        filled.collect::<ClassSet>().with(DataClass::Structure)
    }
}

/// Splits a resource of the type `rtype` by data class and puts the server's stamp on it.
///
/// The document should be valid: what does not have the shape of its element goes whole to the sensitive class. Strings
/// and numbers keep their text; white space goes. `id`, `meta.versionId` and `meta.lastUpdated` take the stamp in the
/// place where they stand, else `id` after `resourceType`, `meta` after `id` and the two at the head of `meta`; what
/// extends these three in the document (`_versionId` and so on) goes.
#[must_use]
pub fn split(doc: &Doc, rtype: ResourceType, stamp: &Stamp<'_>) -> Split {
    let size = doc.text().len();
    let context = Context::of(rtype);
    let mut walk = Walk::new(context, table::class_of_type(rtype));
    let mut text = Text::with_capacity(size + size / 4 + 256);
    text.bytes.extend_from_slice(&[VERSION, 0]);
    root(&mut walk, doc.root(), rtype, stamp, &mut text);
    let mut structure = text.bytes;
    let parts = walk.slices.finish();
    let present = DataClass::ALL.into_iter().zip(&parts).filter(|(_, part)| !part.is_empty());
    let classes: ClassSet = present.map(|(class, _)| class).collect();
    if let Some(byte) = structure.get_mut(1) {
        *byte = classes.bits();
    }
    Split { structure, parts }
}

fn root(walk: &mut Walk, node: Node<'_>, rtype: ResourceType, stamp: &Stamp<'_>, out: &mut Text) {
    let scope = TypeRef::of_resource(rtype);
    let (has_id, has_meta) = (node.get("id").is_some(), node.get("meta").is_some());
    let (mut id_due, mut meta_due) = (!has_id, !has_meta);
    out.open(b'{');
    for member in node.members() {
        match member.key.as_ref() {
            "id" => id(stamp, out),
            "meta" => meta(walk, Some(member.value), stamp, out),
            "_id" | "_meta" => {}
            "resourceType" => out.member(member.value.raw_key(), member.value.raw()),
            _ => {
                walk.member(&member, node, scope, DataClass::Structure, out);
            }
        }
        if id_due && member.key == "resourceType" {
            id(stamp, out);
            id_due = false;
        }
        if meta_due && !id_due && (member.key == "id" || (!has_id && member.key == "resourceType")) {
            meta(walk, None, stamp, out);
            meta_due = false;
        }
    }
    if id_due {
        id(stamp, out);
    }
    if meta_due {
        meta(walk, None, stamp, out);
    }
    out.close(b'}');
}

fn id(stamp: &Stamp<'_>, out: &mut Text) {
    out.separate();
    out.push(b"\"id\":\"");
    out.push(stamp.id.as_str().as_bytes());
    out.push(b"\"");
}

fn meta(walk: &mut Walk, node: Option<Node<'_>>, stamp: &Stamp<'_>, out: &mut Text) {
    let node = node.filter(|node| node.kind() == Kind::Object);
    let has = |key| node.is_some_and(|node| node.get(key).is_some());
    let (has_version, has_updated) = (has("versionId"), has("lastUpdated"));
    let mut labelled = false;
    out.separate();
    out.push(b"\"meta\":");
    out.open(b'{');
    if !has_version {
        version(stamp, out);
        if !has_updated {
            updated(stamp, out);
        }
    }
    if let (Some(node), Some(scope)) = (node, TypeRef::of_datatype("Meta")) {
        for member in node.members() {
            match member.key.as_ref() {
                "versionId" => {
                    version(stamp, out);
                    if !has_updated {
                        updated(stamp, out);
                    }
                }
                "lastUpdated" => updated(stamp, out),
                "_versionId" | "_lastUpdated" => {}
                "security" if member.value.kind() == Kind::Array => {
                    labelled = true;
                    security(walk, member.value, out);
                }
                _ => {
                    walk.member(&member, node, scope, DataClass::Structure, out);
                }
            }
        }
    }
    if !labelled {
        out.mark(&[MARK, LABEL_MEMBER]);
    }
    out.close(b'}');
}

/// The security labels, with a place for `REDACTED` unless it is there already.
fn security(walk: &mut Walk, node: Node<'_>, out: &mut Text) {
    out.separate();
    out.push(b"\"security\":");
    out.open(b'[');
    walk.security_labels(node, DataClass::Structure, out);
    let is = |coding: Node<'_>, key, value| coding.get(key).and_then(Node::as_str).is_some_and(|text| text == value);
    let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
    if !node.items().any(|coding| is(coding, "code", "REDACTED") && is(coding, "system", system)) {
        out.mark(&[MARK, LABEL_ITEM]);
    }
    out.close(b']');
}

fn version(stamp: &Stamp<'_>, out: &mut Text) {
    stamped(out, format_args!("\"versionId\":\"{}\"", stamp.version));
}

fn updated(stamp: &Stamp<'_>, out: &mut Text) {
    stamped(out, format_args!("\"lastUpdated\":\"{}\"", stamp.updated));
}

fn stamped(out: &mut Text, member: std::fmt::Arguments<'_>) {
    out.separate();
    // Writing into memory cannot fail.
    let _ = out.write_fmt(member);
}
