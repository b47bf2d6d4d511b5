//! The command line with the pieces that it knows.

use std::ffi::OsString;
use std::process::ExitCode;

use sah_attention::{Kernel, KernelRegistry, MaskerConfig, MaskerRegistry, RetentionRegistry, RetentionRule};

use crate::args::{self, Asked, MessageArgs};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::failure::Failure;
use crate::logging::{self, Console};
use crate::usage;
use crate::{commands, remedies, resume, threads};

/// The whole command line, with the pieces that it knows by name. A project that has pieces of its own adds them:
///
/// ```no_run
/// # use sah_bench_core::MockBenchmark as MyBenchmark;
/// fn main() -> std::process::ExitCode {
///     let mine = sah::SimpleEntry::new("mine", "What it measures", || Box::new(MyBenchmark));
///     sah::App::standard().with_benchmark(mine).main()
/// }
/// ```
///
/// Processes that it starts are the same program, and know the same pieces.
#[derive(Debug)]
pub struct App {
    pub(crate) benchmarks: Benchmarks,
    pub(crate) maskers: MaskerRegistry,
    pub(crate) retentions: RetentionRegistry,
    pub(crate) kernels: KernelRegistry,
}

impl App {
    /// With the benchmarks, maskers, retentions and kernels that this project brings along.
    #[must_use]
    pub fn standard() -> Self {
        let (maskers, kernels) = (MaskerRegistry::builtin(), KernelRegistry::builtin());
        Self {
            benchmarks: Benchmarks::standard(),
            maskers,
            retentions: RetentionRegistry::builtin(),
            kernels,
        }
    }

    /// With a further benchmark: `bench NAME`.
    ///
    /// # Panics
    ///
    /// Where its name, or that of a flag, is taken already.
    #[must_use]
    pub fn with_benchmark(self, entry: impl BenchmarkEntry + 'static) -> Self {
        Self { benchmarks: self.benchmarks.with(Box::new(entry)), ..self }
    }

    /// With a further type of masker, for files of `--attention`, `--set` and the list of maskers.
    ///
    /// # Panics
    ///
    /// Where its name is taken already.
    #[must_use]
    pub fn with_masker<C: MaskerConfig>(self) -> Self {
        Self { maskers: registered(self.maskers.with_masker::<C>()), ..self }
    }

    /// With a further preset, `--attention NAME`: a configuration as a file has it, some of whose fields may be missing until
    /// `--set` gives them.
    ///
    /// # Panics
    ///
    /// Where its name is taken already.
    #[must_use]
    pub fn with_preset(self, name: &'static str, config: serde_json::Value) -> Self {
        Self { maskers: registered(self.maskers.with_preset(name, config)), ..self }
    }

    /// With a further rule of retentions, for files of `--retention`, `--set` and the list of retentions.
    ///
    /// # Panics
    ///
    /// Where its name is taken already.
    #[must_use]
    pub fn with_retention_rule<R: RetentionRule>(self) -> Self {
        Self { retentions: registered(self.retentions.with_rule::<R>()), ..self }
    }

    /// With a further preset, `--retention NAME`: a configuration as a file has it.
    ///
    /// # Panics
    ///
    /// Where its name is taken already.
    #[must_use]
    pub fn with_retention_preset(self, name: &'static str, config: serde_json::Value) -> Self {
        Self { retentions: registered(self.retentions.with_preset(name, config)), ..self }
    }

    /// With a further kernel, for `--kernel`.
    ///
    /// # Panics
    ///
    /// Where its name is taken already.
    #[must_use]
    pub fn with_kernel(self, kernel: impl Kernel + 'static) -> Self {
        Self { kernels: registered(self.kernels.with_kernel(kernel)), ..self }
    }

    /// Runs the command line that this process was started with, and says how it ended.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        let command = match args::command_for(&self.benchmarks, &arguments[1.min(arguments.len())..]) {
            Ok(command) => command,
            Err(error) => return usage::refuse(&error),
        };
        let matches = match command.try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(error) => return usage::explain(error),
        };
        let line = match args::parse(&self.benchmarks, &matches) {
            Ok(line) => line,
            Err(error) => return usage::refuse(&error),
        };
        let console = Console::default();
        let _trace = match logging::start(&line.messages, &console) {
            Ok(guard) => guard,
            Err(error) => {
                eprintln!("error: {}", remedies::explained(&error));
                return Failure::exit_code(&error);
            }
        };
        match self.run(line.asked, &line.messages, &console) {
            Ok(code) => code,
            Err(error) => {
                // A message quotes files, and what is in them.
                tracing::error!("{}", sah_report::visible(&remedies::explained(&error)));
                Failure::exit_code(&error)
            }
        }
    }

    fn run(&self, asked: Asked, messages: &MessageArgs, console: &Console) -> anyhow::Result<ExitCode> {
        match asked {
            Asked::Benchmarks(given) => {
                let benchmarks = resume::complete(self, *given)?;
                threads::set(benchmarks.threads())?;
                commands::run_benchmarks(self, &benchmarks, messages, console)
            }
            Asked::Other(command) => {
                threads::set(command.threads())?;
                commands::run(self, *command)
            }
        }
    }
}

/// A registry with one more piece. A name that is taken is a mistake in the program, found as soon as it starts.
fn registered<T>(registry: sah_attention::Result<T>) -> T {
    registry.unwrap_or_else(|error| panic!("{error}"))
}
