//! The page: whole, by itself, and nothing in it that data or models put there to act. A browser opens it in
//! tests/report.py.

use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Report, Run};

use crate::support::{Letters, bench, model, samples, two_attentions};

fn page_of(runs: &[Run], results: &std::path::Path) -> String {
    let report = Report::new(&Analysis::new(runs, &Bootstrap::default())).unwrap();
    std::fs::read_to_string(report.write(&results.join("out")).unwrap()).unwrap()
}

#[test]
fn the_page_is_one_file_with_everything_in_it() {
    let results = tempfile::tempdir().unwrap();
    let page = page_of(&[two_attentions(results.path())], results.path());
    for heading in [
        "Summary",
        "Scores",
        "Differences",
        "Score against density",
        "Time and memory",
        "Length buckets",
        "Attention error",
        "Samples",
        "Configuration",
    ] {
        assert!(page.contains(&format!(">{heading}</h2>")), "no {heading}");
    }
    // One picture each, and nothing from elsewhere: the only addresses are names of XML.
    assert_eq!(page.matches("<svg ").count(), 8);
    let addresses = page.matches("http").count();
    assert_eq!(
        addresses,
        page.matches("http://www.w3.org/2000/svg").count() + page.matches("http-equiv").count()
    );
    for part in [
        "<html lang=\"en\">",
        "name=\"viewport\"",
        "prefers-color-scheme: dark",
        "<main ",
        "<nav ",
        "scope=\"row\"",
    ] {
        assert!(page.contains(part), "no {part}");
    }
    assert_eq!(page.matches("<caption").count(), page.matches("<table").count());
    assert_eq!(page.matches("<th ").count(), page.matches("<th scope=").count());
    // Whatever opens is closed.
    for tag in ["section", "table", "tr", "td", "details", "figure", "svg", "ul", "form", "mark"] {
        let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn text_of_data_and_models_does_not_act() {
    let results = tempfile::tempdir().unwrap();
    let page = page_of(&[two_attentions(results.path())], results.path());
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(!page.contains(['\u{0}', '\u{1b}', '\u{202e}']));
}

#[test]
fn contexts_and_answers_are_folded_and_cut_and_it_says_so() {
    let results = tempfile::tempdir().unwrap();
    let all = samples("qa", 500);
    let folder = bench(results.path(), "many", &[("dense", model(9, 1.0)), ("quest", model(0, 0.1))], &all);
    let page = page_of(&[Run::read(&folder, &Letters).unwrap()], results.path());
    assert!(page.contains("Shown are 400 of 450, at most 400 of each comparison."), "not said");
    assert_eq!(page.matches("<tr role=\"row\" data-task=").count(), 400);
    assert!(page.contains("characters left out"));
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn a_run_of_one_attention_has_a_report_without_comparisons() {
    let results = tempfile::tempdir().unwrap();
    let folder = bench(results.path(), "one", &[("quest", model(9, 0.1))], &samples("qa", 1));
    let page = page_of(&[Run::read(&folder, &Letters).unwrap()], results.path());
    assert!(
        page.contains(">Scores</h2>")
            && !page.contains(">Differences</h2>")
            && !page.contains(">Samples</h2>")
    );
}
