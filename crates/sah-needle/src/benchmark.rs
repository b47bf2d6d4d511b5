//! The grid as a benchmark.

use indexmap::IndexMap;
use sah_bench_core::data::DataSource;
use sah_bench_core::{
    Benchmark, Column, ColumnKind, DataError, Error as BenchError, FurtherFigures, Layout, Metrics, Record,
    RowScore, Sample, TaskScore, TokenCount, Units, Value,
};
use serde_json::{Map, json};

use crate::haystack::{self, Row};
use crate::{Error, Figures, GENERATOR, Grid, INSERTER, figures, texts};

/// The columns that its rows have beside those of every sample.
const EXTRA_COLUMNS: [Column; 4] = [
    Column { name: "answers", kind: ColumnKind::TextList },
    Column { name: "needle", kind: ColumnKind::Text },
    Column { name: "depth", kind: ColumnKind::Integer },
    Column { name: "generator", kind: ColumnKind::Text },
];

/// A needle at each depth of texts of each length of a [`Grid`]. Subsets are lengths; the buckets of each are depths.
#[derive(Clone, Debug)]
pub struct Needle {
    grid: Grid,
    source: DataSource,
    lengths: Vec<String>,
}

impl Needle {
    /// The rows of `grid`, which [`Benchmark::load`] makes, or makes of the texts and needles of `source`.
    #[must_use]
    pub fn new(grid: Grid, source: DataSource) -> Self {
        let lengths = grid.lengths.iter().map(ToString::to_string).collect();
        Self { grid, source, lengths }
    }

    fn generator(&self) -> &'static str {
        if self.source == DataSource::Own { GENERATOR } else { INSERTER }
    }

    fn sample(&self, length: usize, depth: u8, row: Row) -> Sample {
        Sample {
            task: length.to_string(),
            context: row.context,
            question: row.question,
            answer_prefix: row.answer_prefix,
            max_new_tokens: row.max_new_tokens,
            extra: vec![
                Value::TextList(vec![row.value]),
                Value::Text(row.needle),
                Value::Integer(i64::from(depth)),
                Value::Text(self.generator().to_owned()),
            ],
        }
    }
}

impl Default for Needle {
    fn default() -> Self {
        Self::new(Grid::default(), DataSource::Own)
    }
}

impl Benchmark for Needle {
    fn name(&self) -> &'static str {
        "needle"
    }

    fn subsets(&self) -> Vec<&str> {
        self.lengths.iter().map(String::as_str).collect()
    }

    fn extra_columns(&self) -> &'static [Column] {
        &EXTRA_COLUMNS
    }

    fn load(&self, subsets: &[&str], tokens: &dyn TokenCount) -> Result<Vec<Sample>, BenchError> {
        let texts = texts::read(&self.source).map_err(|error| DataError::from(Error::from(error)))?;
        let rows = if self.source == DataSource::Own { self.grid.rows } else { texts.len() };
        let mut samples = Vec::new();
        let lengths = self.grid.lengths.iter().zip(&self.lengths);
        let positions = tokens.positions().map_err(Error::from).map_err(DataError::from)?;
        for (&length, _) in lengths.filter(|(_, task)| subsets.contains(&task.as_str())) {
            if let Some(positions) = positions.filter(|&positions| positions < length) {
                return Err(DataError::from(Error::TooLong { length, positions }).into());
            }
            for &depth in &self.grid.depths {
                for number in 0..rows {
                    let row = match texts.get(number) {
                        Some(text) => text.row(length, depth, tokens),
                        None => haystack::row(&self.grid, length, depth, number, tokens),
                    };
                    samples.push(self.sample(length, depth, row.map_err(DataError::from)?));
                }
            }
        }
        Ok(samples)
    }

    /// For each length and depth the share of answers that contain what was hidden; overall, the mean of these cells. `rouge` has
    /// kvpress's figures for each cell.
    fn evaluate(&self, records: &[Record]) -> Metrics {
        // Lengths in order of appearance, depths in theirs.
        let mut cells: IndexMap<&str, Result<IndexMap<String, Vec<Figures>>, BenchError>> = IndexMap::new();
        for record in records {
            let of_length = cells.entry(&record.sample.task).or_insert_with(|| Ok(IndexMap::new()));
            match (&mut *of_length, figures_of(&record.sample, &record.predicted_answer)) {
                (Ok(depths), Ok((depth, figures))) => depths.entry(depth).or_default().push(figures),
                (Ok(_), Err(error)) => *of_length = Err(error),
                (Err(_), _) => {}
            }
        }
        let mut task_scores = IndexMap::new();
        let mut rouge = Map::new();
        let mut all = Vec::new();
        for (length, depths) in cells {
            let score = match depths {
                Err(error) => TaskScore::Failed { error: error.to_string() },
                Ok(depths) => {
                    let means: IndexMap<String, Figures> = depths
                        .into_iter()
                        .filter_map(|(depth, figures)| Some((depth, Figures::mean(&figures)?)))
                        .collect();
                    let of_depths: Map<_, _> = means
                        .iter()
                        .map(|(depth, mean)| (depth.clone(), figures::to_json(&mean.rouge)))
                        .collect();
                    rouge.insert(length.to_owned(), of_depths.into());
                    all.extend(means.values().map(|mean| 100.0 * mean.contains));
                    let cell = |(depth, mean): (String, Figures)| (depth, Some(100.0 * mean.contains));
                    TaskScore::Buckets(means.into_iter().map(cell).collect())
                }
            };
            task_scores.insert(length.to_owned(), score);
        }
        let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
        Metrics {
            overall_score: (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64),
            task_scores,
            further: [("rouge".to_owned(), rouge.into()), ("generator".to_owned(), json!(self.generator()))]
                .into_iter()
                .collect(),
            summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
        }
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, BenchError> {
        let (depth, figures) = figures_of(sample, answer)?;
        Ok(RowScore { value: 100.0 * figures.contains, bucket: Some(depth.into()) })
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }

    fn units(&self) -> Units {
        let bucket_axis = "depth of the needle in percent of the text".to_owned();
        let layout = Layout::Map {
            task: "length".to_owned(),
            task_axis: "length of prompt and answer in tokens".to_owned(),
        };
        Units { bucket: "depth".to_owned(), bucket_axis, layout, ..Units::default() }
    }

    fn further(&self, metrics: &Metrics) -> Vec<FurtherFigures> {
        figures::tables(metrics.further.get("rouge"), &self.units().layout)
    }
}

/// The depth of a row in words, and what its answer is worth.
fn figures_of(sample: &Sample, answer: &str) -> Result<(String, Figures), BenchError> {
    let wrong = |column: usize, problem: &str| BenchError::Unscorable {
        task: sample.task.clone(),
        field: EXTRA_COLUMNS[column].name,
        problem: problem.to_owned(),
    };
    match &sample.extra[..] {
        [Value::TextList(values), Value::Text(needle), Value::Integer(depth), ..] => {
            let [value] = &values[..] else { return Err(wrong(0, "expected one text")) };
            Ok((format!("{depth} %"), Figures::new(answer, needle, value)))
        }
        [Value::TextList(_), Value::Text(_), ..] => Err(wrong(2, "expected an integer")),
        [Value::TextList(_), ..] => Err(wrong(1, "expected a text")),
        _ => Err(wrong(0, "expected one text")),
    }
}
