//! The rows of a user as a benchmark.

use std::path::PathBuf;
use std::rc::Rc;

use indexmap::IndexMap;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, Error, Metrics, Record, RowScore, Sample, TaskScore,
    TokenCount, Value,
};
use sah_metrics::WordNet;
use serde_json::Map;

use crate::{Metric, Source, dataset};

/// The columns that its rows have beside those of every sample. Each row names its metric, so that a finished run can be scored
/// by what is in it.
const EXTRA_COLUMNS: [Column; 2] = [
    Column { name: "answers", kind: ColumnKind::TextList },
    Column { name: "metric", kind: ColumnKind::Text },
];

/// The rows of a [`Source`], scored by a [`Metric`]. Its subsets are their tasks, in the order in which they appear.
///
/// Without rows it scores those of finished runs.
#[derive(Clone, Debug, Default)]
pub struct Custom {
    samples: Vec<Sample>,
    tasks: Vec<String>,
    wordnet: Option<Rc<WordNet>>,
}

impl Custom {
    /// Reads all rows: they say which subsets there are.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] names the file, the row and the field.
    pub fn open(source: &Source, metric: Metric) -> Result<Self, Error> {
        let samples = dataset::load(source, metric).map_err(DataError::from)?;
        let mut tasks: Vec<String> = Vec::new();
        for sample in &samples {
            if !tasks.contains(&sample.task) {
                tasks.push(sample.task.clone());
            }
        }
        Ok(Self { samples, tasks, wordnet: None })
    }

    /// With the WordNet that metrics need for which [`Metric::needs_wordnet`] is true: without it their rows cannot be scored.
    #[must_use]
    pub fn with_wordnet(self, wordnet: WordNet) -> Self {
        Self { wordnet: Some(Rc::new(wordnet)), ..self }
    }
}

impl Benchmark for Custom {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn subsets(&self) -> Vec<&str> {
        self.tasks.iter().map(String::as_str).collect()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let mut samples = Vec::new();
        for task in subsets {
            samples.extend(self.samples.iter().filter(|sample| sample.task == *task).cloned());
        }
        Ok(samples)
    }

    /// The mean of each task, in the order in which tasks appear, and the mean of these.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        let mut scores: IndexMap<&str, Result<Vec<f64>, Error>> = IndexMap::new();
        for record in records {
            let score = self.score(&record.sample, &record.predicted_answer);
            let of_task = scores.entry(&record.sample.task).or_insert_with(|| Ok(Vec::new()));
            match (of_task, score) {
                (Ok(values), Ok(score)) => values.push(score.value),
                (of_task @ Ok(_), Err(error)) => *of_task = Err(error),
                (Err(_), _) => {}
            }
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let task_scores: IndexMap<String, TaskScore> = scores
            .into_iter()
            .map(|(task, scores)| {
                let score = match scores {
                    Ok(values) => TaskScore::Single(mean(&values)),
                    Err(error) => TaskScore::Failed { error: error.to_string() },
                };
                (task.to_owned(), score)
            })
            .collect();
        let figure =
            |score: &TaskScore| if let TaskScore::Single(score) = score { Some(*score) } else { None };
        let figures: Vec<f64> = task_scores.values().filter_map(figure).collect();
        let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
        Metrics {
            overall_score: (!figures.is_empty()).then(|| mean(&figures)),
            task_scores,
            further: Map::new(),
            summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let name = match sample.extra.get(1) {
            Some(Value::Text(name)) => name.as_str(),
            _ => "",
        };
        let unscorable = |problem: String| {
            let (task, field) = (sample.task.clone(), EXTRA_COLUMNS[1].name);
            Error::Unscorable { task, field, problem }
        };
        let metric = Metric::find(name)
            .ok_or_else(|| unscorable(format!("expected the name of a metric, found {name:?}")))?;
        let value = metric
            .score(answer, self.references(sample), self.wordnet.as_deref())
            .ok_or_else(|| unscorable(format!("{name} needs a WordNet, and there is none")))?;
        Ok(RowScore { value, bucket: None })
    }

    fn metric_files(&self) -> Vec<PathBuf> {
        self.wordnet.as_deref().map(WordNet::files).unwrap_or_default()
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }
}
