//! Which rows there are.

/// Generator and version of texts, needles and questions: results of one version compare among themselves.
pub const GENERATOR: &str = "needle-1";

/// The way in which needles of a data set are put into its texts, and its version.
pub const INSERTER: &str = "needle-texts-1";

/// Lengths, depths, and what rows are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Tokens of the whole prompt, with chat template and the room of the answer.
    pub lengths: Vec<usize>,
    /// Where the needle stands, in percent of the haystack's sentences: 0 is before the first, 100 after the last.
    pub depths: Vec<u8>,
    /// Rows made for each cell, each with another haystack and another needle. Of a data set a cell has all rows.
    pub rows: usize,
    /// What all random choices follow from.
    pub seed: u64,
}

impl Default for Grid {
    fn default() -> Self {
        Self { lengths: vec![256, 512, 1024], depths: vec![0, 25, 50, 75, 100], rows: 2, seed: 0 }
    }
}

impl Grid {
    /// The grid in a line, for `config.json`.
    #[must_use]
    pub fn description(&self) -> String {
        let list = |numbers: Vec<String>| numbers.join(",");
        format!(
            "{GENERATOR}, lengths {}, depths {}, rows {}, seed {}",
            list(self.lengths.iter().map(ToString::to_string).collect()),
            list(self.depths.iter().map(ToString::to_string).collect()),
            self.rows,
            self.seed
        )
    }
}
