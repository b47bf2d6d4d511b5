//! Files of questions in the forms of `SQuAD` 2.0 and `HotpotQA`, about towns that do not exist.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Paragraphs of an article.
pub(super) const PARAGRAPHS: usize = 45;
/// Enough of them for 131,072 tokens.
const ARTICLES: usize = 60;
/// Documents beside each question.
pub(super) const DOCUMENTS: usize = 10;
const QUESTIONS: usize = 450;

/// Writes both files into `folder`.
///
/// # Errors
///
/// Where they cannot be written.
pub fn write(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let articles: Vec<Value> = (0..ARTICLES).map(article).collect();
    let questions: Vec<Value> = (0..QUESTIONS).map(question).collect();
    let texts = [json!({"version": "v2.0", "data": articles}), json!(questions)];
    let files = ["squad.json", "hotpot.json"].map(|name| folder.join(name));
    for (file, text) in files.iter().zip(texts) {
        fs::write(file, text.to_string())?;
    }
    Ok(files.to_vec())
}

/// The year in which a town was founded.
pub(super) fn founded(town: usize) -> usize {
    1100 + town * 37 % 800
}

/// What a document says of a town.
pub(super) fn about(town: usize) -> String {
    format!("Town {town} lies on a river and was founded in {}.", founded(town))
}

/// Documents of different lengths: what may follow on it.
fn more(town: usize) -> String {
    const MORE: [&str; 5] = [
        "Its market is held on the first Monday of each month, and people come from all villages around.",
        "Two bridges lead over the river; the older one has been closed to carts for a long time.",
        "The mill was rebuilt after a fire and has made flour ever since.",
        "Most houses are of brick, with roofs of slate from a quarry nearby.",
        "In winter the harbour freezes, and boats are pulled ashore.",
    ];
    let more = MORE.iter().enumerate().filter(|(i, _)| town >> i & 1 == 1);
    more.flat_map(|(_, text)| [" ", text]).collect()
}

fn article(number: usize) -> Value {
    let paragraph = |town: usize| {
        let year = founded(town).to_string();
        let answers = [json!({"text": year}), json!({"text": format!("in {year}")}), json!({"text": year})];
        json!({"context": about(town) + &more(town), "qas": [
            {"question": "Who was its mayor?", "is_impossible": true, "answers": []},
            {"question": format!("When was Town {town} founded?"), "is_impossible": false, "answers": answers},
        ]})
    };
    let towns = PARAGRAPHS * number..PARAGRAPHS * (number + 1);
    json!({"title": format!("Towns {number}"), "paragraphs": towns.map(paragraph).collect::<Vec<_>>()})
}

/// The article of a town's paragraph.
pub(super) fn article_of(town: usize) -> usize {
    town / PARAGRAPHS
}

fn question(number: usize) -> Value {
    // Short ones, so that ten of them are not too long for 512 tokens.
    let document = |town: usize| json!([format!("Town {town}"), [about(town), " It is small."]]);
    let towns = DOCUMENTS * number..DOCUMENTS * (number + 1);
    json!({
        "question": format!("When was Town {} founded?", DOCUMENTS * number),
        "answer": founded(DOCUMENTS * number).to_string(),
        "context": towns.map(document).collect::<Vec<_>>(),
    })
}
