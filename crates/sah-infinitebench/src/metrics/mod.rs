//! The official scores of InfiniteBench, a function for each task's rule.
//!
//! Source: `src/compute_scores.py` of OpenBMB/InfiniteBench 88b3daa. Each takes the model's answer and the label, and gives a figure
//! from 0 to 1. Labels are texts here, numbers by their digits: the same in the original files, where some are numbers, and in the
//! copy on the hub, where none is.

mod label;
mod math;
mod options;
mod words;

use sah_metrics::{char_f1_zh, qa_f1, rouge_score};

use crate::{Metric, Task};

pub use label::LabelError;
pub(crate) use label::check;

impl Task {
    /// The score of an answer. `label` is the row's answer: one text; the right option's text and its letter for the two tasks
    /// with options; several references, the best of which counts, for questions about books; the intermediate results of a
    /// calculation.
    ///
    /// One answer for which the official scorer stops with an error is wrong here: in `math_find` a fraction where the label is an
    /// integer.
    ///
    /// # Errors
    ///
    /// [`LabelError`] where the label is not what the task's rule needs.
    pub fn score(&self, answer: &str, label: &[String]) -> Result<f64, LabelError> {
        check(self.metric, label)?;
        let best = |metric: fn(&str, &str) -> f64| {
            label.iter().map(|reference| metric(answer, reference)).fold(0.0, f64::max)
        };
        let first = label[0].as_str();
        Ok(match self.metric {
            Metric::FirstDigits => right(words::first_digits(answer) == first),
            Metric::Word => right(words::has_word(answer, first)),
            Metric::Name => right(words::has_name(answer, first)),
            Metric::LastInteger => right(math::last_integer(answer, first)),
            Metric::CodeOption => right(options::code(answer, first, &label[1])),
            Metric::BookOption => right(options::book(answer, first, &label[1])),
            Metric::WordF1 => best(qa_f1),
            Metric::CharacterF1 => best(char_f1_zh),
            Metric::RougeLsum => best(|answer, reference| rouge_score::rouge_lsum(answer, reference).f),
            Metric::FirstNumber => right(math::first_number(answer, first)),
            Metric::Prefix => math::prefix(&math::integers(answer), label),
        })
    }

    /// As [`Task::score`], by the rule that the official scorer has for the results of GPT-4 alone: its first number in `math_calc`
    /// does not count.
    ///
    /// # Errors
    ///
    /// As [`Task::score`].
    pub fn score_of_gpt4(&self, answer: &str, label: &[String]) -> Result<f64, LabelError> {
        if self.metric != Metric::Prefix {
            return self.score(answer, label);
        }
        check(self.metric, label)?;
        Ok(math::prefix(math::integers(answer).get(1..).unwrap_or_default(), label))
    }
}

fn right(is_right: bool) -> f64 {
    if is_right { 1.0 } else { 0.0 }
}
