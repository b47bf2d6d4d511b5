//! HTML being written: text enters it escaped, and no other way.

use crate::figures::Figure;
use crate::visible;

/// HTML being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Markup {
    html: String,
    /// What ids begin with: the name of a part of the page, whose ids are those of others, too.
    part: Option<String>,
    /// How many parts there are, which share what the page has room for; 0 in a page without any.
    parts: usize,
}

impl Markup {
    /// Tags. They are in this program: what comes from data cannot be `'static`.
    pub(super) fn tags(&mut self, html: &'static str) -> &mut Self {
        self.html.push_str(html);
        self
    }

    /// Text, or the value of an attribute in double quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.html.push_str(&escaped(text));
        self
    }

    /// A figure, whose own text is escaped.
    pub(super) fn figure(&mut self, figure: &Figure) -> &mut Self {
        self.html.push_str(&figure.svg_in(&self.prefix()));
        self
    }

    /// A page of so many parts.
    pub(super) fn of_parts(parts: usize) -> Self {
        Self { parts, ..Self::default() }
    }

    /// What each part has of the room that there is for `all`.
    pub(super) fn share(&self, all: usize) -> usize {
        all / self.parts.max(1)
    }

    /// From now on ids are those of this part of the page, or of the page itself.
    pub(super) fn part(&mut self, name: Option<&str>) -> &mut Self {
        self.part = name.map(str::to_owned);
        self
    }

    /// Whether this is a part of a page.
    pub(super) fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// An id, in an attribute.
    pub(super) fn id(&mut self, id: &str) -> &mut Self {
        let prefix = self.prefix();
        self.text(&prefix).text(id)
    }

    fn prefix(&self) -> String {
        self.part.as_ref().map_or_else(String::new, |part| format!("{part}-"))
    }

    /// Rules for colours, made of numbers.
    pub(super) fn style(&mut self, css: &str) -> &mut Self {
        debug_assert!(!css.contains('<'), "a style ends at a tag");
        self.html.push_str(css);
        self
    }

    pub(super) fn into_string(self) -> String {
        self.html
    }
}

/// `text` as text of HTML and XML and as the value of an attribute: control characters are made visible, and the five
/// characters that mean something are references.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 16);
    for character in visible(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Markup;

    #[test]
    fn text_cannot_leave_its_place() {
        let mut page = Markup::default();
        page.tags("<p title=\"").text("\" onload='x").tags("\">").text("</p><script>\u{0}&amp;").tags("</p>");
        assert_eq!(
            page.into_string(),
            "<p title=\"&quot; onload=&#39;x\">&lt;/p&gt;&lt;script&gt;\u{2400}&amp;amp;</p>"
        );
    }
}
