//! For build scripts: lets the tests and binaries of a package find libtorch when they run.
//!
//! The library search path that `tch` sets for its own binaries does not reach packages that depend on it. Each package
//! that links libtorch therefore has `torch-sys` among its dependencies, this crate among its build-dependencies, and this
//! `build.rs`:
//!
//! ```no_run
//! # #![allow(clippy::needless_doctest_main)]
//! fn main() {
//!     sah_libtorch::link();
//! }
//! ```

#![expect(clippy::print_stdout, reason = "a build script talks to cargo by its standard output")]

/// Adds libtorch to the search path of the package's binaries, tests and doctests, and links `libtorch.so` itself.
///
/// Does nothing where `torch-sys` is not a dependency.
pub fn link() {
    // Without any such line cargo would run the build script again for every changed file of the package.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    // Cargo sets this for direct dependents of torch-sys only.
    let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    // Nothing refers to a symbol of libtorch.so itself; without it a CUDA build would never register its device.
    println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch,--as-needed");
}
