//! What FHIR R4 adds (fhirpath.html, "Additional functions").

use std::borrow::Cow;

use super::{Call, Collection, Evaluator, Outcome, html, maybe, none, one};
use crate::definitions::TypeRef;
use crate::fhirpath::error::{EvaluationProblem as Problem, Fault};
use crate::fhirpath::item::{ElementItem, Item, Text};
use crate::fhirpath::navigate;
use crate::json::Node;
use crate::terminology::{Contains, Subsumption};

/// Canonical urls of the definitions of R4 itself.
const BASE: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(in crate::fhirpath) fn extension<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let Some(url) = run.text_argument(&call, 0)? else { return none() };
    let mut out = Collection::new();
    for item in &call.input {
        let Item::Element(element) = item else { continue };
        navigate::step(element, "extension", &mut |extension| {
            let is_wanted = extension.node().and_then(|node| node.get("url")).and_then(Node::as_str);
            if is_wanted.is_some_and(|found| found == url.as_str()) {
                out.push(Item::Element(extension));
            }
            true
        });
    }
    Ok(out)
}

pub(in crate::fhirpath) fn has_value<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    one(match call.input.as_slice() {
        [Item::Element(element)] => element.has_value(),
        [Item::Value(_)] => true,
        _ => false,
    })
}

pub(in crate::fhirpath) fn get_value<'a>(_: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    match call.input.as_slice() {
        [Item::Element(element)] if element.has_value() => maybe(Item::Element(*element).value()),
        [Item::Value(value)] => one(value.clone()),
        _ => none(),
    }
}

/// An error when an element has a modifier extension that is not named in the arguments.
pub(in crate::fhirpath) fn check_modifiers<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let mut known = Vec::new();
    for index in 0..call.arguments.len() {
        known.extend(run.text_argument(&call, index)?);
    }
    let mut is_known = true;
    for item in &call.input {
        let Item::Element(element) = item else { continue };
        navigate::step(element, "modifierExtension", &mut |extension| {
            let url = extension.node().and_then(|node| node.get("url")).and_then(Node::as_str);
            is_known = url.is_some_and(|url| known.iter().any(|known| known.as_str() == url));
            is_known
        });
        if !is_known {
            return Err(Fault::new(Problem::Argument("checkModifiers"), call.at));
        }
    }
    Ok(call.input)
}

/// The resource that a reference, a canonical or a url names: contained, in the bundle, or known to the caller. What is not found is left out.
pub(in crate::fhirpath) fn resolve<'a>(run: &mut Evaluator<'_, 'a>, call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let mut out = Collection::new();
    for item in &call.input {
        let reference = match item.text() {
            Some(text) => text,
            None => match item.node().and_then(|node| node.get("reference")).and_then(Node::as_str) {
                Some(text) => text.into(),
                None => continue,
            },
        };
        out.extend(target(run, &reference, call.at)?.map(Item::resource));
        run.bound(&out, call.at)?;
    }
    Ok(out)
}

fn target<'a>(run: &mut Evaluator<'_, 'a>, reference: &str, at: u32) -> Result<Option<Node<'a>>, Fault> {
    let context = run.context;
    let root = context.root_resource.as_ref().or(context.resource.as_ref()).unwrap_or(run.focus).node();
    if let Some(id) = reference.strip_prefix('#') {
        if id.is_empty() {
            return Ok(root);
        }
        for node in root.and_then(|root| root.get("contained")).into_iter().flat_map(Node::items) {
            run.charge(1, at)?;
            if is(node.get("id"), id) {
                return Ok(Some(node));
            }
        }
        return Ok(None);
    }
    let bundle = context.bundle.or(root.filter(|root| is(root.get("resourceType"), "Bundle")));
    for entry in bundle.and_then(|bundle| bundle.get("entry")).into_iter().flat_map(Node::items) {
        run.charge(1, at)?;
        let Some(resource) = entry.get("resource") else { continue };
        let url = entry.get("fullUrl").and_then(Node::as_str);
        if is_named(url.as_deref(), resource, reference) {
            return Ok(Some(resource));
        }
    }
    Ok(context.resolver.and_then(|resolver| resolver.resolve(reference)))
}

fn is(node: Option<Node<'_>>, text: &str) -> bool {
    node.and_then(Node::as_str).is_some_and(|found| found == text)
}

/// By full url, by type and id, or by canonical url and version (R4 bundle.html, "Resolving references").
fn is_named(url: Option<&str>, resource: Node<'_>, reference: &str) -> bool {
    let (reference, version) = reference.split_once("/_history/").map_or((reference, None), |(r, v)| (r, Some(v)));
    if let Some(version) = version
        && !is(resource.get("meta").and_then(|meta| meta.get("versionId")), version)
    {
        return false;
    }
    if url == Some(reference) {
        return true;
    }
    let text = |name| resource.get(name).and_then(Node::as_str);
    if let (Some((rtype, id)), Some(found), Some(found_id)) =
        (reference.split_once('/'), text("resourceType"), text("id"))
        && rtype == found
        && id == found_id
    {
        // A relative reference: the base is that of the entry, so a urn has none.
        return url.is_none_or(|url| url.ends_with(reference));
    }
    let (canonical, wanted) =
        reference.split_once('|').map_or((reference, None), |(url, version)| (url, Some(version)));
    is(resource.get("url"), canonical) && wanted.is_none_or(|wanted| is(resource.get("version"), wanted))
}

/// Whether the code, coding or concept is in the value set.
pub(in crate::fhirpath) fn member_of<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let items = std::mem::take(&mut call.input);
    let Some(item) = run.single(items, call.at)? else { return none() };
    let Some(value_set) = run.text_argument(&call, 0)? else { return none() };
    let terminology = run.context.terminology.ok_or(Fault::new(Problem::Unavailable("terminology"), call.at))?;
    let codings = codings(&item).ok_or(Fault::new(Problem::Type("memberOf"), call.at))?;
    let mut is_unknown = false;
    for (system, code) in codings {
        run.charge(10, call.at)?;
        match terminology.contains(&value_set, system.as_deref(), &code) {
            Contains::Yes => return one(true),
            Contains::No => {}
            Contains::Unknown => is_unknown = true,
        }
    }
    if is_unknown { none() } else { one(false) }
}

type Coded<'a> = (Option<Text<'a>>, Text<'a>);

/// System and code of a code, a coding or each of a concept; `None` for other types.
fn codings<'a>(item: &Item<'a>) -> Option<Vec<Coded<'a>>> {
    if let Some(code) = item.text() {
        return Some(vec![(None, code)]);
    }
    let node = item.node()?;
    let text = |node: Node<'a>, name: &str| node.get(name).and_then(Node::as_str).map(Text::from);
    let coding = |node: Node<'a>| Some((text(node, "system"), text(node, "code")?));
    match item.scope()? {
        TypeRef::CODING => Some(coding(node).into_iter().collect()),
        TypeRef::CODEABLE_CONCEPT => {
            Some(node.get("coding").into_iter().flat_map(Node::items).filter_map(coding).collect())
        }
        scope if super::super::types::is_quantity(scope) => Some(coding(node).into_iter().collect()),
        _ => None,
    }
}

pub(in crate::fhirpath) fn subsumes<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    subsumption(run, call, Subsumption::Subsumes)
}

pub(in crate::fhirpath) fn subsumed_by<'r, 'a>(run: &mut Evaluator<'r, 'a>, call: Call<'r, '_, 'a>) -> Outcome<'a> {
    subsumption(run, call, Subsumption::SubsumedBy)
}

/// A code without system is one of the other's system.
fn subsumption<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>, wanted: Subsumption) -> Outcome<'a> {
    let items = std::mem::take(&mut call.input);
    let other = run.argument(&call, 0)?.unwrap_or_default();
    let (this, other) = (run.single(items, call.at)?, run.single(other, call.at)?);
    let Some((this, other)) = this.zip(other) else { return none() };
    let terminology = run.context.terminology.ok_or(Fault::new(Problem::Unavailable("terminology"), call.at))?;
    let mismatch = Fault::new(Problem::Type(call.function.name), call.at);
    let (these, others) = (codings(&this).ok_or(mismatch)?, codings(&other).ok_or(mismatch)?);
    let mut is_unknown = false;
    for (system, code) in &these {
        for (other_system, other_code) in &others {
            run.charge(10, call.at)?;
            let Some(system) = system.as_ref().or(other_system.as_ref()) else {
                is_unknown = true;
                continue;
            };
            if other_system.as_ref().is_some_and(|other| other != system) {
                continue;
            }
            match terminology.subsumes(system, code, other_code) {
                Subsumption::Unknown => is_unknown = true,
                found if found == wanted || found == Subsumption::Equivalent => return one(true),
                _ => {}
            }
        }
    }
    if is_unknown { none() } else { one(false) }
}

/// Of a definition of R4 itself, the type decides what it can; the rest, and every profile, is the caller's to judge.
pub(in crate::fhirpath) fn conforms_to<'r, 'a>(run: &mut Evaluator<'r, 'a>, mut call: Call<'r, '_, 'a>) -> Outcome<'a> {
    let items = std::mem::take(&mut call.input);
    let Some(item) = run.single(items, call.at)? else { return none() };
    let Some(profile) = run.text_argument(&call, 0)? else { return none() };
    let Some(node) = item.node() else { return Err(Fault::new(Problem::Type("conformsTo"), call.at)) };
    if let Some(wanted) = profile.strip_prefix(BASE).and_then(super::super::types::FhirType::of)
        && matches!(&item, Item::Element(ElementItem { shape, .. }) if !wanted.is_base_of(*shape))
    {
        return one(false);
    }
    let profiles = run.context.profiles.ok_or(Fault::new(Problem::Unavailable("the profile"), call.at))?;
    run.charge(100 + node.span().len(), call.at)?;
    one(profiles.conforms(node, &profile).ok_or(Fault::new(Problem::Unavailable("the profile"), call.at))?)
}

/// Whether a narrative's `div` is the basic formatting that R4 allows (narrative.html, txt-1 and txt-2).
pub(in crate::fhirpath) fn html_checks<'a>(run: &mut Evaluator<'_, 'a>, mut call: Call<'_, '_, 'a>) -> Outcome<'a> {
    let items = std::mem::take(&mut call.input);
    let Some(item) = run.single(items, call.at)? else { return none() };
    let text: Cow<'_, str> = match item.text() {
        Some(text) => text.as_str().to_owned().into(),
        None => match item.node().and_then(|node| node.get("div")).and_then(Node::as_str) {
            Some(text) => text,
            None => return none(),
        },
    };
    run.bound_text(text.len(), call.at)?;
    one(html::is_allowed(&text))
}
