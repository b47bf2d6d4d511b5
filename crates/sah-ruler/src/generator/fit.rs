//! The most units of haystack that a budget of tokens has room for.

use std::collections::HashMap;
use std::sync::RwLock;

use sah_bench_core::TokenCount;
use sah_request::ModelError;

/// A row without its samples' bookkeeping: what a model reads, and the right answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) context: String,
    pub(crate) question: String,
    pub(crate) answer_prefix: String,
    pub(crate) answers: Vec<String>,
}

/// A row whose haystack has no size yet.
pub(super) trait Draft {
    /// The fewest units that make sense.
    fn least(&self) -> usize;

    /// The most that there are.
    fn most(&self) -> usize;

    /// The row with so many units.
    fn build(&self, units: usize) -> Prompt;

    /// About how many tokens `units` units take, in any scale: it only has to grow as they do.
    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError>;
}

/// What came of fitting a row.
#[derive(Debug)]
pub(super) enum Fitted {
    /// The row, and how many tokens its prompt has.
    Row(Prompt, usize),
    /// Already with the fewest units its prompt has so many tokens.
    TooShort(usize),
    /// With all units that there are its prompt has only so many tokens.
    TooFew(usize),
    /// With a unit for each token of the room its prompt has only so many tokens: units are not counted.
    NotCounted(usize),
}

/// Counts tokens, those of pieces once.
pub(super) struct Counter<'a> {
    tokens: &'a dyn TokenCount,
    pieces: RwLock<HashMap<String, usize>>,
}

impl<'a> Counter<'a> {
    pub(super) fn new(tokens: &'a dyn TokenCount) -> Self {
        Self { tokens, pieces: RwLock::default() }
    }

    /// What `piece` adds to a text that it is repeated in, for pieces that come again.
    pub(super) fn piece(&self, piece: &str) -> Result<usize, ModelError> {
        if let Some(count) = self.pieces.read().expect("no thread panics with it").get(piece) {
            return Ok(*count);
        }
        let count = self.once(piece)?;
        self.pieces.write().expect("no thread panics with it").insert(piece.to_owned(), count);
        Ok(count)
    }

    /// The same for a piece that does not come again.
    pub(super) fn once(&self, piece: &str) -> Result<usize, ModelError> {
        let twice = self.tokens.count(&[piece, piece].concat())?;
        Ok(twice.saturating_sub(self.tokens.count(piece)?))
    }

    /// What a line adds to a text of lines, for one that does not come again.
    pub(super) fn line(&self, line: &str) -> Result<usize, ModelError> {
        // Some tokenizers begin a text with a blank of their own.
        const BEFORE: &str = "x\n";
        let with = self.tokens.count(&[BEFORE, line, "\n"].concat())?;
        Ok(with.saturating_sub(self.tokens.count(BEFORE)?))
    }

    /// The most new tokens of an answer with the limit `limit`.
    pub(super) fn answer_room(&self, limit: usize) -> usize {
        self.tokens.answer_room(limit)
    }

    /// The tokens of a whole row.
    pub(super) fn prompt(&self, prompt: &Prompt) -> Result<usize, ModelError> {
        self.tokens.count_prompt(&prompt.context, &prompt.question, &prompt.answer_prefix)
    }
}

/// The row of `draft` with as many units as `room` tokens have room for.
///
/// The whole prompt is counted for a small number of units; what more units add is predicted, and the whole prompt counted again
/// where the prediction says that it fits. Predictions are corrected by what was counted until no further unit has room.
pub(super) fn fit(draft: &dyn Draft, room: usize, tokens: &Counter<'_>) -> Result<Fitted, ModelError> {
    let mut units = draft.least();
    let mut prompt = draft.build(units);
    let mut used = tokens.prompt(&prompt)?;
    if used > room {
        return Ok(Fitted::TooShort(used));
    }
    // Tokens for one predicted token, by what was counted.
    let mut scale = 1.0;
    // No unit is less than a token.
    let most = draft.most().min(room.max(units));
    // This many units, and more, are known not to fit.
    let mut over = most + 1;
    while units + 1 < over {
        let from = draft.predict(units, tokens)?;
        let fits = |units: usize| -> Result<bool, ModelError> {
            Ok(used as f64 + scale * (draft.predict(units, tokens)? - from) <= room as f64)
        };
        let next = last(units, over, fits)?;
        if next == units {
            // A prediction that is off by a token or two must not end it.
            let one_more = scale * (draft.predict(units + 1, tokens)? - from);
            if (room - used) as f64 + SURE < one_more {
                break;
            }
        }
        let next = next.max(units + 1);
        let built = draft.build(next);
        let counted = tokens.prompt(&built)?;
        let predicted = draft.predict(next, tokens)? - from;
        if predicted > 0.0 && next > units + 8 {
            scale = (counted as f64 - used as f64) / predicted;
        }
        if counted <= room {
            (units, prompt, used) = (next, built, counted);
        } else {
            over = next;
        }
    }
    Ok(match units {
        _ if units == draft.most() => Fitted::TooFew(used),
        _ if units == most && used < room => Fitted::NotCounted(used),
        _ => Fitted::Row(prompt, used),
    })
}

/// By how many tokens a unit's prediction may be off.
const SURE: f64 = 0.5;

/// The largest number from `low` to `high - 1` for which `fits`, which holds for `low` and for all numbers below such a one.
fn last(
    low: usize,
    high: usize,
    fits: impl Fn(usize) -> Result<bool, ModelError>,
) -> Result<usize, ModelError> {
    let (first, mut low) = (low, low);
    // `high` may be far away, and what is there dear to predict.
    let mut high = loop {
        let next = low + 1 + (low - first) / 8;
        if next >= high {
            break high;
        }
        if !fits(next)? {
            break next;
        }
        low = next;
    };
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if fits(middle)? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
