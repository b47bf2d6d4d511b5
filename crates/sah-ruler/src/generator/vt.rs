//! The tracing task: a chain of names that all hold one number.

use sah_request::ModelError;

use super::fit::{Counter, Draft, Fitted, Prompt, fit};
use super::niah::NOISE;
use super::random::{Purpose, Random, RowSeed};

/// Names in a chain: the number is given to the first and passed on four times.
const NAMES: usize = 5;
/// The worked example's room, in tokens, and its share of a short row's.
const EXAMPLE: (usize, usize) = (500, 4);

/// A chain among noise, with a question.
struct Chain {
    names: Vec<String>,
    number: String,
    seed: RowSeed,
    places: Purpose,
}

/// A row: a worked example, then a chain.
pub(super) struct Tracing {
    example: String,
    chain: Chain,
}

impl Chain {
    fn new(seed: RowSeed, draws: Purpose, places: Purpose, letters: usize, number: Option<&str>) -> Self {
        let mut random = seed.random(draws);
        let mut names: Vec<String> = Vec::new();
        while names.len() < NAMES {
            let name = random.letters(b'A', letters);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let number = number.map_or_else(|| five_digits(&mut random), str::to_owned);
        Self { names, number, seed, places }
    }

    fn statements(&self) -> impl Iterator<Item = String> {
        let given = std::iter::once(&self.number).chain(&self.names);
        self.names.iter().zip(given).map(|(name, given)| format!("LET {name} = {given}"))
    }
}

/// 10,000 to 99,998.
fn five_digits(random: &mut Random) -> String {
    (10_000 + random.below(89_999)).to_string()
}

impl Draft for Chain {
    fn least(&self) -> usize {
        1
    }

    fn most(&self) -> usize {
        usize::MAX - 1
    }

    fn build(&self, units: usize) -> Prompt {
        // Among the lines of noise, statements in their order at places of their own.
        let mut is_statement = vec![false; units + NAMES];
        // Another stream than that of the names, where both are one purpose's.
        let mut random = self.seed.random(self.places);
        random.distinct(NAMES, units + NAMES).into_iter().for_each(|place| is_statement[place] = true);
        let mut statements = self.statements();
        let mut lines = String::new();
        for is_statement in is_statement {
            match is_statement.then(|| statements.next()).flatten() {
                Some(statement) => lines.push_str(&statement),
                None => lines.push_str(NOISE),
            }
            lines.push('\n');
        }
        let (number, count) = (&self.number, NAMES);
        Prompt {
            context: format!(
                "In the text below names are set to a number, or to what another name holds. Follow them.\n\n{lines}"
            ),
            question: format!("Question: Which names hold the number {number} in the end? "),
            answer_prefix: format!(
                "Answer: In the text above, {count} names hold the number {number}. They are:"
            ),
            answers: self.names.clone(),
        }
    }

    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError> {
        Ok((units * tokens.piece(&format!("{NOISE}\n"))?) as f64)
    }
}

impl Tracing {
    /// A row of `length` tokens.
    pub(super) fn new(seed: RowSeed, length: usize, tokens: &Counter<'_>) -> Result<Self, ModelError> {
        let example = Chain::new(seed, Purpose::Example, Purpose::Haystack, 3, Some("12345"));
        let room = EXAMPLE.0.min(length / EXAMPLE.1);
        let prompt = match fit(&example, room, tokens)? {
            Fitted::Row(prompt, _) => prompt,
            Fitted::TooShort(_) | Fitted::TooFew(_) => example.build(example.least()),
        };
        let Prompt { context, question, answer_prefix, answers } = prompt;
        let example = format!("{context}{question}{answer_prefix} {}\n\n", answers.join(" "));
        Ok(Self { example, chain: Chain::new(seed, Purpose::Content, Purpose::Places, 5, None) })
    }
}

impl Draft for Tracing {
    fn least(&self) -> usize {
        self.chain.least()
    }

    fn most(&self) -> usize {
        self.chain.most()
    }

    fn build(&self, units: usize) -> Prompt {
        let prompt = self.chain.build(units);
        Prompt { context: [self.example.as_str(), &prompt.context].concat(), ..prompt }
    }

    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError> {
        self.chain.predict(units, tokens)
    }
}
