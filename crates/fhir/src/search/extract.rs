//! From a resource to its search values: one pass over the members of the root, then the walks that begin there.

use std::borrow::Cow;

use crate::definitions::ResourceType;
use crate::json::{Kind, Node};

use super::decimal::Decimal;
use super::fold::normalise_contact;
use super::model::{Data, Source, Step, table};
use super::moment::date_range;
use super::values::{REF_DISPLAY, REF_IDENTIFIER, REF_LOCAL, REF_TYPE, REF_URL, REF_VERSION, SearchValues};

/// Replaces `values` by the search values of the resource at `root`, which must be of this type. Elements that are
/// not shaped as R4 says give no value: validate first.
pub fn extract(root: Node<'_>, rtype: ResourceType, values: &mut SearchValues) {
    values.clear(rtype);
    let table = table(rtype);
    let mut begin = |node: Node<'_>, from: u8, to: u8, depth: usize| {
        for index in from..to {
            let Some(source) = table.sources.get(usize::from(index)) else { continue };
            let mut walk = Walk { root, source, index, group: 0, values };
            walk.visit(node, depth);
        }
    };
    if let Some((_, from, to)) = table.starts.first().filter(|(key, ..)| key.is_empty()) {
        begin(root, *from, *to, 0);
    }
    for member in root.members() {
        if let Ok(at) = table.starts.binary_search_by(|(key, ..)| (*key).cmp(&member.key))
            && let Some((_, from, to)) = table.starts.get(at)
        {
            begin(member.value, *from, *to, 1);
        }
    }
}

struct Walk<'v, 'n> {
    root: Node<'n>,
    source: &'static Source,
    index: u8,
    group: u64,
    values: &'v mut SearchValues,
}

impl<'n> Walk<'_, 'n> {
    fn visit(&mut self, node: Node<'n>, depth: usize) {
        match node.kind() {
            Kind::Null => return,
            Kind::Array => {
                for item in node.items() {
                    self.visit(item, depth);
                }
                return;
            }
            _ => {}
        }
        if depth != 0 && depth == usize::from(self.source.group) {
            self.group += 1;
        }
        match self.source.steps.get(depth) {
            None => self.leaf(node),
            Some(Step::Key(key)) => {
                if let Some(next) = node.get(key) {
                    self.visit(next, depth + 1);
                }
            }
            Some(Step::Where(key, value)) => {
                if node.get(key).and_then(Node::as_str).is_some_and(|found| found == *value) {
                    self.visit(node, depth + 1);
                }
            }
        }
    }

    fn leaf(&mut self, node: Node<'n>) {
        match self.source.data {
            Data::CodeableConcept => self.codeable_concept(node),
            Data::Coding => self.coding(node),
            Data::Code | Data::Text | Data::Plain => self.plain(node),
            Data::Boolean => match node.as_bool() {
                Some(value) => self.token("", if value { "true" } else { "false" }, ""),
                None => self.present(),
            },
            Data::Identifier => self.identifier(node),
            Data::ContactPoint => {
                let contact = normalise_contact(&string(node, "value"));
                self.token(&string(node, "system"), &contact, "");
            }
            Data::HumanName => self.parts(node, &["text", "family", "given", "prefix", "suffix"]),
            Data::Address => self.parts(node, &["text", "line", "city", "district", "state", "postalCode", "country"]),
            Data::DateTime => match node.as_str().and_then(|text| date_range(&text)) {
                Some((low, high)) => self.date(Some(low), Some(high)),
                None => self.present(),
            },
            Data::Period => self.period(node),
            Data::Timing => self.timing(node),
            Data::Number => match decimal(node) {
                Some(number) => self.quantity(Some(number), Some(number), &["", "", ""]),
                None => self.present(),
            },
            Data::Range => self.range(node),
            Data::Quantity => self.measured(node),
            Data::Money => match node.get("value").and_then(decimal) {
                Some(n) => self.quantity(Some(n), Some(n), &["urn:iso:std:iso:4217", &string(node, "currency"), ""]),
                None => self.present(),
            },
            Data::SampledData => self.sampled(node),
            Data::Reference => self.reference(node),
            Data::Canonical => self.canonical(node),
            Data::Present(keys) => {
                let set = |node: Node<'_>| node.kind() != Kind::Null && node.as_bool() != Some(false);
                let any = keys.iter().any(|key| node.get(key).is_some_and(set));
                self.token("", if any { "true" } else { "false" }, "");
            }
        }
    }

    /// Writes one value after the number of its element.
    fn write(&mut self, put: impl FnOnce(&mut SearchValues)) {
        let start = self.values.begin();
        if self.source.group != 0 {
            self.values.varint(self.group);
        }
        put(self.values);
        self.values.end(self.index, start);
    }

    fn present(&mut self) {
        let start = self.values.begin();
        self.values.end(self.index, start);
    }

    fn token(&mut self, system: &str, code: &str, text: &str) {
        if code.is_empty() && text.is_empty() && system.is_empty() {
            return self.present();
        }
        let identifier = self.source.data == Data::Identifier;
        self.write(|values| {
            values.reference(system);
            values.reference(code);
            values.reference(text);
            if identifier {
                values.varint(0);
            }
        });
    }

    fn coding(&mut self, node: Node<'n>) {
        self.token(&string(node, "system"), &string(node, "code"), &string(node, "display"));
    }

    fn codeable_concept(&mut self, node: Node<'n>) {
        let before = self.values.begin();
        for coding in node.get("coding").into_iter().flat_map(Node::items) {
            self.coding(coding);
        }
        let text = string(node, "text");
        if !text.is_empty() {
            self.token("", "", &text);
        } else if self.values.begin() == before {
            self.present();
        }
    }

    fn identifier(&mut self, node: Node<'n>) {
        let kind = node.get("type");
        let text = kind.map(|kind| string(kind, "text")).unwrap_or_default();
        let codings = || kind.and_then(|kind| kind.get("coding")).into_iter().flat_map(Node::items);
        let (system, value) = (string(node, "system"), string(node, "value"));
        self.write(|values| {
            values.reference(&system);
            values.reference(&value);
            values.reference(&text);
            values.varint(codings().count() as u64);
            for coding in codings() {
                values.reference(&string(coding, "system"));
                values.reference(&string(coding, "code"));
            }
        });
    }

    /// A primitive string: token, text or uri, whichever the source holds.
    fn plain(&mut self, node: Node<'n>) {
        use super::model::Value;
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else { return self.present() };
        match self.source.value {
            Value::Token => self.token("", &text, ""),
            _ => self.write(|values| values.reference(&text)),
        }
    }

    fn parts(&mut self, node: Node<'n>, keys: &[&str]) {
        self.present();
        for value in keys.iter().filter_map(|key| node.get(key)) {
            let items = (value.kind() == Kind::Array).then(|| value.items()).into_iter().flatten();
            let single = (value.kind() == Kind::String).then_some(value);
            for text in items.chain(single).filter_map(Node::as_str).filter(|text| !text.is_empty()) {
                self.write(|values| values.reference(&text));
            }
        }
    }

    fn date(&mut self, low: Option<i64>, high: Option<i64>) {
        self.write(|values| values.date(low, high));
    }

    fn period(&mut self, node: Node<'n>) {
        let (low, high) = period(node);
        if low.is_none() && high.is_none() { self.present() } else { self.date(low, high) }
    }

    /// Only the outer limits of a schedule count (R4 search.html section 3.1.1.4.7).
    fn timing(&mut self, node: Node<'n>) {
        let events = node.get("event").into_iter().flat_map(Node::items);
        let events = events.filter_map(|event| date_range(&event.as_str()?)).map(|(low, high)| (Some(low), Some(high)));
        let bounds = node.get("repeat").and_then(|repeat| repeat.get("boundsPeriod")).map(period);
        let bounds = bounds.filter(|bounds| *bounds != (None, None));
        let outer = events
            .chain(bounds)
            .reduce(|a, b| (a.0.zip(b.0).map(|(a, b)| a.min(b)), a.1.zip(b.1).map(|(a, b)| a.max(b))));
        match outer {
            Some((low, high)) => self.date(low, high),
            None => self.present(),
        }
    }

    fn quantity(&mut self, low: Option<Decimal>, high: Option<Decimal>, unit: &[&str; 3]) {
        let measured = self.source.value == super::model::Value::Quantity;
        self.write(|values| {
            values.interval(low, high);
            if measured {
                unit.iter().for_each(|part| values.reference(part));
            }
        });
    }

    /// A value with a comparator is all that it may be: `<5` reaches from below to 5.
    fn measured(&mut self, node: Node<'n>) {
        let Some(value) = node.get("value").and_then(decimal) else { return self.present() };
        let (low, high) = match string(node, "comparator").as_ref() {
            "<" | "<=" => (None, Some(value)),
            ">" | ">=" => (Some(value), None),
            _ => (Some(value), Some(value)),
        };
        self.quantity(low, high, &[&string(node, "system"), &string(node, "code"), &string(node, "unit")]);
    }

    fn range(&mut self, node: Node<'n>) {
        let (low, high) = (node.get("low"), node.get("high"));
        let ends = [low, high].map(|end| end.and_then(|end| end.get("value")).and_then(decimal));
        let Some(unit) = low.or(high).filter(|_| ends != [None, None]) else { return self.present() };
        self.quantity(ends[0], ends[1], &[&string(unit, "system"), &string(unit, "code"), &string(unit, "unit")]);
    }

    /// From the smallest to the largest sample; open where a sample left the limits of the device.
    fn sampled(&mut self, node: Node<'n>) {
        let Some(origin) = node.get("origin") else { return self.present() };
        let one = Decimal { mantissa: 1, exponent: 0 };
        let factor = node.get("factor").and_then(decimal).unwrap_or(one);
        let zero = origin.get("value").and_then(decimal);
        let samples = string(node, "data");
        let points = samples.split_ascii_whitespace().filter_map(Decimal::parse);
        let points = points.filter_map(|point| point.scaled(factor, zero?));
        let ends = points.map(|p| (p, p)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let Some((low, high)) = ends else { return self.present() };
        let left = |mark| samples.split_ascii_whitespace().any(|sample| sample == mark);
        let (low, high) = ((!left("L")).then_some(low), (!left("U")).then_some(high));
        if low.is_none() && high.is_none() {
            return self.present();
        }
        self.quantity(low, high, &[&string(origin, "system"), &string(origin, "code"), &string(origin, "unit")]);
    }

    fn reference(&mut self, node: Node<'n>) {
        let text = string(node, "reference");
        let target = parse_reference(&text);
        let named = || ResourceType::parse(&string(node, "type"));
        let rtype = match text.strip_prefix('#') {
            Some(id) => self.contained(id),
            None => target.rtype,
        };
        let rtype = rtype.or_else(named);
        let identifier = node.get("identifier");
        let display = string(node, "display");
        let mut flags = 0;
        flags |= if target.id.is_empty() { 0 } else { REF_LOCAL };
        flags |= if target.url.is_empty() { 0 } else { REF_URL };
        flags |= if target.version.is_empty() { 0 } else { REF_VERSION };
        flags |= if identifier.is_none() { 0 } else { REF_IDENTIFIER };
        flags |= if display.is_empty() { 0 } else { REF_DISPLAY };
        if flags == 0 {
            return self.present();
        }
        self.write(|values| {
            values.byte(flags | if rtype.is_none() { 0 } else { REF_TYPE });
            if let Some(rtype) = rtype {
                values.byte(rtype.code());
            }
            for part in [target.id, target.url, target.version].into_iter().filter(|part| !part.is_empty()) {
                values.reference(part);
            }
            if let Some(identifier) = identifier {
                values.reference(&string(identifier, "system"));
                values.reference(&string(identifier, "value"));
            }
            if !display.is_empty() {
                values.reference(&display);
            }
        });
    }

    fn canonical(&mut self, node: Node<'n>) {
        let Some(text) = node.as_str().filter(|text| !text.is_empty()) else { return self.present() };
        let local = parse_reference(&text);
        if local.id.is_empty() {
            let (url, version) = text.split_once('|').unwrap_or((&text, ""));
            self.write(|values| {
                values.byte(REF_URL | if version.is_empty() { 0 } else { REF_VERSION });
                values.reference(url);
                if !version.is_empty() {
                    values.reference(version);
                }
            });
        } else if let Some(rtype) = local.rtype {
            self.write(|values| {
                values.byte(REF_LOCAL | REF_TYPE);
                values.byte(rtype.code());
                values.reference(local.id);
            });
        }
    }

    fn contained(&self, id: &str) -> Option<ResourceType> {
        let mut contained = self.root.get("contained")?.items();
        let resource =
            contained.find(|resource| resource.get("id").and_then(Node::as_str).is_some_and(|found| found == id))?;
        ResourceType::parse(&resource.get("resourceType")?.as_str()?)
    }
}

/// The parts of a reference's text: `id` is set for a record of this server, `url` for anything else.
pub(super) struct ReferenceText<'a> {
    pub(super) rtype: Option<ResourceType>,
    pub(super) id: &'a str,
    pub(super) version: &'a str,
    pub(super) url: &'a str,
}

/// `Type/id`, `Type/id/_history/version`, or else a URL, whose last two segments may still name the type.
pub(super) fn parse_reference(text: &str) -> ReferenceText<'_> {
    let (rest, version) = text.split_once("/_history/").unwrap_or((text, ""));
    let mut segments = rest.rsplit('/');
    let (id, rtype) = (segments.next().unwrap_or(""), segments.next().and_then(ResourceType::parse));
    let valid = is_id(id) && rtype.is_some();
    if valid && segments.next().is_none() {
        return ReferenceText { rtype, id, version, url: "" };
    }
    ReferenceText { rtype: rtype.filter(|_| valid), id: "", version: "", url: text }
}

/// R4 datatypes, `id`.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn period(node: Node<'_>) -> (Option<i64>, Option<i64>) {
    let end = |key| node.get(key).and_then(|end| date_range(&end.as_str()?));
    (end("start").map(|(low, _)| low), end("end").map(|(_, high)| high))
}

fn decimal(node: Node<'_>) -> Option<Decimal> {
    Decimal::parse(node.number_text()?)
}

fn string<'n>(node: Node<'n>, key: &str) -> Cow<'n, str> {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}
