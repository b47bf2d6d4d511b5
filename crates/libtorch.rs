//! Build script of every crate that links libtorch: lets its tests, binaries and doctests find the library.
//!
//! The search path that tch gives to its own binaries does not reach dependents, so each crate says it again.

#![expect(clippy::print_stdout, reason = "a build script talks to cargo by its standard output")]

fn main() {
    // Without any such line cargo would run this again for every changed file of the crate.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    // Set by torch-sys for its direct dependents only; absent where a crate is built without `torch`.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    // Nothing refers to a symbol of libtorch.so itself; without it a CUDA build would never register its device.
    println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch,--as-needed");
}
