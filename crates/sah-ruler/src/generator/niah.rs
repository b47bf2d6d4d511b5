//! The eight retrieval tasks: values at keys, hidden in a haystack.

use std::cell::RefCell;

use sah_request::ModelError;

use super::fit::{Counter, Draft, Prompt};
use super::haystack::Words;
use super::random::{Purpose, Random, RowSeed};
use super::words::key;

/// How keys and values look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Two words with a hyphen.
    Words,
    /// A number of seven digits.
    Number,
    /// A UUID of version 4.
    Uuid,
}

impl Form {
    fn draw(self, random: &mut Random) -> String {
        match self {
            Self::Words => key(random),
            Self::Number => random.seven_digits(),
            Self::Uuid => random.uuid(),
        }
    }

    /// What a value of this form is called.
    fn noun(self) -> &'static str {
        match self {
            Self::Words => "word",
            Self::Number => "code",
            Self::Uuid => "identifier",
        }
    }
}

/// What needles are hidden in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hay<'a> {
    /// Words of a text, needles between its sentences.
    Text(&'a Words),
    /// Lines that are all the same.
    Noise,
    /// Lines like the needle.
    Needles,
}

/// The parameters of a task, as published.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) key: Form,
    pub(super) value: Form,
    pub(super) keys: usize,
    pub(super) values: usize,
    pub(super) queries: usize,
}

/// The line of a haystack of noise.
pub(super) const NOISE: &str =
    "Clouds drift by. A door closes. Somebody hums a tune. It grows late. Nothing else happens.";

/// Into how many depths a text is divided for its needles.
pub(super) const DEPTHS: usize = 40;

/// A row of a retrieval task.
pub(super) struct Niah<'a> {
    settings: Settings,
    hay: Hay<'a>,
    seed: RowSeed,
    /// All sentences with a key and a value, in the order in which they are hidden.
    needles: Vec<String>,
    /// Those that are asked for.
    queries: Vec<String>,
    answers: Vec<String>,
    others: RefCell<Others>,
}

/// Sentences like the needle, as far as they were asked for.
struct Others {
    random: Random,
    lines: Vec<String>,
    /// What the first lines take, added up.
    sums: Vec<usize>,
}

impl<'a> Niah<'a> {
    pub(super) fn new(settings: Settings, hay: Hay<'a>, seed: RowSeed) -> Self {
        let mut random = seed.random(Purpose::Content);
        let mut keys: Vec<String> = Vec::new();
        while keys.len() < settings.keys {
            let key = settings.key.draw(&mut random);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let mut draw = || (0..settings.values).map(|_| settings.value.draw(&mut random)).collect();
        let values: Vec<Vec<String>> = keys.iter().map(|_| draw()).collect();
        let mut random = seed.random(Purpose::Places);
        let mut asked: Vec<usize> = (0..settings.keys).collect();
        random.shuffle(&mut asked);
        asked.truncate(settings.queries);
        let sentence = |key: &String, value: &String| needle(settings.value, key, value);
        let mut needles: Vec<String> = (keys.iter().zip(&values))
            .flat_map(|(key, values)| values.iter().map(move |value| sentence(key, value)))
            .collect();
        random.shuffle(&mut needles);
        Self {
            settings,
            hay,
            seed,
            needles,
            queries: asked.iter().map(|&i| keys[i].clone()).collect(),
            answers: asked.iter().flat_map(|&i| values[i].clone()).collect(),
            others: RefCell::new(Others {
                random: seed.random(Purpose::Haystack),
                lines: Vec::new(),
                sums: Vec::new(),
            }),
        }
    }

    /// What the needles are hidden in, and they in it.
    fn context(&self, units: usize) -> String {
        let mut random = self.seed.random(Purpose::Places);
        match self.hay {
            Hay::Text(words) => {
                let sentences = words.sentences(units);
                let depths = random.distinct(self.needles.len(), DEPTHS).into_iter().map(depth);
                let places = depths.map(|depth| sentences.len() * depth / 100);
                insert(&sentences, &self.needles, places, " ")
            }
            Hay::Noise => {
                let places = random.distinct(self.needles.len(), units).into_iter();
                insert(&vec![NOISE; units], &self.needles, places, "\n")
            }
            Hay::Needles => {
                let places = random.distinct(self.needles.len(), units).into_iter();
                let mut others = self.others.borrow_mut();
                self.draw(units, &mut others);
                insert(&others.lines[..units], &self.needles, places, "\n")
            }
        }
    }

    /// So many lines at least.
    fn draw(&self, count: usize, others: &mut Others) {
        while others.lines.len() < count {
            let line = self.other_needle(&mut others.random);
            others.lines.push(line);
        }
    }

    /// A sentence like the needle that is not about any key that is asked for.
    fn other_needle(&self, random: &mut Random) -> String {
        loop {
            let key = self.settings.key.draw(random);
            let value = self.settings.value.draw(random);
            if !self.queries.contains(&key) && !self.answers.contains(&value) {
                return needle(self.settings.value, &key, &value);
            }
        }
    }
}

/// The sentence that states a value.
fn needle(value: Form, key: &str, text: &str) -> String {
    format!("One of the {}s kept under {key} is {text}.", value.noun())
}

/// Of depth number `i` of [`DEPTHS`], in percent: evenly from 0 to 100, rounded.
pub(super) fn depth(i: usize) -> usize {
    let steps = DEPTHS - 1;
    (100 * i + steps / 2) / steps
}

/// `lines` with each needle before the line of its place. Places are in ascending order.
fn insert<S: AsRef<str>>(
    lines: &[S],
    needles: &[String],
    places: impl Iterator<Item = usize>,
    separator: &str,
) -> String {
    let mut parts: Vec<&str> = Vec::with_capacity(lines.len() + needles.len());
    let mut next = 0;
    for (place, needle) in places.zip(needles) {
        parts.extend(lines[next..place].iter().map(AsRef::as_ref));
        parts.push(needle);
        next = place;
    }
    parts.extend(lines[next..].iter().map(AsRef::as_ref));
    parts.join(separator)
}

/// `a`, `a and b`, `a, b, and c`.
pub(super) fn list(of: &[String]) -> String {
    match of {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} and {second}"),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}

impl Draft for Niah<'_> {
    fn least(&self) -> usize {
        self.needles.len()
    }

    fn most(&self) -> usize {
        usize::MAX - 1
    }

    fn build(&self, units: usize) -> Prompt {
        let (noun, queries) = (self.settings.value.noun(), list(&self.queries));
        let (nouns, are) =
            if self.answers.len() > 1 { (format!("{noun}s"), "are") } else { (noun.to_owned(), "is") };
        let which = if self.answers.len() > 1 { "What are all the" } else { "What is the" };
        Prompt {
            context: format!(
                "Some {noun}s are hidden in the text below. Remember them; you will be asked about them at the end.\n{}\n",
                self.context(units)
            ),
            question: format!("{which} {nouns} kept under {queries}, as the text above says? "),
            answer_prefix: format!("As the text above says, the {nouns} kept under {queries} {are}"),
            answers: self.answers.clone(),
        }
    }

    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError> {
        match self.hay {
            // All lines take the same.
            Hay::Noise => Ok((units * tokens.piece(&format!("\n{NOISE}"))?) as f64),
            Hay::Needles => {
                let mut others = self.others.borrow_mut();
                self.draw(units, &mut others);
                let Others { lines, sums, .. } = &mut *others;
                while sums.len() <= units {
                    let sum = match sums.last() {
                        None => 0,
                        Some(sum) => sum + tokens.line(&lines[sums.len() - 1])?,
                    };
                    sums.push(sum);
                }
                Ok(sums[units] as f64)
            }
            Hay::Text(words) => Ok(words.tokens(units, tokens)? as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_forty_from_0_to_100() {
        let depths: Vec<usize> = (0..DEPTHS).map(depth).collect();
        assert_eq!((depths[0], depths[1], depths[20], depths[39]), (0, 3, 51, 100));
        assert!(depths.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn needles_stand_before_the_lines_of_their_places() {
        let needles = ["X", "Y", "Z"].map(str::to_owned);
        let of = |places: [usize; 3]| insert(&["a", "b"], &needles, places.into_iter(), " ");
        assert_eq!(of([0, 1, 2]), "X a Y b Z");
        assert_eq!(of([1, 1, 1]), "a X Y Z b");
    }

    #[test]
    fn lists_are_english() {
        let of = |words: &[&str]| list(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!([of(&["a"]), of(&["a", "b"]), of(&["a", "b", "c"])], ["a", "a and b", "a, b, and c"]);
    }
}
