//! Loads broken checkpoints and watches what it costs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use sah_adapter::{
    Error, GenerationParams, HfAdapter, LoadedModel, ModelSource, Request, RequestLimits, RequestResponse,
    convert_hash_attention,
};
use tch::{Device, Kind};

use crate::checkpoint;
use crate::mutate::Random;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The files have less than 100 KB. A header may take some dozen times its size in memory, and a template has a budget
/// of 64 MB.
const MAX_MEMORY: usize = 160 << 20;
/// A template's budget is some hundredths of a second of work.
const MAX_TIME: Duration = Duration::from_secs(20);

/// A checkpoint with one file broken.
pub(crate) enum Broken {
    /// A GGUF file.
    Gguf(Vec<u8>),
    /// One file of the folder that [`checkpoint::write`] makes.
    File(&'static str, Vec<u8>),
    /// Weights of `HashAttention`.
    HashWeights(Vec<u8>),
}

/// Loads as many checkpoints as `SAH_ROBUSTNESS_CASES` says, each from `make` with random numbers of its own.
pub(crate) fn check(name: &str, seed: u64, mut make: impl FnMut(&mut Random) -> Broken) {
    // Memory is counted for the whole process: one at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);

    let cases = std::env::var("SAH_ROBUSTNESS_CASES").map_or(150, |cases| cases.parse().unwrap());
    let mut loaded = 0_u64;
    for case in 0..cases {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random::new(seed << 32 | case);
        let work = match make(&mut random) {
            Broken::Gguf(bytes) => {
                let path = folder.path().join("model.gguf");
                std::fs::write(&path, bytes).unwrap();
                Work::Answer(ModelSource::Gguf(path))
            }
            Broken::File(file, bytes) => {
                checkpoint::write(folder.path(), file == "model.safetensors.index.json");
                std::fs::write(folder.path().join(file), bytes).unwrap();
                Work::Answer(ModelSource::Folder(folder.path().to_owned()))
            }
            Broken::HashWeights(bytes) => {
                let path = folder.path().join("weights.pkl");
                std::fs::write(&path, bytes).unwrap();
                Work::Convert(path)
            }
        };
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| work.succeeds()));
        let taken = MEMORY.peak_usage().saturating_sub(before);
        let keep = || {
            let kept = std::env::temp_dir().join(format!("broken-{name}-{case}"));
            let _ = std::fs::remove_dir_all(&kept);
            copy(folder.path(), &kept);
            format!("case {case} of {name}, kept in {}", kept.display())
        };
        match outcome {
            Ok(true) => loaded += 1,
            Ok(false) => {}
            Err(panic) => {
                println!("panic in {}", keep());
                resume_unwind(panic);
            }
        }
        assert!(taken <= MAX_MEMORY, "{} MB in {}", taken >> 20, keep());
        assert!(started.elapsed() <= MAX_TIME, "{:?} in {}", started.elapsed(), keep());
    }
    println!("{name}: {loaded} of {cases} broken files gave what they should, the others an error");
}

/// Loads a model and asks it something.
pub(crate) fn answer(source: &ModelSource) -> Result<RequestResponse, Error> {
    // More threads would only wait for each other over tensors this small.
    tch::set_num_threads(1);
    let model = LoadedModel::load(source, Device::Cpu, Kind::Float)?;
    let request = Request::new("Some context, ü 漢.\n", "What is 2+2?");
    let generation = GenerationParams { max_new_tokens: Some(2), ..GenerationParams::default() };
    let adapter = HfAdapter::new(model, None, 0);
    adapter.process_streaming(&request, &generation, &RequestLimits::default(), &mut |_| ())
}

/// What is done with a file.
enum Work {
    Answer(ModelSource),
    Convert(PathBuf),
}

impl Work {
    /// Whether it can be done; an error must say something.
    fn succeeds(&self) -> bool {
        let done = match self {
            Self::Answer(source) => answer(source).map(drop),
            Self::Convert(path) => {
                convert_hash_attention(path, &path.with_extension("safetensors")).map(drop)
            }
        };
        if let Err(error) = &done {
            assert!(!error.to_string().is_empty());
        }
        done.is_ok()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
