//! The kinds of values that members have.

use aceso_fhir::json::{Kind, Node};

use crate::fhir::{self, Moment, Text};

/// Where the reader is, as a list through the stack: spelled out only for an error.
pub(crate) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Root,
    Name(&'static str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The object itself.
    pub(crate) const ROOT: Place<'static> = Place { parent: None, step: Step::Root };

    /// A member of it.
    pub(crate) fn then(&'p self, name: &'static str) -> Place<'p> {
        Place { parent: Some(self), step: Step::Name(name) }
    }

    fn item(&'p self, index: usize) -> Place<'p> {
        Place { parent: Some(self), step: Step::Index(index) }
    }

    /// The value here does not have the type that its model says.
    pub(crate) fn misshapen(&self) -> Misshapen {
        let mut path = String::new();
        self.spell(&mut path);
        Misshapen(path)
    }

    fn spell(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.spell(out);
        }
        match self.step {
            Step::Root => {}
            Step::Index(index) => out.push_str(&format!("[{index}]")),
            Step::Name(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
        }
    }
}

/// The path of a value with another JSON type than its model says. Names of known members and indexes only.
#[derive(Debug)]
pub(crate) struct Misshapen(pub(crate) String);

/// What can be read from a JSON value.
pub(crate) trait Read<'a>: Sized {
    /// Reads a value that is not null.
    fn read(node: Node<'a>, at: &Place<'_>) -> Result<Self, Misshapen>;

    /// The shape, for tests that make such values.
    #[cfg(test)]
    fn shape() -> Shape;
}

/// What remembers where it came from.
pub(crate) trait Source<'a> {
    /// The JSON value.
    fn node(&self) -> Node<'a>;
}

/// The shape of a model.
#[cfg(test)]
pub(crate) enum Shape {
    Text,
    Id,
    Number,
    Flag,
    Day,
    Time,
    Any,
    Object(Vec<(&'static str, Shape)>),
    List(Box<Shape>),
}

/// A value, or nothing where it is null.
pub(crate) fn optional<'a, T: Read<'a>>(node: Node<'a>, at: &Place<'_>) -> Result<Option<T>, Misshapen> {
    if node.kind() == Kind::Null { Ok(None) } else { T::read(node, at).map(Some) }
}

macro_rules! leaf {
    ($(#[$doc:meta])* $name:ident, $shape:ident, $($kind:ident)|+) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name<'a>(Node<'a>);

        impl<'a> Read<'a> for $name<'a> {
            fn read(node: Node<'a>, at: &Place<'_>) -> Result<Self, Misshapen> {
                if matches!(node.kind(), $(Kind::$kind)|+) { Ok(Self(node)) } else { Err(at.misshapen()) }
            }

            #[cfg(test)]
            fn shape() -> Shape {
                Shape::$shape
            }
        }

        impl<'a> Source<'a> for $name<'a> {
            fn node(&self) -> Node<'a> {
                self.0
            }
        }
    };
}

leaf!(
    /// Text. Numbers are taken as their digits: phones and codes come as both.
    Str, Text, String | Number
);
leaf!(
    /// A decimal, as text or as a number.
    Decimal, Number, String | Number
);
leaf!(
    /// True or false.
    Flag, Flag, Bool
);
leaf!(
    /// A date.
    Day, Day, String
);
leaf!(
    /// A date with time.
    Time, Time, String
);
leaf!(
    /// Anything; looked at by its mapping, or only kept.
    Any, Any, Bool | String | Number | Array | Object
);

/// An id: a whole number, or 1 to 64 of letters, digits and hyphens. Never a floating-point number.
#[derive(Clone, Copy)]
pub(crate) struct Id<'a>(Node<'a>);

impl<'a> Read<'a> for Id<'a> {
    fn read(node: Node<'a>, at: &Place<'_>) -> Result<Self, Misshapen> {
        let is_scalar = matches!(node.kind(), Kind::String | Kind::Number);
        let text = text_of(node);
        let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if is_scalar && is_id { Ok(Self(node)) } else { Err(at.misshapen()) }
    }

    #[cfg(test)]
    fn shape() -> Shape {
        Shape::Id
    }
}

impl<'a> Source<'a> for Id<'a> {
    fn node(&self) -> Node<'a> {
        self.0
    }
}

impl<'a> Str<'a> {
    /// The text.
    pub(crate) fn text(self) -> Text<'a> {
        text_of(self.0)
    }
}

impl<'a> Id<'a> {
    /// The digits, or the text.
    pub(crate) fn text(self) -> Text<'a> {
        text_of(self.0)
    }
}

impl<'a> Decimal<'a> {
    /// The text as it came.
    pub(crate) fn text(self) -> Text<'a> {
        text_of(self.0)
    }

    /// A JSON number of the same digits, if it is one.
    pub(crate) fn number(self) -> Option<Text<'a>> {
        fhir::decimal(&self.text())
    }
}

impl Flag<'_> {
    /// Its value.
    pub(crate) fn is_true(self) -> bool {
        self.0.as_bool().unwrap_or_default()
    }
}

impl<'a> Day<'a> {
    /// The date, if it is one.
    pub(crate) fn moment(self) -> Moment<'a> {
        Moment::read(text_of(self.0))
    }

    /// The text as it came.
    pub(crate) fn text(self) -> Text<'a> {
        text_of(self.0)
    }
}

impl<'a> Time<'a> {
    /// The time, if it is one.
    pub(crate) fn moment(self) -> Moment<'a> {
        Moment::read(text_of(self.0))
    }

    /// The text as it came.
    pub(crate) fn text(self) -> Text<'a> {
        text_of(self.0)
    }
}

fn text_of(node: Node<'_>) -> Text<'_> {
    match node.number_text() {
        Some(digits) => digits.into(),
        None => node.as_str().map(Text::from).unwrap_or_else(|| "".into()),
    }
}

/// A list; null items are left out.
pub(crate) struct Many<'a, T> {
    /// The items, each with its position in the source.
    pub(crate) items: Vec<(usize, T)>,
    node: Node<'a>,
}

impl<'a, T: Read<'a>> Read<'a> for Many<'a, T> {
    fn read(node: Node<'a>, at: &Place<'_>) -> Result<Self, Misshapen> {
        if node.kind() != Kind::Array {
            return Err(at.misshapen());
        }
        let mut items = Vec::with_capacity(node.len());
        for (index, item) in node.items().enumerate() {
            if let Some(item) = optional(item, &at.item(index))? {
                items.push((index, item));
            }
        }
        Ok(Self { items, node })
    }

    #[cfg(test)]
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

impl<'a, T> Source<'a> for Many<'a, T> {
    fn node(&self) -> Node<'a> {
        self.node
    }
}

/// An object, or only its id: the source sends both for the same member.
pub(crate) enum Expanded<'a, T> {
    /// The id.
    Id(Id<'a>),
    /// The object.
    Object(Box<T>),
}

impl<'a, T: Read<'a>> Read<'a> for Expanded<'a, T> {
    fn read(node: Node<'a>, at: &Place<'_>) -> Result<Self, Misshapen> {
        if node.kind() == Kind::Object {
            return T::read(node, at).map(|object| Self::Object(Box::new(object)));
        }
        Id::read(node, at).map(Self::Id)
    }

    #[cfg(test)]
    fn shape() -> Shape {
        T::shape()
    }
}
