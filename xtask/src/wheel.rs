//! `cargo xtask python`: the Python package, built for a virtual environment and installed into it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Failure, Result};
use crate::libtorch::{VERSION, check_version};
use crate::process::{output, project_root, python, run};

/// Where the package lies.
const PACKAGE: &str = "crates/sah-python";

/// Builds the wheel against the torch of the environment that `flags` name, and installs it there. What is missing is made: the
/// environment, and torch in it.
pub(crate) fn install(flags: &[&str]) -> Result<()> {
    let venv = match flags {
        ["--venv", folder] => std::env::current_dir().map(|here| here.join(folder)),
        [flag] if flag.starts_with("--venv=") => {
            std::env::current_dir().map(|here| here.join(flag.trim_start_matches("--venv=")))
        }
        _ => {
            let text = "python takes --venv DIR, a virtual environment, which is made where it is missing";
            return Err(Failure::usage(text.to_owned()));
        }
    };
    let venv = venv.map_err(|error| Failure::failed(format!("the working directory: {error}")))?;
    let interpreter = venv.join("bin/python");
    if !interpreter.exists() {
        eprintln!("making the virtual environment {}", venv.display());
        run(python().args(["-m", "venv"]).arg(&venv))?;
    }
    let torch = if let Some(torch) = torch_of(&interpreter)? {
        torch
    } else {
        eprintln!("installing torch {VERSION} into {}: several GB, minutes", venv.display());
        run(pip(&interpreter).arg(format!("torch=={VERSION}")))?;
        torch_of(&interpreter)?.ok_or_else(|| Failure::failed("pip installed no torch".to_owned()))?
    };
    check_version(&torch)?;
    let path = std::env::var("PATH").unwrap_or_default();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project_root().join("target"), PathBuf::from);
    eprintln!("building the wheel against {}", torch.display());
    let mut install = pip(&interpreter);
    install.args(["--force-reinstall", "--no-deps"]).arg(project_root().join(PACKAGE));
    install.env("LIBTORCH", &torch).env("VIRTUAL_ENV", &venv).env("CARGO_TARGET_DIR", target);
    install.env("PATH", format!("{}:{path}", venv.join("bin").display()));
    run(&mut install)?;
    let version = ["-c", "import sah; print(f'sah {sah.__version__}')"];
    println!("{} for {}", output(Command::new(&interpreter).args(version))?, interpreter.display());
    Ok(())
}

/// `pip install` of `interpreter`.
fn pip(interpreter: &Path) -> Command {
    let mut pip = Command::new(interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.current_dir(project_root());
    pip
}

/// The folder of the torch of `interpreter`, which must be `CPython` 3.10 or later.
fn torch_of(interpreter: &Path) -> Result<Option<PathBuf>> {
    // Without importing torch, which takes seconds.
    let script = "import importlib.util as u, os, sys\n\
                  if sys.version_info < (3, 10): sys.exit(f'it is Python {sys.version.split()[0]}; sah needs 3.10 or later')\n\
                  found = u.find_spec('torch')\n\
                  print(os.path.dirname(found.origin) if found else '')";
    let folder = output(Command::new(interpreter).args(["-c", script]))?;
    Ok((!folder.is_empty()).then(|| PathBuf::from(folder)))
}
