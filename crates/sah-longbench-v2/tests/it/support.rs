//! What the tests share.

use std::path::Path;

use sah_bench_core::{Benchmark as _, NoTokenizer, Record, Sample};
use sah_longbench_v2::{LongBenchV2, Source};

/// Prompts in the form of the authors' files.
pub(crate) const PROMPT: &str = "Text:\n$DOC$\n\nAsked: $Q$\n1 $C_A$\n2 $C_B$\n3 $C_C$\n4 $C_D$\n\nSay it.";
pub(crate) const ANSWER_PROMPT: &str =
    "Asked without a text: $Q$\n1 $C_A$\n2 $C_B$\n3 $C_C$\n4 $C_D$\nThought: $COT$\n\nSo?";

/// The samples of a folder, or the error, in which the folder is called DIR.
pub(crate) fn load(folder: &Path, prompts: Option<&Path>, subsets: &[&str]) -> Result<Vec<Sample>, String> {
    let source = Source::Folder { path: folder.to_owned(), prompts: prompts.map(Path::to_owned) };
    let loaded = LongBenchV2::new(source).load(subsets, &NoTokenizer);
    loaded.map_err(|error| error.to_string().replace(&folder.display().to_string(), "DIR"))
}

/// A sample as it was answered.
pub(crate) fn record(index: usize, sample: Sample, answer: &str) -> Record {
    Record { predicted_answer: answer.to_owned(), ..Record::unanswered(index, sample) }
}

/// A row with the columns of the hub's data set.
pub(crate) fn line(answer: &str, difficulty: &str, length: &str) -> serde_json::Value {
    serde_json::json!({
        "context": "Text.\n", "question": "Why?\n", "answer_prefix": "So:", "max_new_tokens": 148, "answer": answer,
        "difficulty": difficulty, "length": length, "domain": "d", "task": "0shot", "_id": "x", "choice_A": "left out",
    })
}
