//! The whole command line with a masker, a kernel and a benchmark of this project.

mod capitals;
mod double;
mod every_other;

fn main() -> std::process::ExitCode {
    sah::App::standard()
        .with_masker::<every_other::EveryOther>()
        .with_kernel(double::Double)
        .with_benchmark(capitals::entry())
        .main()
}
