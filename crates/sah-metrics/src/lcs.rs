//! The words on a longest common subsequence of one sentence with each of many others.
//!
//! The textbook table is kept as bits: with `L[i][j]` the length for the first `i` words of `x` and the first `j` of
//! `y`, bit `j` of row `i` is 0 where `L[i][j + 1] > L[i][j]`, and a row follows from the one above it by one addition
//! for each 64 words (Crochemore et al., "A fast and practical bit-vector algorithm for the longest common subsequence
//! problem", 2001). These bits are all that walking back through the table needs.

use std::ops::Range;

/// The sentences `y`, laid out for [`Table::mark_common`].
pub(crate) struct Sentences {
    /// Of each sentence: its length in words and its 64-bit blocks.
    layout: Vec<(usize, Range<usize>)>,
    /// Of each word: the bits of its places in the sentences.
    places: Vec<Vec<usize>>,
    /// The word at each bit.
    words: Vec<usize>,
    blocks: usize,
}

impl Sentences {
    /// `vocabulary` is an upper limit on the words, which are numbers.
    pub(crate) fn new(sentences: &[Vec<usize>], vocabulary: usize) -> Self {
        let mut new = Self {
            layout: Vec::with_capacity(sentences.len()),
            places: vec![Vec::new(); vocabulary],
            words: Vec::new(),
            blocks: 0,
        };
        for sentence in sentences {
            let start = new.blocks;
            new.blocks += sentence.len().div_ceil(64);
            new.layout.push((sentence.len(), start..new.blocks));
            new.words.resize(start * 64, usize::MAX);
            for (place, &word) in sentence.iter().enumerate() {
                new.places[word].push(start * 64 + place);
                new.words.push(word);
            }
        }
        new
    }

    /// The word at a place of a sentence.
    pub(crate) fn word(&self, sentence: usize, place: usize) -> usize {
        self.words[self.layout[sentence].1.start * 64 + place]
    }
}

/// Scratch space, worth keeping from one sentence `x` to the next.
#[derive(Default)]
pub(crate) struct Table {
    /// A row of bits for each number of words of `x`, from none to all.
    rows: Vec<u64>,
    /// Where the current word of `x` stands in the sentences.
    matches: Vec<u64>,
}

impl Table {
    /// Marks the words that are on the longest common subsequence of `x` with any sentence of `y`, see
    /// [`Table::each_common`].
    pub(crate) fn mark_common(&mut self, x: &[usize], y: &Sentences, marked: &mut [bool]) {
        self.each_common(x, y, |sentence, place| marked[y.word(sentence, place)] = true);
    }

    /// Gives `found` the words on the longest common subsequence of `x` with each sentence of `y`: the sentence, and the place
    /// in it.
    ///
    /// Of several subsequences of that length it is the one that a walk from the ends of both sentences finds which
    /// steps back in `y` unless only a step back in `x` keeps the length.
    pub(crate) fn each_common(&mut self, x: &[usize], y: &Sentences, mut found: impl FnMut(usize, usize)) {
        self.fill(x, y);
        for (sentence, (length, blocks)) in y.layout.iter().enumerate() {
            let first_bit = blocks.start * 64;
            let (mut i, mut j) = (x.len(), *length);
            while i > 0 && j > 0 {
                let word = x[i - 1];
                let bit = first_bit + j - 1;
                if y.words[bit] == word {
                    found(sentence, j - 1);
                    i -= 1;
                    j -= 1;
                } else if self.rows[i * y.blocks + bit / 64] >> (bit % 64) & 1 == 0 {
                    // Here L[i][j] > L[i][j - 1], and L[i][j] is the larger of that and L[i - 1][j].
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
        }
    }

    /// Row 0, before any word of `x`, is all ones.
    fn fill(&mut self, x: &[usize], y: &Sentences) {
        let width = y.blocks;
        self.rows.clear();
        self.rows.resize((x.len() + 1) * width, !0);
        self.matches.clear();
        self.matches.resize(width, 0);
        for (i, &word) in x.iter().enumerate() {
            let (above, row) = self.rows[i * width..(i + 2) * width].split_at_mut(width);
            for &bit in &y.places[word] {
                self.matches[bit / 64] |= 1 << (bit % 64);
            }
            for (_, blocks) in &y.layout {
                let mut carry = false;
                for block in blocks.clone() {
                    let (v, m) = (above[block], self.matches[block]);
                    let (sum, overflow) = v.overflowing_add(v & m);
                    let (sum, again) = sum.overflowing_add(u64::from(carry));
                    carry = overflow || again;
                    row[block] = sum | (v & !m);
                }
            }
            for &bit in &y.places[word] {
                self.matches[bit / 64] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in full, and the walk back as its definition has it.
    fn mark_by_table(x: &[usize], y: &[usize], marked: &mut [bool]) {
        let mut table = vec![vec![0; y.len() + 1]; x.len() + 1];
        for i in 1..=x.len() {
            for j in 1..=y.len() {
                table[i][j] = if x[i - 1] == y[j - 1] {
                    table[i - 1][j - 1] + 1
                } else {
                    table[i - 1][j].max(table[i][j - 1])
                };
            }
        }
        let (mut i, mut j) = (x.len(), y.len());
        while i > 0 && j > 0 {
            if x[i - 1] == y[j - 1] {
                marked[x[i - 1]] = true;
                (i, j) = (i - 1, j - 1);
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }

    #[test]
    fn bits_and_table_mark_the_same_words() {
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut table = Table::default();
        for round in 0..300 {
            let vocabulary = 1 + random([3, 10, 60, 400][round % 4]);
            let mut sentence = |longest: usize| -> Vec<usize> {
                (0..random(longest + 1)).map(|_| random(vocabulary)).collect()
            };
            let x = sentence(150);
            let y: Vec<_> = [0, 5, 64, 65, 200, 30].iter().map(|&longest| sentence(longest)).collect();
            let (mut fast, mut slow) = (vec![false; vocabulary], vec![false; vocabulary]);
            table.mark_common(&x, &Sentences::new(&y, vocabulary), &mut fast);
            for sentence in &y {
                mark_by_table(&x, sentence, &mut slow);
            }
            assert_eq!(fast, slow, "round {round}");
        }
    }
}
