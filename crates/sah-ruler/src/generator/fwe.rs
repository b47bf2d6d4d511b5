//! The words that occur most in a text of code words, whose counts fall with the square of their rank.

use std::cell::RefCell;

use sah_request::ModelError;

use super::fit::{Counter, Draft, Prompt};
use super::random::{Purpose, RowSeed};

/// In place of the word that occurs most.
const NOISE: &str = "...";
/// Letters of a word.
const LETTERS: usize = 6;
/// Tokens of a row for each word of its vocabulary.
const TOKENS_OF_WORD: usize = 50;

/// A row.
pub(super) struct CodeWords {
    /// By rank, the noise first.
    words: Vec<String>,
    seed: RowSeed,
    /// What each word takes.
    costs: RefCell<Vec<usize>>,
}

impl CodeWords {
    /// A row of `length` tokens with an answer of `answer` tokens.
    pub(super) fn new(seed: RowSeed, length: usize, answer: usize) -> Self {
        let mut random = seed.random(Purpose::Content);
        let count = (length.saturating_sub(answer) / TOKENS_OF_WORD).max(5);
        let mut words = vec![NOISE.to_owned()];
        let mut drawn = std::collections::HashSet::new();
        while words.len() < count {
            let word = random.letters(b'a', LETTERS);
            if drawn.insert(word.clone()) {
                words.push(word);
            }
        }
        Self { words, seed, costs: RefCell::default() }
    }

    /// How often the word of each rank occurs in a text of `units` words.
    ///
    /// Published are `floor(m * rank^-2 / zeta(2))` for some `m`, which is `floor(t / rank^2)` for `t = m / zeta(2)`. Of the words
    /// that the next `t` adds at once, those of lower ranks come first, so that texts of any number of words are possible.
    fn counts(&self, units: usize) -> Vec<usize> {
        let ranks = 1..=self.words.len();
        let total =
            |t: usize| ranks.clone().map(|rank| t / (rank * rank)).take_while(|&n| n > 0).sum::<usize>();
        let (mut t, mut high) = (0, units + 1);
        while t + 1 < high {
            let middle = usize::midpoint(t, high);
            if total(middle) <= units {
                t = middle;
            } else {
                high = middle;
            }
        }
        let mut more = units - total(t);
        let mut count = |rank: usize| {
            let is_next = more > 0 && (t + 1).is_multiple_of(rank * rank);
            more -= usize::from(is_next);
            t / (rank * rank) + usize::from(is_next)
        };
        ranks.map(&mut count).take_while(|&count| count > 0).collect()
    }
}

impl Draft for CodeWords {
    /// The fewest from which on rank 4 always occurs more often than rank 5.
    fn least(&self) -> usize {
        46
    }

    fn most(&self) -> usize {
        usize::MAX / 2
    }

    fn build(&self, units: usize) -> Prompt {
        let counts = self.counts(units).into_iter().zip(&self.words);
        let mut text: Vec<&str> =
            counts.flat_map(|(count, word)| std::iter::repeat_n(word.as_str(), count)).collect();
        self.seed.random(Purpose::Places).shuffle(&mut text);
        Prompt {
            context: format!(
                "The text below is written in code words. Keep in mind how often each occurs; the dots do not count.\n{}\n",
                text.join(" ")
            ),
            question: "Question: Which three code words occur most often in the text above? Leave out the dots and give no \
                       explanation. "
                .to_owned(),
            answer_prefix: "Answer: The three code words that occur most often in the text above are:".to_owned(),
            answers: self.words[1..4].to_vec(),
        }
    }

    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError> {
        let mut costs = self.costs.borrow_mut();
        let mut sum = 0;
        for (rank, count) in self.counts(units).into_iter().enumerate() {
            if costs.len() == rank {
                costs.push(tokens.once(&format!(" {}", self.words[rank]))?);
            }
            sum += count * costs[rank];
        }
        Ok(sum as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fall_with_the_square_of_the_rank() {
        let seed = RowSeed { seed: 1, task: 10, length: 4096, row: 0 };
        let words = CodeWords::new(seed, 4096, 50);
        assert_eq!(words.words.len(), 80);
        // floor(1000 / zeta(2)) is 607.
        let published =
            |m: f64| (1..=80_u32).map(move |rank| (m / f64::from(rank * rank) / 1.644_934_066_848).floor());
        let total: f64 = published(1000.0).sum();
        let counts: Vec<f64> = words.counts(total as usize).iter().map(|&count| count as f64).collect();
        assert_eq!(counts, published(1000.0).take_while(|&count| count > 0.0).collect::<Vec<_>>());
        for units in words.least()..3000 {
            let counts = words.counts(units);
            assert_eq!(counts.iter().sum::<usize>(), units);
            assert!(counts[3] > counts[4] && counts.is_sorted_by(|a, b| a >= b), "{units}: {counts:?}");
        }
        let counts = words.counts(words.least() - 1);
        assert!(counts[3] == counts[4], "{counts:?}");
    }
}
