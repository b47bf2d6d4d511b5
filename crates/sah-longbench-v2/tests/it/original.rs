//! The authors' `data.json` with prompt files in the authors' form.

use std::fs;

use serde_json::json;

use crate::support::load;

const PROMPT: &str = "Text:\n$DOC$\n\nAsked: $Q$\n1 $C_A$\n2 $C_B$\n3 $C_C$\n4 $C_D$\n\nSay it.";

#[test]
fn questions_get_the_prompts_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let row = json!({
        "_id": "x", "domain": "d", "sub_domain": "s", "difficulty": "hard", "length": "long", "question": " Who?\n",
        "choice_A": "Ann ", "choice_B": "Bob", "choice_C": "Cem", "choice_D": "Dee", "answer": "D", "context": "\nLong.\n\n",
    });
    fs::write(folder.path().join("data.json"), json!([row]).to_string()).unwrap();
    assert_eq!(
        load(folder.path(), None, &["0shot"]).unwrap_err(),
        "DIR/data.json: its questions have no prompts; the authors' prompt files are needed, 0shot.txt and 0shot_cot.txt"
    );
    fs::write(folder.path().join("0shot.txt"), PROMPT).unwrap();
    fs::write(folder.path().join("0shot_cot.txt"), format!("{PROMPT} Think.")).unwrap();
    let samples = load(folder.path(), Some(folder.path()), &["0shot", "cot"]).unwrap();
    let [direct, thoughtful] = &samples[..] else { panic!("{samples:?}") };
    assert_eq!(direct.context, "Text:\nLong.");
    assert_eq!(direct.question, "\n\nAsked: Who?\n1 Ann\n2 Bob\n3 Cem\n4 Dee\n\nSay it.");
    assert_eq!((&*direct.answer_prefix, direct.max_new_tokens, &*direct.task), ("", 128, "0shot"));
    assert_eq!(thoughtful.context, direct.context);
    assert_eq!(thoughtful.question, format!("{} Think.", direct.question));
    assert_eq!((thoughtful.max_new_tokens, &*thoughtful.task), (1024, "cot"));

    fs::write(folder.path().join("0shot.txt"), PROMPT.replace("$C_C$", "")).unwrap();
    assert_eq!(
        load(folder.path(), Some(folder.path()), &["0shot"]).unwrap_err(),
        "DIR/0shot.txt: no $C_C$ in it, where the row's text goes"
    );
    fs::write(folder.path().join("data.json"), "{}").unwrap();
    let error = load(folder.path(), Some(folder.path()), &["cot"]).unwrap_err();
    assert!(error.starts_with("DIR/data.json: expected a JSON array of objects"), "{error}");
}
