//! A haystack, the needle in it, and the question about it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sah_bench_core::TokenCount;

use crate::fit::most_units;
use crate::{Error, Grid};

/// Room for the answer: needles end in fewer tokens.
const MAX_NEW_TOKENS: usize = 32;

const TOWNS: [&str; 24] = [
    "Arvik", "Brandal", "Corrin", "Dunmore", "Elgin", "Fossum", "Garvel", "Harsted", "Ilmen", "Jarrow",
    "Kelso", "Lorne", "Malvik", "Norrby", "Orkdal", "Penwick", "Quorn", "Rissa", "Selbu", "Tarbert",
    "Ulsted", "Varberg", "Wexcombe", "Yarrow",
];
const THINGS: [&str; 8] =
    ["mill", "chapel", "boathouse", "town hall", "old school", "signal tower", "printing shop", "ice cellar"];
const PLACES: [&str; 16] = [
    "under the third beehive behind the pond",
    "in a blue teapot on the windowsill",
    "inside the hollow oak by the crossroads",
    "behind a loose brick of the bakery's chimney",
    "in the left pocket of the scarecrow",
    "below the anchor in front of the inn",
    "in a tobacco tin beneath the footbridge",
    "at the bottom of the flour barrel",
    "on a nail above the stable door",
    "inside the broken clock of the station",
    "under the stone frog in the vicarage garden",
    "in the bell of an old trombone",
    "between the pages of the parish atlas",
    "in a jar of buttons at the tailor's",
    "behind the portrait of the last mayor",
    "under the red canoe on the beach",
];
const SUBJECTS: [&str; 16] = [
    "The surveyor",
    "A retired pilot",
    "My neighbour",
    "The choir",
    "Every second visitor",
    "The clerk of the harbour",
    "An aunt of the baker",
    "The youngest of the brothers",
    "A travelling tuner",
    "The committee",
    "Somebody from the coast",
    "The night nurse",
    "A boy with a kite",
    "The owner of the kiosk",
    "Her cousin",
    "The last of the coopers",
];
const VERBS: [&str; 16] = [
    "used to count",
    "describes",
    "has painted",
    "argues about",
    "collects",
    "would often mention",
    "still repairs",
    "once lost",
    "measures",
    "remembers",
    "wrote down",
    "is afraid of",
    "photographs",
    "gave away",
    "compares",
    "sang about",
];
const OBJECTS: [&str; 20] = [
    "the swallows on the wires",
    "the depth of the quarry lake",
    "ladders of different lengths",
    "the colour of wet slate",
    "trains that no longer stop",
    "the names of small hills",
    "a recipe for rye bread",
    "the sound of the weir",
    "umbrellas left on benches",
    "the rules of a forgotten game",
    "the shadows of the poplars",
    "maps drawn by children",
    "the taste of well water",
    "fences that lean to the east",
    "a drawer of foreign coins",
    "the first frost of the year",
    "postcards without stamps",
    "the weight of a cartload of peat",
    "stairs that creak",
    "the habits of herons",
];
const ENDS: [&str; 12] = [
    "on most afternoons",
    "without much hurry",
    "for reasons of their own",
    "when the wind turns north",
    "after the market closes",
    "in a quiet voice",
    "year after year",
    "to pass the time",
    "with great care",
    "before the lamps are lit",
    "as if it were a secret",
    "whenever it rains",
];

/// A row of the grid.
pub(crate) struct Row {
    pub(crate) context: String,
    pub(crate) question: String,
    pub(crate) answer_prefix: String,
    /// The sentence that is hidden.
    pub(crate) needle: String,
    /// What it says, which the answer must contain.
    pub(crate) value: String,
    pub(crate) max_new_tokens: usize,
}

/// A stream of choices that depends on its seeds alone, on every machine.
struct Choices(ChaCha8Rng);

impl Choices {
    fn new(seeds: [u64; 4]) -> Self {
        let mut seed = [0; 32];
        for (bytes, number) in seed.chunks_exact_mut(8).zip(seeds) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// One of `choices`, which are far fewer than 2^64: the bias is below 1e-17.
    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[(self.0.next_u64() % choices.len() as u64) as usize]
    }

    fn sentence(&mut self) -> String {
        let [subject, verb, object, end] =
            [&SUBJECTS[..], &VERBS, &OBJECTS, &ENDS].map(|choices| self.of(choices));
        format!("{subject} {verb} {object} {end}.")
    }
}

/// A row whose prompt and answer take at most `length` tokens, and would take more with another sentence.
pub(crate) fn row(
    grid: &Grid,
    length: usize,
    depth: u8,
    number: usize,
    tokens: &dyn TokenCount,
) -> Result<Row, Error> {
    let mut choices = Choices::new([grid.seed, length as u64, u64::from(depth), number as u64]);
    let [town, thing, value] = [&TOWNS[..], &THINGS, &PLACES].map(|list| choices.of(list));
    let kept = format!("The spare key to the {thing} of {town} is kept");
    let needle = format!("{kept} {value}.");
    let mut sentences: Vec<String> = Vec::new();
    let mut build = |count: usize| {
        while sentences.len() < count {
            sentences.push(choices.sentence());
        }
        let before = count * usize::from(depth) / 100;
        let mut texts: Vec<&str> = sentences[..count].iter().map(String::as_str).collect();
        texts.insert(before, &needle);
        Row {
            context: format!("Read this text.\n\n{}\n\n", texts.join(" ")),
            question: format!(
                "Where is the spare key to the {thing} of {town} kept? Answer with what the text says.\n"
            ),
            answer_prefix: kept.clone(),
            needle: needle.clone(),
            value: value.to_owned(),
            max_new_tokens: MAX_NEW_TOKENS,
        }
    };
    let size = |row: &Row| {
        let prompt = tokens.count_prompt(&row.context, &row.question, &row.answer_prefix)?;
        Ok::<_, Error>(prompt + tokens.answer_room(MAX_NEW_TOKENS))
    };
    let needed = size(&build(0))?;
    if needed > length {
        return Err(Error::TooShort { length, needed });
    }
    // There is always another sentence.
    let fits = most_units(length, usize::MAX, |sentences| size(&build(sentences)))?.unwrap_or_default();
    Ok(build(fits))
}
