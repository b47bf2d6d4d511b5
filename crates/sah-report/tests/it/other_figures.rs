//! Figures that are not the means of their rows, that are grids, and that stand beside the scores.

use std::fs;
use std::path::Path;

use sah_bench_core::{FurtherFigure, FurtherFigures, Layout, Scale, read_json, write_json};
use sah_report::statistics::Bootstrap;
use sah_report::tables::{further_differences, grids, scores};
use sah_report::{Analysis, Group, Report, Run};

use crate::support::{Letters, Other, bench, model, samples};

#[test]
fn figures_that_are_no_means_are_shown_as_they_are_and_without_an_interval() {
    let results = tempfile::tempdir().unwrap();
    let run = bench(results.path(), "run", &[("dense", model(5, 1.0))], &samples("qa", 20));
    let path = run.join("dense/metrics.json");
    let mut metrics: serde_json::Value = read_json(&path).unwrap();
    metrics["task_scores"]["qa"] = serde_json::json!(37.5);
    metrics["overall_score"] = serde_json::json!(37.5);
    write_json(&path, &metrics).unwrap();
    assert!(Run::read(&run, &Letters).is_err());
    let runs = [Run::read(&run, &Other { not_mean: Some("qa"), ..Other::default() }).unwrap()];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    let qa = &analysis.scores[0].groups[&Group { task: "qa".to_owned(), bucket: None }];
    assert_eq!((qa.value.to_bits(), qa.interval.is_none(), qa.rows), (37.5_f64.to_bits(), true, 20));
    let overall = analysis.scores[0].overall.unwrap();
    assert_eq!((overall.value.to_bits(), overall.interval.is_none()), (37.5_f64.to_bits(), true));
}

/// Two attentions on rows whose task has two buckets: dense is right in nine of ten short rows and in eight of ten long ones.
fn two(results: &Path, benchmark: &Other) -> Run {
    let attentions = [("dense", model(9, 1.0)), ("quest", model(5, 0.1))];
    Run::read(&bench(results, "two", &attentions, &samples("trec_e", 40)), benchmark).unwrap()
}

fn shown(table: &sah_report::tables::Table) -> Vec<String> {
    let line = |row: &Vec<sah_report::tables::Cell>| {
        row.iter().map(sah_report::tables::Cell::shown).collect::<Vec<_>>().join(" | ")
    };
    table.rows.iter().map(line).collect()
}

#[test]
fn buckets_are_columns_with_their_means_and_a_figure_of_them() {
    let results = tempfile::tempdir().unwrap();
    let benchmark = Other { layout: Layout::Across { threshold: Some(85.6) }, ..Other::default() };
    let runs = [two(results.path(), &benchmark)];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    let tables = grids(&analysis);
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["scores_dense", "scores_quest"]);
    assert_eq!(shown(&tables[0]), ["trec_e | 100.00 | 80.00", "mean | 100.00 | 80.00"]);
    assert_eq!(tables[0].caption, "dense: score of each task by length, from 0 to 100.");
    assert_eq!(scores(&analysis).columns[0].name, "score (0 to 100)");
    let comparison = &analysis.comparisons[0];
    let long = comparison.margins["long"];
    assert_eq!((long.base, long.other, long.estimate.rows), (80.0, 40.0, 20));
    let lines = shown(&sah_report::tables::difference(&analysis, comparison));
    assert!(
        lines.iter().any(|line| line.starts_with("mean long | 20 | 80.00 | 40.00 | -40.00 [")),
        "{lines:?}"
    );

    let page = Report::new(&analysis).unwrap().write(&results.path().join("out")).unwrap();
    let folder = page.parent().unwrap();
    let html = fs::read_to_string(&page).unwrap();
    assert!(
        html.contains(">Means by length</h2>") && html.contains("The dashed line is at 85.6."),
        "no means"
    );
    // The map has what these have.
    for folded in ["dense: score of each task by length", "Score of each task"] {
        assert!(html.contains(&format!("<details><summary>{folded}")), "{folded} is not folded");
    }
    let tex = fs::read_to_string(folder.join("tables/scores_quest.tex")).unwrap();
    assert!(tex.contains("trec\\_e & 60.00 & 40.00"), "{tex}");
    let paper = fs::read_to_string(folder.join("tables/paper.csv")).unwrap();
    assert!(paper.starts_with("model,attention,short,long,overall\r\n"), "{paper}");
    assert!(fs::read(folder.join("figures/maps.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_map_has_a_cell_for_each_task_and_bucket_with_its_figure() {
    let results = tempfile::tempdir().unwrap();
    let layout = Layout::Map { task: "size".to_owned(), task_axis: "size in letters".to_owned() };
    let benchmark = Other { layout, ..Other::default() };
    let runs = [two(results.path(), &benchmark)];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    assert_eq!(analysis.margin_names(), ("size", "size in letters"));
    assert_eq!(analysis.margins(), ["trec_e"]);
    assert_eq!(scores(&analysis).rows[0][0].shown(), "size trec_e, length short");
    let page = Report::new(&analysis).unwrap().write(&results.path().join("out")).unwrap();
    let map = fs::read_to_string(page.with_file_name("figures").join("maps.svg")).unwrap();
    // Dense is bright where it is always right, with dark text on it.
    for part in ["dense", "quest", "size in letters", "#FDE724", "fill=\"#010101\"", ">\n100\n<", ">\n40\n<"]
    {
        assert!(map.contains(part), "no {part:?} in {map}");
    }
    assert!(map.contains("Mean of the cells: dense 90.00, quest 50.00."), "{map}");
}

#[test]
fn further_figures_have_tables_of_their_own_scale() {
    let results = tempfile::tempdir().unwrap();
    let mut rates = FurtherFigures::new("rates", "Shares", Scale::One).with("all", None).with("none", None);
    rates.figures.push(FurtherFigure {
        interval: Some([0.25, 0.5]),
        ..FurtherFigure::new("pass", Some("4"), Some(0.375), 3)
    });
    let mut map = FurtherFigures::new("cells", "Cells", Scale::Hundred);
    map.layout = Layout::Map { task: "size".to_owned(), task_axis: "size".to_owned() };
    map.figures.push(FurtherFigure::new("256", Some("0 %"), None, 1));
    let benchmark = Other { further: vec![rates, map], ..Other::default() };
    let runs = [two(results.path(), &benchmark)];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    assert!(grids(&analysis).is_empty());
    let [table, _] = &sah_report::tables::further(&analysis)[..] else { panic!("two tables") };
    assert_eq!(table.columns[0].name, "rates (0 to 1)");
    let expected =
        ["all | 90.0000 | 50.0000", "none | - | -", "pass 4 | 0.375 [0.250, 0.500] | 0.375 [0.250, 0.500]"];
    assert_eq!(shown(table), expected);
    let [differences] = &further_differences(&analysis, &analysis.comparisons[0])[..] else {
        panic!("one table")
    };
    assert_eq!(shown(differences)[0], "all | 90.0000 | 50.0000 | -40.0000");

    let page = Report::new(&analysis).unwrap().write(&results.path().join("out")).unwrap();
    let folder = page.parent().unwrap();
    let csv = fs::read_to_string(folder.join("tables/further_rates.csv")).unwrap();
    assert!(csv.contains("pass 4,0.375,0.25,0.5,0.375,0.25,0.5\r\n"), "{csv}");
    assert!(
        folder.join("figures/maps_cells.png").exists() && folder.join("tables/further_rates.tex").exists()
    );
    assert!(fs::read_to_string(&page).unwrap().contains(">Further figures</h2>"));
}
