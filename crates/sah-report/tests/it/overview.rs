//! Runs of several benchmarks: a table over all, and a page of parts.

use std::fs;
use std::path::{Path, PathBuf};

use sah_bench_core::{read_json, write_json};
use sah_report::statistics::Bootstrap;
use sah_report::tables::{Cell, Table};
use sah_report::{Missing, Overview, OverviewReport, Run};

use crate::support::{Letters, NASTY, Other, Sometimes, bench, model, samples};

/// As [`Letters`], by another name.
fn other() -> Other {
    Other { name: Some("other"), ..Other::default() }
}

/// Changes what the configs of a run say.
fn set(run: &Path, key: &str, value: &str) {
    for entry in fs::read_dir(run).unwrap() {
        let config = entry.unwrap().path().join("config.json");
        if config.exists() {
            let mut read: serde_json::Value = read_json(&config).unwrap();
            read[key] = value.into();
            write_json(&config, &read).unwrap();
        }
    }
}

/// A run of [`Letters`], or of [`other`], with these attentions.
fn run(results: &Path, name: &str, is_other: bool, attentions: &[(&str, Sometimes)]) -> (PathBuf, Run) {
    let folder = bench(results, name, attentions, &samples("qa", 20));
    if is_other {
        set(&folder, "benchmark", "other");
    }
    let read = if is_other { Run::read(&folder, &other()) } else { Run::read(&folder, &Letters) };
    (folder, read.unwrap())
}

fn both() -> [(&'static str, Sometimes); 2] {
    [("dense", model(9, 1.0)), ("quest", model(5, 0.1))]
}

/// Of both attentions in one benchmark, of dense alone in the other.
fn of_two(results: &Path) -> [(String, Vec<Run>); 2] {
    let (_, letters) = run(&results.join("both"), "letters", false, &both());
    let (_, other) = run(&results.join("both"), "other", true, &[("dense", model(3, 1.0))]);
    let whole = results.join("both");
    let of = |name: &str, run: Run| (name.to_owned(), vec![run.part_of(&whole)]);
    [of("letters", letters), of("other", other)]
}

fn shown(table: &Table) -> Vec<Vec<String>> {
    let cells = |row: &Vec<Cell>| row.iter().map(|cell| cell.shown().replace(NASTY, "")).collect();
    table.rows.iter().map(cells).collect()
}

fn columns(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn each_method_is_a_row_and_each_benchmark_a_column() {
    let results = tempfile::tempdir().unwrap();
    let runs = of_two(results.path());
    let overview = Overview::new(&runs, Vec::new(), &Bootstrap::default());
    let table = overview.table();
    assert_eq!(columns(&table), ["model", "attention", "letters (0 to 100)", "other (0 to 100)"]);
    let rows = shown(&table);
    assert_eq!(rows.len(), 2);
    assert!(rows[0][1] == "dense" && rows[0][2].starts_with("90.00 [") && rows[0][3].starts_with("30.00 ["));
    assert!(rows[1][1] == "quest" && rows[1][2].starts_with("50.00 [") && rows[1][3] == "-", "{rows:?}");
    assert_eq!(overview.run_names(), ["both"]);
    assert_eq!(overview.tables().len(), 1, "nothing is missing");
    // Within a part the run has the name of the whole, and its attentions are named by themselves.
    assert_eq!(overview.parts[0].analysis.runs[0].name, "both");
    assert_eq!(overview.parts[0].analysis.labels, ["dense", "quest"]);
}

/// Runs that do not belong together share a row where their methods are the same; of two of one benchmark, only the first.
#[test]
fn a_row_says_which_runs_it_is_from_and_in_which_settings_it_differs() {
    let results = tempfile::tempdir().unwrap();
    let dense =
        |name: &str, is_other, of_ten| run(results.path(), name, is_other, &[("dense", model(of_ten, 1.0))]);
    let ((_, one), (_, two), (_, three)) =
        (dense("one", false, 9), dense("two", false, 5), dense("three", true, 3));
    let (folder, _) = dense("four", true, 1);
    set(&folder, "dtype", "bf16");
    let four = Run::read(&folder, &other()).unwrap();
    let runs = [("letters".to_owned(), vec![one, two]), ("other".to_owned(), vec![three, four])];
    let table = Overview::new(&runs, Vec::new(), &Bootstrap::default()).table();
    assert_eq!(
        columns(&table),
        ["model", "attention", "dtype", "run", "letters (0 to 100)", "other (0 to 100)"]
    );
    let rows = shown(&table);
    let settings: Vec<_> = rows.iter().map(|row| (row[2].as_str(), row[3].as_str())).collect();
    assert_eq!(settings, [("f32", "one, three"), ("f32", "two"), ("bf16", "four")]);
    assert!(rows[0][4].starts_with("90.00") && rows[0][5].starts_with("30.00"), "{rows:?}");
    assert!(rows[1][4].starts_with("50.00") && rows[1][5] == "-", "{rows:?}");
    assert!(rows[2][4] == "-" && rows[2][5].starts_with("10.00"), "{rows:?}");
}

/// Of two runs of several benchmarks of which one lacks a benchmark, the other does not lend it its figure.
#[test]
fn what_is_missing_of_a_run_comes_from_no_other() {
    let results = tempfile::tempdir().unwrap();
    let part = |whole: &str, name: &str, is_other| {
        let whole = results.path().join(whole);
        run(&whole, name, is_other, &[("dense", model(9, 1.0))]).1.part_of(&whole)
    };
    let runs = [
        ("letters".to_owned(), vec![part("first", "letters", false), part("second", "letters", false)]),
        ("other".to_owned(), vec![part("second", "other", true)]),
    ];
    let problem = format!("it was not begun {NASTY}");
    let missing = vec![Missing { run: "first/other".to_owned(), problem }];
    let overview = Overview::new(&runs, missing, &Bootstrap::default());
    let rows = shown(&overview.table());
    let runs: Vec<_> = rows.iter().map(|row| (row[2].as_str(), row[4].starts_with("90.00"))).collect();
    assert_eq!(runs, [("first", false), ("second", true)], "{rows:?}");
    assert_eq!(overview.run_names(), ["first", "second"]);
    assert_eq!(overview.parts[0].analysis.labels, ["first/dense", "second/dense"]);
    assert_eq!(overview.tables()[1].rows[0][0], Cell::text("first/other"));
}

#[test]
fn the_page_has_a_part_for_each_benchmark_and_every_id_once() {
    let results = tempfile::tempdir().unwrap();
    let mut runs = of_two(results.path());
    let whole = results.path().join("both");
    let (_, third) = run(&whole, "third", true, &both());
    runs[1].1 = vec![third.part_of(&whole)];
    let out = results.path().join("out");
    let missing = vec![Missing { run: "both/more".to_owned(), problem: format!("not begun {NASTY}") }];
    let overview = Overview::new(&runs, missing, &Bootstrap::default());
    let page = OverviewReport::new(&overview).unwrap().write(&out).unwrap();
    let page = fs::read_to_string(page).unwrap();
    let ids = attribute(&page, "id");
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    let named = ["aria-labelledby", "for", "href"].map(|name| attribute(&page, name)).concat();
    for id in named.iter().flat_map(|names| names.split(' ')) {
        let id = id.trim_start_matches('#');
        assert!(ids.contains(&id) || id.starts_with("data:"), "{id} leads nowhere");
    }
    for heading in ["Overview</h2>", ">letters</h2>", ">other</h2>", "Scores</h3>", "Configuration</h3>"] {
        assert!(page.contains(heading), "no {heading}");
    }
    assert_eq!(page.matches("<form ").count(), 2, "each part has its samples");
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains(['\u{0}', '\u{1b}', '\u{202e}']));
    assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    // The files of each benchmark are those of its report.
    for file in ["report.md", "tables/overview.csv", "tables/missing.csv", "letters/tables/scores.csv"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    for file in ["other/figures/scores.png", "other/tables/samples.csv", "other/report.md"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    assert!(!out.join("other/report.html").exists());
    let markdown = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(markdown.contains("## letters\n") && !markdown.contains("<script>"), "{markdown}");
}

/// The values of an attribute, in order.
fn attribute<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let pattern = format!(" {name}=\"");
    page.split(&pattern).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}
