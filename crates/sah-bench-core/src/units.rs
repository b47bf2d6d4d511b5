//! What the figures and the buckets of a benchmark mean, and how they are laid out.

/// What the figures and the buckets of a benchmark mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Units {
    /// The range of a score.
    pub score: Scale,
    /// What rows are put into buckets by, in a word: `length`.
    pub bucket: String,
    /// The same with its unit, for the axis of a figure: `length of the context in words`.
    pub bucket_axis: String,
    /// How the scores of tasks and buckets are shown.
    pub layout: Layout,
}

impl Default for Units {
    fn default() -> Self {
        Self {
            score: Scale::Hundred,
            bucket: "length".to_owned(),
            bucket_axis: "length".to_owned(),
            layout: Layout::List,
        }
    }
}

/// The range of a figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// From 0 to 1.
    One,
    /// From 0 to 100.
    #[default]
    Hundred,
}

impl Scale {
    /// In words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::One => "0 to 1",
            Self::Hundred => "0 to 100",
        }
    }

    /// The best figure.
    #[must_use]
    pub fn top(self) -> f64 {
        match self {
            Self::One => 1.0,
            Self::Hundred => 100.0,
        }
    }

    /// Decimals that tables show.
    #[must_use]
    pub fn digits(self) -> usize {
        match self {
            Self::One => 4,
            Self::Hundred => 2,
        }
    }

    /// A figure in the cell of a map, where there is little room.
    #[must_use]
    pub fn in_cell(self, value: f64) -> String {
        match self {
            Self::One => format!("{value:.2}"),
            Self::Hundred => format!("{value:.0}"),
        }
    }
}

/// How figures of tasks and their buckets are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Layout {
    /// A line for each task and for each bucket of it.
    #[default]
    List,
    /// A table for each attention, tasks down and buckets across, with the mean over tasks below. For buckets that all tasks have, and
    /// that rise, such as lengths.
    Across {
        /// What the mean over tasks must exceed for a bucket to count as passed, where there is such a figure.
        threshold: Option<f64>,
    },
    /// A heat map for each attention, buckets down and tasks across. For tasks that rise, too.
    Map {
        /// What tasks are, in a word: `length`.
        task: String,
        /// The same with its unit, for the axis of a figure.
        task_axis: String,
    },
}
