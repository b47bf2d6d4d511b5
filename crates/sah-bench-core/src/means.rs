//! The figures of a benchmark that are plain means of its rows' scores.

use indexmap::IndexMap;

use crate::{Benchmark, Error, Metrics, Record, RowScore, TaskScore};

/// For each task, in the order of `subsets`, the mean of what `score` gives its rows, or one mean for each bucket; overall the
/// mean of these figures. A task with a row that cannot be scored is reported as failed and left out of the overall mean.
pub(crate) fn metrics<B: Benchmark + ?Sized>(benchmark: &B, records: &[Record]) -> Metrics {
    let mut task_scores = IndexMap::new();
    for task in benchmark.subsets() {
        let of_task = records.iter().filter(|record| record.sample.task == task);
        let scores: Result<Vec<RowScore>, Error> =
            of_task.map(|record| benchmark.score(&record.sample, &record.predicted_answer)).collect();
        let figure = match scores {
            Ok(rows) if rows.is_empty() => continue,
            Ok(rows) => of_rows(&rows),
            Err(error) => TaskScore::Failed { error: error.to_string() },
        };
        task_scores.insert(task.to_owned(), figure);
    }
    let all: Vec<f64> = task_scores.values().flat_map(figures).collect();
    let summary = [("total_samples", records.len()), ("total_tasks", task_scores.len())];
    Metrics {
        overall_score: (!all.is_empty()).then(|| mean(&all)),
        task_scores,
        further: serde_json::Map::new(),
        summary: summary.map(|(name, count)| (name.to_owned(), count as u64)).into_iter().collect(),
    }
}

/// One figure, or one for each bucket in the order in which they appear.
fn of_rows(rows: &[RowScore]) -> TaskScore {
    let mut buckets: IndexMap<Option<&str>, Vec<f64>> = IndexMap::new();
    for row in rows {
        buckets.entry(row.bucket.as_deref()).or_default().push(row.value);
    }
    match buckets.get(&None) {
        Some(values) => TaskScore::Single(mean(values)),
        None => TaskScore::Buckets(
            buckets
                .into_iter()
                .filter_map(|(bucket, values)| Some((bucket?.to_owned(), Some(mean(&values)))))
                .collect(),
        ),
    }
}

fn figures(score: &TaskScore) -> Vec<f64> {
    match score {
        TaskScore::Single(score) => vec![*score],
        TaskScore::Buckets(buckets) => buckets.values().copied().flatten().collect(),
        TaskScore::Failed { .. } => Vec::new(),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use crate::{Benchmark, Column, Error, Record, RowScore, Sample, TaskScore, TokenCount};

    /// An answer is worth its length; `long` has buckets, and `bad` cannot be scored.
    struct Lengths;

    impl Benchmark for Lengths {
        fn name(&self) -> &'static str {
            "lengths"
        }

        fn subsets(&self) -> Vec<&str> {
            vec!["short", "none", "long", "bad"]
        }

        fn extra_columns(&self) -> &'static [Column] {
            &[]
        }

        fn load(&self, _: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
            Ok(Vec::new())
        }

        fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
            if sample.task == "bad" {
                let problem = "nobody knows".to_owned();
                return Err(Error::Unscorable { task: sample.task.clone(), field: "answers", problem });
            }
            let bucket = if answer.len() < 5 { "few" } else { "many" };
            Ok(RowScore {
                value: answer.len() as f64,
                bucket: (sample.task == "long").then_some(bucket.into()),
            })
        }

        fn references<'a>(&self, _: &'a Sample) -> &'a [String] {
            &[]
        }
    }

    #[test]
    fn figures_are_means_of_the_rows_of_a_task_or_a_bucket() {
        let rows =
            [("long", "123456"), ("short", ""), ("short", "123"), ("long", "12"), ("long", "1"), ("bad", "")];
        let record = |(index, (task, answer)): (usize, (&str, &str))| {
            let [context, question, answer_prefix] = [(); 3].map(|()| String::new());
            let sample = Sample {
                task: task.to_owned(),
                context,
                question,
                answer_prefix,
                max_new_tokens: 1,
                extra: Vec::new(),
            };
            Record { predicted_answer: answer.to_owned(), ..Record::unanswered(index, sample) }
        };
        let records: Vec<Record> = rows.into_iter().enumerate().map(record).collect();
        let metrics = Lengths.evaluate(&records);
        let tasks: Vec<&str> = metrics.task_scores.keys().map(String::as_str).collect();
        assert_eq!(tasks, ["short", "long", "bad"]);
        assert_eq!(metrics.task_scores["short"], TaskScore::Single(1.5));
        let buckets = [("many", 6.0), ("few", 1.5)].map(|(name, mean)| (name.to_owned(), Some(mean)));
        assert_eq!(metrics.task_scores["long"], TaskScore::Buckets(buckets.into_iter().collect()));
        let TaskScore::Failed { error } = &metrics.task_scores["bad"] else { panic!("{metrics:?}") };
        assert!(error.contains("nobody knows"), "{error}");
        assert_eq!(metrics.overall_score, Some(3.0));
        assert_eq!((metrics.summary["total_samples"], metrics.summary["total_tasks"]), (6, 3));
        assert_eq!(Lengths.evaluate(&[]).overall_score, None);
    }
}
