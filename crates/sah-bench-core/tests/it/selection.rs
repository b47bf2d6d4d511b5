//! Which subsets and samples are run.

use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use sah_bench_core::{Error, MANY_ROWS, NoTokenizer, Value, load_samples, select_subsets};

use crate::support::{TinyBenchmark, sample};

fn select(names: &[&str]) -> Result<Vec<String>, Error> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    select_subsets(&TinyBenchmark::default(), Some(&names))
}

#[test]
fn subsets_in_the_order_asked_each_once() {
    assert_eq!(select_subsets(&TinyBenchmark::default(), None).unwrap(), ["qa", "trec", "qa_e"]);
    assert_eq!(select(&["qa_e", " qa", "qa_e"]).unwrap(), ["qa_e", "qa"]);
}

#[test]
fn an_unknown_subset_names_the_valid_ones() {
    assert_eq!(
        select(&["qa", "qasper"]).unwrap_err().to_string(),
        "tiny has no subset \"qasper\"; there is qa, trec, qa_e"
    );
    assert!(matches!(select(&[]), Err(Error::NoSubsets { .. })));
}

#[test]
fn samples_are_limited_per_task_and_checked() {
    let samples = (0..4)
        .flat_map(|i| [sample("qa", "c", &format!("q{i}")), sample("trec", "c", &format!("t{i}"))])
        .collect();
    let mut benchmark = TinyBenchmark { samples, ..TinyBenchmark::default() };
    let load = |benchmark: &TinyBenchmark, subsets: &[&str], n| {
        let subsets: Vec<String> = subsets.iter().map(|&name| name.to_owned()).collect();
        let loaded = load_samples(benchmark, &subsets, NonZeroUsize::new(n), &NoTokenizer)?;
        Ok::<_, Error>(loaded.into_iter().map(|sample| sample.question).collect::<Vec<_>>())
    };
    assert_eq!(load(&benchmark, &["trec", "qa"], 2).unwrap(), ["t0", "t1", "q0", "q1"]);
    assert!(matches!(load(&benchmark, &["qa_e"], 2), Err(Error::NoSamples { .. })));

    benchmark.samples[2].extra[1] = Value::Text("long".to_owned());
    assert_eq!(
        load(&benchmark, &["qa"], 2).unwrap_err().to_string(),
        "row 1 (qa), column \"length\": expected an integer or null, found a text"
    );
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn many_rows_are_run_with_a_warning() {
    let warning = |rows: usize| {
        let benchmark =
            TinyBenchmark { samples: vec![sample("qa", "c", "q"); rows], ..TinyBenchmark::default() };
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let loaded = tracing::subscriber::with_default(subscriber, || {
            load_samples(&benchmark, &["qa".to_owned()], None, &NoTokenizer)
        });
        assert_eq!(loaded.unwrap().len(), rows);
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    };
    assert_eq!(warning(MANY_ROWS), "");
    let text = warning(MANY_ROWS + 1);
    assert!(text.contains("WARN") && text.contains("rows=10001"), "{text}");
}
