//! From a document and its questions to rows in the columns of the hub data set.

use serde::Serialize;

/// One row. The order of the fields is the order of the columns.
#[derive(Serialize)]
pub(crate) struct Row {
    context: String,
    question: String,
    answer_prefix: &'static str,
    answers: Vec<String>,
    length: usize,
    dataset: &'static str,
    language: &'static str,
    all_classes: Option<&'static [&'static str]>,
    _id: String,
    task: &'static str,
    max_new_tokens: u32,
}

/// What all rows of a task share.
pub(crate) struct Task {
    /// Its name, without `_e`.
    pub(crate) name: &'static str,
    /// The cue after the question, such as `Answer:`.
    pub(crate) answer_prefix: &'static str,
    /// `en`, `zh` or `code`.
    pub(crate) language: &'static str,
    /// The classes to choose from, in a classification task.
    pub(crate) all_classes: Option<&'static [&'static str]>,
    /// A demonstration's limit, below `LongBench`'s own.
    pub(crate) max_new_tokens: u32,
}

impl Task {
    /// An English task whose answer is a few words.
    pub(crate) const fn english(name: &'static str) -> Self {
        Self { name, answer_prefix: "Answer:", language: "en", all_classes: None, max_new_tokens: 16 }
    }

    /// A Chinese task whose answer is a few words (a character takes about two tokens of a small vocabulary).
    pub(crate) const fn chinese(name: &'static str) -> Self {
        Self { name, answer_prefix: "答：", language: "zh", all_classes: None, max_new_tokens: 24 }
    }

    /// A task of which the next line of code is asked.
    pub(crate) const fn code(name: &'static str) -> Self {
        Self {
            name,
            answer_prefix: "The next line is:\n```\n",
            language: "code",
            all_classes: None,
            max_new_tokens: 32,
        }
    }
}

/// A context with all its questions.
pub(crate) struct Document {
    /// Task instruction and text.
    pub(crate) context: String,
    /// What is asked about it.
    pub(crate) queries: Vec<Query>,
}

/// A question with the answers that count as right.
pub(crate) struct Query {
    question: String,
    answers: Vec<String>,
}

impl Query {
    /// A question that has one right answer.
    pub(crate) fn new(question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self { question: question.into(), answers: vec![answer.into()] }
    }

    /// A further right answer.
    pub(crate) fn or(mut self, answer: impl Into<String>) -> Self {
        self.answers.push(answer.into());
        self
    }
}

/// The rows of config `config`, which holds `documents` of `task`.
pub(crate) fn rows(config: &str, task: &Task, documents: Vec<Document>) -> Vec<Row> {
    let mut rows = Vec::new();
    for document in documents {
        for query in document.queries {
            rows.push(Row {
                length: length(task.language, &document.context) + length(task.language, &query.question),
                context: document.context.clone(),
                question: query.question,
                answer_prefix: task.answer_prefix,
                answers: query.answers,
                dataset: task.name,
                language: task.language,
                all_classes: task.all_classes,
                _id: format!("sample-{config}-{}", rows.len()),
                task: task.name,
                max_new_tokens: task.max_new_tokens,
            });
        }
    }
    rows
}

/// Words; in Chinese, characters.
fn length(language: &str, text: &str) -> usize {
    if language == "zh" {
        text.chars().filter(|c| !c.is_whitespace()).count()
    } else {
        text.split_whitespace().count()
    }
}
