//! What the end-to-end tests share: the goldens that transformers gave, and how to compare with them.

pub mod golden;
pub mod kv_formats;
pub mod model_table;
pub mod random_checkpoint;
pub mod ruler_rows;
pub mod speed;
pub mod tiny;

use std::path::{Path, PathBuf};

/// The root of the checkout.
///
/// # Panics
///
/// Never: the folder of this crate has a parent.
#[must_use]
pub fn project_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

/// Where `cargo xtask setup` puts the default model.
#[must_use]
pub fn default_model() -> PathBuf {
    project_root().join(".models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
}
