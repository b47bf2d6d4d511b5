//! Limits on new tokens that are not those of the benchmark's authors.

use sah_bench_core::{Sample, Warning, WarningKind};

use crate::Subset;

/// A warning for each subset that has another limit than the authors': copies of the data have limits of their own, and an answer that is
/// cut before its last sentence is wrong.
pub(crate) fn warnings(samples: &[Sample]) -> Vec<Warning> {
    Subset::ALL.into_iter().filter_map(|subset| warning(subset, samples)).collect()
}

fn warning(subset: Subset, samples: &[Sample]) -> Option<Warning> {
    let (name, authors) = (subset.name(), subset.authors_limit());
    let other = samples.iter().filter(|sample| sample.task == name).map(|sample| sample.max_new_tokens);
    let other: Vec<usize> = other.filter(|&limit| limit != authors).collect();
    let (least, most) = (*other.iter().min()?, *other.iter().max()?);
    let kind =
        if least < authors { WarningKind::LimitsBelowAuthors } else { WarningKind::LimitsAboveAuthors };
    let range = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let rows = other.len();
    let message = format!(
        "{rows} rows of {name} have a limit of {range} new tokens, where LongBench-v2's authors have {authors}"
    );
    Some(Warning::new(kind, message))
}

#[cfg(test)]
mod tests {
    use sah_bench_core::{Sample, WarningKind};

    use super::warnings;

    fn samples(limits: &[(&str, usize)]) -> Vec<Sample> {
        let sample = |&(task, max_new_tokens): &(&str, usize)| Sample {
            task: task.to_owned(),
            context: String::new(),
            question: String::new(),
            answer_prefix: String::new(),
            max_new_tokens,
            extra: Vec::new(),
        };
        limits.iter().map(sample).collect()
    }

    #[test]
    fn limits_of_copies_are_said_to_be_others() {
        assert_eq!(warnings(&samples(&[("0shot", 128), ("cot", 1024)])), []);
        let found = warnings(&samples(&[("0shot", 16), ("0shot", 148), ("0shot", 128), ("cot", 1044)]));
        let found: Vec<_> = found.iter().map(|warning| (warning.kind, &*warning.message)).collect();
        let expected = [
            (
                WarningKind::LimitsBelowAuthors,
                "2 rows of 0shot have a limit of 16 to 148 new tokens, where LongBench-v2's authors have 128",
            ),
            (
                WarningKind::LimitsAboveAuthors,
                "1 rows of cot have a limit of 1044 new tokens, where LongBench-v2's authors have 1024",
            ),
        ];
        assert_eq!(found, expected);
    }
}
