//! What produced a result.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The version of `tch`, whose release decides the libtorch it works with.
pub(crate) const TCH: &str = "0.26.0";

/// The version of this project.
pub(crate) const SAH: &str = env!("CARGO_PKG_VERSION");

/// The commit that is checked out where this was built, `-dirty` where files differ from it.
pub(crate) fn git_revision() -> Option<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut git = Command::new("git");
    let output = git
        .args(["-C", root, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"])
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version of the libtorch that is loaded, as the folder around it says.
pub(crate) fn libtorch() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let library = maps
        .lines()
        .find_map(|line| line.split_whitespace().nth(5).filter(|path| path.ends_with("/libtorch_cpu.so")))?;
    let torch = Path::new(library).parent()?.parent()?;
    if let Ok(version) = fs::read_to_string(torch.join("build-version")) {
        return Some(version.trim().to_owned());
    }
    let text = fs::read_to_string(torch.join("version.py")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(line.trim().trim_matches(['\'', '"']).to_owned())
}

/// What this program is, what it runs on, and where models can run: for `--version` and for reports of problems.
pub(crate) fn describe() -> String {
    let commit = git_revision().map_or_else(String::new, |commit| format!(" ({commit})"));
    let libtorch = libtorch().unwrap_or_else(|| "unknown".to_owned());
    let cuda = match (tch::utils::has_cuda(), tch::Cuda::device_count()) {
        (false, _) => "not in this libtorch (cargo xtask setup --cuda)".to_owned(),
        (true, 0) => "in this libtorch, which sees no device".to_owned(),
        (true, 1) => "1 device, cuda:0".to_owned(),
        (true, count) => format!("{count} devices, cuda:0 to cuda:{}", count - 1),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("sah {SAH}{commit}\nlibtorch {libtorch}, by tch {TCH}\ncpu      {cores} cores\ncuda     {cuda}\n")
}
