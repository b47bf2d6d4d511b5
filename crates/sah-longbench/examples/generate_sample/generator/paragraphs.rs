//! Numbered paragraphs: `passage_count` and `passage_retrieval_en`.

use super::paragraph_text::PARAGRAPHS;
use super::rng::Rng;
use super::row::{Document, Query, Task};

pub(crate) const COUNT: Task =
    Task { answer_prefix: "Number of different paragraphs:", ..Task::english("passage_count") };
pub(crate) const RETRIEVAL: Task =
    Task { answer_prefix: "The abstract belongs to: Paragraph", ..Task::english("passage_retrieval_en") };

fn numbered<'a>(paragraphs: impl IntoIterator<Item = &'a str>) -> String {
    paragraphs
        .into_iter()
        .enumerate()
        .map(|(index, text)| format!("Paragraph {}: {text}\n\n", index + 1))
        .collect::<Vec<_>>()
        .concat()
}

/// `unique` paragraphs, some of them repeated until there are `total`.
fn counting(rng: &mut Rng, unique: usize, total: usize) -> Document {
    let mut paragraphs = rng.deck(&PARAGRAPHS).draw_many(unique);
    for _ in unique..total {
        paragraphs.push(rng.pick(&paragraphs[..unique]));
    }
    rng.shuffle(&mut paragraphs);
    let context = format!(
        "Some of the paragraphs below occur more than once. Count how many different paragraphs there are: a paragraph that is \
repeated counts once.\n\n{}",
        numbered(paragraphs.iter().map(|&(text, _)| text)),
    );
    let question = "How many different paragraphs are there? Reply with a number only.\n\n";
    Document { context, queries: vec![Query::new(question, unique.to_string())] }
}

pub(crate) fn count(rng: &mut Rng) -> Vec<Document> {
    vec![counting(rng, 5, 8), counting(rng, 7, 8)]
}

pub(crate) fn count_extended(rng: &mut Rng) -> Vec<Document> {
    vec![counting(rng, 6, 8)]
}

/// Paragraphs and abstracts of `asked` of them, which do not stand last.
fn retrieving(rng: &mut Rng, paragraphs: &[(&str, &str)], asked: usize) -> Vec<Document> {
    let paragraphs = rng.deck(paragraphs).draw_many(8);
    let mut places = rng.deck(&[0, 1, 2, 3, 4, 5]);
    let context = format!(
        "Below are {} numbered paragraphs. One of them is described by an abstract. Find out which one.\n\n{}The paragraphs end \
here. Now read the abstract of one of them.\n\n",
        paragraphs.len(),
        numbered(paragraphs.iter().map(|&(text, _)| text)),
    );
    let query = |place: usize| {
        let question = format!(
            "Abstract: {}\n\nWhich paragraph does the abstract belong to? Reply with the word \"Paragraph\" and its number.\n\n",
            paragraphs[place].1
        );
        Query::new(question, format!("Paragraph {}", place + 1))
    };
    let queries = places.draw_many(asked).into_iter().map(query).collect();
    vec![Document { context, queries }]
}

pub(crate) fn retrieval(rng: &mut Rng) -> Vec<Document> {
    retrieving(rng, &PARAGRAPHS[..9], 2)
}

pub(crate) fn retrieval_extended(rng: &mut Rng) -> Vec<Document> {
    retrieving(rng, &PARAGRAPHS[9..], 1)
}
