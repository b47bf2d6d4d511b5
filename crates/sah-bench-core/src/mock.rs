//! A benchmark of a few rows that needs no data, for smoke tests.

use crate::{Benchmark, Column, ColumnKind, Error, RowScore, Sample, TokenCount, Value};

const SUBSET: &str = "reading_comprehension";
const ANSWERS: [Column; 1] = [Column { name: "answers", kind: ColumnKind::TextList }];

/// A question, and what an answer may contain to be right.
type Question = (&'static str, &'static [&'static str]);

/// Contexts with their questions.
const ROWS: [(&str, &[Question]); 3] = [
    (
        "The lighthouse on Gull Rock was built in 1887 by Ada Moreau. It burns oil from the village of Sund. ",
        &[
            ("Who built the lighthouse?", &["Ada Moreau", "Moreau"]),
            ("When was the lighthouse built?", &["1887"]),
        ],
    ),
    (
        "Mira keeps three goats. The oldest is called Pebble, the youngest Fern. Each morning she walks to the mill. ",
        &[
            ("What is the oldest goat called?", &["Pebble"]),
            ("Where does Mira walk each morning?", &["mill"]),
        ],
    ),
    (
        "The train to Oslo leaves at nine from platform four. The train to Bergen leaves at ten from platform two. ",
        &[("From which platform does the train to Bergen leave?", &["two", "2"])],
    ),
];

/// Five questions about three short texts. Its score is the share of answers that contain a reference, from 0 to 100.
///
/// It shows in seconds whether a model, an attention and the files of a run work, and says nothing about any of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct MockBenchmark;

impl Benchmark for MockBenchmark {
    fn name(&self) -> &'static str {
        "mock"
    }

    fn subsets(&self) -> Vec<&str> {
        vec![SUBSET]
    }

    fn extra_columns(&self) -> &'static [Column] {
        &ANSWERS
    }

    fn load(&self, _: &[&str], _: &dyn TokenCount) -> Result<Vec<Sample>, Error> {
        let of_text = |(context, questions): &(&str, &[Question])| {
            let sample = |(question, answers): &Question| Sample {
                task: SUBSET.to_owned(),
                context: (*context).to_owned(),
                question: (*question).to_owned(),
                answer_prefix: "Answer: ".to_owned(),
                max_new_tokens: 16,
                extra: vec![Value::TextList(answers.iter().map(|&answer| answer.to_owned()).collect())],
            };
            questions.iter().map(sample).collect::<Vec<_>>()
        };
        Ok(ROWS.iter().flat_map(of_text).collect())
    }

    fn score(&self, sample: &Sample, answer: &str) -> Result<RowScore, Error> {
        let value = if is_right(sample, answer) { 100.0 } else { 0.0 };
        Ok(RowScore { value, bucket: None })
    }

    fn right_score(&self, _: &str) -> Option<f64> {
        Some(100.0)
    }

    fn references<'a>(&self, sample: &'a Sample) -> &'a [String] {
        sample.extra.first().map(Value::texts).unwrap_or_default()
    }
}

fn is_right(sample: &Sample, answer: &str) -> bool {
    let answer = answer.to_lowercase();
    MockBenchmark.references(sample).iter().any(|reference| answer.contains(&reference.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::{MockBenchmark, SUBSET};
    use crate::sample::check_samples;
    use crate::{Benchmark as _, NoTokenizer, Record};

    #[test]
    fn an_answer_is_right_if_it_contains_a_reference() {
        let samples = MockBenchmark.load(&[SUBSET], &NoTokenizer).unwrap();
        check_samples(MockBenchmark.extra_columns(), &samples).unwrap();
        let answers = ["It was Ada MOREAU.", "in 1887", "Fern", "", "platform 2"];
        let records: Vec<Record> = samples
            .into_iter()
            .zip(answers)
            .enumerate()
            .map(|(index, (sample, answer))| Record {
                predicted_answer: answer.to_owned(),
                ..Record::unanswered(index, sample)
            })
            .collect();
        assert_eq!(records.len(), 5);
        assert_eq!(MockBenchmark.evaluate(&records).overall_score, Some(60.0));
    }
}
