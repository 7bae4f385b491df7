//! Text into tokens.

use super::SyntaxError;

/// One token and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: u32,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// A name or a word of the grammar; `quoted`: between back ticks, so never a word.
    Name {
        text: String,
        quoted: bool,
    },
    Text(String),
    Number(String),
    Date(String),
    DateTime(String),
    Time(String),
    /// `%name`
    Variable(String),
    /// `$name`
    Dollar(String),
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 22] =
    ["!=", "!~", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|", "=", "~", "<", ">"];

/// All tokens, an [`TokenKind::End`] last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut out = Vec::new();
    loop {
        let token = lexer.next()?;
        let ended = token.kind == TokenKind::End;
        out.push(token);
        if ended {
            return Ok(out);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) -> Result<Token, SyntaxError> {
        self.blank()?;
        let at = self.at as u32;
        let kind = match self.peek() {
            None => TokenKind::End,
            Some(first) if first.is_ascii_alphabetic() || first == '_' => {
                TokenKind::Name { text: self.word().to_owned(), quoted: false }
            }
            Some(first) if first.is_ascii_digit() => TokenKind::Number(self.number().to_owned()),
            Some('`') => TokenKind::Name { text: self.quoted('`')?, quoted: true },
            Some('\'') => TokenKind::Text(self.quoted('\'')?),
            Some('@') => self.moment()?,
            Some('%') => {
                self.at += 1;
                TokenKind::Variable(match self.peek() {
                    Some('`') => self.quoted('`')?,
                    Some('\'') => self.quoted('\'')?,
                    _ => self.some_word("a name is expected after %")?,
                })
            }
            Some('$') => {
                self.at += 1;
                TokenKind::Dollar(self.some_word("a name is expected after $")?)
            }
            Some(_) => self.symbol()?,
        };
        Ok(Token { at, kind })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fail<T>(&self, problem: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at as u32, problem })
    }

    /// White space and comments.
    fn blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                match trimmed.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return self.fail("a comment does not end"),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn word(&mut self) -> &'t str {
        self.take(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn some_word(&mut self, problem: &'static str) -> Result<String, SyntaxError> {
        let word = self.word();
        if word.is_empty() { self.fail(problem) } else { Ok(word.to_owned()) }
    }

    fn number(&mut self) -> &'t str {
        let start = self.at;
        self.take(|c| c.is_ascii_digit());
        let mut ahead = self.rest().chars();
        if ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn symbol(&mut self) -> Result<TokenKind, SyntaxError> {
        match SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(TokenKind::Symbol(symbol))
            }
            None => self.fail("this character has no meaning here"),
        }
    }

    /// A text between two of `quote`, unescaped (section 4.1.2).
    fn quoted(&mut self, quote: char) -> Result<String, SyntaxError> {
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        chars.next();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.at += at + c.len_utf8();
                return Ok(out);
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            let plain = match chars.next().map(|(_, escape)| escape) {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('f') => '\u{c}',
                Some(same @ ('\'' | '"' | '`' | '\\' | '/')) => same,
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                    match code.and_then(char::from_u32) {
                        Some(plain) => plain,
                        None => return self.fail_after(at, "\\u needs four hexadecimal digits of a character"),
                    }
                }
                _ => return self.fail_after(at, "unknown escape in a string"),
            };
            out.push(plain);
        }
        self.fail("a string does not end")
    }

    fn fail_after<T>(&self, more: usize, problem: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: (self.at + more) as u32, problem })
    }

    /// `@…`: shape only; whether there is such a day is looked at when the tree is compiled.
    fn moment(&mut self) -> Result<TokenKind, SyntaxError> {
        self.at += 1;
        let start = self.at;
        if self.peek() == Some('T') {
            self.at += 1;
            let from = self.at;
            self.clock();
            return match self.text.get(from..self.at) {
                Some(text) if !text.is_empty() => Ok(TokenKind::Time(text.to_owned())),
                _ => self.fail("a time is expected after @T"),
            };
        }
        if !self.digits(4) {
            return self.fail("a year of four digits is expected after @");
        }
        if self.part('-') {
            self.part('-');
        }
        let date = self.text.get(start..self.at).unwrap_or_default();
        if self.peek() != Some('T') {
            return Ok(TokenKind::Date(date.to_owned()));
        }
        self.at += 1;
        if self.clock() && !self.eat('Z') {
            let before = self.at;
            let signed = self.eat('+') || self.eat('-');
            if !(signed && self.digits(2) && self.part(':')) {
                self.at = before;
            }
        }
        Ok(TokenKind::DateTime(self.text.get(start..self.at).unwrap_or_default().to_owned()))
    }

    /// `hh[:mm[:ss[.f…]]]`
    fn clock(&mut self) -> bool {
        if !self.digits(2) {
            return false;
        }
        if self.part(':') && self.part(':') {
            let mut ahead = self.rest().chars();
            if ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
                self.take(|c| c.is_ascii_digit());
            }
        }
        true
    }

    /// A separator and two digits, or nothing.
    fn part(&mut self, separator: char) -> bool {
        let before = self.at;
        let found = self.eat(separator) && self.digits(2);
        if !found {
            self.at = before;
        }
        found
    }

    fn digits(&mut self, count: usize) -> bool {
        let found = self.rest().get(..count).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        if found {
            self.at += count;
        }
        found
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }
}
