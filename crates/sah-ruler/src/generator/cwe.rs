//! The words that occur most in a list: ten of them, far more often than all others.

use std::cell::RefCell;

use sah_request::ModelError;

use super::fit::{Counter, Draft, Prompt};
use super::random::{Purpose, Random, RowSeed};
use super::words::WordList;

/// How many words are to be found.
const COMMON: usize = 10;

/// How often words occur in a list.
#[derive(Clone, Copy, Debug)]
struct Counts {
    common: usize,
    other: usize,
}

/// Rows, and the worked example before each with so many words.
fn counts_of(length: usize) -> (Counts, Option<(Counts, usize)>) {
    match length {
        4096.. => (Counts { common: 30, other: 3 }, Some((Counts { common: 10, other: 3 }, 40))),
        1024.. => (Counts { common: 6, other: 1 }, Some((Counts { common: 3, other: 1 }, 20))),
        // No room for an example.
        _ => (Counts { common: 4, other: 1 }, None),
    }
}

/// A row.
pub(super) struct CommonWords {
    words: WordList,
    counts: Counts,
    example: String,
    seed: RowSeed,
    /// What the list's first words take, added up; as far as they were asked for.
    sums: RefCell<Vec<usize>>,
}

impl CommonWords {
    pub(super) fn new(seed: RowSeed, length: usize) -> Self {
        let words = WordList::new(&mut seed.random(Purpose::Content));
        let (counts, example) = counts_of(length);
        let example = example.map(|(counts, number)| {
            let mut random = seed.random(Purpose::Example);
            let words = WordList::new(&mut random);
            let Prompt { context, question, answer_prefix, answers } =
                prompt(&words, number, counts, &mut random);
            let numbered = answers.iter().zip(1..).map(|(word, number)| format!(" {number}. {word}"));
            format!("{context}{question}{answer_prefix}{}\n\n", numbered.collect::<String>())
        });
        let example = example.unwrap_or_default();
        Self { words, counts, example, seed, sums: RefCell::default() }
    }
}

/// The first `number` of `words` in a list.
fn prompt(words: &WordList, number: usize, counts: Counts, random: &mut Random) -> Prompt {
    let mut list: Vec<usize> = Vec::new();
    for word in 0..number {
        let count = if word < COMMON { counts.common } else { counts.other };
        list.extend(std::iter::repeat_n(word, count));
    }
    random.shuffle(&mut list);
    let written: Vec<String> = (0..number).map(|word| words.word(word)).collect();
    let numbered: Vec<String> =
        list.iter().zip(1..).map(|(&word, place)| format!("{place}. {}", written[word])).collect();
    Prompt {
        context: format!(
            "Below is a numbered list of words. Some of them occur more often than the others. Remember which.\n{}\n",
            numbered.join(" ")
        ),
        question: format!("Question: Which {COMMON} words occur most often in the list above? "),
        answer_prefix: format!("Answer: The {COMMON} words that occur most often in the list above are:"),
        answers: written[..COMMON].to_vec(),
    }
}

impl Draft for CommonWords {
    fn least(&self) -> usize {
        COMMON + 1
    }

    fn most(&self) -> usize {
        self.words.len()
    }

    fn build(&self, units: usize) -> Prompt {
        let prompt = prompt(&self.words, units, self.counts, &mut self.seed.random(Purpose::Places));
        Prompt { context: [self.example.as_str(), &prompt.context].concat(), ..prompt }
    }

    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError> {
        let Counts { common, other } = self.counts;
        let mut sums = self.sums.borrow_mut();
        while sums.len() <= units {
            let Some(&sum) = sums.last() else {
                sums.push(0);
                continue;
            };
            // Each word more makes the list longer, at whose end there are new numbers.
            let word = sums.len() - 1;
            let list = COMMON * common + (word.max(COMMON) - COMMON) * other;
            let written = other * tokens.piece(&format!(" {}", self.words.word(word)))?;
            let numbers = (list + 1..=list + other).map(|place| tokens.piece(&format!(" {place}.")));
            sums.push(sum + written + numbers.sum::<Result<usize, _>>()?);
        }
        Ok(sums[units] as f64)
    }
}
