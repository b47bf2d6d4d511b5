//! Heat maps: figures on the colours that they stand for, or beside shades where there are no colours.

use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, stdout};

use sah_bench_core::{Grid, Scale};
use sah_report::figures::palette::{RGBColor, is_bright, viridis};

use super::{one_line, width};

/// As wide as what is no terminal is taken for.
const WIDE: usize = 80;
/// Between two maps.
const GAP: usize = 3;
/// From nothing to everything.
const SHADES: [char; 5] = [' ', '\u{2591}', '\u{2592}', '\u{2593}', '\u{2588}'];

/// The figure of a task and a bucket.
pub(crate) type CellFigure<'a> = Box<dyn Fn(&str, &str) -> Option<f64> + 'a>;

/// A map for each attention, side by side as far as there is room.
pub(crate) struct HeatMaps<'a> {
    /// Which rows and columns there are.
    pub(crate) grid: &'a Grid,
    /// What the colours stand for.
    pub(crate) scale: Scale,
    /// For each attention its name and the figure of a task and a bucket.
    pub(crate) maps: Vec<(String, CellFigure<'a>)>,
}

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    /// Any.
    True,
    /// The 216 of a cube of six by six by six.
    Cube,
    None,
}

impl Colours {
    /// Those of standard output. `NO_COLOR` (no-color.org) wants none, `CLICOLOR_FORCE` some where there is no terminal.
    fn of_stdout() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let is_forced = !matches!(variable("CLICOLOR_FORCE").as_str(), "" | "0");
        let (no_color, color_term) = (variable("NO_COLOR"), variable("COLORTERM"));
        if is_forced && no_color.is_empty() {
            return Self::of(true, "", "256color", &color_term);
        }
        Self::of(stdout().is_terminal(), &no_color, &variable("TERM"), &color_term)
    }

    fn of(is_terminal: bool, no_color: &str, term: &str, colorterm: &str) -> Self {
        if !is_terminal || !no_color.is_empty() {
            Self::None
        } else if matches!(colorterm, "truecolor" | "24bit") {
            Self::True
        } else if term.contains("256color") {
            Self::Cube
        } else {
            Self::None
        }
    }

    /// `text` on the colour of `share`.
    fn paint(self, text: &str, share: f64) -> String {
        let RGBColor(red, green, blue) = viridis(share);
        let ink = if is_bright(share) { 16 } else { 231 };
        match self {
            Self::None => text.to_owned(),
            Self::True => format!("\u{1b}[38;5;{ink};48;2;{red};{green};{blue}m{text}\u{1b}[0m"),
            Self::Cube => {
                let [red, green, blue] = [red, green, blue].map(nearest);
                format!("\u{1b}[38;5;{ink};48;5;{}m{text}\u{1b}[0m", 16 + 36 * red + 6 * green + blue)
            }
        }
    }
}

/// The nearest of the cube's six steps.
fn nearest(channel: u8) -> usize {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    (0..STEPS.len()).min_by_key(|&step| STEPS[step].abs_diff(channel)).unwrap_or_default()
}

impl HeatMaps<'_> {
    fn within(&self, width: usize, colours: Colours) -> String {
        let length = |text: &str| text.chars().count();
        let (rows, columns) = (&self.grid.rows, &self.grid.columns);
        let label = rows.names.iter().chain([&rows.word]).map(|name| length(name)).max().unwrap_or(0);
        let figure =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| self.scale.in_cell(value));
        // A blank, the figure, its shade or a blank.
        let cell = columns
            .names
            .iter()
            .map(|name| length(name))
            .max()
            .unwrap_or(0)
            .max(figure(Some(self.scale.top())).len())
            + 2;
        let names: Vec<String> = self.maps.iter().map(|(name, _)| one_line(name)).collect();
        let longest = names.iter().map(|name| length(name)).max().unwrap_or(0);
        let map = (cell * columns.names.len()).max(longest + 1);
        let beside = (width.saturating_sub(label) / (map + GAP)).clamp(1, self.maps.len().max(1));
        let mut text = self.legend(colours);
        for (maps, names) in self.maps.chunks(beside).zip(names.chunks(beside)) {
            text.push('\n');
            let mut line = |first: &str, of_map: &dyn Fn(usize) -> String| {
                let mut line = format!("{first:label$}");
                for map in 0..maps.len() {
                    line.push_str(&" ".repeat(if map == 0 { 1 } else { GAP }));
                    line.push_str(&of_map(map));
                }
                text.push_str(line.trim_end());
                text.push('\n');
            };
            line("", &|at| format!(" {:width$}", names[at], width = map - 1));
            let head: Vec<String> =
                columns.names.iter().map(|name| format!("{name:>width$} ", width = cell - 1)).collect();
            let head = head.concat();
            line(&rows.word, &|_| format!("{head:map$}"));
            for row in &rows.names {
                line(row, &|at| {
                    let mut cells = String::new();
                    for column in &columns.names {
                        let (task, bucket) = self.grid.cell(row, column);
                        let value = (maps[at].1)(task, bucket);
                        let share = value.map(|value| value / self.scale.top());
                        let after = if colours == Colours::None { share.map_or(' ', shade) } else { ' ' };
                        let shown = format!("{:>width$}{after}", figure(value), width = cell - 1);
                        cells.push_str(
                            &share.map_or_else(|| shown.clone(), |share| colours.paint(&shown, share)),
                        );
                    }
                    cells + &" ".repeat(map - cell * columns.names.len())
                });
            }
        }
        text
    }

    fn legend(&self, colours: Colours) -> String {
        let mut scale = String::new();
        for step in 0..=4 {
            let share = f64::from(step) / 4.0;
            let value = share * self.scale.top();
            // A string takes every text.
            let _ = match colours {
                Colours::None => write!(scale, " {value}{}", shade(share)),
                _ => write!(scale, "{}", colours.paint(&format!(" {value} "), share)),
            };
        }
        format!(
            "score ({}):{scale}\nacross: {}\ndown: {}\n",
            self.scale.text(),
            self.grid.columns.axis,
            self.grid.rows.axis
        )
    }
}

fn shade(share: f64) -> char {
    SHADES[(share.clamp(0.0, 1.0) * 4.0).round() as usize]
}

/// As standard output can show it, with a line feed at the end.
impl fmt::Display for HeatMaps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.within(width().unwrap_or(WIDE), Colours::of_stdout()))
    }
}

#[cfg(test)]
mod tests {
    use sah_bench_core::{Layout, Units};

    use super::*;

    fn grid() -> Grid {
        let layout = Layout::Map { task: "length".to_owned(), task_axis: "length in tokens".to_owned() };
        let units = Units {
            bucket: "depth".to_owned(),
            bucket_axis: "depth in percent".to_owned(),
            layout,
            ..Units::default()
        };
        Grid::new(&units, [("256", "0 %"), ("256", "50 %"), ("1024", "50 %")]).unwrap()
    }

    fn maps<'a>(grid: &'a Grid, names: &[&str]) -> HeatMaps<'a> {
        let value = |task: &str, bucket: &str| match (task, bucket) {
            ("256", "0 %") => Some(100.0),
            ("256", _) => Some(50.0),
            ("1024", "50 %") => Some(0.0),
            _ => None,
        };
        let map = |name: &&str| ((*name).to_owned(), Box::new(value) as CellFigure<'a>);
        HeatMaps { grid, scale: Scale::Hundred, maps: names.iter().map(map).collect() }
    }

    #[test]
    fn maps_stand_beside_each_other_with_shades() {
        let grid = grid();
        let text = maps(&grid, &["dense", "quest"]).within(80, Colours::None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "score (0 to 100): 0  25\u{2591} 50\u{2592} 75\u{2593} 100\u{2588}");
        assert_eq!(lines[1..3], ["across: length in tokens", "down: depth in percent"]);
        assert_eq!(
            lines[4..],
            [
                "       dense          quest",
                "depth   256  1024      256  1024",
                "0 %     100\u{2588}    -      100\u{2588}    -",
                "50 %     50\u{2592}    0       50\u{2592}    0",
            ]
        );
    }

    #[test]
    fn maps_follow_below_where_there_is_no_room() {
        let grid = grid();
        let names = ["dense", "streaming_llm", "oracle_top_k", "quest"];
        let text = maps(&grid, &names).within(50, Colours::None);
        assert!(text.lines().skip(3).all(|line| line.chars().count() <= 50), "{text}");
        assert_eq!(text.matches("\ndepth ").count(), 2, "{text}");
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
    }

    #[test]
    fn colours_are_those_that_the_terminal_takes() {
        let of = |terminal, no, term, color| Colours::of(terminal, no, term, color);
        assert_eq!(of(true, "", "xterm-256color", ""), Colours::Cube);
        assert_eq!(of(true, "", "xterm", "truecolor"), Colours::True);
        for none in [
            of(false, "", "xterm-256color", "truecolor"),
            of(true, "1", "xterm-256color", ""),
            of(true, "", "dumb", ""),
        ] {
            assert_eq!(none, Colours::None);
        }
        let grid = grid();
        let text = maps(&grid, &["dense\u{1b}[2J"]).within(80, Colours::Cube);
        // Viridis of 0, 0.5 and 1: 68 1 84, 32 144 140, 253 231 36.
        for part in [
            "\u{1b}[38;5;231;48;5;53m    0 ",
            "\u{1b}[38;5;16;48;5;30m   50 ",
            "\u{1b}[38;5;16;48;5;220m  100 ",
        ] {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        assert!(!text.contains("\u{1b}[2J"));
        let text = maps(&grid, &["dense"]).within(80, Colours::True);
        assert!(text.contains("48;2;253;231;36m"), "{text:?}");
    }
}
