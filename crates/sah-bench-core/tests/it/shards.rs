//! Parts of a run, and the run that they make up.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sah_bench_core::{
    Error, FinishedRun, Resumed, RunFolder, RunMeasures, Runner, Shard, ShardResults, merge_shards,
};
use sah_request::{GenerationParams, RequestLimits};

use crate::resume::{files, measured, samples, undisturbed};
use crate::support::{ScriptedModel, TinyBenchmark, config};

/// Does a shard, whether or not it was begun; gives the contexts that were asked.
fn run_shard(directory: &Path, shard: Shard, model: &ScriptedModel<'_>) -> Vec<String> {
    let folder = RunFolder::resume(&directory.join("run"), "quest", &shard.folder()).unwrap();
    let Resumed::Unfinished(mut folder) = folder else { panic!("a shard has no scores") };
    folder.write_config(&config()).unwrap();
    let runner = Runner {
        benchmark: &TinyBenchmark::default(),
        repeats: NonZeroUsize::MIN,
        adapter: model,
        generation: &GenerationParams::default(),
        limits: &RequestLimits::default(),
        plain_subsets: &[],
        stop: &AtomicBool::new(false),
    };
    let outcome = runner.run_shard(shard, samples(), &mut folder, &mut ()).unwrap();
    let measures = RunMeasures { peak_memory_bytes: Some(1 << shard.index()), ..RunMeasures::default() };
    let results = ShardResults { rows: outcome.records.len(), rows_failed: outcome.rows_failed, measures };
    folder.finish_shard(&results).unwrap();
    model.requests.borrow().iter().map(|request| request.context.clone()).collect()
}

fn merge(directory: &Path, count: NonZeroUsize) -> Result<FinishedRun, Error> {
    merge_shards(directory, "run", "quest", count, &TinyBenchmark::default())
}

/// Every file is that of the undivided run, but for the one with times and memory.
fn check_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            std::fs::remove_dir_all(entry).unwrap();
        }
    }
    let (found, expected) = (files(folder), undisturbed());
    for ((name, bytes), (expected_name, expected)) in found.iter().zip(&expected) {
        assert_eq!(name, expected_name);
        assert!(bytes == expected || name == "detailed_results.json", "{name} differs");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn shards_make_up_the_undivided_run() {
    for count in (1..=5).map(|count| NonZeroUsize::new(count).unwrap()) {
        let directory = tempfile::tempdir().unwrap();
        let mut asked = Vec::new();
        for shard in Shard::all(count).collect::<Vec<_>>().into_iter().rev() {
            let missing = merge(directory.path(), count).unwrap_err();
            assert!(matches!(&missing, Error::Missing { path } if path.ends_with("shard.json")), "{missing}");
            asked.extend(run_shard(
                directory.path(),
                shard,
                &ScriptedModel::new(|request| Ok(measured(request))),
            ));
        }
        asked.sort();
        assert_eq!(asked, ["four", "one", "three", "two"], "each context once");
        let merged = merge(directory.path(), count).unwrap();
        assert_eq!(merged.detailed.measures.peak_memory_bytes, Some(1 << (count.get() - 1)));
        assert_eq!(merge(directory.path(), count).unwrap(), merged, "once is enough");
        check_files(&merged.folder);
    }
}

#[test]
fn rows_that_failed_in_a_shard_are_those_of_the_run() {
    let directory = tempfile::tempdir().unwrap();
    let count = NonZeroUsize::new(2).unwrap();
    for shard in Shard::all(count) {
        let model = ScriptedModel::new(|request| match request.context.as_str() {
            "two" => Err("out of memory".to_owned()),
            _ => Ok(measured(request)),
        });
        run_shard(directory.path(), shard, &model);
    }
    let second = Shard::all(count).nth(1).unwrap();
    let asked = run_shard(directory.path(), second, &ScriptedModel::new(|request| Ok(measured(request))));
    assert_eq!(asked, ["two"], "only what failed is done again");
    let merged = merge(directory.path(), count).unwrap();
    check_files(&merged.folder);
}

#[test]
fn shards_of_another_run_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let count = NonZeroUsize::new(2).unwrap();
    for shard in Shard::all(count) {
        run_shard(directory.path(), shard, &ScriptedModel::right());
    }
    let second = directory.path().join("run/quest/shard-2-of-2/config.json");
    let text = std::fs::read_to_string(&second).unwrap().replace("f32", "bf16");
    std::fs::write(&second, text).unwrap();
    let error = merge(directory.path(), count).unwrap_err();
    assert!(
        matches!(&error, Error::ConfigChanged { path, key, .. } if *path == second && key == "dtype"),
        "{error}"
    );
}
