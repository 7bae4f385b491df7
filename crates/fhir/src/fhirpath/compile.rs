//! From the tree of the text to the compiled form: names become functions and types, literals become values.

use rust_decimal::Decimal;

use super::error::CompileProblem;
use super::functions::{self, Function};
use super::item::{Text, UCUM, Value};
use super::pattern;
use super::program::{Extra, Kind, Operation, Program, Ref, Variable};
use super::quantity::{Calendar, Quantity, Unit};
use super::syntax::{Expr, ExprKind, TypeName};
use super::temporal::{Date, DateTime, Time};
use super::types::{FhirType, TypeSpecifier};

/// A problem and where it is.
pub(super) type Failure = (CompileProblem, u32);

pub(super) fn compile(tree: Expr) -> Result<Program, Failure> {
    let mut compiler = Compiler { operations: Vec::new() };
    let root = compiler.expr(tree)?;
    Ok(Program { operations: compiler.operations, root })
}

struct Compiler {
    operations: Vec<Operation>,
}

impl Compiler {
    fn push(&mut self, at: u32, kind: Kind) -> Ref {
        self.operations.push(Operation { at, kind });
        (self.operations.len() - 1) as Ref
    }

    fn kind_of(&self, operation: Ref) -> Option<&Kind> {
        self.operations.get(operation as usize).map(|operation| &operation.kind)
    }

    fn expr(&mut self, expr: Expr) -> Result<Ref, Failure> {
        let at = expr.at;
        let kind = match expr.kind {
            ExprKind::Nothing => Kind::Nothing,
            ExprKind::This => Kind::This,
            ExprKind::Index => Kind::Index,
            ExprKind::Total => Kind::Total,
            ExprKind::Variable(name) => variable(&name),
            ExprKind::Member { of, name } => return self.member(at, of, name),
            ExprKind::Call { of, name, arguments } => return self.call(at, of, &name, arguments),
            ExprKind::Item { of, index } => {
                let of = self.expr(*of)?;
                Kind::Item { of, index: self.expr(*index)? }
            }
            ExprKind::Sign { negative, of } => Kind::Sign { negative, of: self.expr(*of)? },
            ExprKind::Type { of, cast, name } => {
                let of = Some(self.expr(*of)?);
                let wanted = TypeSpecifier::of(&name);
                if cast {
                    known(wanted, name.at)?;
                    Kind::As { of, wanted, only: true }
                } else {
                    Kind::Is { of, wanted }
                }
            }
            ExprKind::Operation { operator, operands } => {
                let operands = operands.into_iter().map(|operand| self.expr(operand)).collect::<Result<_, _>>()?;
                Kind::Operation { operator, operands }
            }
            literal => Kind::Literal(value(literal, at)?),
        };
        Ok(self.push(at, kind))
    }

    /// Steps that follow each other become one path.
    fn member(&mut self, at: u32, of: Option<Box<Expr>>, name: String) -> Result<Ref, Failure> {
        let Some(of) = of else {
            let root = name.starts_with(|c: char| c.is_ascii_uppercase()).then(|| FhirType::of(&name)).flatten();
            return Ok(match root {
                Some(root) => self.push(at, Kind::Root(root)),
                None => self.push(at, Kind::Path { of: None, names: Box::new([name.into()]) }),
            });
        };
        let of = self.expr(*of)?;
        let is_last = of as usize + 1 == self.operations.len();
        if is_last && let Some(Operation { kind: Kind::Path { names, .. }, .. }) = self.operations.last_mut() {
            let longer = std::mem::take(names).into_vec().into_iter().chain([name.into()]).collect();
            *names = longer;
            return Ok(of);
        }
        Ok(self.push(at, Kind::Path { of: Some(of), names: Box::new([name.into()]) }))
    }

    fn call(&mut self, at: u32, of: Option<Box<Expr>>, name: &str, mut arguments: Vec<Expr>) -> Result<Ref, Failure> {
        if let Some(function @ ("is" | "as" | "ofType")) = ["is", "as", "ofType"].into_iter().find(|f| *f == name) {
            let (Some(argument), true) = (arguments.pop(), arguments.is_empty()) else {
                return Err((CompileProblem::Arguments { function }, at));
            };
            let of = of.map(|of| self.expr(*of)).transpose()?;
            let type_name = named_type(&argument).ok_or((CompileProblem::UnknownType, argument.at))?;
            let wanted = TypeSpecifier::of(&type_name);
            if function == "is" {
                return Ok(self.push(at, Kind::Is { of, wanted }));
            }
            known(wanted, argument.at)?;
            return Ok(self.push(at, Kind::As { of, wanted, only: function == "as" }));
        }
        let function = functions::find(name).ok_or((CompileProblem::UnknownFunction, at))?;
        if !(function.least..=function.most).contains(&arguments.len()) {
            return Err((CompileProblem::Arguments { function: function.name }, at));
        }
        let of = of.map(|of| self.expr(*of)).transpose()?;
        if let (Some(path), true) = (of, arguments.is_empty() && matches!(name, "exists" | "empty"))
            && matches!(self.kind_of(path), Some(Kind::Path { .. }))
        {
            return Ok(self.push(at, Kind::Present { path, wanted: name == "exists" }));
        }
        let extra = extra(function, &mut arguments)?;
        let arguments = arguments.into_iter().map(|argument| self.expr(argument)).collect::<Result<_, _>>()?;
        Ok(self.push(at, Kind::Call { of, function, arguments, extra }))
    }
}

fn known(wanted: TypeSpecifier, at: u32) -> Result<(), Failure> {
    if wanted.is_known() { Ok(()) } else { Err((CompileProblem::UnknownType, at)) }
}

/// What can be made ready once: a pattern that is a literal, the directions of a sort.
fn extra(function: &Function, arguments: &mut Vec<Expr>) -> Result<Extra, Failure> {
    match function.name {
        "matches" | "matchesFull" | "replaceMatches" => match arguments.first() {
            Some(Expr { at, kind: ExprKind::Text(text), .. }) => {
                let whole = function.name == "matchesFull";
                pattern::compile(text, whole, pattern::WRITTEN)
                    .map(Extra::Pattern)
                    .ok_or((CompileProblem::Pattern, *at))
            }
            _ => Ok(Extra::None),
        },
        "sort" => {
            let mut directions = Vec::new();
            let keys = std::mem::take(arguments);
            for key in keys {
                directions.push(matches!(key.kind, ExprKind::Sign { negative: true, .. }));
                arguments.push(match key.kind {
                    ExprKind::Sign { negative: true, of } => *of,
                    _ => key,
                });
            }
            Ok(Extra::Descending(directions.into()))
        }
        _ => Ok(Extra::None),
    }
}

/// An argument that names a type: `Patient`, `System.String`.
fn named_type(expr: &Expr) -> Option<TypeName> {
    let ExprKind::Member { of, name } = &expr.kind else { return None };
    let Some(of) = of else { return Some(TypeName { at: expr.at, namespace: None, name: name.clone() }) };
    match &of.kind {
        ExprKind::Member { of: None, name: namespace } => {
            Some(TypeName { at: of.at, namespace: Some(namespace.clone()), name: name.clone() })
        }
        _ => None,
    }
}

/// `%name`; those of R4 fhirpath.html with a fixed text become that text.
fn variable(name: &str) -> Kind {
    let text = |text: String| Kind::Literal(Value::String(text.into()));
    match name {
        "resource" => Kind::Variable(Variable::Resource),
        "rootResource" => Kind::Variable(Variable::RootResource),
        "context" => Kind::Variable(Variable::Context),
        "ucum" => Kind::Literal(Value::String(Text::Borrowed(UCUM))),
        "sct" => Kind::Literal(Value::String(Text::Borrowed("http://snomed.info/sct"))),
        "loinc" => Kind::Literal(Value::String(Text::Borrowed("http://loinc.org"))),
        _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
            (Some(name), _) => text(format!("http://hl7.org/fhir/ValueSet/{name}")),
            (_, Some(name)) => text(format!("http://hl7.org/fhir/StructureDefinition/{name}")),
            _ => Kind::Variable(Variable::Named(name.into())),
        },
    }
}

fn value(literal: ExprKind, at: u32) -> Result<Value<'static>, Failure> {
    let fail = |what| (CompileProblem::Literal(what), at);
    let decimal = |text: &str| Decimal::from_str_exact(text).map_err(|_| fail("a number"));
    Ok(match literal {
        ExprKind::Boolean(value) => Value::Boolean(value),
        ExprKind::Text(text) => Value::String(text.into()),
        ExprKind::Number(text) if text.contains('.') => Value::Decimal(decimal(&text)?),
        ExprKind::Number(text) => Value::Integer(text.parse().map_err(|_| fail("a number"))?),
        ExprKind::Date(text) => Value::Date(Date::parse(&text).ok_or(fail("a date"))?),
        ExprKind::DateTime(text) => Value::DateTime(DateTime::parse(&text).ok_or(fail("a moment"))?),
        ExprKind::Time(text) => Value::Time(Time::parse(&text).ok_or(fail("a time"))?),
        ExprKind::Quantity { value, unit, calendar } => {
            let unit = match (calendar, Calendar::parse(&unit)) {
                (true, Some(calendar)) => Unit::Calendar(calendar),
                _ => Unit::Ucum(unit.into()),
            };
            Quantity::new(decimal(&value)?, unit).into()
        }
        _ => return Err((CompileProblem::Syntax("an expression is expected"), at)),
    })
}
