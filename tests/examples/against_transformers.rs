//! Compares the default model with goldens of transformers and prints a line for each question:
//!
//! ```sh
//! cargo xtask example against_transformers FILE.json ...
//! ```
//!
//! `tests/reference/real_prompts.py` makes such files from LongBench data.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::path::Path;

use sah_adapter::{LoadedModel, ModelSource};
use sah_tests::golden::Golden;
use tch::{Device, Kind};

fn main() -> anyhow::Result<()> {
    let model = LoadedModel::load(&ModelSource::Gguf(sah_tests::default_model()), Device::Cpu, Kind::Float)?;
    for path in std::env::args().skip(1) {
        let outcomes = Golden::read(Path::new(&path))?.compare(&model)?;
        for outcome in &outcomes {
            println!(
                "{:<32} prompt {} text {} logits {:.1e}",
                outcome.name,
                if outcome.same_prompt { "same" } else { "DIFFERS" },
                if outcome.same_text { "same" } else { "DIFFERS" },
                outcome.logit_difference
            );
            if !outcome.same_text {
                println!("    transformers: {:?}\n    ours:         {:?}", outcome.expected, outcome.found);
            }
        }
        let same = outcomes.iter().filter(|outcome| outcome.same_prompt && outcome.same_text).count();
        let worst = outcomes.iter().map(|outcome| outcome.logit_difference).fold(0.0, f32::max);
        println!("{path}: {same} of {} texts equal, largest logit difference {worst:.1e}", outcomes.len());
    }
    Ok(())
}
