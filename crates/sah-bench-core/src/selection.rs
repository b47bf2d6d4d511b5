//! Which subsets and which of their samples are run.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::sample::check_samples;
use crate::{Benchmark, Error, Sample, TokenCount};

/// Above this many rows [`load_samples`] warns that the run will be long.
pub const MANY_ROWS: usize = 10_000;

/// The requested subsets by the benchmark's own names, in the order requested, each once. `None` requests all of them.
///
/// # Errors
///
/// [`Error::UnknownSubset`] lists the valid names; [`Error::NoSubsets`] for an empty list.
pub fn select_subsets(benchmark: &dyn Benchmark, names: Option<&[String]>) -> Result<Vec<String>, Error> {
    let valid: Vec<String> = benchmark.subsets().into_iter().map(str::to_owned).collect();
    let Some(names) = names else { return Ok(valid) };
    let mut selected: Vec<String> = Vec::with_capacity(names.len());
    for name in names.iter().map(|name| name.trim().to_owned()) {
        if !valid.contains(&name) {
            return Err(Error::UnknownSubset { benchmark: benchmark.name().to_owned(), subset: name, valid });
        }
        if !selected.contains(&name) {
            selected.push(name);
        }
    }
    if selected.is_empty() {
        return Err(Error::NoSubsets { benchmark: benchmark.name().to_owned(), valid });
    }
    Ok(selected)
}

/// The first `n` samples of each task, in their order.
#[must_use]
pub fn first_of_each_task(mut samples: Vec<Sample>, n: usize) -> Vec<Sample> {
    let mut taken: HashMap<String, usize> = HashMap::new();
    samples.retain(|sample| {
        if let Some(count) = taken.get_mut(&sample.task) {
            *count += 1;
            *count <= n
        } else {
            taken.insert(sample.task.clone(), 1);
            n > 0
        }
    });
    samples
}

/// Loads `subsets`, keeps the first `max_samples` of each task, and checks that every row fits the benchmark's columns.
///
/// More than [`MANY_ROWS`] rows are run, but with a warning.
///
/// # Errors
///
/// What [`Benchmark::load`] reports, [`Error::NoSamples`] where nothing is left to run, and an error that names row and
/// column where a sample does not fit [`Benchmark::extra_columns`].
pub fn load_samples(
    benchmark: &dyn Benchmark,
    subsets: &[String],
    max_samples: Option<NonZeroUsize>,
    tokens: &dyn TokenCount,
) -> Result<Vec<Sample>, Error> {
    let names: Vec<&str> = subsets.iter().map(String::as_str).collect();
    let mut samples = benchmark.load(&names, tokens)?;
    if let Some(n) = max_samples {
        samples = first_of_each_task(samples, n.get());
    }
    if samples.is_empty() {
        return Err(Error::NoSamples { benchmark: benchmark.name().to_owned(), subsets: subsets.to_vec() });
    }
    check_samples(benchmark.extra_columns(), &samples)?;
    if samples.len() > MANY_ROWS {
        tracing::warn!(
            benchmark = benchmark.name(),
            rows = samples.len(),
            "more than {MANY_ROWS} rows: this will take long; limit the subsets or the samples of each"
        );
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(task: &str, question: &str) -> Sample {
        Sample {
            task: task.to_owned(),
            context: String::new(),
            question: question.to_owned(),
            answer_prefix: String::new(),
            max_new_tokens: 1,
            extra: Vec::new(),
        }
    }

    #[test]
    fn the_limit_counts_for_each_task_and_keeps_the_order() {
        let mixed = ["a1", "b1", "a2", "a3", "b2", "c1"].map(|name| sample(&name[..1], name)).to_vec();
        let questions = |n| {
            let kept = first_of_each_task(mixed.clone(), n);
            kept.into_iter().map(|sample| sample.question).collect::<Vec<_>>()
        };
        assert_eq!(questions(2), ["a1", "b1", "a2", "b2", "c1"]);
        assert_eq!(questions(1), ["a1", "b1", "c1"]);
        assert_eq!(questions(9).len(), 6);
        assert!(questions(0).is_empty());
    }
}
