use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::{PackageError, PackageLimits, PackageProblem, archive};
use crate::json::{Doc, Kind, Limits, Node, write_string};

/// The package that this program is: dependencies on it are met.
const CORE: &str = "hl7.fhir.r4.core";

/// What of a package is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PackageKind {
    /// Profiles, extensions and data types.
    StructureDefinition,
    /// Value sets.
    ValueSet,
    /// Code systems.
    CodeSystem,
    /// Search parameters.
    SearchParameter,
}

impl PackageKind {
    /// All kinds, in order.
    pub const ALL: [Self; 4] = [Self::StructureDefinition, Self::ValueSet, Self::CodeSystem, Self::SearchParameter];

    /// The resource type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StructureDefinition => "StructureDefinition",
            Self::ValueSet => "ValueSet",
            Self::CodeSystem => "CodeSystem",
            Self::SearchParameter => "SearchParameter",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Another package that one needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version, as it is asked for; may have a wildcard (`5.0.x`).
    pub version: String,
}

impl Dependency {
    /// Whether a package meets it. A wildcard stands for any rest, as in the FHIR package specification (`5.0.x`, `current`, `latest`).
    #[must_use]
    pub fn met_by(&self, package: &Package) -> bool {
        self.name == package.name()
            && match self.version.strip_suffix('x') {
                Some(start) => package.version().starts_with(start),
                None => {
                    matches!(self.version.as_str(), "current" | "dev" | "latest") || self.version == package.version()
                }
            }
    }
}

/// A package that was read: its identity and its conformance resources, compressed.
pub struct Package {
    name: String,
    version: String,
    title: Option<String>,
    dependencies: Vec<Dependency>,
    resources: Vec<Packaged>,
    passed_over: usize,
}

/// One conformance resource of a package.
pub struct Packaged {
    kind: PackageKind,
    url: String,
    version: Option<String>,
    /// Raw deflate (RFC 1951) of the JSON without insignificant space and without the narrative.
    deflated: Box<[u8]>,
    size: usize,
    values: usize,
}

impl Package {
    /// Reads a package as it is distributed.
    ///
    /// # Errors
    /// The first rule that is broken, see [`PackageProblem`]; nothing of such a package is usable.
    pub fn read(bytes: &[u8], limits: &PackageLimits) -> Result<Self, PackageError> {
        let mut manifest = None;
        let mut resources = Vec::new();
        let mut passed_over = 0;
        archive::files(bytes, limits, is_read, |number, path, text| {
            let at = |problem| PackageError { problem, entry: Some(number) };
            let doc = parse(text, limits).map_err(at)?;
            if path == "package/package.json" {
                manifest = Some(Manifest::read(doc.root()).map_err(at)?);
            } else if let Some(resource) = Packaged::read(&doc).map_err(at)? {
                resources.push(resource);
            } else {
                passed_over += 1;
            }
            Ok(())
        })?;
        let manifest = manifest.ok_or(PackageProblem::NoManifest)?;
        Ok(Self::new(manifest, resources, passed_over)?)
    }

    /// Reads a CodeSystem or a ValueSet in a file of its own, as operators get terminologies: a package with that one resource, named
    /// after it.
    ///
    /// # Errors
    /// As for [`Package::read`]; also any other resource.
    pub fn read_resource(json: Vec<u8>, limits: &PackageLimits) -> Result<Self, PackageError> {
        let doc = parse(json, limits)?;
        let resource = Packaged::read(&doc)?.ok_or(PackageProblem::NotTerminology)?;
        let prefix = match resource.kind {
            PackageKind::CodeSystem => "codesystem",
            PackageKind::ValueSet => "valueset",
            PackageKind::StructureDefinition | PackageKind::SearchParameter => {
                return Err(PackageProblem::NotTerminology.into());
            }
        };
        let own = ["name", "id"].into_iter().find_map(|member| doc.root().get(member)?.as_str());
        let own = own.ok_or(PackageProblem::Resource("name"))?.to_ascii_lowercase();
        let manifest = Manifest {
            name: format!("{prefix}.{}", own.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
            version: resource.version.clone().unwrap_or_else(|| "0".to_owned()),
            title: doc.root().get("title").and_then(Node::as_str).map(std::borrow::Cow::into_owned),
            dependencies: Vec::new(),
        };
        manifest.check()?;
        Ok(Self::new(manifest, vec![resource], 0)?)
    }

    fn new(manifest: Manifest, mut resources: Vec<Packaged>, passed_over: usize) -> Result<Self, PackageProblem> {
        resources.sort_by(|a, b| a.key().cmp(&b.key()));
        if let Some([twice, _]) = resources.array_windows().find(|[a, b]| a.key() == b.key()) {
            return Err(PackageProblem::DuplicateCanonical(twice.canonical()));
        }
        let Manifest { name, version, title, dependencies } = manifest;
        Ok(Self { name, version, title, dependencies, resources, passed_over })
    }

    /// Its name, such as `hl7.fhir.us.core`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, such as `6.1.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `name#version`, as packages are referred to.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}#{}", self.name, self.version)
    }

    /// Its title, if it has one.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// What it needs, FHIR R4 itself left out.
    #[must_use]
    pub fn dependencies(&self) -> &[Dependency] {
        &self.dependencies
    }

    /// Its resources, sorted by kind, canonical URL and version.
    #[must_use]
    pub fn resources(&self) -> &[Packaged] {
        &self.resources
    }

    /// How many resources of a kind it has.
    #[must_use]
    pub fn count(&self, kind: PackageKind) -> usize {
        self.resources.iter().filter(|resource| resource.kind == kind).count()
    }

    /// How many of its files are resources that are of no use here (capability statements, guides, operations).
    #[must_use]
    pub fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// Bytes that are kept of it, compressed.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.resources.iter().map(|resource| resource.deflated.len()).sum()
    }
}

impl Packaged {
    /// What it is.
    #[must_use]
    pub fn kind(&self) -> PackageKind {
        self.kind
    }

    /// Its canonical URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its version, if it has one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// `url|version`, or the URL alone.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.version.as_ref().map_or_else(|| self.url.clone(), |version| format!("{}|{version}", self.url))
    }

    /// The resource, without its narrative. Inflated and parsed at each call.
    ///
    /// # Errors
    /// [`PackageProblem::Kept`], which would be a fault of this program.
    pub fn document(&self) -> Result<Doc, PackageError> {
        let mut text = Vec::with_capacity(self.size);
        let inflated = DeflateDecoder::new(&*self.deflated).take(self.size as u64 + 1).read_to_end(&mut text);
        let limits = Limits { max_bytes: self.size, max_nodes: self.values, ..Limits::default() };
        let kept = inflated.ok().filter(|&size| size == self.size).and_then(|_| Doc::parse(text, &limits).ok());
        kept.ok_or_else(|| PackageProblem::Kept.into())
    }

    pub(super) fn key(&self) -> (PackageKind, &str, Option<&str>) {
        (self.kind, &self.url, self.version.as_deref())
    }

    pub(super) fn same_text(&self, other: &Self) -> bool {
        self.deflated == other.deflated
    }

    /// `None` for a resource of a type that is not kept.
    fn read(doc: &Doc) -> Result<Option<Self>, PackageProblem> {
        let root = doc.root();
        let kind = root.get("resourceType").and_then(Node::as_str).ok_or(PackageProblem::Resource("resourceType"))?;
        let Some(kind) = PackageKind::named(&kind) else { return Ok(None) };
        let url = root.get("url").and_then(Node::as_str).filter(|url| is_url(url));
        let url = url.ok_or(PackageProblem::Resource("url"))?.into_owned();
        let version = match root.get("version") {
            Some(version) => Some(
                version
                    .as_str()
                    .filter(|text| !text.is_empty() && !text.contains('|'))
                    .ok_or(PackageProblem::Resource("version"))?
                    .into_owned(),
            ),
            None => None,
        };
        let text = without_narrative(root);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let deflated = encoder.write_all(&text).and_then(|()| encoder.finish()).map_err(|_| PackageProblem::Kept)?;
        Ok(Some(Self {
            kind,
            url,
            version,
            deflated: deflated.into_boxed_slice(),
            size: text.len(),
            values: doc.node_count(),
        }))
    }
}

struct Manifest {
    name: String,
    version: String,
    title: Option<String>,
    dependencies: Vec<Dependency>,
}

impl Manifest {
    fn read(root: Node<'_>) -> Result<Self, PackageProblem> {
        let text = |member: &'static str| {
            let value = root.get(member).and_then(Node::as_str).ok_or(PackageProblem::Manifest(member))?;
            Ok(value.into_owned())
        };
        let versions = root.get("fhirVersions").or_else(|| root.get("fhir-version-list"));
        let of_r4 =
            |node: Node<'_>| node.as_str().is_some_and(|version| version == "4.0" || version.starts_with("4.0."));
        if versions.is_some_and(|versions| !versions.items().any(of_r4)) {
            return Err(PackageProblem::FhirVersion);
        }
        let mut needed = BTreeMap::new();
        for member in root.get("dependencies").into_iter().flat_map(Node::members) {
            let version = member.value.as_str().ok_or(PackageProblem::Manifest("dependencies"))?;
            needed.insert(member.key.into_owned(), version.into_owned());
        }
        needed.remove(CORE);
        let manifest = Self {
            name: text("name")?,
            version: text("version")?,
            title: root.get("title").and_then(Node::as_str).map(std::borrow::Cow::into_owned),
            dependencies: needed.into_iter().map(|(name, version)| Dependency { name, version }).collect(),
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Name and version become a file name, so they are held to less than npm allows.
    fn check(&self) -> Result<(), PackageProblem> {
        let plain = |text: &str, upper: bool| {
            let fits = |c: char| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c) || upper && c.is_ascii_uppercase()
            };
            (1..=128).contains(&text.len())
                && text.chars().all(fits)
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && !text.contains("..")
        };
        if !plain(&self.name, false) {
            return Err(PackageProblem::Manifest("name"));
        }
        if !plain(&self.version, true) {
            return Err(PackageProblem::Manifest("version"));
        }
        if self.name == CORE { Err(PackageProblem::Core) } else { Ok(()) }
    }
}

/// Only what lies in the folder `package` itself: folders inside hold examples and what other tools need.
fn is_read(path: &str) -> bool {
    let Some(name) = path.strip_prefix("package/") else { return false };
    name.ends_with(".json") && !name.contains('/') && !name.starts_with('.')
}

fn parse(text: Vec<u8>, limits: &PackageLimits) -> Result<Doc, PackageProblem> {
    let limits = Limits { max_bytes: limits.max_resource, max_nodes: limits.max_values, ..Limits::default() };
    Doc::parse(text, &limits).map_err(PackageProblem::Json)
}

fn is_url(text: &str) -> bool {
    (1..=2048).contains(&text.len()) && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '|')
}

fn without_narrative(root: Node<'_>) -> Vec<u8> {
    let mut text = vec![b'{'];
    for member in root.members().filter(|member| member.key != "text" || member.value.kind() != Kind::Object) {
        if text.len() > 1 {
            text.push(b',');
        }
        write_string(&member.key, &mut text);
        text.push(b':');
        crate::json::write(member.value, &mut text);
    }
    text.push(b'}');
    text
}
