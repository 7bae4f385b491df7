//! Profiles as bytes: what is embedded in the program. Not a stored format: it is written and read by one build, and a test holds it
//! against the definitions.

use super::bound::{Bound, BoundKind};
use super::model::{
    Contents, ContextKind, Discriminator, DiscriminatorKind, Profile, Rule, RuleInvariant, Slicing, Source, Step,
    TypeRule,
};
use super::value::Value;
use crate::definitions::{Severity, Strength, TypeRef};

/// Something that is written and read alike.
pub(super) trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    /// `None` when the bytes are not those of [`Wire::put`].
    fn take(bytes: &mut &[u8]) -> Option<Self>;
}

impl Wire for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(*first)
    }
}

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        match u8::take(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Wire for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let mut value = 0u32;
        for shift in (0..35).step_by(7) {
            let byte = u8::take(bytes)?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// The next `len` bytes.
pub(super) fn chunk<'a>(bytes: &mut &'a [u8], len: u32) -> Option<&'a [u8]> {
    let (chunk, rest) = bytes.split_at_checked(len as usize)?;
    *bytes = rest;
    Some(chunk)
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u32).put(out);
    out.extend_from_slice(bytes);
}

impl Wire for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let len = u32::take(bytes)?;
        std::str::from_utf8(chunk(bytes, len)?).ok().map(Into::into)
    }
}

impl Wire for Source {
    fn put(&self, out: &mut Vec<u8>) {
        self.text.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Wire::take(bytes).map(Self::new)
    }
}

impl Wire for Value {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.text(), out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let len = u32::take(bytes)?;
        Self::parse(chunk(bytes, len)?.to_vec())
    }
}

impl Wire for TypeRef {
    fn put(&self, out: &mut Vec<u8>) {
        u32::from(self.0).put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        u16::try_from(u32::take(bytes)?).ok().map(Self)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let len = u32::take(bytes)?;
        (0..len).map(|_| T::take(bytes)).collect()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(inner) = self {
            inner.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::take(bytes)? { Some(T::take(bytes)?) } else { None })
    }
}

impl<T: Wire> Wire for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        T::take(bytes).map(Self::new)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::take(bytes)?, B::take(bytes)?))
    }
}

/// Members in the order they are named here.
macro_rules! members {
    ($name:ident: $($member:ident),+) => {
        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$member.put(out);)+
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                Some(Self { $($member: Wire::take(bytes)?),+ })
            }
        }
    };
}

/// Variants without content, numbered in the order they are named here.
macro_rules! variants {
    ($name:ident: $($number:literal $variant:ident),+) => {
        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self { $(Self::$variant => $number),+ });
            }

            fn take(bytes: &mut &[u8]) -> Option<Self> {
                match u8::take(bytes)? { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

members!(Profile: url, version, scope, contexts, context_invariants, modifier, root);
members!(Rule: name, place, key, slice, min, max, types, fixed, pattern, binding, invariants, max_length, least, most, scope, children, slicing, content);
members!(TypeRule: code, key, profiles, targets);
members!(RuleInvariant: key, severity, human, expression);
members!(Bound: kind, value);
members!(Slicing: contents, ordered, by, slices);
members!(Discriminator: kind, path);
variants!(BoundKind: 0 Number, 1 Moment, 2 Time, 3 Quantity);
variants!(ContextKind: 0 FhirPath, 1 Element, 2 Extension);
variants!(Severity: 0 Error, 1 Warning, 2 Information);
variants!(Strength: 0 Required, 1 Extensible, 2 Preferred);
variants!(Contents: 0 Open, 1 OpenAtEnd, 2 Closed);
variants!(DiscriminatorKind: 0 Value, 1 Exists, 2 Type, 3 Profile);

impl Wire for Step {
    fn put(&self, out: &mut Vec<u8>) {
        let (number, text): (u8, &str) = match self {
            Self::Child(name) => (0, name),
            Self::Extension(url) => (1, url),
            Self::OfType(name) => (2, name),
            Self::Resolve => (3, ""),
        };
        out.push(number);
        put_bytes(text.as_bytes(), out);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (number, text): (u8, Box<str>) = (u8::take(bytes)?, Wire::take(bytes)?);
        match number {
            0 => Some(Self::Child(text)),
            1 => Some(Self::Extension(text)),
            2 => Some(Self::OfType(text)),
            3 => Some(Self::Resolve),
            _ => None,
        }
    }
}
