//! The rows of the bundled sample. People, places, reports, dialogues and code are invented for it.
//!
//! A module a family of tasks: it holds the words and facts as data and combines them with the seeded
//! [`Rng`](rng::Rng) of the config, so that `qasper` and `qasper_e`, say, differ.

mod article;
mod chinese;
mod classify;
mod code;
mod dialogues;
mod fields;
mod meeting;
mod names;
mod news;
mod paragraph_text;
mod paragraphs;
mod passage_text;
mod passages;
mod reports;
mod repository;
mod rng;
mod row;
mod story;
mod trivia;

use rng::Rng;
use row::{Document, Task};

/// One file of the sample.
pub(crate) struct File {
    /// `<config>.jsonl`.
    pub(crate) name: String,
    /// A JSON object a line.
    pub(crate) text: String,
}

type Documents = fn(&mut Rng) -> Vec<Document>;

/// Every config with its task and what writes its documents, in `LongBench`'s order.
const CONFIGS: [(&str, &Task, Documents); 34] = [
    ("narrativeqa", &story::TASK, story::documents),
    ("qasper", &article::TASK, article::bird_calls),
    ("multifieldqa_en", &fields::TASK, fields::museum),
    ("multifieldqa_zh", &chinese::fields::TASK, chinese::fields::documents),
    ("hotpotqa", &passages::HOTPOT, passages::two_hops),
    ("2wikimqa", &passages::TWO_WIKI, passages::comparison),
    ("musique", &passages::MUSIQUE, passages::three_hops),
    ("dureader", &chinese::web::TASK, chinese::web::documents),
    ("gov_report", &reports::TASK, reports::water_meters),
    ("qmsum", &meeting::TASK, meeting::documents),
    ("multi_news", &news::TASK, news::ferry),
    ("vcsum", &chinese::meeting::TASK, chinese::meeting::documents),
    ("trec", &classify::TASK, classify::documents),
    ("triviaqa", &trivia::TASK, trivia::clock),
    ("samsum", &dialogues::TASK, dialogues::standard),
    ("lsht", &chinese::news::TASK, chinese::news::documents),
    ("passage_count", &paragraphs::COUNT, paragraphs::count),
    ("passage_retrieval_en", &paragraphs::RETRIEVAL, paragraphs::retrieval),
    ("passage_retrieval_zh", &chinese::retrieval::TASK, chinese::retrieval::documents),
    ("lcc", &code::TASK, code::python),
    ("repobench-p", &repository::TASK, repository::python),
    ("qasper_e", &article::TASK, article::ledgers),
    ("multifieldqa_en_e", &fields::TASK, fields::workshop),
    ("hotpotqa_e", &passages::HOTPOT, passages::two_hops_extended),
    ("2wikimqa_e", &passages::TWO_WIKI, passages::comparison_extended),
    ("gov_report_e", &reports::TASK, reports::night_buses),
    ("multi_news_e", &news::TASK, news::bakery),
    ("trec_e", &classify::TASK, classify::documents_extended),
    ("triviaqa_e", &trivia::TASK, trivia::garden),
    ("samsum_e", &dialogues::TASK, dialogues::extended),
    ("passage_count_e", &paragraphs::COUNT, paragraphs::count_extended),
    ("passage_retrieval_en_e", &paragraphs::RETRIEVAL, paragraphs::retrieval_extended),
    ("lcc_e", &code::TASK, code::java),
    ("repobench-p_e", &repository::TASK, repository::java),
];

/// All files of the sample.
pub(crate) fn files() -> Vec<File> {
    CONFIGS.iter().map(|&(name, task, documents)| file(name, task, documents)).collect()
}

fn file(config: &str, task: &Task, documents: Documents) -> File {
    let mut text = String::new();
    for row in row::rows(config, task, documents(&mut Rng::named(config))) {
        text += &serde_json::to_string(&row).expect("a row of plain fields");
        text.push('\n');
    }
    File { name: format!("{config}.jsonl"), text }
}
