//! From SVG to PNG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Latin, Greek, Cyrillic and signs of `DejaVu Sans`: a figure looks the same on a machine without fonts.
const FONT: &[u8] = include_bytes!("../../fonts/DejaVuSans.ttf");

/// Renders `svg`, which is `size` pixels, `zoom` times as large.
pub(super) fn render(svg: &str, size: (u32, u32), zoom: u32) -> Result<Vec<u8>, String> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    "DejaVu Sans".clone_into(&mut options.font_family);
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let mut pixels = Pixmap::new(size.0 * zoom, size.1 * zoom).ok_or("it has no pixels")?;
    let scale = Transform::from_scale(zoom as f32, zoom as f32);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn text_is_drawn_with_the_font_that_comes_along() {
        let svg = |text: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60\" height=\"20\">\
                 <text x=\"2\" y=\"15\" font-family=\"sans-serif\" font-size=\"12\">{text}</text></svg>"
            )
        };
        let png = |text: &str| render(&svg(text), (60, 20), 2).unwrap();
        let drawn = png("\u{2212}5 trec_e");
        assert_eq!(&drawn[..8], b"\x89PNG\r\n\x1a\n");
        // Width and height, as the header has them.
        assert_eq!((&drawn[16..20], &drawn[20..24]), (&[0, 0, 0, 120][..], &[0, 0, 0, 40][..]));
        assert!(drawn.len() > png("").len() + 100, "nothing was drawn");
        assert!(render("<svg", (1, 1), 1).is_err());
    }
}
