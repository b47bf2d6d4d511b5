//! Measured attention calls: what is written of them, summed up, and read back by other code than wrote it.

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sah_bench_core::{
    ComparisonFile, Distribution, Error, FinishedRun, MicroSummary, RunFolder, RunMeasures, Runner, Sample,
    read_journal, read_micro_metrics,
};
use sah_request::{AttentionCall, AttentionHead, GenerationParams, MicroMetrics, Request, RequestLimits};
use serde_json::{Value, json};

use crate::support::{ScriptedModel, TinyBenchmark, finished, right_answers, run, sample};

const DENSITY: &str = "research_attention_density";
const ERROR: &str = "research_attention_output_error";

/// A call of layer `layer` in step `step`, with figures of its place.
fn call(step: usize, layer: usize, output_error: Option<f64>) -> AttentionCall {
    let head = |head: usize| AttentionHead {
        density: 0.25 * (layer + 1) as f64,
        output_error: output_error.map(|error| error * (head + 1) as f64),
    };
    AttentionCall {
        reads_context: false,
        time: SystemTime::UNIX_EPOCH + Duration::from_micros(1_769_862_600_000_012),
        step,
        layer,
        queries: if step == 0 { 7 } else { 1 },
        keys: 100 + step,
        backend: "gather".to_owned(),
        density: 0.25 * (layer + 1) as f64,
        output_error,
        heads: (0..2).map(head).collect(),
    }
}

/// Right answers; two layers and two steps, of which three calls were drawn. One of the question `none` has no number.
fn measured(request: &Request) -> sah_request::RequestResponse {
    let mut response = right_answers(request);
    for (answer, question) in response.answers.iter_mut().zip(&request.questions) {
        let last = if question.text == "none" { None } else { Some(0.5) };
        answer.stats.attention_backends.question.insert("gather".to_owned());
        answer.stats.attention_backends.decode.insert(format!("kernel of {}", question.text));
        answer.micro_metrics = Some(MicroMetrics {
            calls: 4,
            sampled: vec![call(0, 0, Some(0.1)), call(0, 1, Some(0.2)), call(1, 1, last)],
        });
    }
    response
}

fn samples() -> Vec<Sample> {
    vec![
        sample("qa", "one", "a"),
        sample("qa", "bad", "b"),
        sample("trec", "two", "none"),
        sample("trec", "one", "c"),
    ]
}

/// A finished run in which the second row failed, after it was measured.
fn finished_run(directory: &Path) -> FinishedRun {
    let model = ScriptedModel::new(|request| {
        let response = measured(request);
        if request.context == "bad" { Err("out of memory".to_owned()) } else { Ok(response) }
    });
    finished(directory, "quest", samples(), &model)
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("micro_metrics.jsonl")).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn lines_have_the_names_and_fields_of_the_reference_and_the_figure_of_the_call() {
    let directory = tempfile::tempdir().unwrap();
    let lines = lines(&finished_run(directory.path()).folder);
    // Three rows that were answered, three calls each, two metrics each.
    assert_eq!(lines.len(), 18);
    assert_eq!(
        lines[3],
        json!({
            "timestamp": "2026-01-31T12:30:00.000012+00:00",
            "metric": ERROR,
            "value": 0.2,
            "metadata": {"layer_idx": 1, "index": 0, "task": "qa", "step": 0, "queries": 7, "keys": 100,
                         "backend": "gather", "heads": [0.2, 0.4]},
            "location": "sah_attention.ResearchAttention.attend"
        })
    );
    let metrics: Vec<&str> = lines.iter().map(|line| line["metric"].as_str().unwrap()).collect();
    assert!(metrics.chunks(2).all(|pair| pair == [DENSITY, ERROR]), "{metrics:?}");
    let rows: Vec<u64> = lines.iter().map(|line| line["metadata"]["index"].as_u64().unwrap()).collect();
    assert_eq!(rows, [[0; 6], [3; 6], [2; 6]].concat(), "groups in order, and none of the row that failed");
    let none = &lines[17];
    assert_eq!((&none["value"], &none["metadata"]["heads"]), (&Value::Null, &json!([null, null])));
}

#[test]
fn parquet_has_a_typed_row_for_each_head() {
    let directory = tempfile::tempdir().unwrap();
    let folder = finished_run(directory.path()).folder;
    let file = File::open(folder.join("micro_metrics.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let batch = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let schema = batch.schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(
        names,
        [
            "timestamp",
            "index",
            "task",
            "step",
            "layer",
            "head",
            "queries",
            "keys",
            "backend",
            "density",
            "output_error",
            "call_density",
            "call_output_error"
        ]
    );
    assert_eq!(batch.num_rows(), 18, "nine calls of two heads");
    let integers = |name: &str| -> Vec<i64> {
        batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    assert_eq!(integers("index"), [[0; 6], [3; 6], [2; 6]].concat());
    assert_eq!(integers("step")[..6], [0, 0, 0, 0, 1, 1]);
    assert_eq!(integers("layer")[..6], [0, 0, 1, 1, 1, 1]);
    assert_eq!(integers("head"), [0, 1].repeat(9));
    assert_eq!(integers("keys")[..6], [100, 100, 100, 100, 101, 101]);
    let numbers = |name: &str| -> Vec<Option<f64>> {
        batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().iter().collect()
    };
    assert_eq!(numbers("output_error")[..4], [Some(0.1), Some(0.2), Some(0.2), Some(0.4)]);
    assert_eq!(numbers("call_output_error")[..4], [Some(0.1), Some(0.1), Some(0.2), Some(0.2)]);
    assert_eq!(numbers("output_error")[16..], [None, None]);
    assert_eq!(numbers("density")[..4], [Some(0.25), Some(0.25), Some(0.5), Some(0.5)]);
    let tasks = batch.column_by_name("task").unwrap().as_string::<i32>();
    assert_eq!((tasks.value(0), tasks.value(17)), ("qa", "trec"));
    // The two files say the same.
    let lines = lines(&folder);
    let of_lines = |metric: &str| -> Vec<Option<f64>> {
        let lines = lines.iter().filter(|line| line["metric"] == metric);
        lines
            .flat_map(|line| line["metadata"]["heads"].as_array().unwrap().clone())
            .map(|value| value.as_f64())
            .collect()
    };
    assert_eq!(numbers("density"), of_lines(DENSITY));
    assert_eq!(numbers("output_error"), of_lines(ERROR));
    // And what reads it back, too.
    let heads = read_micro_metrics(&folder.join("micro_metrics.parquet")).unwrap();
    let heads: Vec<_> = heads.map(Result::unwrap).collect();
    assert_eq!(heads.iter().map(|head| Some(head.density)).collect::<Vec<_>>(), numbers("density"));
    assert_eq!(heads.iter().map(|head| head.output_error).collect::<Vec<_>>(), numbers("output_error"));
    let place = |at: usize| (heads[at].index, heads[at].step, heads[at].layer, heads[at].head);
    assert_eq!((place(0), place(5), place(6)), ((0, 0, 0, 0), (0, 1, 1, 1), (3, 0, 0, 0)));
    assert_eq!((heads[3].call_output_error, heads[17].call_output_error), (Some(0.2), None));
}

#[test]
fn the_summary_is_in_the_metrics_and_the_mean_in_the_comparison() {
    let directory = tempfile::tempdir().unwrap();
    let run = finished_run(directory.path());
    assert_eq!(FinishedRun::read(&run.folder).unwrap(), run);
    let summary: &MicroSummary = run.micro_metrics.as_ref().unwrap();
    assert_eq!((summary.calls, summary.sampled_calls, summary.records), (12, 9, 18));
    assert_eq!(summary.undefined_errors, 1);
    let errors = summary.output_error.unwrap();
    assert!((errors.mean - 1.9 / 8.0).abs() < 1e-12, "{errors:?}");
    assert_eq!((errors.median, errors.p95, errors.max), (0.2, 0.5, 0.5));
    assert_eq!(summary.density.map(|density| density.max), Some(0.5));
    let layers: Vec<_> = summary.layers.iter().map(|layer| (layer.layer, layer.sampled_calls)).collect();
    assert_eq!(layers, [(0, 3), (1, 6)]);
    assert_eq!(
        summary.layers[0].density,
        Some(Distribution { mean: 0.25, median: 0.25, p95: 0.25, max: 0.25 })
    );

    let metrics: Value = serde_json::from_slice(&fs::read(run.folder.join("metrics.json")).unwrap()).unwrap();
    let keys: Vec<&String> = metrics.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["task_scores", "overall_score", "summary", "micro_metrics"]);
    assert_eq!(metrics["micro_metrics"]["layers"][1]["sampled_calls"], 6);
    let backends = serde_json::to_value(&run.detailed.attention_backends).unwrap();
    assert_eq!(
        backends,
        json!({"question": ["gather"], "decode": ["kernel of a", "kernel of c", "kernel of none"]})
    );

    let dense = finished(directory.path(), "dense", samples(), &ScriptedModel::right());
    let comparison = ComparisonFile::new("tiny", &[dense, run.clone()]).unwrap();
    assert_eq!(comparison.attentions["quest"].attention_error, Some(errors.mean));
    assert_eq!(comparison.attentions["dense"].attention_error, None);
}

#[test]
fn without_measurements_there_are_no_files_and_no_key() {
    let directory = tempfile::tempdir().unwrap();
    let run = finished(directory.path(), "dense", samples(), &ScriptedModel::right());
    assert_eq!(run.micro_metrics, None);
    for name in ["micro_metrics.jsonl", "micro_metrics.parquet"] {
        assert!(!run.folder.join(name).exists(), "{name}");
    }
    assert!(!fs::read_to_string(run.folder.join("metrics.json")).unwrap().contains("micro_metrics"));
}

#[test]
fn no_drawn_call_leaves_empty_files_and_the_count() {
    let directory = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new(|request| {
        let mut response = right_answers(request);
        for answer in &mut response.answers {
            answer.micro_metrics = Some(MicroMetrics { calls: 30, sampled: Vec::new() });
        }
        Ok(response)
    });
    let run = finished(directory.path(), "quest", samples(), &model);
    let summary = run.micro_metrics.unwrap();
    assert_eq!(summary, MicroSummary { calls: 120, ..MicroSummary::default() });
    assert_eq!(fs::read(run.folder.join("micro_metrics.jsonl")).unwrap(), b"");
    let file = File::open(run.folder.join("micro_metrics.parquet")).unwrap();
    assert_eq!(ParquetRecordBatchReaderBuilder::try_new(file).unwrap().schema().fields().len(), 13);
}

/// Runs `samples` in `folder` and gives the error that stopped it.
fn stopped(folder: &mut RunFolder) -> Error {
    let runner = Runner {
        benchmark: &TinyBenchmark::default(),
        repeats: NonZeroUsize::MIN,
        adapter: &ScriptedModel::new(|request| Ok(measured(request))),
        generation: &GenerationParams::default(),
        limits: &RequestLimits::default(),
        plain_subsets: &[],
        stop: &AtomicBool::new(false),
    };
    runner.run(samples(), folder, &mut ()).unwrap_err()
}

#[test]
fn a_log_that_cannot_be_made_stops_the_run_and_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(directory.path(), "run", "quest").unwrap();
    fs::create_dir(folder.path().join("micro_metrics.jsonl")).unwrap();
    let error = stopped(&mut folder);
    assert!(matches!(error, Error::Unwritable { .. }), "{error}");
    assert!(error.to_string().contains("run/quest/micro_metrics.jsonl"), "{error}");
    assert!(read_journal(folder.journal_path()).unwrap().records.is_empty(), "no row without its figures");
    // And one that is left from before is never added to.
    drop(folder);
    let error = RunFolder::create(directory.path(), "run", "quest").unwrap_err();
    assert!(matches!(error, Error::FolderUsed { found: "micro_metrics.jsonl", .. }), "{error}");
}

#[test]
fn lines_are_on_disk_before_the_next_group_starts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run/quest/micro_metrics.jsonl");
    let model = ScriptedModel::new(|request| {
        let there = fs::read_to_string(&path).map_or(0, |text| text.lines().count());
        let expect = match request.context.as_str() {
            "one" => 0,
            "bad" => 12,
            _ => 18,
        };
        assert_eq!(there, expect, "before {}", request.context);
        Ok(measured(request))
    });
    let run = finished(directory.path(), "quest", samples(), &model);
    assert_eq!(run.detailed.rows_failed, 0);
    assert_eq!(run.micro_metrics.unwrap().records, 24);
}

#[test]
fn a_log_that_something_else_wrote_to_is_noticed() {
    for (foreign, text) in [("{}\n", "line 1"), ("", "were written and 0 are there")] {
        let directory = tempfile::tempdir().unwrap();
        let mut folder = RunFolder::create(directory.path(), "run", "quest").unwrap();
        let path = folder.path().join("micro_metrics.jsonl");
        let model = ScriptedModel::new(|request| Ok(measured(request)));
        let outcome = crate::support::run_in(&mut folder, samples(), &model, &mut ());
        fs::write(&path, foreign).unwrap();
        let benchmark = crate::support::TinyBenchmark::default();
        let error =
            folder.finish(&benchmark, &crate::support::config(), &outcome.records, RunMeasures::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("micro_metrics.jsonl"), "{error}");
    }
}

#[test]
fn figures_that_are_no_figures_fail_their_rows() {
    for spoil in [
        |call: &mut AttentionCall| call.density = 1.5,
        |call: &mut AttentionCall| call.heads[1].density = f64::NAN,
        |call: &mut AttentionCall| call.output_error = Some(f64::INFINITY),
        |call: &mut AttentionCall| call.heads[0].output_error = Some(-0.5),
    ] {
        let model = ScriptedModel::new(move |request| {
            let mut response = measured(request);
            spoil(&mut response.answers[0].micro_metrics.as_mut().unwrap().sampled[2]);
            Ok(response)
        });
        let outcome = run(vec![sample("qa", "c", "a")], &model, &mut ());
        let error = outcome.records[0].error.clone().unwrap();
        assert!(error.starts_with("the model reported a"), "{error}");
    }
}
