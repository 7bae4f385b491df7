//! Resources made up from the element tables: any elements, any text, with ids, extensions and gaps. Not valid in what
//! they say, but of the right shape.

use aceso_fhir::definitions::{Element, Primitive, ResourceType, TypeRef, ValueType};
use aceso_fhir::json::write_string;

/// Numbers from a seed (SplitMix64): the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A resource of some type with some of its elements.
pub(crate) fn resource(seed: u64) -> String {
    let mut chance = Chance(seed);
    let rtype = ResourceType::from_code(chance.below(ResourceType::all().len()) as u8).unwrap();
    whole(rtype, &mut chance, 0)
}

/// A resource of this type with this element and nothing else.
pub(crate) fn with_element(rtype: ResourceType, element: &'static Element) -> String {
    let mut members = vec![format!(r#""resourceType":"{}""#, rtype.name())];
    member(element, &mut Chance(u64::from(element.id)), 1, &mut members);
    format!("{{{}}}", members.join(","))
}

fn whole(rtype: ResourceType, chance: &mut Chance, depth: usize) -> String {
    let mut members = vec![format!(r#""resourceType":"{}""#, rtype.name())];
    some(TypeRef::of_resource(rtype), chance, depth, &mut members);
    // Any order of members means the same.
    let by = chance.below(members.len());
    members.rotate_left(by);
    format!("{{{}}}", members.join(","))
}

/// Some members of a scope; no two variants of a choice.
fn some(scope: TypeRef, chance: &mut Chance, depth: usize, members: &mut Vec<String>) {
    let mut last = "";
    for element in scope.elements() {
        let is_wanted = chance.one_in(if depth < 2 { 3 } else { 6 });
        if is_wanted && element.path != last {
            last = element.path;
            member(element, chance, depth + 1, members);
        }
    }
}

fn member(element: &'static Element, chance: &mut Chance, depth: usize, members: &mut Vec<String>) {
    let ValueType::Primitive(primitive) = element.value else {
        let count = if element.array { 1 + chance.below(3) } else { 1 };
        let items: Vec<String> = (0..count).map(|_| item(element, chance, depth)).collect();
        return members.push(format!(r#""{}":{}"#, element.key, in_array(element, &items)));
    };
    let of_resource = element.path.strip_suffix(".id").is_some_and(|name| ResourceType::parse(name).is_some());
    let is_attribute =
        (element.key == "id" && !of_resource) || element.path == "Extension.url" || primitive == Primitive::Xhtml;
    let count = if element.array { 1 + chance.below(4) } else { 1 };
    let (mut values, mut siblings) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let has_sibling = !is_attribute && depth < 8 && chance.one_in(4);
        let has_value = !has_sibling || chance.one_in(2);
        values.push(if has_value { value(primitive, chance) } else { "null".to_owned() });
        siblings.push(if has_sibling { sibling(has_value, chance, depth) } else { "null".to_owned() });
    }
    let is_there = |list: &[String]| list.iter().any(|item| item != "null");
    if is_there(&values) {
        members.push(format!(r#""{}":{}"#, element.key, in_array(element, &values)));
    }
    if is_there(&siblings) {
        members.push(format!(r#""_{}":{}"#, element.key, in_array(element, &siblings)));
    }
}

fn in_array(element: &Element, items: &[String]) -> String {
    if element.array { format!("[{}]", items.join(",")) } else { items[0].clone() }
}

fn item(element: &'static Element, chance: &mut Chance, depth: usize) -> String {
    match element.value {
        ValueType::Resource => {
            let rtype = ResourceType::from_code(chance.below(ResourceType::all().len()) as u8).unwrap();
            let basic = depth > 3;
            if basic { r#"{"resourceType":"Basic"}"#.to_owned() } else { whole(rtype, chance, depth + 2) }
        }
        ValueType::Complex(TypeRef::EXTENSION) => extension(chance, depth),
        ValueType::Complex(scope) => object(scope, chance, depth),
        ValueType::Primitive(primitive) => value(primitive, chance),
    }
}

/// An element with content: an id alone is none.
fn object(scope: TypeRef, chance: &mut Chance, depth: usize) -> String {
    let mut members = Vec::new();
    if depth < 8 {
        some(scope, chance, depth, &mut members);
    }
    if members.iter().all(|member| member.starts_with(r#""id":"#)) {
        members.push(format!(r#""extension":[{}]"#, extension(chance, depth + 1)));
    }
    format!("{{{}}}", members.join(","))
}

fn extension(chance: &mut Chance, depth: usize) -> String {
    let mut members = vec![format!(r#""url":{}"#, value(Primitive::Uri, chance))];
    if depth < 8 {
        let choices = &TypeRef::EXTENSION.elements()[3..];
        let element = &choices[chance.below(choices.len())];
        member(element, chance, depth + 2, &mut members);
    }
    format!("{{{}}}", members.join(","))
}

fn sibling(has_value: bool, chance: &mut Chance, depth: usize) -> String {
    let mut members = Vec::new();
    if chance.one_in(2) {
        members.push(format!(r#""id":{}"#, value(Primitive::String, chance)));
    }
    if !has_value || members.is_empty() {
        members.push(format!(r#""extension":[{}]"#, extension(chance, depth + 2)));
    }
    format!("{{{}}}", members.join(","))
}

fn value(primitive: Primitive, chance: &mut Chance) -> String {
    match primitive {
        Primitive::Boolean => chance.pick(&["true", "false"]).to_owned(),
        Primitive::Decimal => {
            chance.pick(&["0", "-0.0", "1.10", "12e3", "1E-7", "0.000000000000000001", "1e400"]).to_owned()
        }
        Primitive::Integer => chance.pick(&["0", "-7", "2147483647"]).to_owned(),
        Primitive::PositiveInt | Primitive::UnsignedInt => chance.pick(&["1", "42", "2147483647"]).to_owned(),
        Primitive::Xhtml => {
            let div = chance.pick(&[
                "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
                "<div xmlns='http://www.w3.org/1999/xhtml' lang=\"de\">\n\t<p>a &amp; &lt;b&gt; &#160;<br /></p >é</div>",
                "<div xmlns=\"http://www.w3.org/1999/xhtml\"><!-- c --><a href='x?a=1&amp;b=2'><![CDATA[<x>&]]></a></div>",
                "<div xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:s=\"http://www.w3.org/2000/svg\"><s:svg s:a=\"1\"/></div>",
            ]);
            quoted(div)
        }
        _ => {
            let parts = [
                "a", " ", "\n", "\t", "\r", "\"", "'", "&", "<", ">", "&amp;", "]]>", "é", "\u{7f}", "\u{85}",
                "\u{2028}", "😀", "\\", "/",
            ];
            let text: String = (0..1 + chance.below(6)).map(|_| chance.pick(&parts)).collect();
            quoted(&text)
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    write_string(text, &mut out);
    String::from_utf8(out).unwrap()
}
