//! A finished figure.

use super::png;
use crate::html::escaped;
use crate::{Error, visible};

/// A figure, drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What its files are called.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it shows, for who cannot see it.
    pub description: String,
    size: (u32, u32),
    /// Between the tags `svg`.
    content: String,
}

impl Figure {
    /// Of what plotters wrote, and elements that come after it.
    pub(super) fn new(
        name: &str,
        title: &str,
        description: String,
        size: (u32, u32),
        svg: &str,
        more: &str,
    ) -> Self {
        // Without its opening and closing tag.
        let content = svg.split_once('>').map_or("", |(_, content)| content);
        let content = content.rsplit_once("</svg>").map_or(content, |(content, _)| content);
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            description,
            size,
            content: [content, more].concat(),
        }
    }

    /// As an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        self.svg_in("")
    }

    /// In a page in which ids begin with `prefix`.
    pub(crate) fn svg_in(&self, prefix: &str) -> String {
        let (width, height) = self.size;
        let id = escaped(&format!("{prefix}{}", self.name));
        let (title, description) = (escaped(&self.title), escaped(&self.description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-text\">{description}</desc>{content}</svg>\n",
            content = self.content,
        )
    }

    /// As a PNG file, two pixels for each of the SVG.
    ///
    /// # Errors
    ///
    /// [`Error::Figure`].
    pub fn png(&self) -> Result<Vec<u8>, Error> {
        png::render(&visible(&self.svg()), self.size, 2)
            .map_err(|problem| Error::Figure { figure: self.name.clone(), problem })
    }
}
