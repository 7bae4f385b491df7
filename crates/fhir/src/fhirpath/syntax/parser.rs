//! Tokens into a tree, by precedence (section 6.8).

use super::lexer::{Token, TokenKind, tokens};
use super::{Expr, ExprKind, MAX_DEPTH, MAX_TEXT, Operator, SyntaxError, TypeName};

const CALENDAR: [&str; 8] = ["year", "month", "week", "day", "hour", "minute", "second", "millisecond"];

pub(super) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    if text.len() > MAX_TEXT {
        return Err(SyntaxError { at: 0, problem: "the expression is too long" });
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        TokenKind::End => Ok(expr),
        _ => parser.fail("an operator or the end is expected"),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: u16,
}

/// What stands between two operands.
enum Infix {
    Operator(Operator),
    Type { cast: bool },
}

/// Precedence of `is` and `as`; larger binds more.
const TYPE_PRECEDENCE: u8 = 8;

impl Operator {
    fn precedence(self) -> u8 {
        match self {
            Self::Implies => 1,
            Self::Or | Self::Xor => 2,
            Self::And => 3,
            Self::In | Self::Contains => 4,
            Self::Equal | Self::NotEqual | Self::Equivalent | Self::NotEquivalent => 5,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 6,
            Self::Union => 7,
            Self::Plus | Self::Minus | Self::Concatenate => 9,
            Self::Times | Self::Divide | Self::Div | Self::Mod => 10,
        }
    }

    /// Whether operands of a chain may stand in one list: the result is the same, and the tree stays flat.
    fn is_listed(self) -> bool {
        matches!(self, Self::Union | Self::And | Self::Or)
    }
}

impl Parser {
    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.next).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn at(&self) -> u32 {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |token| token.at)
    }

    fn advance(&mut self) {
        self.next += 1;
    }

    fn fail<T>(&self, problem: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at(), problem })
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), TokenKind::Symbol(found) if *found == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn need(&mut self, symbol: &str, problem: &'static str) -> Result<(), SyntaxError> {
        if self.eat(symbol) { Ok(()) } else { self.fail(problem) }
    }

    fn infix(&self) -> Option<Infix> {
        let operator = match self.peek() {
            TokenKind::Symbol(symbol) => match *symbol {
                "=" => Operator::Equal,
                "!=" => Operator::NotEqual,
                "~" => Operator::Equivalent,
                "!~" => Operator::NotEquivalent,
                "<" => Operator::Less,
                "<=" => Operator::LessOrEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterOrEqual,
                "|" => Operator::Union,
                "+" => Operator::Plus,
                "-" => Operator::Minus,
                "&" => Operator::Concatenate,
                "*" => Operator::Times,
                "/" => Operator::Divide,
                _ => return None,
            },
            TokenKind::Name { text, quoted: false } => match text.as_str() {
                "implies" => Operator::Implies,
                "or" => Operator::Or,
                "xor" => Operator::Xor,
                "and" => Operator::And,
                "in" => Operator::In,
                "contains" => Operator::Contains,
                "div" => Operator::Div,
                "mod" => Operator::Mod,
                "is" => return Some(Infix::Type { cast: false }),
                "as" => return Some(Infix::Type { cast: true }),
                _ => return None,
            },
            _ => return None,
        };
        Some(Infix::Operator(operator))
    }

    /// Operands with operators that bind more than `above`.
    fn expression(&mut self, above: u8) -> Result<Expr, SyntaxError> {
        if self.depth >= MAX_DEPTH {
            return self.fail("the expression is too deep");
        }
        self.depth += 1;
        let mut left = self.signed()?;
        // Only an operation that was made here may grow: one in parentheses is an operand.
        let mut growing = None;
        while let Some(infix) = self.infix() {
            let at = self.at();
            match infix {
                Infix::Type { .. } if TYPE_PRECEDENCE <= above => break,
                Infix::Type { cast } => {
                    self.advance();
                    let name = self.type_name()?;
                    left = node(at, left.height, ExprKind::Type { of: Box::new(left), cast, name })?;
                    growing = None;
                }
                Infix::Operator(operator) if operator.precedence() <= above => break,
                Infix::Operator(operator) => {
                    self.advance();
                    let right = self.expression(operator.precedence())?;
                    left = join(at, operator, left, right, growing == Some(operator))?;
                    growing = operator.is_listed().then_some(operator);
                }
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn signed(&mut self) -> Result<Expr, SyntaxError> {
        let at = self.at();
        let negative = self.is("-");
        if !negative && !self.is("+") {
            return self.postfix();
        }
        if self.depth >= MAX_DEPTH {
            return self.fail("the expression is too deep");
        }
        self.advance();
        self.depth += 1;
        let of = self.signed()?;
        self.depth -= 1;
        node(at, of.height, ExprKind::Sign { negative, of: Box::new(of) })
    }

    fn postfix(&mut self) -> Result<Expr, SyntaxError> {
        let mut of = self.term()?;
        loop {
            let at = self.at();
            if self.eat(".") {
                of = self.invocation(Some(of))?;
            } else if self.eat("[") {
                let index = self.expression(0)?;
                self.need("]", "] is expected")?;
                let height = of.height.max(index.height);
                of = node(at, height, ExprKind::Item { of: Box::new(of), index: Box::new(index) })?;
            } else {
                return Ok(of);
            }
        }
    }

    fn term(&mut self) -> Result<Expr, SyntaxError> {
        let at = self.at();
        let kind = match self.peek().clone() {
            TokenKind::Symbol("(") => {
                self.advance();
                let inner = self.expression(0)?;
                self.need(")", ") is expected")?;
                return Ok(inner);
            }
            TokenKind::Symbol("{") => {
                self.advance();
                if !self.is("}") {
                    return self.fail("} is expected");
                }
                ExprKind::Nothing
            }
            TokenKind::Name { text, quoted: false } if text == "true" || text == "false" => {
                ExprKind::Boolean(text == "true")
            }
            TokenKind::Name { .. } => return self.invocation(None),
            TokenKind::Text(text) => ExprKind::Text(text),
            TokenKind::Number(value) => {
                self.advance();
                return node(at, 0, self.number(value));
            }
            TokenKind::Date(text) => ExprKind::Date(text),
            TokenKind::DateTime(text) => ExprKind::DateTime(text),
            TokenKind::Time(text) => ExprKind::Time(text),
            TokenKind::Variable(name) => ExprKind::Variable(name),
            TokenKind::Dollar(name) => match name.as_str() {
                "this" => ExprKind::This,
                "index" => ExprKind::Index,
                "total" => ExprKind::Total,
                _ => return self.fail("only $this, $index and $total are known"),
            },
            TokenKind::Symbol(_) | TokenKind::End => return self.fail("an expression is expected"),
        };
        self.advance();
        node(at, 0, kind)
    }

    /// A number, with its unit when one follows.
    fn number(&mut self, value: String) -> ExprKind {
        let (unit, calendar) = match self.peek() {
            TokenKind::Text(unit) => (unit.clone(), false),
            TokenKind::Name { text, quoted: false } => {
                let singular = text.strip_suffix('s').unwrap_or(text);
                if !CALENDAR.contains(&singular) {
                    return ExprKind::Number(value);
                }
                (text.clone(), true)
            }
            _ => return ExprKind::Number(value),
        };
        self.advance();
        ExprKind::Quantity { value, unit, calendar }
    }

    /// A name, or a call.
    fn invocation(&mut self, of: Option<Expr>) -> Result<Expr, SyntaxError> {
        let at = self.at();
        let name = match self.peek() {
            TokenKind::Name { text, .. } => text.clone(),
            TokenKind::Dollar(name) if name == "this" && of.is_some() => {
                return self.fail("$this stands only at the beginning of a path");
            }
            _ => return self.fail("a name is expected"),
        };
        self.advance();
        let mut height = of.as_ref().map_or(0, |of| of.height);
        let of = of.map(Box::new);
        if !self.eat("(") {
            return node(at, height, ExprKind::Member { of, name });
        }
        let mut arguments = Vec::new();
        if !self.eat(")") {
            loop {
                let argument = self.expression(0)?;
                height = height.max(argument.height);
                arguments.push(argument);
                if !self.eat(",") {
                    break;
                }
            }
            self.need(")", ") is expected")?;
        }
        node(at, height, ExprKind::Call { of, name, arguments })
    }

    fn type_name(&mut self) -> Result<TypeName, SyntaxError> {
        let at = self.at();
        let first = self.plain_name()?;
        if !self.eat(".") {
            return Ok(TypeName { at, namespace: None, name: first });
        }
        Ok(TypeName { at, namespace: Some(first), name: self.plain_name()? })
    }

    fn plain_name(&mut self) -> Result<String, SyntaxError> {
        match self.peek() {
            TokenKind::Name { text, .. } => {
                let text = text.clone();
                self.advance();
                Ok(text)
            }
            _ => self.fail("the name of a type is expected"),
        }
    }
}

fn node(at: u32, below: u16, kind: ExprKind) -> Result<Expr, SyntaxError> {
    if below >= MAX_DEPTH {
        return Err(SyntaxError { at, problem: "the expression is too deep" });
    }
    Ok(Expr { at, height: below + 1, kind })
}

fn join(at: u32, operator: Operator, left: Expr, right: Expr, grows: bool) -> Result<Expr, SyntaxError> {
    match left {
        Expr { at, height, kind: ExprKind::Operation { operator, mut operands } } if grows => {
            let height = height.saturating_sub(1).max(right.height);
            operands.push(right);
            node(at, height, ExprKind::Operation { operator, operands })
        }
        left => {
            let height = left.height.max(right.height);
            node(at, height, ExprKind::Operation { operator, operands: vec![left, right] })
        }
    }
}
