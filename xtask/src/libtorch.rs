//! Getting libtorch, and telling whether the one that is there is the right one.
//!
//! `PyPI`'s torch wheel holds libtorch as it is. For CPUs a part of it is enough: the wheel's `libtorch.so` asks for
//! all of CUDA, so an empty library that only asks for `libtorch_cpu.so` takes its place.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Failure, Result};
use crate::process::{at, output, pip, project_root, python, run, temporary_beside};

/// The version that the pinned `tch` was generated for.
pub(crate) const VERSION: &str = "2.13.0";

/// The two small NVIDIA libraries that even the CPU library links to.
const CUDA_RUNTIME: [&str; 2] = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];

/// Which libtorch to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    /// What fits the machine: python3's own torch of the right version, else CUDA where nvidia-smi runs, else CPU.
    Fitting,
    /// The part that runs on CPUs.
    Cpu,
    /// All of it, with CUDA.
    Cuda,
    /// The torch package of python3.
    System,
}

impl Variant {
    /// Reads the flags of `cargo xtask setup`.
    pub(crate) fn from_flags(flags: &[&str]) -> Result<Self> {
        match flags {
            [] => Ok(Self::Fitting),
            ["--cpu"] => Ok(Self::Cpu),
            ["--cuda"] => Ok(Self::Cuda),
            ["--system"] => Ok(Self::System),
            _ => Err(Failure::usage(format!(
                "setup takes one of --cpu, --cuda, --system, not {}",
                flags.join(" ")
            ))),
        }
    }
}

/// Where the workspace's own libtorch lies.
pub(crate) fn own_folder() -> PathBuf {
    project_root().join(".libtorch")
}

/// Makes sure that a libtorch of the pinned version is there and says where.
pub(crate) fn set_up(variant: Variant) -> Result<()> {
    let path = ensure(variant)?;
    println!("libtorch       {} ({})", path.display(), version(&path)?);
    Ok(())
}

/// The folder with `lib` and `include` of a libtorch of the pinned version, fetched where it was missing.
pub(crate) fn ensure(variant: Variant) -> Result<PathBuf> {
    if let Some(exported) = exported() {
        check_version(&exported)?;
        return Ok(exported);
    }
    let torch = own_folder().join("torch");
    if is_there(&torch) {
        let provenance = fs::read_to_string(own_folder().join("PROVENANCE")).unwrap_or_default();
        let wanted = match variant {
            Variant::Fitting => "",
            Variant::Cpu => "variant: cpu",
            Variant::Cuda => "variant: cuda",
            Variant::System => "variant: system",
        };
        if check_version(&torch).is_ok() && provenance.contains(wanted) {
            return Ok(torch);
        }
        remove(&own_folder())?;
    }
    let system =
        matches!(variant, Variant::Fitting | Variant::System).then(system_torch).transpose()?.flatten();
    match (variant, system) {
        (_, Some(site_packages)) => link_system(&site_packages)?,
        (Variant::System, None) => {
            return Err(Failure::failed(format!(
                "python3 has no torch {VERSION}; pip install torch=={VERSION}, or run cargo xtask setup --cpu"
            )));
        }
        (Variant::Cuda, None) => fetch("cuda")?,
        (Variant::Fitting, None) if has_nvidia_gpu() => fetch("cuda")?,
        (Variant::Fitting | Variant::Cpu, None) => fetch("cpu")?,
    }
    check_version(&torch)?;
    Ok(torch)
}

/// The LIBTORCH that the user exported. Cargo sets the variable itself for what it runs, to the workspace's own.
pub(crate) fn exported() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("LIBTORCH")?);
    let own = own_folder().join("torch");
    let same =
        path == own || path.canonicalize().ok().is_some_and(|real| own.canonicalize().ok() == Some(real));
    (!same).then_some(path)
}

/// Whether a libtorch of any version is in `torch`.
pub(crate) fn is_there(torch: &Path) -> bool {
    torch.join("lib/libtorch_cpu.so").exists() && torch.join("include").exists()
}

/// Fails unless `torch` holds a libtorch of the pinned version. (The build script of torch-sys does not look.)
pub(crate) fn check_version(torch: &Path) -> Result<()> {
    if !is_there(torch) {
        return Err(Failure::failed(format!(
            "{} is no libtorch: it lacks lib/libtorch_cpu.so or include; unset LIBTORCH and run cargo xtask setup",
            torch.display()
        )));
    }
    let found = version(torch)?;
    let plain = found.split('+').next().unwrap_or_default();
    if plain == VERSION {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "{} is libtorch {found}, but this workspace needs {VERSION}; unset LIBTORCH and run cargo xtask setup",
        torch.display()
    )))
}

/// The version as the wheel (`version.py`) or the zip archive (`build-version`) says it.
pub(crate) fn version(torch: &Path) -> Result<String> {
    if let Ok(text) = fs::read_to_string(torch.join("build-version")) {
        return Ok(text.trim().to_owned());
    }
    let path = torch.join("version.py");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "));
    let version = line.map(|quoted| quoted.trim().trim_matches(['\'', '"']).to_owned());
    version.ok_or_else(|| Failure::failed(format!("{}: no line with __version__", path.display())))
}

fn has_nvidia_gpu() -> bool {
    Command::new("nvidia-smi")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The site-packages folder of python3 if its torch is the pinned version.
fn system_torch() -> Result<Option<PathBuf>> {
    let torch = installed(&mut python())?.filter(|torch| check_version(torch).is_ok());
    Ok(torch.and_then(|torch| Some(torch.parent()?.to_path_buf())))
}

/// The folder of the torch package of the Python that `python` starts, if it has one.
pub(crate) fn installed(python: &mut Command) -> Result<Option<PathBuf>> {
    // Without importing torch, which takes seconds.
    let script = "import importlib.util as u, os\n\
                  found = u.find_spec('torch')\n\
                  print(os.path.dirname(found.origin) if found and found.origin else '')";
    let folder = output(python.args(["-c", script]))?;
    Ok((!folder.is_empty()).then(|| PathBuf::from(folder)))
}

fn link_system(site_packages: &Path) -> Result<()> {
    let own = own_folder();
    let temporary = temporary_beside(&own);
    fs::create_dir_all(&temporary).map_err(at(&temporary))?;
    for name in ["torch", "nvidia"] {
        let target = site_packages.join(name);
        if target.exists() {
            let link = temporary.join(name);
            std::os::unix::fs::symlink(&target, &link).map_err(at(&link))?;
        }
    }
    finish(&temporary, "system")
}

fn fetch(variant: &str) -> Result<()> {
    let own = own_folder();
    let temporary = temporary_beside(&own);
    eprintln!("fetching libtorch {VERSION} ({variant}) from PyPI; this happens once");
    let mut pip = pip(python(), "install");
    pip.arg("--root-user-action=ignore").arg("--target").arg(&temporary).arg(format!("torch=={VERSION}"));
    if variant == "cpu" {
        pip.arg("--no-deps").args(CUDA_RUNTIME);
    }
    run(&mut pip)?;
    if variant == "cpu" {
        prune(&temporary)?;
        shim(&temporary.join("torch/lib"))?;
    }
    finish(&temporary, variant)
}

/// Keeps what the CPU needs: 0.5 GB of 1.4.
fn prune(folder: &Path) -> Result<()> {
    const LIBRARIES: [&str; 5] =
        ["libtorch_cpu.so", "libc10.so", "libgomp.so.1", "libshm.so", "libtorch_global_deps.so"];
    keep_only(folder, &["torch", "nvidia"])?;
    keep_only(&folder.join("torch"), &["lib", "include", "version.py"])?;
    keep_only(&folder.join("torch/lib"), &LIBRARIES)?;
    keep_only(&folder.join("nvidia"), &["cu13"])?;
    keep_only(&folder.join("nvidia/cu13"), &["lib"])?;
    keep_only(&folder.join("nvidia/cu13/lib"), &["libcudart.so.13", "libcupti.so.13"])
}

fn keep_only(folder: &Path, names: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        if !names.iter().any(|name| entry.file_name() == *name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// An empty `libtorch.so` that only asks for `libtorch_cpu.so`.
fn shim(lib: &Path) -> Result<()> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(compiler);
    command.current_dir(lib).args(["-shared", "-x", "c", "-", "-o", "libtorch.so", "-L."]);
    command.args(["-Wl,--no-as-needed", "-ltorch_cpu", "-Wl,-rpath,$ORIGIN"]).stdin(Stdio::null());
    run(&mut command)
}

fn finish(temporary: &Path, variant: &str) -> Result<()> {
    let path = temporary.join("PROVENANCE");
    let mut file = fs::File::create(&path).map_err(at(&path))?;
    writeln!(file, "torch: {VERSION} (PyPI)\nvariant: {variant}").map_err(at(&path))?;
    let own = own_folder();
    match fs::rename(temporary, &own) {
        // Somebody else set it up in the meantime.
        Err(_) if own.join("PROVENANCE").exists() => remove(temporary),
        result => result.map_err(at(&own)),
    }
}

fn remove(path: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(path).map_err(at(path))?;
    if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(at(path))
}
