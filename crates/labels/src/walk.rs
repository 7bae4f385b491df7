//! The walk over a document: each member goes where its class belongs.

use aceso_fhir::definitions::{Element, ResourceType, TypeRef, ValueType};
use aceso_fhir::json::{Kind, Member, Node};

use crate::DataClass;
use crate::marker::{MARK, VANISH};
use crate::slices::{Mask, Slices, Text};
use crate::table::{self, Context, Labelled};

/// Whether something of a value is always shown, whatever is masked inside it. What is not sure is followed by the marker
/// that makes it vanish when it comes out empty.
type Sure = bool;

pub(crate) struct Walk {
    pub(crate) slices: Slices,
    context: Context,
    /// The class of a directory resource that this record contains: it tells about the patient then.
    contained: DataClass,
}

impl Walk {
    pub(crate) fn new(context: Context, contained: DataClass) -> Self {
        Self { slices: Slices::new(), context, contained }
    }

    /// Writes one member of `object` into `out`, whose class is `holder`; into a slice when its own class is another.
    pub(crate) fn member(
        &mut self,
        member: &Member<'_>,
        object: Node<'_>,
        scope: TypeRef,
        holder: DataClass,
        out: &mut Text,
    ) -> Sure {
        let value = member.value;
        let Some((element, sibling)) = scope.child(&member.key) else {
            return self.opaque_member(value, holder, out);
        };
        if sibling {
            return self.sibling(element, value, object, holder, out);
        }
        if !fits(value, element) {
            return self.opaque_member(value, holder, out);
        }
        let class = match table::of_element(element, self.context) {
            Labelled::ByUrl => return self.by_url(element, value, holder, out),
            Labelled::Inherit => holder,
            Labelled::Of(class) => class,
        };
        let class = match element.value {
            ValueType::Resource if !element.array => self.class_of_resource(value, class),
            _ => class,
        };
        let mask = mask_of(element);
        self.put(class, holder, mask, out, |walk, class, out| {
            out.key(value.raw_key());
            walk.value(value, element, class, out)
        })
    }

    /// The items of `Meta.security`, each by its code system.
    pub(crate) fn security_labels(&mut self, labels: Node<'_>, holder: DataClass, out: &mut Text) -> Sure {
        self.items_by(labels, holder, out, "Coding", |walk, coding| {
            table::of_security_label(coding.get("system").and_then(Node::as_str).as_deref(), walk.context)
        })
    }

    /// Writes what `write` writes either in place or, when the class asks for it, into a slice of its own.
    fn put(
        &mut self,
        class: DataClass,
        holder: DataClass,
        mask: Mask,
        out: &mut Text,
        write: impl FnOnce(&mut Self, DataClass, &mut Text) -> Sure,
    ) -> Sure {
        // Structure inside another class is seen with it: what holds it hides it.
        if class == holder || class == DataClass::Structure {
            let sure = write(self, holder, out);
            if !sure {
                out.mark(&[MARK, VANISH]);
            }
            return sure;
        }
        let mut slice = self.slices.begin();
        let sure = write(self, class, &mut slice);
        if !sure {
            slice.mark(&[MARK, VANISH]);
        }
        self.slices.put(slice, class, mask, out);
        // Masked, the mask stands there; opened, the slice may still come out empty.
        sure && mask != Mask::Drop
    }

    /// A member that no definition knows, or whose value has another shape: nobody can say what it tells.
    fn opaque_member(&mut self, value: Node<'_>, holder: DataClass, out: &mut Text) -> Sure {
        self.put(DataClass::Sensitive, holder, Mask::Drop, out, |_, _, out| {
            out.key(value.raw_key());
            out.copy(value);
            true
        })
    }

    fn value(&mut self, value: Node<'_>, element: &'static Element, holder: DataClass, out: &mut Text) -> Sure {
        if value.kind() != Kind::Array {
            return self.single(value, element.value, holder, out);
        }
        out.open(b'[');
        let mut sure = value.is_empty();
        for item in value.items() {
            let class =
                if element.value == ValueType::Resource { self.class_of_resource(item, holder) } else { holder };
            sure |= self.put(class, holder, Mask::Drop, out, |walk, class, out| {
                out.separate();
                walk.single(item, element.value, class, out)
            });
        }
        out.close(b']');
        sure
    }

    fn single(&mut self, value: Node<'_>, of: ValueType, holder: DataClass, out: &mut Text) -> Sure {
        let scope = match of {
            _ if value.kind() != Kind::Object => None,
            ValueType::Complex(scope) => Some(scope),
            ValueType::Resource => resource_type(value).map(TypeRef::of_resource),
            ValueType::Primitive(_) => None,
        };
        let Some(scope) = scope else {
            out.copy(value);
            return true;
        };
        let resource = of == ValueType::Resource;
        out.open(b'{');
        let mut sure = value.is_empty();
        for member in value.members() {
            if resource && member.key == "resourceType" {
                out.member(member.value.raw_key(), member.value.raw());
                sure = true;
                continue;
            }
            sure |= self.member(&member, value, scope, holder, out);
        }
        out.close(b'}');
        sure
    }

    /// The class of a whole resource inside this one: its own elements decide, but a directory resource in a patient's
    /// record (the drug of a prescription) tells about the patient, and an unknown type is sensitive.
    fn class_of_resource(&self, resource: Node<'_>, holder: DataClass) -> DataClass {
        match resource_type(resource) {
            _ if holder != DataClass::Structure => holder,
            None => DataClass::Sensitive,
            Some(_) if self.context == Context::Directory => DataClass::Structure,
            Some(rtype) if table::class_of_type(rtype) == DataClass::Structure => self.contained,
            Some(_) => DataClass::Structure,
        }
    }

    /// `extension`, `modifierExtension` and `Meta.security`: each item has the class of its URL or system.
    fn by_url(&mut self, element: &'static Element, value: Node<'_>, holder: DataClass, out: &mut Text) -> Sure {
        self.put(holder, holder, Mask::Drop, out, |walk, holder, out| {
            out.key(value.raw_key());
            out.open(b'[');
            let sure = if element.key == "security" {
                walk.security_labels(value, holder, out)
            } else {
                let inside_extension = element.path.starts_with("Extension.");
                walk.extensions(value, inside_extension, holder, out)
            };
            out.close(b']');
            sure || value.is_empty()
        })
    }

    fn extensions(&mut self, items: Node<'_>, inside_extension: bool, holder: DataClass, out: &mut Text) -> Sure {
        self.items_by(items, holder, out, "Extension", |walk, item| {
            // Inside an extension the URLs are relative (`ombCategory`): its class holds for all below.
            let inherits = inside_extension && holder != DataClass::Structure;
            if inherits { holder } else { walk.class_of_extension(item, holder) }
        })
    }

    fn items_by(
        &mut self,
        items: Node<'_>,
        holder: DataClass,
        out: &mut Text,
        datatype: &str,
        class_of: impl Fn(&Self, Node<'_>) -> DataClass,
    ) -> Sure {
        let Some(scope) = TypeRef::of_datatype(datatype) else { return false };
        let mut sure = false;
        for item in items.items() {
            let class = class_of(self, item);
            sure |= self.put(class, holder, Mask::Drop, out, |walk, class, out| {
                out.separate();
                walk.single(item, ValueType::Complex(scope), class, out)
            });
        }
        sure
    }

    /// `_name`: the id and the extensions of a primitive. Goes with the primitive, and each extension by its URL.
    fn sibling(
        &mut self,
        element: &'static Element,
        value: Node<'_>,
        object: Node<'_>,
        holder: DataClass,
        out: &mut Text,
    ) -> Sure {
        let class = match table::of_element(element, self.context) {
            Labelled::Of(class) => class,
            Labelled::Inherit | Labelled::ByUrl => holder,
        };
        // The mask of the primitive itself stands for both.
        let mask = if object.get(element.key).is_some() { Mask::Drop } else { mask_of(element) };
        match value.kind() {
            Kind::Object => self.put(class, holder, mask, out, |walk, class, out| {
                out.key(value.raw_key());
                walk.primitive_parts(value, class, out)
            }),
            // Items are aligned with those of the primitive: one that vanished would shift the rest. So all or none.
            Kind::Array if class == holder || class == DataClass::Structure => self.sibling_array(value, holder, out),
            Kind::Array => {
                let mut slice = self.slices.begin();
                let sure = self.sibling_array(value, class, &mut slice);
                self.slices.put(slice, class, mask, out);
                sure && mask != Mask::Drop
            }
            _ => self.opaque_member(value, holder, out),
        }
    }

    fn sibling_array(&mut self, value: Node<'_>, holder: DataClass, out: &mut Text) -> Sure {
        let class = self.class_of_sibling_array(value, holder);
        self.put(class, holder, Mask::Drop, out, |_, _, out| {
            out.key(value.raw_key());
            out.copy(value);
            true
        })
    }

    fn primitive_parts(&mut self, value: Node<'_>, holder: DataClass, out: &mut Text) -> Sure {
        out.open(b'{');
        let mut sure = value.is_empty();
        for member in value.members() {
            sure |= match (member.key.as_ref(), member.value.kind()) {
                ("id", Kind::String) => {
                    out.member(member.value.raw_key(), member.value.raw());
                    true
                }
                ("extension", Kind::Array) => self.put(holder, holder, Mask::Drop, out, |walk, holder, out| {
                    out.key(member.value.raw_key());
                    out.open(b'[');
                    let sure = walk.extensions(member.value, false, holder, out);
                    out.close(b']');
                    sure
                }),
                _ => self.opaque_member(member.value, holder, out),
            };
        }
        out.close(b'}');
        sure
    }

    /// The class of all extensions in the array when they agree, sensitive when they do not.
    fn class_of_sibling_array(&self, array: Node<'_>, holder: DataClass) -> DataClass {
        let mut found = holder;
        for item in array.items().filter(|item| item.kind() != Kind::Null) {
            if item.kind() != Kind::Object {
                return DataClass::Sensitive;
            }
            for member in item.members() {
                match (member.key.as_ref(), member.value.kind()) {
                    ("id", Kind::String) => {}
                    ("extension", Kind::Array) => {
                        for extension in member.value.items() {
                            let class = self.class_of_whole_extension(extension, holder);
                            if class == DataClass::Structure || class == holder || class == found {
                                continue;
                            }
                            if found != holder {
                                return DataClass::Sensitive;
                            }
                            found = class;
                        }
                    }
                    _ => return DataClass::Sensitive,
                }
            }
        }
        found
    }

    /// The class of an extension that is not looked into.
    fn class_of_whole_extension(&self, extension: Node<'_>, holder: DataClass) -> DataClass {
        let plain = extension.members().all(|member| !matches!(member.value.kind(), Kind::Object | Kind::Array));
        if plain { self.class_of_extension(extension, holder) } else { DataClass::Sensitive }
    }

    fn class_of_extension(&self, extension: Node<'_>, holder: DataClass) -> DataClass {
        let class = table::of_extension(extension.get("url").and_then(Node::as_str).as_deref(), holder, self.context);
        // What everybody may see is a reason why data is absent, not whatever text came under its URL.
        let shown = class == DataClass::Structure && self.context == Context::Patient;
        if shown && !is_code_only(extension) { DataClass::Sensitive } else { class }
    }
}

/// Whether an extension is a URL and a short code.
fn is_code_only(extension: Node<'_>) -> bool {
    let code = extension.get("valueCode").filter(|code| code.kind() == Kind::String && code.raw().len() <= 24);
    extension.len() == 2 && code.is_some_and(|code| code.raw().iter().all(|b| matches!(b, b'a'..=b'z' | b'-' | b'"')))
}

fn mask_of(element: &'static Element) -> Mask {
    match element.value {
        // The name of a variant would tell: `deceasedDateTime`, `deceasedBoolean`.
        _ if element.is_choice() => Mask::Drop,
        ValueType::Primitive(_) if element.array => Mask::Many(element.key),
        ValueType::Primitive(_) => Mask::One(element.key),
        ValueType::Complex(_) | ValueType::Resource => Mask::Drop,
    }
}

/// Whether the value has the shape of its element. Where it has not, its class says nothing about what it holds.
fn fits(value: Node<'_>, element: &Element) -> bool {
    let fits_one = |kind| match element.value {
        ValueType::Primitive(_) => !matches!(kind, Kind::Object | Kind::Array),
        ValueType::Complex(_) | ValueType::Resource => kind == Kind::Object,
    };
    match value.kind() {
        Kind::Array => element.array && value.items().all(|item| fits_one(item.kind())),
        kind => !element.array && fits_one(kind),
    }
}

fn resource_type(resource: Node<'_>) -> Option<ResourceType> {
    resource.get("resourceType").and_then(Node::as_str).and_then(|name| ResourceType::parse(&name))
}
