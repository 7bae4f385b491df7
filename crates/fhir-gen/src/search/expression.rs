//! The part of FHIRPath that R4 search parameters use, as a tree.

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
    let mut parser = Parser { rest: text };
    let mut terms = Vec::new();
    loop {
        terms.push(parser.term()?);
        if parser.eat("|") {
            continue;
        }
        parser.space();
        return if parser.rest.is_empty() { Ok(terms) } else { Err(format!("not understood: {}", parser.rest)) };
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn need(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) { Ok(()) } else { Err(format!("expected {token} at {}", self.rest)) }
    }

    fn word(&mut self) -> Result<String, String> {
        self.space();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(format!("expected a name at {}", self.rest)) } else { Ok(word.to_owned()) }
    }

    fn term(&mut self) -> Result<Term, String> {
        let path = if self.eat("(") {
            let mut path = self.path()?;
            if self.eat("as ") {
                path.steps.push(Step::Cast(self.word()?));
            }
            self.need(")")?;
            self.steps(&mut path.steps)?;
            path
        } else {
            let mut path = self.path()?;
            if self.eat("as ") {
                path.steps.push(Step::Cast(self.word()?));
            }
            path
        };
        if !self.eat(".exists()") {
            return Ok(Term::Walk(path));
        }
        self.need("and")?;
        let again = self.path()?;
        self.need("!=")?;
        self.need("false")?;
        if again == path { Ok(Term::ExistsAndNotFalse(path)) } else { Err("exists() of one and != of another".into()) }
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut path = Path { root: self.word()?, steps: Vec::new() };
        self.steps(&mut path.steps)?;
        Ok(path)
    }

    fn steps(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            self.space();
            if self.rest.starts_with(".exists()") {
                return Ok(());
            } else if self.eat(".where(") {
                steps.push(Step::Where(self.condition()?));
                self.need(")")?;
            } else if self.eat(".as(") {
                steps.push(Step::Cast(self.word()?));
                self.need(")")?;
            } else if self.eat("[0]") {
                steps.push(Step::First);
            } else if self.eat(".") {
                steps.push(Step::Child(self.word()?));
            } else {
                return Ok(());
            }
        }
    }

    fn condition(&mut self) -> Result<Cond, String> {
        if self.eat("resolve()") {
            self.need("is ")?;
            return Ok(Cond::ResolvesTo(self.word()?));
        }
        let name = self.word()?;
        self.need("=")?;
        self.need("'")?;
        let end = self.rest.find('\'').ok_or("unclosed string")?;
        let (value, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.need("'")?;
        Ok(Cond::Equals(name, value.to_owned()))
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
