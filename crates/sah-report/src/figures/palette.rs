//! Colours that people with any colour vision can tell apart (Okabe and Ito 2008), each with the one that stands for it on a
//! dark page.

pub use plotters::style::RGBColor;

/// A colour on a light and on a dark page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    /// Red, green and blue on a light page, and in files.
    pub light: [u8; 3],
    /// The same on a dark page.
    pub dark: [u8; 3],
}

const fn colour(light: [u8; 3], dark: [u8; 3]) -> Colour {
    Colour { light, dark }
}

/// The background.
pub const PAPER: Colour = colour([255, 255, 255], [20, 24, 29]);
/// Text and axes.
pub const INK: Colour = colour([27, 31, 36], [230, 234, 240]);
/// Text that explains.
pub const MUTED: Colour = colour([84, 94, 107], [165, 174, 186]);
/// Lines that guide the eye.
pub const GRID: Colour = colour([216, 221, 227], [57, 65, 75]);
/// Every other row.
pub const BAND: Colour = colour([244, 246, 248], [28, 33, 40]);
/// Where nothing was measured.
pub const NOTHING: Colour = colour([236, 232, 226], [44, 42, 38]);

/// Text on the bright colours of a map, which are the same on both pages.
pub const ON_BRIGHT: Colour = colour([1, 1, 1], [1, 1, 1]);
/// Text on its dark ones.
pub const ON_DARK: Colour = colour([254, 254, 254], [254, 254, 254]);

/// One for each side, in turn.
pub const SERIES: [Colour; 7] = [
    colour([0, 114, 178], [86, 168, 232]),
    colour([213, 94, 0], [255, 140, 82]),
    colour([0, 140, 102], [62, 201, 156]),
    colour([184, 84, 145], [232, 150, 200]),
    colour([168, 116, 0], [240, 185, 80]),
    colour([42, 150, 200], [145, 212, 245]),
    colour([90, 90, 90], [190, 190, 190]),
];

impl Colour {
    /// On a light page.
    #[must_use]
    pub fn rgb(self) -> RGBColor {
        let [red, green, blue] = self.light;
        RGBColor(red, green, blue)
    }
}

/// The rules that turn the colours of figures inside `selector` into those of a dark page.
pub(crate) fn dark_rules(selector: &str) -> String {
    let hex = |[red, green, blue]: [u8; 3]| format!("#{red:02X}{green:02X}{blue:02X}");
    let named = [PAPER, INK, MUTED, GRID, BAND, NOTHING];
    let rule = |colour: &Colour| {
        let (light, dark) = (hex(colour.light), hex(colour.dark));
        format!(
            "{selector} [fill=\"{light}\"]{{fill:{dark}}}{selector} [stroke=\"{light}\"]{{stroke:{dark}}}\n"
        )
    };
    named.iter().chain(&SERIES).map(rule).collect()
}

/// Whether dark text stands out more than bright text on [`viridis`] of this share.
#[must_use]
pub fn is_bright(share: f64) -> bool {
    let RGBColor(red, green, blue) = viridis(share);
    // The colour against which black and white have the same contrast (WCAG 2.2).
    luminance([red, green, blue]) > 0.179
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: [u8; 3]) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
}

/// Viridis (van der Walt and Smith 2015), by eye as even as by number: `share` from 0, dark, to 1, bright.
#[must_use]
pub fn viridis(share: f64) -> RGBColor {
    const AT: [[u8; 3]; 11] = [
        [68, 1, 84],
        [72, 35, 116],
        [64, 67, 135],
        [52, 94, 141],
        [41, 120, 142],
        [32, 144, 140],
        [34, 167, 132],
        [68, 190, 112],
        [121, 209, 81],
        [189, 222, 38],
        [253, 231, 36],
    ];
    let place = share.clamp(0.0, 1.0) * 10.0;
    let (below, part) = ((place as usize).min(9), place - place.floor().min(9.0));
    let mix = |channel: usize| {
        let (from, to) = (f64::from(AT[below][channel]), f64::from(AT[below + 1][channel]));
        (from + (to - from) * part).round() as u8
    };
    RGBColor(mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(one: [u8; 3], two: [u8; 3]) -> f64 {
        let (one, two) = (luminance(one), luminance(two));
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    #[test]
    fn text_and_lines_stand_out_on_both_pages() {
        for paper in [PAPER, BAND] {
            for text in [INK, MUTED] {
                assert!(contrast(text.light, paper.light) > 4.5, "{text:?}");
                assert!(contrast(text.dark, paper.dark) > 4.5, "{text:?}");
            }
            for line in SERIES {
                assert!(contrast(line.light, paper.light) > 3.0, "{line:?}");
                assert!(contrast(line.dark, paper.dark) > 3.0, "{line:?}");
            }
        }
    }

    #[test]
    fn figures_in_a_map_can_be_read_on_every_colour() {
        for share in (0..=100_u8).map(|percent| f64::from(percent) / 100.0) {
            let RGBColor(red, green, blue) = viridis(share);
            let ink = if is_bright(share) { ON_BRIGHT } else { ON_DARK };
            assert!(contrast(ink.light, [red, green, blue]) > 4.5, "{share}");
        }
    }

    #[test]
    fn viridis_goes_from_dark_to_bright() {
        assert_eq!(viridis(0.0), RGBColor(68, 1, 84));
        assert_eq!(viridis(1.0), RGBColor(253, 231, 36));
        assert_eq!(viridis(0.05), RGBColor(70, 18, 100));
        assert_eq!(viridis(2.0), viridis(1.0));
    }
}
