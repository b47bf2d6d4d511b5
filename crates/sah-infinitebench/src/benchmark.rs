//! InfiniteBench as a benchmark.

use std::path::PathBuf;

use sah_bench_core::data::DataSource;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, RowScore, Sample, Scale, TokenCount, Units, Value,
};

use crate::{SUBSETS, Task, dataset};

/// The copy on the hub that is cut into prompts already.
pub const HUB_ID: &str = "MaxJeblick/InfiniteBench";

/// The columns that InfiniteBench has beside those of every sample.
const EXTRA_COLUMNS: [Column; 2] = [
    Column { name: "answers", kind: ColumnKind::TextList },
    Column { name: "options", kind: ColumnKind::TextList },
];
/// Position in [`EXTRA_COLUMNS`].
const ANSWER: usize = 0;

/// The authors' prompt templates, for rows of their own files, which have no prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptFiles {
    /// `src/prompt.py` of the authors' repository. For `math_find`, `eval_utils.py` must lie beside it.
    pub file: PathBuf,
    /// Whose templates: the name of a dictionary in it without `_templates`, such as `yarn_mistral`.
    pub family: String,
}

/// InfiniteBench with the samples of a [`DataSource`].
#[derive(Clone, Debug, Default)]
pub struct InfiniteBench {
    source: DataSource,
    prompts: Option<PromptFiles>,
}

impl InfiniteBench {
    /// The benchmark over samples from `source`, which [`Benchmark::load`] reads. A folder may hold the hub's layout or the
    /// authors' files `<task>.jsonl`; only these need `prompts`.
    #[must_use]
    pub fn new(source: DataSource, prompts: Option<PromptFiles>) -> Self {
        Self { source, prompts }
    }
}

impl Benchmark for InfiniteBench {
    fn name(&self) -> &'static str {
        "infinitebench"
    }

    fn subsets(&self) -> Vec<&str> {
        SUBSETS.to_vec()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, sah_bench_core::Error> {
        Ok(dataset::load(&self.source, self.prompts.as_ref(), subsets).map_err(DataError::from)?)
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, sah_bench_core::Error> {
        let unscorable = |field, problem: String| sah_bench_core::Error::Unscorable {
            task: sample.task.clone(),
            field,
            problem,
        };
        let task = Task::find(&sample.task).ok_or_else(|| unscorable("task", "no such task".to_owned()))?;
        let score = task.score(answer, self.references(sample));
        let value = score.map_err(|error| unscorable("answers", error.to_string()))?;
        Ok(RowScore { value, bucket: None })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.get(ANSWER).map(Value::texts).unwrap_or_default()
    }

    fn units(&self) -> Units {
        Units { score: Scale::One, ..Units::default() }
    }

    fn authors_limit(&self, subset: &str) -> Option<usize> {
        Task::find(subset).map(|task| task.authors_limit)
    }
}
