//! What a benchmark gives a figure for.

use std::fmt;

use sah_bench_core::TaskScore;

/// A task, or one bucket of it: the rows that one figure is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// The task.
    pub task: String,
    /// The bucket; `None` where the task has one figure.
    pub bucket: Option<String>,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bucket {
            Some(bucket) => write!(f, "{} {bucket}", self.task),
            None => f.write_str(&self.task),
        }
    }
}

impl Group {
    /// The groups of a task that have a figure, with it.
    pub(crate) fn of_task(task: &str, score: &TaskScore) -> Vec<(Self, f64)> {
        let group = |bucket: Option<&String>| Self { task: task.to_owned(), bucket: bucket.cloned() };
        match score {
            TaskScore::Single(score) => vec![(group(None), *score)],
            TaskScore::Failed { .. } => Vec::new(),
            TaskScore::Buckets(buckets) => {
                let of_bucket =
                    |(bucket, score): (&String, &Option<f64>)| Some((group(Some(bucket)), (*score)?));
                buckets.iter().filter_map(of_bucket).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_without_rows_and_failed_tasks_have_no_figure() {
        let buckets = [("0-4k", Some(40.0)), ("4-8k", None), ("8k+", Some(10.0))];
        let buckets = buckets.map(|(name, score)| (name.to_owned(), score)).into_iter().collect();
        let groups = Group::of_task("trec_e", &TaskScore::Buckets(buckets));
        let shown: Vec<String> = groups.iter().map(|(group, score)| format!("{group}: {score}")).collect();
        assert_eq!(shown, ["trec_e 0-4k: 40", "trec_e 8k+: 10"]);
        assert_eq!(Group::of_task("trec", &TaskScore::Failed { error: String::new() }), []);
        assert_eq!(Group::of_task("trec", &TaskScore::Single(5.0))[0].0.to_string(), "trec");
    }
}
