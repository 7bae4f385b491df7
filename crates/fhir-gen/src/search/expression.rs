//! The part of FHIRPath that R4 search parameters use: what the parser of the engine reads, narrowed to walks and conditions.

use super::syntax::{self, Expr, ExprKind, Operator};

/// One alternative of an expression.
#[derive(Debug)]
pub(super) enum Term {
    /// A walk from the resource to elements.
    Walk(Path),
    /// `X.exists() and X != false`: a boolean about `X`.
    ExistsAndNotFalse(Path),
}

/// A walk that starts at a type.
#[derive(Debug, PartialEq)]
pub(super) struct Path {
    /// The type that the path names first.
    pub(super) root: String,
    /// What follows.
    pub(super) steps: Vec<Step>,
}

/// One step of a walk.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// `.name`
    Child(String),
    /// `as T`, `.as(T)`
    Cast(String),
    /// `[0]`
    First,
    /// `.where(…)`
    Where(Cond),
}

/// A condition.
#[derive(Debug, PartialEq)]
pub(super) enum Cond {
    /// `name='value'`
    Equals(String, String),
    /// `resolve() is T`
    ResolvesTo(String),
}

/// Parses a whole expression; anything outside the known part is an error.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, String> {
    let tree = syntax::parse(text).map_err(|error| format!("{} at byte {} of {text}", error.problem, error.at))?;
    match tree.kind {
        ExprKind::Operation { operator: Operator::Union, operands } => operands.iter().map(term).collect(),
        _ => Ok(vec![term(&tree)?]),
    }
}

fn term(expr: &Expr) -> Result<Term, String> {
    let ExprKind::Operation { operator: Operator::And, operands } = &expr.kind else {
        return path(expr).map(Term::Walk);
    };
    let [exists, differs] = operands.as_slice() else { return Err("more than two conditions".into()) };
    let (ExprKind::Call { of: Some(first), name, arguments }, ExprKind::Operation { operator, operands }) =
        (&exists.kind, &differs.kind)
    else {
        return Err("not exists() and !=".into());
    };
    let [second, Expr { kind: ExprKind::Boolean(false), .. }] = operands.as_slice() else {
        return Err("not != false".into());
    };
    if name != "exists" || !arguments.is_empty() || *operator != Operator::NotEqual {
        return Err("not exists() and !=".into());
    }
    let (first, second) = (path(first)?, path(second)?);
    if first == second { Ok(Term::ExistsAndNotFalse(first)) } else { Err("exists() of one and != of another".into()) }
}

fn path(expr: &Expr) -> Result<Path, String> {
    let (of, step) = match &expr.kind {
        ExprKind::Member { of: None, name } => return Ok(Path { root: name.clone(), steps: Vec::new() }),
        ExprKind::Member { of: Some(of), name } => (of, Step::Child(name.clone())),
        ExprKind::Type { of, cast: true, name } => (of, Step::Cast(name.name.clone())),
        ExprKind::Item { of, index } if index.kind == ExprKind::Number("0".into()) => (of, Step::First),
        ExprKind::Call { of: Some(of), name, arguments } => match (name.as_str(), arguments.as_slice()) {
            ("as", [Expr { kind: ExprKind::Member { of: None, name }, .. }]) => (of, Step::Cast(name.clone())),
            ("where", [condition]) => (of, Step::Where(cond(condition)?)),
            _ => return Err(format!("{name}() is not understood")),
        },
        _ => return Err(format!("not understood at byte {}", expr.at)),
    };
    let mut path = path(of)?;
    path.steps.push(step);
    Ok(path)
}

fn cond(expr: &Expr) -> Result<Cond, String> {
    match &expr.kind {
        ExprKind::Operation { operator: Operator::Equal, operands } => match operands.as_slice() {
            [Expr { kind: ExprKind::Member { of: None, name }, .. }, Expr { kind: ExprKind::Text(value), .. }] => {
                Ok(Cond::Equals(name.clone(), value.clone()))
            }
            _ => Err("a condition that is not name = 'value'".into()),
        },
        ExprKind::Type { of, cast: false, name } => match &of.kind {
            ExprKind::Call { of: None, name: called, arguments } if called == "resolve" && arguments.is_empty() => {
                Ok(Cond::ResolvesTo(name.name.clone()))
            }
            _ => Err("a condition that is not resolve() is T".into()),
        },
        _ => Err("a condition that is not understood".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        for text in [
            "Patient.name.ofType(X)",
            "Patient.name[1]",
            "Patient.a or Patient.b",
            "Patient.where(a='b' and c='d')",
            "Patient.",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cast_may_stand_before_or_after() {
        let first = parse("(Observation.value as CodeableConcept).text").unwrap();
        let second = parse("Observation.value.as(CodeableConcept).text").unwrap();
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
    }
}
