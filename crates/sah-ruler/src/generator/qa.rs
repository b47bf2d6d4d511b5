//! Questions over documents, of which one or two have the answer: `SQuAD`'s and `HotpotQA`'s, from the user's files.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sah_bench_core::data::{ReadError, read_text};
use sah_request::ModelError;
use serde::Deserialize;

use super::fit::{Counter, Draft, Prompt};
use super::random::{Purpose, RowSeed};

/// A file of questions with their documents.
#[derive(Debug)]
pub(super) struct Questions {
    pub(super) file: PathBuf,
    /// All distinct documents, sorted.
    documents: Vec<Document>,
    list: Vec<Question>,
}

#[derive(Debug)]
struct Document {
    text: String,
    /// What it takes in a row, once it was asked for.
    tokens: OnceLock<usize>,
}

#[derive(Debug)]
struct Question {
    text: String,
    answers: Vec<String>,
    /// Its own documents.
    own: Vec<usize>,
    /// Those of the same article, which come next.
    near: Vec<usize>,
}

/// `SQuAD` 2.0: `{"data": [{"paragraphs": [{"context", "qas": [..]}]}]}`.
#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<SquadQuestion>,
}

#[derive(Deserialize)]
struct SquadQuestion {
    question: String,
    answers: Vec<SquadAnswer>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct SquadAnswer {
    text: String,
}

/// `HotpotQA`: `[{"question", "answer", "context": [[title, [sentence]]]}]`.
#[derive(Deserialize)]
struct HotpotQuestion {
    question: String,
    answer: String,
    context: Vec<(String, Vec<String>)>,
}

/// Which of the two a file is: `SQuAD` is an object, `HotpotQA` a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Squad,
    HotpotQa,
}

impl Source {
    /// The task that its questions are for.
    pub(super) fn task(self) -> &'static str {
        match self {
            Self::Squad => "qa_1",
            Self::HotpotQa => "qa_2",
        }
    }
}

/// A question with its own documents and those near it, as texts.
struct Raw {
    text: String,
    answers: Vec<String>,
    own: Vec<String>,
    near: Vec<String>,
}

impl Questions {
    /// Reads the questions of a file that have an answer.
    pub(super) fn open(file: &Path) -> Result<(Source, Self), ReadError> {
        let text = read_text(file)?;
        let (source, raw) = if text.trim_start().starts_with('[') {
            (Source::HotpotQa, hotpot(&text))
        } else {
            (Source::Squad, squad(&text))
        };
        let raw = raw.map_err(|error| ReadError::Json {
            file: file.to_owned(),
            row: error.line(),
            problem: format!("of SQuAD 2.0, or the list of HotpotQA: {error}"),
        })?;
        if raw.is_empty() {
            return Err(ReadError::NoRows { file: file.to_owned() });
        }
        let texts: BTreeSet<&String> = raw.iter().flat_map(|one| one.own.iter().chain(&one.near)).collect();
        let numbers: HashMap<&String, usize> = texts.iter().copied().zip(0..).collect();
        let of = |texts: &[String]| texts.iter().map(|text| numbers[text]).collect();
        let list = raw.iter().map(|one| Question {
            text: one.text.clone(),
            answers: one.answers.clone(),
            own: of(&one.own),
            near: of(&one.near),
        });
        let list = list.collect();
        let document = |text: &String| Document { text: text.clone(), tokens: OnceLock::new() };
        let documents = texts.into_iter().map(document).collect();
        Ok((source, Self { file: file.to_owned(), documents, list }))
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

fn squad(text: &str) -> Result<Vec<Raw>, serde_json::Error> {
    let Squad { data } = serde_json::from_str(text)?;
    let mut raw = Vec::new();
    for Article { paragraphs } in data {
        let contexts: Vec<String> = paragraphs.iter().map(|paragraph| paragraph.context.clone()).collect();
        for Paragraph { context, qas } in paragraphs {
            let near: Vec<String> = contexts.iter().filter(|other| **other != context).cloned().collect();
            for SquadQuestion { question, answers, .. } in qas.into_iter().filter(|one| !one.is_impossible) {
                let mut distinct: Vec<String> = Vec::new();
                for SquadAnswer { text } in answers {
                    if !distinct.contains(&text) {
                        distinct.push(text);
                    }
                }
                if !distinct.is_empty() {
                    let own = vec![context.clone()];
                    raw.push(Raw { text: question, answers: distinct, own, near: near.clone() });
                }
            }
        }
    }
    Ok(raw)
}

fn hotpot(text: &str) -> Result<Vec<Raw>, serde_json::Error> {
    let questions: Vec<HotpotQuestion> = serde_json::from_str(text)?;
    let raw = questions.into_iter().map(|HotpotQuestion { question, answer, context }| Raw {
        text: question,
        answers: vec![answer],
        own: context
            .into_iter()
            .map(|(title, sentences)| format!("{title}\n{}", sentences.concat()))
            .collect(),
        near: Vec::new(),
    });
    Ok(raw.collect())
}

/// A row.
pub(super) struct Documents<'a> {
    questions: &'a Questions,
    question: &'a Question,
    seed: RowSeed,
    /// All documents in the order in which they come in: its own, those near, the others.
    order: Vec<usize>,
    sums: RefCell<Vec<usize>>,
}

impl<'a> Documents<'a> {
    /// Row number `row` is question number `row`, which is less than [`Questions::len`].
    pub(super) fn new(questions: &'a Questions, seed: RowSeed, row: usize) -> Self {
        let question = &questions.list[row];
        let mut random = seed.random(Purpose::Haystack);
        let mut near = question.near.clone();
        random.shuffle(&mut near);
        let mut others: Vec<usize> = (0..questions.documents.len()).collect();
        random.shuffle(&mut others);
        let mut is_taken = vec![false; questions.documents.len()];
        let order = question.own.iter().copied().chain(near).chain(others);
        let order = order.filter(|&document| !std::mem::replace(&mut is_taken[document], true)).collect();
        Self { questions, question, seed, order, sums: RefCell::default() }
    }
}

impl Draft for Documents<'_> {
    fn least(&self) -> usize {
        self.question.own.iter().collect::<BTreeSet<_>>().len()
    }

    fn most(&self) -> usize {
        self.order.len()
    }

    fn build(&self, units: usize) -> Prompt {
        let mut chosen = self.order[..units].to_vec();
        self.seed.random(Purpose::Places).shuffle(&mut chosen);
        let documents: Vec<String> = (chosen.iter().zip(1..))
            .map(|(&document, number)| {
                format!("Document {number}:\n{}", self.questions.documents[document].text)
            })
            .collect();
        Prompt {
            context: format!(
                "Some documents follow, and after them a question. Answer it by what the documents say, with the answer alone.\n\n\
                 {}\n\n",
                documents.join("\n\n")
            ),
            question: format!("Question: {} ", self.question.text),
            answer_prefix: "Answer:".to_owned(),
            answers: self.question.answers.clone(),
        }
    }

    fn predict(&self, units: usize, tokens: &Counter<'_>) -> Result<f64, ModelError> {
        let mut sums = self.sums.borrow_mut();
        while sums.len() <= units {
            let Some(&sum) = sums.last() else {
                sums.push(0);
                continue;
            };
            let place = sums.len();
            let Document { text, tokens: known } = &self.questions.documents[self.order[place - 1]];
            let count = match known.get() {
                Some(count) => *count,
                None => tokens.once(&format!("{text}\n\n"))?,
            };
            sums.push(sum + known.get_or_init(|| count) + tokens.piece(&format!("Document {place}:\n"))?);
        }
        Ok(sums[units] as f64)
    }
}
