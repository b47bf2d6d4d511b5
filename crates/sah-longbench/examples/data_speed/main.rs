//! Times the data side: loading samples from Parquet and scoring predictions, with the memory that they take.
//!
//! ```text
//! cargo xtask example data_speed [SAMPLES [KILOBYTES]]
//! ```
//!
//! Writes SAMPLES rows (5,000) with a context of KILOBYTES (100) each as the hub lays them out, and 4,750 predictions over
//! the 21 tasks, to a temporary folder that it removes again; the files are in the system's cache when they are read. Peak
//! memory is read from `/proc` (Linux).

#![expect(clippy::print_stdout, reason = "a command-line program")]

mod synthetic;

use std::error::Error;
use std::fs;
use std::time::Instant;

use sah_bench_core::{Benchmark as _, NoTokenizer};
use sah_longbench::{DataSource, LongBench, score_predictions};

/// How often each is timed.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let samples = arguments.next().unwrap_or(Ok(5000))?;
    let kilobytes = arguments.next().unwrap_or(Ok(100))?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("narrativeqa/test-00000-of-00001.parquet");
    synthetic::write_samples(&file, samples, kilobytes * 1000)?;
    let texts = (samples * kilobytes * 1000) as f64;
    let megabytes = |bytes: f64| format!("{:.0} MB", bytes / 1e6);
    println!(
        "{samples} samples of {kilobytes} KB, {} as Parquet",
        megabytes(fs::metadata(&file)?.len() as f64)
    );
    let source = DataSource::Directory { path: folder.path().to_owned(), prompts: None };
    let benchmark = LongBench::new(source);
    // The allocator keeps memory from round to round, so all are compared with what was there before the first.
    let before = resident("VmRSS:")?;
    for _ in 0..ROUNDS {
        forget_peak()?;
        let started = Instant::now();
        let loaded = benchmark.load(&["narrativeqa"], &NoTokenizer)?;
        let seconds = started.elapsed().as_secs_f64();
        let peak = resident("VmHWM:")? - before;
        assert_eq!(loaded.len(), samples);
        println!(
            "  loaded in {seconds:.3} s; at most {}, {:.2} times the texts",
            megabytes(peak),
            peak / texts
        );
    }

    let predictions = folder.path().join("predictions");
    let rows = synthetic::write_predictions(&predictions)?;
    let mut bytes = 0;
    for entry in fs::read_dir(&predictions)? {
        bytes += entry?.metadata()?.len();
    }
    println!("{rows} predictions over 21 tasks, {} of JSON Lines", megabytes(bytes as f64));
    let before = resident("VmRSS:")?;
    for round in 0..ROUNDS {
        forget_peak()?;
        let started = Instant::now();
        let scores = score_predictions(&predictions, None)?;
        let seconds = started.elapsed().as_secs_f64();
        let peak = resident("VmHWM:")? - before;
        assert_eq!(scores.rows, rows);
        let first = if round == 0 { " (the Chinese dictionary included)" } else { "" };
        println!("  scored in {seconds:.3} s{first}; at most {}", megabytes(peak));
    }
    Ok(())
}

/// A figure of this process's memory, in bytes.
fn resident(name: &str) -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such figure in /proc")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes * 1024.0)
}

/// Starts a new peak.
fn forget_peak() -> std::io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}
