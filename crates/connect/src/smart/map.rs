//! From a resource of the source to a resource here: another id, other references, and where it came from. Everything else stays as
//! it was written.

use super::Fhir;
use super::bundle::string;
use super::references::is_taken;
use crate::fhir::{BASE, Kept, Moment, Origin, SOURCE_FHIR, Text, identifier, provenance};
use crate::pattern::{MapCode, MapContext, MapError, Mapped, MappedRecord, SourceKey, SourceRef, mint_id};
use aceso_base::{LogicalId, SubjectId};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Kind, Limits, Node, write, write_string};
use aceso_fhir::{ValidateOptions, validate};
use aceso_labels::{SubjectFound, subject_of};
use zeroize::Zeroizing;

/// Maps one resource. The last record is its Provenance.
pub(super) fn resource(
    fhir: &Fhir,
    kind: &'static str,
    object: &[u8],
    ctx: &MapContext<'_>,
) -> Result<Mapped, MapError> {
    let failed = |path: &str, code| MapError { kind, path: path.to_owned(), code };
    let doc = Doc::parse(object.to_vec(), &Limits::default()).map_err(|_| failed("", MapCode::Shape))?;
    let root = doc.root();
    let source_id = string(root, "id").ok_or_else(|| failed("id", MapCode::Missing))?;
    let expected = ResourceType::parse(kind).ok_or_else(|| failed("resourceType", MapCode::Shape))?;
    let rtype = validate(&doc, &ValidateOptions { allow_conditional: false, expected: Some(expected) })
        .map_err(|issues| failed(issues.first().map_or("", |issue| issue.expression.as_str()), MapCode::Invalid))?;

    let mut writer = Writer { fhir, ctx, kind, id: source_id, path: kind.to_owned(), unknown_patient: None };
    let own = writer.mint(kind, &writer.id, "");
    let mut json = Zeroizing::new(Vec::with_capacity(object.len() + 512));
    writer.resource(root, &own, &mut json);
    let subject = writer.subject(&json, rtype)?;
    let meta = root.get("meta");
    let updated = meta.and_then(|meta| string(meta, "lastUpdated"));
    let version = meta.and_then(|meta| string(meta, "versionId"));
    let source = SourceRef { kind, id: writer.id.clone(), version: updated.clone() };
    let (provenance_id, provenance) = writer.provenance(rtype, &own, subject, version, updated);
    let record = MappedRecord { rtype, id: own, subject, json, source: source.clone() };
    let rtype = ResourceType::parse("Provenance").ok_or_else(|| failed("Provenance", MapCode::Invalid))?;
    let from = MappedRecord { rtype, id: provenance_id, subject, json: provenance, source };
    Ok(Mapped { records: vec![record, from], ..Mapped::default() })
}

/// Writes a resource anew.
struct Writer<'c> {
    fhir: &'c Fhir,
    ctx: &'c MapContext<'c>,
    kind: &'static str,
    id: String,
    /// Where the walk is.
    path: String,
    /// Where a patient is named who is not known here.
    unknown_patient: Option<String>,
}

impl Writer<'_> {
    fn mint(&self, kind: &str, id: &str, part: &str) -> LogicalId {
        mint_id(self.ctx.ids, &SourceKey { connection: self.ctx.connection, kind, id, part })
    }

    /// The system of the ids of a type at this source.
    fn system(&self, kind: &str) -> String {
        format!("{BASE}sid/{}/{}/{kind}", self.ctx.connection, self.fhir.profile.capabilities.vendor)
    }

    fn resource(&mut self, root: Node<'_>, own: &LogicalId, out: &mut Vec<u8>) {
        let mut members = Members::open(out);
        for member in root.members() {
            match member.key.as_ref() {
                "id" => write_string(own.as_str(), members.raw_key(b"\"id\"")),
                "meta" => self.meta(Some(member.value), members.raw_key(b"\"meta\"")),
                "identifier" => self.identifiers(Some(member.value), members.raw_key(b"\"identifier\"")),
                _ => {
                    let out = members.raw_key(member.value.raw_key());
                    self.member(&member.key, member.value, out);
                }
            }
        }
        if root.get("meta").is_none() {
            self.meta(None, members.raw_key(b"\"meta\""));
        }
        if root.get("identifier").is_none() {
            self.identifiers(None, members.raw_key(b"\"identifier\""));
        }
        members.close();
    }

    /// Version and time of change are the server's; `source` says where it came from, and what it was stays beside it.
    fn meta(&mut self, meta: Option<Node<'_>>, out: &mut Vec<u8>) {
        let mut members = Members::open(out);
        let mut kept = Kept::of(SOURCE_FHIR);
        let mut extensions = None;
        for member in meta.into_iter().flat_map(Node::members) {
            match member.key.as_ref() {
                "versionId" | "lastUpdated" | "_versionId" | "_lastUpdated" | "_source" => {}
                "source" => kept.put("meta.source", member.value),
                "extension" => extensions = Some(member.value),
                _ => write(member.value, members.raw_key(member.value.raw_key())),
            }
        }
        self.extensions(extensions, &kept, &mut members);
        write_string(&self.system(self.kind), members.raw_key(b"\"source\""));
        members.close();
    }

    /// The identifiers of the source, and its id.
    fn identifiers(&mut self, list: Option<Node<'_>>, out: &mut Vec<u8>) {
        out.push(b'[');
        for item in list.into_iter().flat_map(Node::items) {
            self.value(item, out);
            out.push(b',');
        }
        if let Some(own) = identifier(self.system(self.kind), Some(Text::from(self.id.clone()))) {
            own.write(out);
        }
        out.push(b']');
    }

    fn member(&mut self, key: &str, value: Node<'_>, out: &mut Vec<u8>) {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(key);
        match value.as_str() {
            // A relative address of content (`Attachment.url`) is one at the source.
            Some(text) if key == "url" && !text.contains(':') && self.fhir.target(&text).is_some() => {
                write_string(&format!("{}/{text}", self.fhir.base), out);
            }
            _ => self.value(value, out),
        }
        self.path.truncate(length);
    }

    fn value(&mut self, node: Node<'_>, out: &mut Vec<u8>) {
        match node.kind() {
            Kind::Object => match node.get("reference").and_then(Node::as_str) {
                Some(text) => self.reference(node, &text, out),
                None => {
                    let mut members = Members::open(out);
                    for member in node.members() {
                        let out = members.raw_key(member.value.raw_key());
                        self.member(&member.key, member.value, out);
                    }
                    members.close();
                }
            },
            Kind::Array => {
                out.push(b'[');
                let length = self.path.len();
                for (at, item) in node.items().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    self.path.push_str(&format!("[{at}]"));
                    self.value(item, out);
                    self.path.truncate(length);
                }
                out.push(b']');
            }
            _ => out.extend_from_slice(node.raw()),
        }
    }

    /// A reference to something of this source leads to what became of it here, or names its id at the source when it is not here
    /// (yet). Any other stays as it is.
    fn reference(&mut self, node: Node<'_>, text: &str, out: &mut Vec<u8>) {
        let fhir = self.fhir;
        let target = fhir.target(text);
        let mut members = Members::open(out);
        let mut kept = Kept::of(SOURCE_FHIR);
        let mut extensions = None;
        for member in node.members() {
            match (member.key.as_ref(), &target) {
                ("reference", Some(target)) => {
                    let id = self.mint(target.rtype.name(), target.id, "");
                    let is_own = target.rtype.name() == self.kind && target.id == self.id;
                    let known = is_own || (is_taken(target.rtype) && (self.ctx.is_known)(target.rtype, &id));
                    if known {
                        write_string(&format!("{}/{id}", target.rtype), members.raw_key(b"\"reference\""));
                    } else {
                        if target.rtype.name() == "Patient" && self.unknown_patient.is_none() {
                            self.unknown_patient = Some(self.path.clone());
                        }
                        if node.get("type").is_none() {
                            write_string(target.rtype.name(), members.raw_key(b"\"type\""));
                        }
                        if node.get("identifier").is_none() {
                            let named =
                                identifier(self.system(target.rtype.name()), Some(Text::from(target.id.to_owned())));
                            let out = members.raw_key(b"\"identifier\"");
                            if let Some(named) = named {
                                named.write(out);
                            }
                        }
                    }
                    if target.versioned || (!known && node.get("identifier").is_some()) {
                        kept.put("reference", member.value);
                    }
                }
                ("extension", Some(_)) => extensions = Some(member.value),
                _ => {
                    let out = members.raw_key(member.value.raw_key());
                    self.member(&member.key, member.value, out);
                }
            }
        }
        self.extensions(extensions, &kept, &mut members);
        members.close();
    }

    /// The extensions that were there, and one for what is kept.
    fn extensions(&mut self, there: Option<Node<'_>>, kept: &Kept<'_>, members: &mut Members<'_>) {
        let ours = kept.extension();
        if there.is_none() && ours.is_none() {
            return;
        }
        let out = members.raw_key(b"\"extension\"");
        out.push(b'[');
        let mut first = true;
        for item in there.into_iter().flat_map(Node::items) {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            self.value(item, out);
        }
        if let Some(ours) = ours {
            if !first {
                out.push(b',');
            }
            ours.write(out);
        }
        out.push(b']');
    }

    /// Whose record it is: as the server will see it.
    fn subject(&self, json: &[u8], rtype: ResourceType) -> Result<SubjectId, MapError> {
        let failed = |path: &str, code| MapError { kind: self.kind, path: path.to_owned(), code };
        let made = Doc::parse(json.to_vec(), &Limits::default()).map_err(|_| failed("", MapCode::Invalid))?;
        match subject_of(made.root(), rtype) {
            SubjectFound::Patient(subject) => Ok(subject),
            SubjectFound::Directory => Ok(SubjectId::DIRECTORY),
            SubjectFound::Unresolvable => {
                Err(failed(self.unknown_patient.as_deref().unwrap_or(self.kind), MapCode::UnknownPatient))
            }
        }
    }

    fn provenance(
        &self,
        rtype: ResourceType,
        own: &LogicalId,
        subject: SubjectId,
        version: Option<String>,
        updated: Option<String>,
    ) -> (LogicalId, Zeroizing<Vec<u8>>) {
        let id = self.mint(self.kind, &self.id, "provenance");
        let mut targets = vec![format!("{rtype}/{own}")];
        if !subject.is_directory() && rtype.name() != "Patient" {
            targets.push(format!("Patient/{}", LogicalId::from(subject)));
        }
        let occurred = updated.clone().and_then(|text| match Moment::read(text.into()) {
            Moment::Instant(text) => Some(text),
            _ => None,
        });
        let versions: Vec<String> = version.into_iter().chain(updated).collect();
        let origin = Origin {
            connector: self.fhir.profile.capabilities.vendor,
            assembler: format!("Aceso FHIR connector {}", self.fhir.profile.capabilities.version),
            author: self.fhir.profile.display,
            connection: self.ctx.connection,
            system: self.system(self.kind),
            id: Text::from(self.id.clone()),
            version: (!versions.is_empty()).then(|| versions.join(" ").into()),
            occurred,
            received: self.ctx.received,
        };
        let mut json = Zeroizing::new(Vec::with_capacity(1024));
        provenance(&id, targets, origin).write(&mut json);
        (id, json)
    }
}

/// An object that is being written.
struct Members<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> Members<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    /// The key, as it was written with its quotes; its value is to follow.
    fn raw_key(&mut self, key: &[u8]) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(key);
        self.out.push(b':');
        self.out
    }

    fn close(self) {
        self.out.push(b'}');
    }
}
