//! Links the extension module to the libtorch of the Python that loads it.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    let lib = std::env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where libtorch lies");
    // The part of libtorch that xtask fetches has no libtorch_python.so. Python's own torch has it when the module is loaded, so
    // that an empty library of its name is enough to link to.
    if !Path::new(&lib).join("libtorch_python.so").exists() {
        let out = std::env::var("OUT_DIR").expect("cargo gives build scripts a folder");
        let stub = Path::new(&out).join("libtorch_python.so");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let made = Command::new(&compiler)
            .args(["-shared", "-nostdlib", "-Wl,-soname,libtorch_python.so", "-x", "c", "/dev/null", "-o"])
            .arg(&stub)
            .status();
        assert!(made.is_ok_and(|status| status.success()), "{compiler} could not make {}", stub.display());
        println!("cargo::rustc-link-search=native={out}");
    }
    // Symbols of a library that is empty here are found when the module is loaded; it must be among those that are asked for.
    println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_python,--as-needed");
}
