//! Figures, intervals and differences of runs.

use sah_report::statistics::{Bootstrap, Verdict};
use sah_report::tables::{self, Cell};
use sah_report::{Analysis, Difference, Pairing, Run};

use crate::support::{Letters, bench, bench_repeated, model, samples, two_attentions};

fn shown(name: &str, difference: &Difference) -> String {
    let estimate = difference.estimate;
    let (pairing, says) = (difference.pairing.text(), estimate.verdict().text());
    format!("{name}: {} {pairing}, {} rows, {says}", estimate.value, estimate.rows)
}

#[test]
fn a_sparse_attention_is_held_against_dense_row_by_row() {
    let results = tempfile::tempdir().unwrap();
    let runs = [two_attentions(results.path())];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    assert_eq!(analysis.labels, ["dense", "quest"], "the baseline first");
    let groups: Vec<String> = analysis.groups.iter().map(ToString::to_string).collect();
    assert_eq!(groups, ["qa", "trec_e short", "trec_e long"]);
    // Rows 0 to 8 of ten are right: of the even ones all, of the odd ones four of five.
    let scores: Vec<f64> = analysis.scores[0].groups.values().map(|score| score.value).collect();
    assert_eq!(scores, [90.0, 100.0, 80.0]);
    let certain = analysis.scores[0].groups[1].interval.unwrap();
    assert_eq!((certain.low, certain.high), (100.0, 100.0));
    let qa = analysis.scores[0].groups[0];
    let interval = qa.interval.unwrap();
    // 1.96 standard errors of 40 rows at 0.9 are 9.3; right answers come in steps of 2.5.
    assert!((77.5..=82.5).contains(&interval.low) && (97.5..=100.0).contains(&interval.high), "{interval:?}");
    assert_eq!(qa.rows, 40);

    let [comparison] = analysis.comparisons.as_slice() else { panic!("{:?}", analysis.comparisons) };
    assert_eq!(analysis.name_of(comparison), "quest - dense");
    let lines: Vec<String> =
        comparison.groups.iter().map(|(group, difference)| shown(&group.to_string(), difference)).collect();
    let expected = [
        "qa: -40 paired, 40 rows, beyond noise",
        "trec_e short: -40 paired, 20 rows, beyond noise",
        "trec_e long: -40 paired, 20 rows, beyond noise",
    ];
    assert_eq!(lines, expected);
    let overall = comparison.overall.unwrap();
    assert_eq!(shown("overall", &overall), "overall: -40 paired, 80 rows, beyond noise");
    assert!((overall.base, overall.other) == (90.0, 50.0));
    let pairs = comparison.answers_that_differ(&analysis.sides);
    // Rows 5 to 8 of ten; where both are wrong, they say the same.
    assert_eq!(pairs.len(), 32);
    assert!(pairs.iter().all(|pair| (pair.difference() + 100.0).abs() < f64::EPSILON));
    assert_eq!(pairs[0].base.index, 5);

    let measured = analysis.sides[1].attention_errors.as_ref().unwrap();
    assert_eq!((measured.layers.len(), measured.layers[0].len()), (3, 2));
    let head = measured.layers[1][1].unwrap();
    let millionths = |value: f64| (value * 1e6).round() as i64;
    assert_eq!((millionths(head.density), head.output_error.map(millionths)), (200_000, Some(40_000)));
    assert_eq!(head.calls, 160);
    assert_eq!(measured.layers[2][0].unwrap().output_error, None, "an error that is no number");
    assert!(analysis.sides[0].attention_errors.is_none());
}

#[test]
fn a_change_of_nothing_is_within_noise_and_few_rows_say_nothing() {
    let results = tempfile::tempdir().unwrap();
    let all = samples("qa", 40);
    let same = bench(results.path(), "same", &[("dense", model(5, 1.0)), ("quest", model(5, 0.1))], &all);
    let few = bench(results.path(), "few", &[("dense", model(9, 1.0)), ("quest", model(0, 0.1))], &all[..9]);
    let verdict = |folder| {
        let runs = [Run::read(folder, &Letters).unwrap()];
        let analysis = Analysis::new(&runs, &Bootstrap::default());
        analysis.comparisons[0].groups[0].1.estimate.verdict()
    };
    assert_eq!(verdict(&same), Verdict::WithinNoise);
    assert_eq!(verdict(&few), Verdict::TooFewRows);
}

#[test]
fn later_runs_are_held_against_the_same_attention_of_the_first_unpaired_where_rows_differ() {
    let results = tempfile::tempdir().unwrap();
    let first = two_attentions(results.path());
    let qa = samples("qa", 40);
    // The same rows in another order, and fewer of the other task.
    let mut others = qa.clone();
    others.reverse();
    others.extend_from_slice(&samples("trec_e", 40)[..20]);
    let other =
        bench(results.path(), "other", &[("dense", model(8, 1.0)), ("magic", model(5, 0.1))], &others);
    let runs = [first, Run::read(&other, &Letters).unwrap()];
    let analysis = Analysis::new(&runs, &Bootstrap::default());
    assert_eq!(analysis.labels, ["two/dense", "two/quest", "other/dense", "other/magic"]);
    let names: Vec<String> =
        analysis.comparisons.iter().map(|comparison| analysis.name_of(comparison)).collect();
    assert_eq!(names, ["two/quest - two/dense", "other/magic - other/dense", "other/dense - two/dense"]);
    let between = &analysis.comparisons[2];
    let pairings: Vec<Pairing> = between.groups.iter().map(|(_, difference)| difference.pairing).collect();
    assert_eq!(pairings, [Pairing::Paired, Pairing::Unpaired, Pairing::Unpaired]);
    assert_eq!(between.overall.unwrap().pairing, Pairing::Unpaired);
    let long = between.groups[2].1;
    assert_eq!((long.base, long.other, long.estimate.rows), (80.0, 80.0, 10));
    assert_eq!(long.estimate.verdict(), Verdict::WithinNoise);
    // Row by row, nine of ten against eight of ten is a difference in every tenth row.
    let qa = between.groups[0].1.estimate;
    assert_eq!((qa.value, qa.verdict()), (-10.0, Verdict::BeyondNoise));
}

/// A model that always says the same says nothing new when it is asked again.
#[test]
fn rows_are_drawn_with_all_their_answers() {
    let directory = tempfile::tempdir().unwrap();
    let all = [samples("qa", 40), samples("trec_e", 40)].concat();
    let sides = || [("dense", model(9, 1.0)), ("quest", model(5, 0.1))];
    let folder =
        |name: &str, repeats: usize| bench_repeated(directory.path(), name, &sides(), (&all, repeats));
    let read = |name: &str, repeats: usize| Run::read(&folder(name, repeats), &Letters).unwrap();
    let (single, repeated) = (read("single", 1), read("repeated", 3));
    assert_eq!((repeated.sides[0].rows.len(), repeated.sides[0].samples()), (240, 80));
    let bootstrap = Bootstrap::default();
    let runs = [[single.clone()], [repeated.clone()]];
    let [of_single, of_repeated] = runs.each_ref().map(|runs| Analysis::new(runs, &bootstrap));
    assert_eq!(of_single.scores, of_repeated.scores);
    assert_eq!(of_single.comparisons, of_repeated.comparisons);
    // Only a run with several answers has a table of them, in the report and in the comparison.
    assert!(of_single.further().is_empty());
    assert_eq!(tables::further(&of_repeated)[0].name, "further_repeats");
    let differences = tables::further_differences(&of_repeated, &of_repeated.comparisons[0]);
    assert_eq!(differences[0].rows[0][0], Cell::text("qa avg@3"));
    // The answers of each repeat are held against each other.
    let differing = |of: &Analysis<'_>| of.comparisons[0].answers_that_differ(&of.sides).len();
    assert_eq!(differing(&of_repeated), 3 * differing(&of_single));

    // Runs with other numbers of repeats are compared sample by sample.
    let both = [single, repeated];
    let both = Analysis::new(&both, &bootstrap);
    let between = both.comparisons.last().unwrap();
    assert!(between.groups.iter().all(|(_, difference)| difference.pairing == Pairing::Paired));
    assert!(between.overall.unwrap().estimate.value.abs() < f64::EPSILON);
}
