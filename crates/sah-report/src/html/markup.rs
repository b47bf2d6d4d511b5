//! HTML being written: text enters it escaped, and no other way.

use crate::figures::Figure;
use crate::visible;

/// HTML being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Tags. They are in this program: what comes from data cannot be `'static`.
    pub(super) fn tags(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// Text, or the value of an attribute in double quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.push_str(&escaped(text));
        self
    }

    /// A figure, whose own text is escaped.
    pub(super) fn figure(&mut self, figure: &Figure) -> &mut Self {
        self.0.push_str(&figure.svg());
        self
    }

    /// Rules for colours, made of numbers.
    pub(super) fn style(&mut self, css: &str) -> &mut Self {
        debug_assert!(!css.contains('<'), "a style ends at a tag");
        self.0.push_str(css);
        self
    }

    pub(super) fn into_string(self) -> String {
        self.0
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
