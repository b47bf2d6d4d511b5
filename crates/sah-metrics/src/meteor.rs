//! METEOR of one text.

use std::collections::HashSet;

use crate::{WordNet, porter_stem};

/// The weight of precision in the harmonic mean, against that of recall.
const ALPHA: f64 = 0.9;
/// How fast the penalty grows with the share of chunks.
const BETA: f64 = 3.0;
/// The largest penalty.
const GAMMA: f64 = 0.5;

/// A word and its place in its text.
type Placed = (usize, String);

/// `single_meteor_score` of NLTK 3.8.1 with its defaults, for lists of words.
///
/// Words are paired by equality, then by [`porter_stem`], then by [`WordNet::synonyms`], all in small letters. With `p` and `r` the paired
/// shares of prediction and reference, and `c` the number of chunks of words that are neighbours in both, of `m` pairs:
/// `(1 - 0.5 (c / m)^3) pr / (0.9 p + 0.1 r)`. 0 where no words are paired.
///
/// Pairs are those of NLTK, which goes through both texts from their ends and takes the first word that fits: not those with the fewest
/// chunks, which METEOR's authors have. Synonyms are looked up of stems, and must be equal to one: NLTK goes on with the stems
/// that it has compared before.
///
/// NLTK takes any iterable. Given sets of words, as some scorers do, its figure follows the order in which Python goes through a set, which
/// is another one in each process: there is nothing to be equal to.
#[must_use]
pub fn meteor<T: AsRef<str>>(prediction: &[T], reference: &[T], wordnet: &WordNet) -> f64 {
    let placed = |words: &[T]| -> Vec<Placed> {
        words.iter().map(|word| word.as_ref().to_lowercase()).enumerate().collect()
    };
    let (mut left, mut right) = (placed(prediction), placed(reference));
    let mut pairs = take_pairs(&mut left, &mut right, |_| HashSet::new());
    for (_, word) in left.iter_mut().chain(&mut right) {
        *word = porter_stem(word);
    }
    pairs.extend(take_pairs(&mut left, &mut right, |_| HashSet::new()));
    pairs.extend(take_pairs(&mut left, &mut right, |word| wordnet.synonyms(word)));
    pairs.sort_unstable();
    score(&pairs, prediction.len(), reference.len())
}

/// Takes out words of the two texts that are equal or synonyms, and returns their places.
fn take_pairs<'a>(
    prediction: &mut Vec<Placed>,
    reference: &mut Vec<Placed>,
    synonyms: impl Fn(&str) -> HashSet<&'a str>,
) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for i in (0..prediction.len()).rev() {
        let word = &prediction[i].1;
        let synonyms = synonyms(word);
        let is_partner = |other: &str| other == word || synonyms.contains(other);
        if let Some(j) = reference.iter().rposition(|(_, other)| is_partner(other)) {
            pairs.push((prediction.remove(i).0, reference.remove(j).0));
        }
    }
    pairs
}

/// The figure of pairs in the order of the prediction.
fn score(pairs: &[(usize, usize)], prediction: usize, reference: usize) -> f64 {
    if pairs.is_empty() {
        return 0.0;
    }
    let count = pairs.len() as f64;
    let (precision, recall) = (count / prediction as f64, count / reference as f64);
    let mean = (precision * recall) / (ALPHA * precision + (1.0 - ALPHA) * recall);
    let goes_on = |pair: &&[(usize, usize)]| pair[1].0 == pair[0].0 + 1 && pair[1].1 == pair[0].1 + 1;
    let chunks = pairs.len() - pairs.windows(2).filter(goes_on).count();
    let penalty = GAMMA * (chunks as f64 / count).powf(BETA);
    (1.0 - penalty) * mean
}
