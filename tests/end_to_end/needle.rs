//! `cargo xtask bench needle` with the default model: heat maps on the terminal and in the report.

use std::fs;

use crate::command::{run, xtask};

#[test]
fn a_run_ends_with_maps_and_has_them_in_its_report() {
    let results = tempfile::tempdir().unwrap();
    let grid = ["bench", "needle", "--lengths", "256,320", "--depths", "0,100", "--rows", "1"];
    let mut bench =
        xtask(&[&grid[..], &["--answer-tokens", "4", "--run-name", "maps", "--result-dir"]].concat());
    let (code, text, log) = run(bench.arg(results.path()).env_remove("CLICOLOR_FORCE"));
    assert_eq!(code, 0, "{log}");
    // No terminal: shades, which stay where they are copied to.
    assert!(text.contains("score (0 to 100): 0  25\u{2591} 50\u{2592} 75\u{2593} 100\u{2588}"), "{text}");
    for part in
        ["depth  256  320", "\n100 %", "| mean by length (0 to 100) ", "| rouge-l f ", "| rouge (0 to 1) "]
    {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let folder = results.path().join("maps");
    let mut again = xtask(&["bench", "needle", "--resume"]);
    let (code, text, log) = run(again.arg(&folder).env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1"));
    assert_eq!(code, 0, "{log}");
    assert!(text.contains("\u{1b}[38;5;") && text.contains("streaming_llm"), "{text}");

    let (code, _, log) = run(xtask(&["report"]).arg(&folder));
    assert_eq!(code, 0, "{log}");
    let page = fs::read_to_string(folder.join("report/report.html")).unwrap();
    assert!(page.contains("Score by depth and length, from 0 to 100"), "no map");
    for file in ["maps.png", "maps_rouge_l.png"] {
        assert!(
            fs::read(folder.join("report/figures").join(file)).unwrap().starts_with(b"\x89PNG"),
            "{file}"
        );
    }
    let (code, text, log) = run(xtask(&["compare"]).arg(&folder));
    assert_eq!((code, log.as_str()), (0, ""));
    assert!(text.contains("| mean 320 ") && text.contains("| rouge-1 p "), "{text}");
}
