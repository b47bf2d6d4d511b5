//! `cargo xtask python`: the Python package, built for a virtual environment and installed into it.

use std::process::Command;

use crate::error::{Failure, Result};
use crate::libtorch::{VERSION, check_version, installed};
use crate::process::{output, pip, project_root, python, run};
use crate::runner::target_folder;

/// Where the package lies.
const PACKAGE: &str = "crates/sah-python";

/// Fails in a Python that is too old.
const AGE: &str = "import sys\n\
                   if sys.version_info < (3, 10): sys.exit(f'it is Python {sys.version.split()[0]}; sah needs 3.10 or later')";

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
    let start = || {
        let mut python = Command::new(&interpreter);
        python.current_dir(project_root());
        python
    };
    run(start().args(["-c", AGE]))?;
    let torch = if let Some(torch) = installed(&mut start())? {
        torch
    } else {
        eprintln!("installing torch {VERSION} into {}: several GB, minutes", venv.display());
        // torch warns at every start where there is no numpy.
        run(pip(start(), "install").args([&format!("torch=={VERSION}"), "numpy"]))?;
        installed(&mut start())?.ok_or_else(|| Failure::failed("pip installed no torch".to_owned()))?
    };
    check_version(&torch)?;
    let path = std::env::var("PATH").unwrap_or_default();
    eprintln!("building the wheel against {}", torch.display());
    let mut install = pip(start(), "install");
    install.args(["--force-reinstall", "--no-deps"]).arg(project_root().join(PACKAGE));
    install.env("LIBTORCH", &torch).env("VIRTUAL_ENV", &venv).env("CARGO_TARGET_DIR", target_folder());
    install.env("PATH", format!("{}:{path}", venv.join("bin").display()));
    run(&mut install)?;
    let version = ["-c", "import sah; print(f'sah {sah.__version__}')"];
    println!("{} for {}", output(start().args(version))?, interpreter.display());
    Ok(())
}
