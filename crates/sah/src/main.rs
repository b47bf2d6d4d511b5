//! The program `sah`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    sah::App::standard().main()
}
