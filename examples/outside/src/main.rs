//! The whole command line with a masker and a benchmark of this project.

mod capitals;
mod every_other;

fn main() -> std::process::ExitCode {
    sah::App::standard()
        .with_masker::<every_other::EveryOther>()
        .with_benchmark(capitals::entry())
        .main()
}
