//! What cannot be right when the type of the focus is known.
//!
//! For each operation the types that it may give are worked out from the definitions. Where one is not known, nothing is said: a check
//! that passes is no promise of a result, but one that fails means that the expression is wrong for every document.

use super::compile::Failure;
use super::error::CompileProblem as Problem;
use super::functions::{Function, Input, Output};
use super::item::Shape;
use super::program::{Kind, Program, Ref};
use super::syntax::Operator;
use super::types::{FhirType, TypeInfo, TypeSpecifier};
use crate::definitions::{Primitive, TypeRef, ValueType};

/// What a check looks at beside types.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckOptions {
    /// Functions that need an order (`first`, `skip`) are refused on what has none (`children()`).
    pub ordered: bool,
}

pub(super) fn check(program: &Program, root: TypeRef, options: CheckOptions) -> Result<(), Failure> {
    let root = Types { known: Some(vec![Type::Fhir(Shape::Complex(root))]), unordered: false };
    Checker { program, options }.of(program.root, &root).map(|_| ())
}

/// One type that an item may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    System(&'static str),
    Fhir(Shape),
}

/// The types that the items of a collection may have.
#[derive(Debug, Clone, Default)]
struct Types {
    /// `None`: any.
    known: Option<Vec<Type>>,
    unordered: bool,
}

/// What operators tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Number,
    Text,
    Moment,
    Quantity,
    Boolean,
    Other,
}

impl Types {
    fn system(name: &'static str) -> Self {
        Self { known: Some(vec![Type::System(name)]), unordered: false }
    }

    fn joined(self, other: Self) -> Self {
        let known = self.known.zip(other.known).map(|(mut these, others)| {
            these.extend(others);
            these
        });
        Self { known, unordered: self.unordered || other.unordered }
    }

    /// The types, when there is at least one and all are known.
    fn some(&self) -> Option<&[Type]> {
        self.known.as_deref().filter(|known| !known.is_empty())
    }

    /// The class that all of the types have.
    fn class(&self) -> Option<Class> {
        let (first, rest) = self.some()?.split_first()?;
        let class = first.class();
        rest.iter().all(|other| other.class() == class).then_some(class)
    }
}

impl Type {
    fn class(self) -> Class {
        use Primitive as P;
        match self {
            Self::System("Integer" | "Decimal") => Class::Number,
            Self::System("String") => Class::Text,
            Self::System("Date" | "DateTime" | "Time") => Class::Moment,
            Self::System("Quantity") => Class::Quantity,
            Self::System("Boolean") => Class::Boolean,
            Self::System(_) => Class::Other,
            Self::Fhir(Shape::Primitive(primitive)) => match primitive {
                P::Boolean => Class::Boolean,
                P::Integer | P::PositiveInt | P::UnsignedInt | P::Decimal => Class::Number,
                P::Date | P::DateTime | P::Instant | P::Time => Class::Moment,
                _ => Class::Text,
            },
            Self::Fhir(Shape::Complex(scope)) if super::types::is_quantity(scope) => Class::Quantity,
            Self::Fhir(_) => Class::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::System(name) => name,
            Self::Fhir(Shape::Complex(scope)) => scope.name(),
            Self::Fhir(shape) => TypeInfo::of_shape(shape).name,
        }
    }

    /// The types of its element with this name; `None` when it has no such element.
    fn member(self, name: &str) -> Option<Vec<Type>> {
        let scope = match self {
            Self::Fhir(Shape::Complex(scope)) => scope,
            Self::Fhir(Shape::Primitive(_)) => TypeRef::ELEMENT,
            Self::Fhir(Shape::Unknown) => return Some(vec![self]),
            Self::System(_) => return None,
        };
        let elements = scope.elements().iter().filter(|element| element.name() == name);
        let types: Vec<Type> = elements
            .map(|element| {
                Self::Fhir(match element.value {
                    ValueType::Primitive(primitive) => Shape::Primitive(primitive),
                    ValueType::Complex(scope) => Shape::Complex(scope),
                    ValueType::Resource => Shape::Unknown,
                })
            })
            .collect();
        (!types.is_empty()).then_some(types)
    }

    fn is_of(self, wanted: TypeSpecifier) -> bool {
        match self {
            Self::System(name) => wanted.system == Some(name),
            Self::Fhir(shape) => wanted.fhir.is_some_and(|wanted| wanted.is_base_of(shape)),
        }
    }
}

struct Checker<'p> {
    program: &'p Program,
    options: CheckOptions,
}

impl Checker<'_> {
    fn of(&self, operation: Ref, this: &Types) -> Result<Types, Failure> {
        let operation = self.program.get(operation);
        let at = operation.at;
        Ok(match &operation.kind {
            Kind::Nothing => Types { known: Some(Vec::new()), unordered: false },
            Kind::Literal(value) => Types::system(TypeInfo::of_value(value).name),
            Kind::This => this.clone(),
            Kind::Index => Types::system("Integer"),
            Kind::Total | Kind::Variable(_) => Types::default(),
            Kind::Root(wanted) => root(this, *wanted, at)?,
            Kind::Path { of, names } => self.path(*of, names, at, this)?,
            Kind::Present { path, .. } => {
                self.of(*path, this)?;
                Types::system("Boolean")
            }
            Kind::Item { of, index } => {
                let items = self.of(*of, this)?;
                self.of(*index, this)?;
                self.ordered("item", &items, at)?;
                items
            }
            Kind::Call { of, function, arguments, .. } => {
                let input = self.input(*of, this)?;
                self.call(function, &input, of.is_some(), arguments, this, at)?
            }
            Kind::Sign { of, .. } => self.of(*of, this)?,
            Kind::Is { of, .. } => {
                self.input(*of, this)?;
                Types::system("Boolean")
            }
            Kind::As { of, wanted, .. } => self.cast(&self.input(*of, this)?, *wanted),
            Kind::Operation { operator, operands } => self.operation(*operator, operands, this, at)?,
        })
    }

    fn input(&self, of: Option<Ref>, this: &Types) -> Result<Types, Failure> {
        of.map_or_else(|| Ok(this.clone()), |of| self.of(of, this))
    }

    fn path(&self, of: Option<Ref>, names: &[Box<str>], at: u32, this: &Types) -> Result<Types, Failure> {
        let mut types = self.input(of, this)?;
        for name in names {
            let Some(known) = types.some() else { return Ok(Types { known: None, ..types }) };
            if known.contains(&Type::Fhir(Shape::Unknown)) {
                return Ok(Types { known: None, ..types });
            }
            let found: Vec<Vec<Type>> = known.iter().filter_map(|one| one.member(name)).collect();
            if found.is_empty() {
                let scope = known.first().map_or("", |first| first.name());
                return Err((Problem::UnknownElement { scope }, at));
            }
            types.known = Some(found.into_iter().flatten().collect());
        }
        Ok(types)
    }

    fn cast(&self, input: &Types, wanted: TypeSpecifier) -> Types {
        let known = match input.some() {
            Some(known) if !known.contains(&Type::Fhir(Shape::Unknown)) => {
                Some(known.iter().copied().filter(|one| one.is_of(wanted)).collect())
            }
            _ => match wanted.fhir {
                Some(FhirType::Scope(scope)) => Some(vec![Type::Fhir(Shape::Complex(scope))]),
                Some(FhirType::Primitive(primitive)) => Some(vec![Type::Fhir(Shape::Primitive(primitive))]),
                _ => None,
            },
        };
        Types { known, unordered: input.unordered }
    }

    fn ordered(&self, function: &'static str, input: &Types, at: u32) -> Result<(), Failure> {
        if self.options.ordered && input.unordered { Err((Problem::Unordered(function), at)) } else { Ok(()) }
    }

    fn call(
        &self,
        function: &'static Function,
        input: &Types,
        has_input: bool,
        arguments: &[Ref],
        this: &Types,
        at: u32,
    ) -> Result<Types, Failure> {
        match function.input {
            Input::Ordered => self.ordered(function.name, input, at)?,
            Input::Text if input.class().is_some_and(|class| class != Class::Text) => {
                return Err((Problem::Type(function.name), at));
            }
            _ => {}
        }
        let by_item = matches!(
            function.name,
            "where" | "select" | "all" | "exists" | "repeat" | "aggregate" | "sort" | "trace" | "defineVariable"
        );
        let inner = if by_item || (function.name == "iif" && has_input) { input } else { this };
        let given = arguments.iter().map(|argument| self.of(*argument, inner)).collect::<Result<Vec<_>, _>>()?;
        if function.name == "iif"
            && let Some(known) = given.first().and_then(Types::some)
            && known.iter().all(|one| matches!(one, Type::System(name) if *name != "Boolean"))
        {
            return Err((Problem::Type("iif"), at));
        }
        if function.name == "extension" {
            return Ok(Types { known: Some(vec![Type::Fhir(Shape::Complex(TypeRef::EXTENSION))]), unordered: false });
        }
        Ok(match function.output {
            Output::Input => input.clone(),
            Output::First => given.into_iter().next().unwrap_or_default(),
            Output::System(name) => Types::system(name),
            Output::Unordered => Types { known: None, unordered: true },
            Output::Unknown => Types::default(),
        })
    }

    fn operation(&self, operator: Operator, operands: &[Ref], this: &Types, at: u32) -> Result<Types, Failure> {
        let mut given = operands.iter().map(|operand| self.of(*operand, this)).collect::<Result<Vec<_>, _>>()?;
        Ok(match operator {
            Operator::Union => given.into_iter().reduce(Types::joined).unwrap_or_default(),
            Operator::Concatenate => Types::system("String"),
            Operator::Plus | Operator::Minus => {
                if let [left, right] = given.as_slice()
                    && let (Some(left), Some(right)) = (left.class(), right.class())
                    && !can_add(operator, left, right)
                {
                    return Err((Problem::Type("an arithmetic operator"), at));
                }
                given.drain(..).next().unwrap_or_default()
            }
            Operator::Times | Operator::Divide | Operator::Div | Operator::Mod => Types::default(),
            _ => Types::system("Boolean"),
        })
    }
}

fn can_add(operator: Operator, left: Class, right: Class) -> bool {
    match (left, right) {
        (Class::Number | Class::Quantity, Class::Number | Class::Quantity) => true,
        (Class::Text, Class::Text) => operator == Operator::Plus,
        (Class::Moment, Class::Quantity) => true,
        _ => false,
    }
}

/// A path that begins with a type: the focus has to be able to be of it.
fn root(this: &Types, wanted: FhirType, at: u32) -> Result<Types, Failure> {
    let Some(known) = this.some() else { return Ok(Types::default()) };
    let is_wanted = |one: &Type| match one {
        Type::Fhir(Shape::Unknown) => true,
        Type::Fhir(shape) => wanted.is_base_of(*shape),
        Type::System(_) => false,
    };
    if !known.iter().any(is_wanted) {
        let scope = known.first().map_or("", |first| first.name());
        return Err((Problem::UnknownElement { scope }, at));
    }
    Ok(Types { known: Some(known.iter().copied().filter(is_wanted).collect()), unordered: this.unordered })
}
