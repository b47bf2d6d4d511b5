//! Runs the tiny checkpoints of all architectures and writes the table in `docs/models.md`:
//!
//! ```sh
//! cargo xtask example model_table
//! ```

#![expect(clippy::print_stdout, reason = "prints its result")]

use sah_tests::model_table::{document, measure, write};

fn main() -> anyhow::Result<()> {
    let rows = measure()?;
    write(&rows)?;
    for row in &rows {
        println!(
            "{:<12} {:<16} f32 {:.1e}  bf16 {:.1e}  bf16 to f32 {:.1e} (transformers {:.1e})  {}",
            row.family,
            row.checkpoint,
            row.f32,
            row.bf16,
            row.bf16_to_f32,
            row.bf16_of_transformers,
            if row.same_tokens { "same tokens" } else { "OTHER TOKENS" }
        );
    }
    println!("wrote {}", document().display());
    Ok(())
}
