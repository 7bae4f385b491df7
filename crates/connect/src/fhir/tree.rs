//! The tree itself.

use aceso_fhir::json::write_string;

use super::text::Text;

/// One JSON value to be written.
#[derive(Clone)]
pub(crate) enum Tree<'a> {
    /// A string.
    Text(Text<'a>),
    /// A number, `true` or `false`, as written.
    Raw(Text<'a>),
    /// An array.
    List(Vec<Tree<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// An object under construction. Members that hold nothing are left out.
#[derive(Clone, Default)]
pub(crate) struct Object<'a>(Vec<(&'static str, Tree<'a>)>);

impl<'a> Object<'a> {
    /// Adds a member, unless the value is empty.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Tree<'a>>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((name, value));
        }
    }

    /// Adds an item to the list of that name, unless it is empty.
    pub(crate) fn push(&mut self, name: &'static str, item: impl Into<Tree<'a>>) {
        let item = item.into();
        if item.is_empty() {
            return;
        }
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, Tree::List(items))) => items.push(item),
            _ => self.0.push((name, Tree::List(vec![item]))),
        }
    }

    /// Takes over the members of another.
    pub(crate) fn append(&mut self, other: Object<'a>) {
        self.0.extend(other.0);
    }

    /// Whether it has no member.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has this member.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| *key == name)
    }

    /// Appends it as minified JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (position, (name, value)) in self.0.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_string(name, out);
            out.push(b':');
            value.write(out);
        }
        out.push(b'}');
    }
}

impl Tree<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_fhir_string(),
            Self::Raw(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Object(object) => object.is_empty(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_string(text, out),
            Self::Raw(text) => out.extend_from_slice(text.as_bytes()),
            Self::List(items) => {
                out.push(b'[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(object) => object.write(out),
        }
    }
}

impl<'a> From<Text<'a>> for Tree<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a str> for Tree<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Tree<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Tree<'_> {
    fn from(value: bool) -> Self {
        Self::Raw(if value { "true" } else { "false" }.into())
    }
}

impl<'a> From<Object<'a>> for Tree<'a> {
    fn from(object: Object<'a>) -> Self {
        Self::Object(object)
    }
}

impl<'a, T: Into<Tree<'a>>> From<Vec<T>> for Tree<'a> {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).filter(|item| !item.is_empty()).collect())
    }
}

impl<'a, T: Into<Tree<'a>>> From<Option<T>> for Tree<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| Self::List(Vec::new()), Into::into)
    }
}

/// An [`Object`] of these members, the empty ones left out.
macro_rules! object {
    ($($name:literal => $value:expr),+ $(,)?) => {{
        let mut object = $crate::fhir::Object::default();
        $(object.set($name, $value);)+
        object
    }};
}
pub(crate) use object;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(object: &Object<'_>) -> String {
        let mut out = Vec::new();
        object.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_empty_is_left_out_at_every_level() {
        let none: Option<&str> = None;
        let mut built = object! { "a" => "", "b" => none, "c" => object! { "d" => " " }, "e" => "1" };
        built.push("f", object! { "g" => "" });
        built.push("f", "x");
        built.push("f", "y");
        assert_eq!(written(&built), r#"{"e":"1","f":["x","y"]}"#);
    }

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(written(&object! { "value" => Tree::Raw("1.10".into()) }), r#"{"value":1.10}"#);
    }
}
