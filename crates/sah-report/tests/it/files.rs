//! The files of a report.

use std::fs;
use std::path::Path;

use sah_report::statistics::Bootstrap;
use sah_report::{Analysis, Report};

use crate::support::{NASTY, two_attentions};

fn report(results: &Path) -> std::path::PathBuf {
    let runs = [two_attentions(results)];
    let report = Report::new(&Analysis::new(&runs, &Bootstrap::default())).unwrap();
    let page = report.write(&results.join("out")).unwrap();
    page.parent().unwrap().to_path_buf()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_figure_is_there_as_svg_and_png_and_every_table_as_csv() {
    let results = tempfile::tempdir().unwrap();
    let folder = report(results.path());
    assert_eq!(names(&folder), ["figures", "report.html", "report.md", "tables"]);
    let figures = [
        "attention_error_heads_quest",
        "attention_error_layers",
        "attention_error_tokens",
        "buckets",
        "costs",
        "density",
        "differences",
        "scores",
    ];
    let files: Vec<String> =
        figures.iter().flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]).collect();
    assert_eq!(names(&folder.join("figures")), files);
    for name in figures {
        let png = fs::read(folder.join("figures").join(name).with_extension("png")).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2_000, "{name}: {} bytes", png.len());
        let svg = fs::read_to_string(folder.join("figures").join(name).with_extension("svg")).unwrap();
        for part in ["role=\"img\"", "<title", "<desc", "viewBox"] {
            assert!(svg.contains(part), "no {part} in {name}");
        }
        assert_eq!(svg.matches("<svg").count(), 1);
    }
    let tables = [
        "attention_heads.csv",
        "attention_tokens.csv",
        "buckets.csv",
        "configuration.csv",
        "configuration_differences.csv",
        "costs.csv",
        "differences.csv",
        "paper.csv",
        "paper.tex",
        "samples.csv",
        "scores.csv",
        "summary.csv",
        "warnings.csv",
    ];
    assert_eq!(names(&folder.join("tables")), tables);
    // The same runs give the same bytes.
    let page = fs::read(folder.join("report.html")).unwrap();
    fs::remove_dir_all(results.path().join("two")).unwrap();
    report(results.path());
    assert!(fs::read(folder.join("report.html")).unwrap().len() == page.len());
}

fn rows(path: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn tables_have_the_figures_and_no_formulas() {
    let results = tempfile::tempdir().unwrap();
    let tables = report(results.path()).join("tables");
    let scores = rows(&tables.join("scores.csv"));
    assert_eq!(
        scores[0],
        ["score (0 to 100)", "rows", "dense", "dense low", "dense high", "quest", "quest low", "quest high"]
            [..]
    );
    assert_eq!((&scores[1][0], &scores[1][1], &scores[1][2], &scores[1][5]), ("qa", "40", "90", "50"));
    assert_eq!(&scores[4][0], "overall");
    let differences = rows(&tables.join("differences.csv"));
    let first: Vec<&str> = differences[1].iter().collect();
    assert_eq!(first[..7], ["dense", "quest", "qa", "40", "90", "50", "-40"]);
    assert_eq!(first[9..], ["beyond noise", "paired"]);
    let heads = rows(&tables.join("attention_heads.csv"));
    assert_eq!(heads[1], ["quest", "0", "0", "160", "0.1", "0.01"][..]);
    assert_eq!(&heads[6][5], "", "an error that is no number");
    let samples = rows(&tables.join("samples.csv"));
    assert_eq!(samples.len(), 33);
    for row in &samples[1..] {
        assert_eq!(row[10], format!("'=wrong {NASTY}"), "whole, and no formula");
        assert!(row[9].starts_with("right "));
    }
    for file in names(&tables)
        .iter()
        .filter(|name| std::path::Path::new(name).extension().is_some_and(|extension| extension == "csv"))
    {
        for field in
            rows(&tables.join(file)).iter().flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>())
        {
            let is_number = field.parse::<f64>().is_ok();
            assert!(is_number || !field.starts_with(['=', '+', '-', '@', '\t']), "{file}: {field}");
        }
    }
    let paper = fs::read_to_string(tables.join("paper.tex")).unwrap();
    assert!(
        paper.contains("trec\\_e short") && paper.contains(" & 90.0 & 100.0 & 80.0 & 90.0 \\\\"),
        "{paper}"
    );
    let markdown = fs::read_to_string(tables.with_file_name("report.md")).unwrap();
    assert!(markdown.contains("| qa | 40 | 90.00 [") && markdown.contains("-40.00 ["), "{markdown}");
    assert!(!markdown.contains("<script>") && !markdown.contains('\u{1b}'), "{markdown}");
}
