//! What sides keep of the KV cache: tables, points and maps.

use std::fs;
use std::path::Path;

use sah_report::statistics::Bootstrap;
use sah_report::tables::{Cell, costs, kept_heads, summary};
use sah_report::{Analysis, Report, Run};

use crate::support::{Cache, Letters, Sometimes, bench, keeping, model, samples};

/// Half of the keys, others in each head.
const HALF: Cache = Cache::Kept([[100, 20], [60, 40], [50, 30]]);

fn run(results: &Path, name: &str, sides: &[(&str, Sometimes)]) -> Run {
    Run::read(&bench(results, name, sides, &samples("qa", 40)), &Letters).unwrap()
}

fn both_families(results: &Path) -> Run {
    let sides = [
        ("dense", keeping(9, 1.0, Cache::Whole)),
        ("quest", keeping(7, 0.2, Cache::Whole)),
        ("dense+snapkv", keeping(6, 0.6, HALF)),
        ("quest+snapkv", keeping(5, 0.1, HALF)),
    ];
    run(results, "both", &sides)
}

/// A file of a report.
fn file(runs: &[Run], results: &Path, name: &str) -> Option<String> {
    let report = Report::new(&Analysis::new(runs, &Bootstrap::default())).unwrap();
    let page = report.write(&results.join("out")).unwrap();
    fs::read_to_string(page.with_file_name(name)).ok()
}

#[test]
fn tables_have_bytes_and_the_keys_of_each_head() {
    let results = tempfile::tempdir().unwrap();
    let runs = [both_families(results.path())];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    let line = |name: &str| -> Option<Vec<String>> {
        let table = costs(&analysis);
        let row = table.rows.iter().find(|row| row[0] == Cell::text(name))?;
        Some(row[1..].iter().map(Cell::shown).collect())
    };
    assert_eq!(line("KV cache after eviction, MB").unwrap(), ["0.006", "0.006", "0.003", "0.003"]);
    assert_eq!(line("KV cache at most, with room for answers, MB").unwrap(), ["0.007"; 4]);
    assert_eq!(line("KV cache, share of the bytes").unwrap(), ["1.0000", "1.0000", "0.5000", "0.5000"]);
    let summary = summary(&analysis);
    assert_eq!(summary.columns[5].name, "bytes of the KV cache, share");
    assert_eq!(summary.rows[2][5], Cell::Number(0.5, 4));
    let heads = kept_heads(&analysis).unwrap();
    assert_eq!(heads.rows.len(), 2 * 6, "of the two with a retention");
    let shown: Vec<String> = heads.rows[1].iter().map(Cell::shown).collect();
    assert_eq!(shown, ["dense+snapkv", "0", "1", "0.2000"]);
}

#[test]
fn both_families_are_in_both_figures_with_dense_as_a_line() {
    let results = tempfile::tempdir().unwrap();
    let runs = [both_families(results.path())];
    for (figure, points) in [
        ("density", "dense+snapkv scores 60.00 at a density of 0.6000"),
        ("cache_bytes", "quest+snapkv scores 50.00 with a share of the cache\u{2019}s bytes of 0.5000"),
    ] {
        let svg = file(&runs, results.path(), &format!("figures/{figure}.svg")).unwrap();
        assert!(svg.contains(points), "{svg}");
        for name in ["dense", "quest", "dense+snapkv", "quest+snapkv"] {
            assert!(svg.contains(&format!("\n{name}\n</text>")), "{name} is not named in {figure}");
        }
        // The score of dense attention goes from one end to the other, in dashes of the colour of the first series.
        let dashes = svg.lines().filter(|line| line.contains("polyline") && line.contains("#0072B2"));
        assert!(dashes.count() > 80, "{figure} has no line of dense attention");
    }
}

#[test]
fn a_map_has_the_share_of_each_layer_and_head() {
    let results = tempfile::tempdir().unwrap();
    let runs = [both_families(results.path())];
    let svg = file(&runs, results.path(), "figures/kept_heads.svg").unwrap();
    for text in ["dense+snapkv", "quest+snapkv", "layer", "KV head", "1.00", "0.20", "0.60", "0.40", "0.30"] {
        assert!(svg.contains(&format!("\n{text}\n</text>")), "no {text}");
    }
    assert!(svg.contains("Mean of the cells: dense+snapkv 0.50, quest+snapkv 0.50"), "{svg}");
    let page = file(&runs, results.path(), "report.html").unwrap();
    assert!(page.contains(">KV cache</h2>") && page.contains("kept_heads-title"));
    let markdown = file(&runs, results.path(), "report.md").unwrap();
    assert!(!markdown.contains("KV head"), "that table is for programs");
}

#[test]
fn runs_that_say_nothing_of_the_cache_have_nothing_about_it() {
    let results = tempfile::tempdir().unwrap();
    let old = [run(results.path(), "old", &[("dense", model(9, 1.0)), ("quest", model(5, 0.1))])];
    let path = results.path().join("old/quest/detailed_results.json");
    let mut detailed: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for key in ["cache_bytes", "cache_bytes_per_token", "peak_cache_bytes"] {
        assert!(detailed["per_row"].as_object_mut().unwrap().remove(key).unwrap().is_null());
    }
    fs::write(&path, serde_json::to_vec(&detailed).unwrap()).unwrap();
    Run::read(&results.path().join("old"), &Letters).unwrap();
    let page = file(&old, results.path(), "report.html").unwrap();
    assert!(page.contains(">Score against density</h2>") && !page.contains("KV cache"), "something is said");
    assert_eq!(file(&old, results.path(), "tables/kept_heads.csv"), None);

    // Where nothing is saved, a figure says nothing.
    let whole = [("dense", keeping(9, 1.0, Cache::Whole)), ("quest", keeping(5, 0.1, Cache::Whole))];
    let whole = [run(results.path(), "whole", &whole)];
    let page = file(&whole, &results.path().join("whole"), "report.html").unwrap();
    assert!(page.contains("KV cache after eviction, MB") && !page.contains(">KV cache</h2>"));
}

/// A retention that was run alone is held against the keys that it had.
#[test]
fn without_dense_attention_shares_are_of_what_was_dropped() {
    let results = tempfile::tempdir().unwrap();
    let runs = [run(results.path(), "alone", &[("dense+snapkv", keeping(6, 0.6, HALF))])];
    let shares = Analysis::new(&runs, &Bootstrap::default()).cache_shares().unwrap();
    assert!((shares[0].unwrap() - 0.5).abs() < 1e-12, "{shares:?}");
}

/// A model with more heads than a page has room for figures, beside one with few.
#[test]
fn each_model_has_its_maps_and_small_cells_say_their_figures_under_the_mouse() {
    let results = tempfile::tempdir().unwrap();
    let small = run(results.path(), "small", &[("dense+snapkv", keeping(6, 0.6, HALF))]);
    run(results.path(), "large", &[("dense+snapkv", keeping(6, 0.6, HALF))]);
    let folder = results.path().join("large/dense+snapkv");
    let change = |file: &str, key: &str, value: serde_json::Value| {
        let path = folder.join(file);
        let mut content: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        content[key] = value;
        fs::write(&path, serde_json::to_vec(&content).unwrap()).unwrap();
    };
    change("config.json", "model", serde_json::json!({"name": "large"}));
    change("detailed_results.json", "kept_by_head", serde_json::json!(vec![vec![0.25; 40]; 80]));
    let large = Run::read(&results.path().join("large"), &Letters).unwrap();
    let runs = [small, large];
    let svg = file(&runs, results.path(), "figures/kept_heads_large.svg").unwrap();
    assert!(svg.contains("<title>layer 79, KV head 39: 0.25</title></rect>"), "no hint");
    assert_eq!(svg.matches("<title>layer").count(), 80 * 40);
    // Every head has its number, every second layer.
    assert!(svg.contains("\n39\n</text>") && svg.contains("\n78\n</text>") && !svg.contains("\n79\n</text>"));
    let figures = fs::read_dir(results.path().join("out/figures")).unwrap();
    let maps = figures
        .filter(|file| file.as_ref().unwrap().file_name().into_string().unwrap().starts_with("kept_heads_"));
    assert_eq!(maps.count(), 4, "an SVG and a PNG for each model");
}
