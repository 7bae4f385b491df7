//! Which XHTML a narrative may hold (R4 narrative.html, txt-1 and txt-2): well formed, basic formatting, no script, and not empty.

/// Elements of HTML 4.0 chapters 7 to 11 (without section 4 of 9) and 15, `a` and `img`.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];
/// Attributes that every element may have, and those of links, images and tables.
const ATTRIBUTES: &[&str] = &[
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "colspan",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "id",
    "lang",
    "longdesc",
    "name",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "value",
    "width",
    "xml:lang",
    "xmlns",
];
const NAMESPACE: &str = "http://www.w3.org/1999/xhtml";
/// Elements inside each other.
const DEEPEST: usize = 200;

/// Whether the text is one `div` of allowed elements and attributes with something to see in it.
pub(super) fn is_allowed(text: &str) -> bool {
    let mut reader = Reader { rest: text.trim(), open: Vec::new(), has_content: false };
    reader.read().is_some() && reader.has_content
}

struct Reader<'t> {
    rest: &'t str,
    open: Vec<&'t str>,
    has_content: bool,
}

impl<'t> Reader<'t> {
    /// `None` at the first thing that is not allowed.
    fn read(&mut self) -> Option<()> {
        if !self.rest.starts_with("<div") {
            return None;
        }
        loop {
            let at = self.rest.find('<').unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at_checked(at)?;
            self.text(text)?;
            self.rest = rest;
            if rest.is_empty() {
                return self.open.is_empty().then_some(());
            }
            if let Some(comment) = rest.strip_prefix("<!--") {
                self.rest = comment.split_once("-->")?.1;
            } else if let Some(close) = rest.strip_prefix("</") {
                let (name, rest) = close.split_once('>')?;
                (self.open.pop() == Some(name.trim_end())).then_some(())?;
                self.rest = rest;
            } else {
                self.tag(rest.strip_prefix('<')?)?;
            }
        }
    }

    fn text(&mut self, text: &str) -> Option<()> {
        if self.open.is_empty() {
            return text.trim().is_empty().then_some(());
        }
        self.has_content |= !text.trim().is_empty();
        are_references(text).then_some(())
    }

    fn tag(&mut self, after: &'t str) -> Option<()> {
        let end = after.find(|c: char| !c.is_ascii_alphanumeric())?;
        let (name, mut rest) = after.split_at_checked(end)?;
        // One div holds all of it.
        let is_second = self.open.is_empty() && self.has_content;
        if ELEMENTS.binary_search(&name).is_err() || self.open.len() >= DEEPEST || is_second {
            return None;
        }
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let trimmed = rest.trim_start();
            if let Some(rest) = trimmed.strip_prefix("/>") {
                self.rest = rest;
                self.has_content |= name == "img";
                return Some(());
            }
            if let Some(rest) = trimmed.strip_prefix('>') {
                self.rest = rest;
                self.open.push(name);
                return Some(());
            }
            if trimmed.len() == rest.len() {
                return None;
            }
            let (attribute, after) = trimmed.split_once('=')?;
            let attribute = attribute.trim_end();
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, after) = after.get(1..)?.split_once(quote)?;
            is_attribute(name, attribute, value).then_some(())?;
            if seen.contains(&attribute) {
                return None;
            }
            seen.push(attribute);
            rest = after;
        }
    }
}

fn is_attribute(element: &str, name: &str, value: &str) -> bool {
    let compact: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let compact = compact.to_ascii_lowercase();
    ATTRIBUTES.binary_search(&name).is_ok()
        && !value.contains('<')
        && are_references(value)
        && match name {
            "xmlns" => element == "div" && value == NAMESPACE,
            "href" | "src" | "cite" | "longdesc" => {
                !["javascript:", "vbscript:"].iter().any(|scheme| compact.starts_with(scheme))
            }
            _ => true,
        }
}

/// Every `&` begins a reference to a character: `&amp;`, `&#160;`, `&#xA0;`.
fn are_references(text: &str) -> bool {
    text.split('&').skip(1).all(|after| {
        after.split_once(';').is_some_and(|(name, _)| {
            let is_number = name.strip_prefix('#').is_some_and(|number| {
                let digits = number.strip_prefix(['x', 'X']);
                digits.map_or_else(
                    || !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()),
                    |digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
                )
            });
            is_number || (!name.is_empty() && name.len() <= 8 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_so_that_they_can_be_searched() {
        assert!(ELEMENTS.is_sorted() && ATTRIBUTES.is_sorted());
    }

    #[test]
    fn a_narrative_of_basic_formatting_is_allowed() {
        for text in [
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>A &amp; B<br/></p></div>",
            "<div xmlns='http://www.w3.org/1999/xhtml'><table class=\"x\"><tr><td colspan=\"2\">1</td></tr></table></div>",
            "<div><a href=\"http://example.org\">x</a><!-- not seen --></div>",
            "<div><img src=\"#a\" alt=\"a\"/></div>",
        ] {
            assert!(is_allowed(text), "{text}");
        }
    }

    #[test]
    fn scripts_and_broken_or_empty_texts_are_not() {
        for text in [
            "",
            "text",
            "<div></div>",
            "<div>  </div>",
            "<div>x",
            "<div>x</p>",
            "<p>x</p>",
            "<div>x</div><div>y</div>",
            "<div><script>x</script></div>",
            "<div onclick=\"x\">x</div>",
            "<div><a href=\" java&#115;cript:x\">x</a> & </div>",
            "<div><a href=\"java\tscript:x\">x</a></div>",
            "<div><form>x</form></div>",
            "<div class=\"a\" class=\"b\">x</div>",
            "<div><![CDATA[x]]></div>",
        ] {
            assert!(!is_allowed(text), "{text}");
        }
    }
}
