//! Prose without meaning, for haystacks where the user gives none: sentences put together of parts.

use super::random::Random;

const WHO: &[&str] = &[
    "The gardener at the end of the lane",
    "An old friend of the miller",
    "Nobody in the office",
    "The woman who keeps the archive",
    "A carpenter from the next valley",
    "My aunt",
    "The teacher of the small school",
    "Whoever rents the upper floor",
    "The crew of the evening ferry",
    "A student with too many books",
    "The man behind the counter",
    "Everyone who has worked here",
];
const DOES: &[&str] = &[
    "keeps a list of",
    "likes to talk about",
    "has long given up on",
    "asks every visitor about",
    "once wrote a letter about",
    "pays little attention to",
    "would rather not discuss",
    "tries to remember",
    "has strong opinions on",
    "never gets tired of",
    "knows surprisingly much about",
];
const WHAT: &[&str] = &[
    "the way the river turned that spring",
    "the price of good timber",
    "letters that arrive too late",
    "the first days of a new job",
    "bread that is baked without hurry",
    "how a question can be put better",
    "the noise of the old presses",
    "roads that lead nowhere in particular",
    "tools that outlive their owners",
    "the difference between a plan and a wish",
    "a winter nobody had expected",
    "what makes a room pleasant to work in",
    "the habit of finishing small things first",
];
const ENDINGS: &[&str] = &[
    ".",
    ".",
    ", and that is probably for the best.",
    ", at least on days when it rains.",
    " before the first cup of tea.",
    ", although few people would notice.",
    ", which says more than a long speech.",
    " whenever the conversation slows down.",
    ", as far as anyone can tell.",
    " and leaves it at that.",
];
const ASIDES: &[&str] = &[
    "There is nothing wrong with that.",
    "Such things take time.",
    "It was not always so.",
    "One gets used to it.",
    "The rest is a matter of patience.",
    "That was the part I had not understood.",
    "Perhaps it could not have gone otherwise.",
];

/// Prose of at least `words` words. A longer one begins with a shorter one.
pub(super) fn prose(words: usize) -> String {
    let mut random = Random::fixed(0x0070_726f_7365);
    let (mut text, mut count) = (String::new(), 0);
    while count < words {
        if !text.is_empty() {
            text.push(' ');
        }
        let begin = text.len();
        if random.below(5) == 0 {
            text.push_str(random.pick(ASIDES));
        } else {
            let parts = [WHO, DOES, WHAT].map(|part| random.pick(part));
            text.push_str(&parts.join(" "));
            text.push_str(random.pick(ENDINGS));
        }
        count += text[begin..].split_whitespace().count();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn a_longer_text_begins_with_a_shorter_one() {
        let [short, long] = [20, 500].map(prose);
        assert!(long.starts_with(&short), "{short}");
        assert!(long.split_whitespace().count() >= 500 && !long.contains("  "));
    }
}
