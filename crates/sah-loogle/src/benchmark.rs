//! LooGLE as a benchmark.

use std::path::PathBuf;
use std::rc::Rc;

use indexmap::IndexMap;
use sah_bench_core::data::DataSource;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, FurtherFigures, Metrics, Record, RowScore, Sample, Scale,
    TaskScore, TokenCount, Units, Value,
};
use sah_metrics::WordNet;

use crate::dataset::{self, gaps};
use crate::scores::{Score, cloze_scores, figures, text_scores};
use crate::{SUBSETS, TASKS, Task};

/// The copy on the hub that is cut into prompts already.
pub const HUB_ID: &str = "simonjegou/loogle";

/// The column that LooGLE has beside those of every sample: the right answer, of a cloze as an object of JSON.
const EXTRA_COLUMNS: [Column; 1] = [Column { name: "answers", kind: ColumnKind::TextList }];

/// LooGLE with the samples of a [`DataSource`].
#[derive(Clone, Debug, Default)]
pub struct Loogle {
    source: DataSource,
    prompts: Option<PathBuf>,
    wordnet: Option<Rc<WordNet>>,
}

impl Loogle {
    /// The benchmark over samples from `source`, which [`Benchmark::load`] reads. A folder may hold the hub's layout or the
    /// authors' `<task>.jsonl`; only these need `prompts`, the authors' `config/task2prompt.json`.
    #[must_use]
    pub fn new(source: DataSource, prompts: Option<PathBuf>) -> Self {
        Self { source, prompts, wordnet: None }
    }

    /// With METEOR among the figures, which takes synonyms from `wordnet`.
    #[must_use]
    pub fn with_wordnet(self, wordnet: WordNet) -> Self {
        Self { wordnet: Some(Rc::new(wordnet)), ..self }
    }

    fn answer_score(&self, sample: &Sample, answer: &str) -> Result<Score, sah_bench_core::Error> {
        let unscorable = |field, problem: &str| sah_bench_core::Error::Unscorable {
            task: sample.task.clone(),
            field,
            problem: problem.to_owned(),
        };
        let task = Task::find(&sample.task).ok_or_else(|| unscorable("task", "no such task"))?;
        let [reference] = self.references(sample) else {
            return Err(unscorable("answers", "expected one text"));
        };
        if !task.is_cloze {
            return Ok(Score::Text(text_scores(answer, reference, self.wordnet.as_deref())));
        }
        let gaps = gaps(reference).ok_or_else(|| unscorable("answers", "expected an object of texts"))?;
        Ok(Score::Cloze(cloze_scores(answer, &gaps)))
    }
}

impl Benchmark for Loogle {
    fn name(&self) -> &'static str {
        "loogle"
    }

    fn subsets(&self) -> Vec<&str> {
        SUBSETS.to_vec()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, sah_bench_core::Error> {
        Ok(dataset::load(&self.source, self.prompts.as_deref(), subsets).map_err(DataError::from)?)
    }

    /// Recall of ROUGE-L, and exact match of a cloze, stand for a task; the other figures are in `scores`. There is no overall
    /// figure: the authors have none, and the reference's needs `BERTScore`.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        let mut task_scores = IndexMap::new();
        let mut all = serde_json::Map::new();
        for task in &TASKS {
            let of_task = records.iter().filter(|record| record.sample.task == task.name);
            let scores: Result<Vec<Score>, _> =
                of_task.map(|record| self.answer_score(&record.sample, &record.predicted_answer)).collect();
            match scores.map(|scores| figures(task, &scores)) {
                Ok(None) => {}
                Ok(Some(figures)) => {
                    task_scores.insert(task.name.to_owned(), TaskScore::Single(figures.main));
                    all.insert(task.name.to_owned(), figures.all.into());
                }
                Err(error) => {
                    task_scores.insert(task.name.to_owned(), TaskScore::Failed { error: error.to_string() });
                }
            }
        }
        let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
        Metrics {
            overall_score: None,
            task_scores,
            further: [("scores".to_owned(), all.into())].into_iter().collect(),
            summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, sah_bench_core::Error> {
        Ok(RowScore { value: self.answer_score(sample, answer)?.value(), bucket: None })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }

    fn metric_files(&self) -> Vec<PathBuf> {
        self.wordnet.as_deref().map(WordNet::files).unwrap_or_default()
    }

    /// A cloze adds up gaps, not rows.
    fn is_mean(&self, subset: &str) -> bool {
        Task::find(subset).is_none_or(|task| !task.is_cloze)
    }

    fn units(&self) -> Units {
        Units { score: Scale::One, ..Units::default() }
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        let title = "All official figures of each task";
        let table = FurtherFigures::new("official", title, Scale::One);
        table.with_stored(metrics.further.get("scores")).unless_empty().into_iter().collect()
    }

    fn authors_limit(&self, subset: &str) -> Option<usize> {
        Task::find(subset).map(|task| task.max_new_tokens)
    }
}
