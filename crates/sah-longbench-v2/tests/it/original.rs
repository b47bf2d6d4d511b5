//! The authors' `data.json` with prompt files in the authors' form.

use std::fs;

use sah_bench_core::{Benchmark as _, FollowUp, Value};
use sah_longbench_v2::LongBenchV2;
use serde_json::json;

use crate::support::{ANSWER_PROMPT, PROMPT, load};

#[test]
fn questions_get_the_prompts_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let row = json!({
        "_id": "x", "domain": "d", "sub_domain": "s", "difficulty": "hard", "length": "long", "question": " Who?\n",
        "choice_A": "Ann ", "choice_B": "Bob", "choice_C": "Cem", "choice_D": "$COT$", "answer": "D", "context": "\nLong.\n\n",
    });
    fs::write(folder.path().join("data.json"), json!([row]).to_string()).unwrap();
    assert_eq!(
        load(folder.path(), None, &["0shot"]).unwrap_err(),
        "DIR/data.json: its questions have no prompts; the authors' prompt files are needed: 0shot.txt; of cot \
         0shot_cot.txt and 0shot_cot_ans.txt"
    );
    fs::write(folder.path().join("0shot.txt"), PROMPT).unwrap();
    fs::write(folder.path().join("0shot_cot.txt"), format!("{PROMPT} Think.")).unwrap();
    let error = load(folder.path(), Some(folder.path()), &["cot"]).unwrap_err();
    assert!(error.starts_with("DIR/0shot_cot_ans.txt: "), "{error}");
    fs::write(folder.path().join("0shot_cot_ans.txt"), ANSWER_PROMPT).unwrap();
    let samples = load(folder.path(), Some(folder.path()), &["0shot", "cot"]).unwrap();
    let [direct, thoughtful] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!(direct.context, "Text:\nLong.");
    assert_eq!(direct.question, "\n\nAsked: Who?\n1 Ann\n2 Bob\n3 Cem\n4 $COT$\n\nSay it.");
    assert_eq!((&*direct.answer_prefix, direct.max_new_tokens, &*direct.task), ("", 128, "0shot"));
    assert_eq!(thoughtful.context, direct.context);
    assert_eq!(thoughtful.question, format!("{} Think.", direct.question));
    assert_eq!((thoughtful.max_new_tokens, &*thoughtful.task), (1024, "cot"));

    // The second request has the reasoning, and not the text.
    let benchmark = LongBenchV2::default();
    assert_eq!(direct.extra[6], Value::Null);
    assert_eq!(benchmark.follow_up(direct, "The correct answer is (D)"), None);
    let prompt = "Asked without a text: Who?\n1 Ann\n2 Bob\n3 Cem\n4 $COT$\nThought: It was $Q$.\n\nSo?";
    let follow_up = FollowUp { prompt: prompt.to_owned(), max_new_tokens: 128 };
    assert_eq!(benchmark.follow_up(thoughtful, " It was $Q$.\n\u{a0}"), Some(follow_up));
    assert_eq!(benchmark.follow_up(thoughtful, "\n "), None, "nothing to ask with");
}

#[test]
fn prompts_and_data_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let error = |subset: &str| load(folder.path(), Some(folder.path()), &[subset]).unwrap_err();
    write("data.json", "[]");
    write("0shot.txt", &PROMPT.replace("$C_C$", ""));
    assert_eq!(error("0shot"), "DIR/0shot.txt: no $C_C$ in it, where the row's text goes");
    write("0shot_cot.txt", PROMPT);
    write("0shot_cot_ans.txt", &ANSWER_PROMPT.replace("$COT$", ""));
    assert_eq!(error("cot"), "DIR/0shot_cot_ans.txt: no $COT$ in it, where the row's text goes");
    write("0shot_cot_ans.txt", &format!("$DOC$ {ANSWER_PROMPT}"));
    assert_eq!(error("cot"), "DIR/0shot_cot_ans.txt: $DOC$ in it; the answer is asked for without the text");
    write("0shot_cot_ans.txt", ANSWER_PROMPT);
    write("data.json", "{}");
    let error = error("cot");
    assert!(error.starts_with("DIR/data.json: expected a JSON array of objects"), "{error}");
}
