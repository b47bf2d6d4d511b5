//! The command line with the pieces that it knows.

use std::ffi::OsString;
use std::process::ExitCode;
use std::rc::Rc;

use clap::{Args as _, ColorChoice, FromArgMatches as _};
use sah_adapter::LoadedModel;
use sah_attention::{
    AttentionConfig, Kernel, KernelRegistry, MaskerConfig, MaskerRegistry, RetentionConfig,
    RetentionRegistry, RetentionRule,
};
use serde_json::Value;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::args::{self, Asked, Line, LoadArgs, MessageArgs};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::caller::{AnswerListener, Caller};
use crate::failure::Failure;
use crate::logging::{self, Console};
use crate::models::Models;
use crate::program::Program;
use crate::usage::{Refused, UsageError};
use crate::{commands, remedies, resume, threads};

/// Reads a name of `--attention` or `--retention`: the name of the result folder and a configuration as a file has it, or `None` where
/// the name is none of its own.
pub type ConfigNames = fn(&str) -> Option<(String, Value)>;

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
    /// Attentions by name, which are complete.
    pub(crate) attentions: Vec<(String, AttentionConfig)>,
    pub(crate) attention_names: Option<ConfigNames>,
    /// Retentions by name.
    pub(crate) named_retentions: Vec<(String, RetentionConfig)>,
    pub(crate) retention_names: Option<ConfigNames>,
    pub(crate) program: Program,
    /// Those that stay in memory from one command to the next, where the program wants that.
    pub(crate) models: Option<Rc<Models>>,
    pub(crate) caller: Option<Box<dyn Caller>>,
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
            attentions: Vec::new(),
            attention_names: None,
            named_retentions: Vec::new(),
            retention_names: None,
            program: Program::default(),
            models: None,
            caller: None,
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
    pub fn with_preset(self, name: &'static str, config: Value) -> Self {
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
    pub fn with_retention_preset(self, name: &'static str, config: Value) -> Self {
        Self { retentions: registered(self.retentions.with_preset(name, config)), ..self }
    }

    /// With a further attention, `--attention NAME`: a configuration as a file has it, in which `--set` changes nothing.
    ///
    /// # Errors
    ///
    /// A configuration that cannot be read.
    pub fn with_attention(mut self, name: &str, config: Value) -> Result<Self, UsageError> {
        let config = AttentionConfig::read(&self.maskers, config);
        let config = config.map_err(|error| UsageError(format!("{name}: {error}")))?;
        self.attentions.push((name.to_owned(), config));
        Ok(self)
    }

    /// With attentions that `--attention` names in another way: `read` gives the name of the result folder and the configuration of
    /// what it takes for one of its own.
    #[must_use]
    pub fn with_attention_names(self, read: ConfigNames) -> Self {
        Self { attention_names: Some(read), ..self }
    }

    /// With a further retention, `--retention NAME`, as [`App::with_attention`].
    ///
    /// # Errors
    ///
    /// A configuration that cannot be read.
    pub fn with_retention(mut self, name: &str, config: Value) -> Result<Self, UsageError> {
        let config = RetentionConfig::read(&self.retentions, config);
        let config = config.map_err(|error| UsageError(format!("{name}: {error}")))?;
        self.named_retentions.push((name.to_owned(), config));
        Ok(self)
    }

    /// With retentions that `--retention` names in another way, as [`App::with_attention_names`].
    #[must_use]
    pub fn with_retention_names(self, read: ConfigNames) -> Self {
        Self { retention_names: Some(read), ..self }
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

    /// As another program, whose process calls this command line: processes are started with `words`, the file first.
    #[must_use]
    pub fn with_program(self, words: Vec<OsString>) -> Self {
        Self { program: Program::started_with(words), ..self }
    }

    /// With models that stay in memory from one command to the next.
    #[must_use]
    pub fn with_models(self, models: Rc<Models>) -> Self {
        Self { models: Some(models), ..self }
    }

    /// Told how far runs are, for [`App::call`]. Signals are the caller's then.
    #[must_use]
    pub fn with_caller(self, caller: impl Caller + 'static) -> Self {
        Self { caller: Some(Box::new(caller)), ..self }
    }

    /// Runs the command line that this process was started with, and says how it ended.
    #[must_use]
    pub fn main(self) -> ExitCode {
        self.main_with(std::env::args_os().skip(1).collect()).into()
    }

    /// Runs the command line `arguments`, which stand after the program's name, and gives the exit code.
    #[must_use]
    pub fn main_with(mut self, arguments: Vec<OsString>) -> u8 {
        self.program = self.program.with_arguments(arguments.clone());
        let line = match self.line(arguments, ColorChoice::Auto) {
            Ok(line) => line,
            Err(refused) => return refused.show(),
        };
        let console = Console::default();
        let _trace = match logging::start(&line.messages, &console) {
            Ok((subscriber, guard)) => {
                subscriber.init();
                guard
            }
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

    /// Does what `arguments`, which stand after the program's name, ask for, in a process that goes on afterwards. What is said
    /// goes to standard output and standard error as ever.
    ///
    /// Gives the exit code of a command that came to its end.
    ///
    /// # Errors
    ///
    /// What ended the command, for the caller to show.
    pub fn call(&self, arguments: Vec<OsString>) -> Result<u8, Failure> {
        let line = match self.line(arguments, ColorChoice::Never) {
            Ok(line) => line,
            Err(refused) if refused.is_help() => return Ok(refused.show()),
            Err(refused) => return Err(refused.into()),
        };
        saying(&line.messages, |console| self.run(line.asked, &line.messages, console))
    }

    /// Answers what `arguments` ask, those of `generate`, about `context`; `None` where there is none. `--context-file` is not read.
    ///
    /// # Errors
    ///
    /// What ended it, for the caller to show; attentions before it were answered.
    pub fn answer(
        &self,
        arguments: Vec<OsString>,
        context: Option<String>,
        listener: &mut dyn AnswerListener,
    ) -> Result<(), Failure> {
        let words = [OsString::from("generate")].into_iter().chain(arguments);
        let line = self.line(words.collect(), ColorChoice::Never)?;
        let (Asked::Other(command), messages) = (line.asked, line.messages) else {
            unreachable!("generate is no benchmark")
        };
        let args::Command::Generate(args) = *command else { unreachable!("it is generate") };
        saying(&messages, |_| {
            threads::set(args.model.place.threads)?;
            commands::answer(self, &args, context, listener)
        })
    }

    /// Loads the model that `arguments` name, the flags of models, for the commands that follow.
    ///
    /// # Errors
    ///
    /// What kept it from being loaded.
    pub fn load(&self, arguments: Vec<OsString>) -> Result<Rc<LoadedModel>, Failure> {
        let words = [OsString::from("sah.load")].into_iter().chain(arguments);
        let command = LoadArgs::augment_args(clap::Command::new("sah.load"));
        let matches = command.try_get_matches_from(words).map_err(Refused::from)?;
        let args = LoadArgs::from_arg_matches(&matches).map_err(Refused::from)?;
        saying(&MessageArgs::default(), |_| {
            threads::set(args.model.place.threads)?;
            self.named_model(&args.model, args.template.options(args.chat_template.clone())?)
        })
    }

    /// What the command line `arguments` asks for, with help in colours as `color` says.
    fn line(&self, arguments: Vec<OsString>, color: ColorChoice) -> Result<Line, Refused> {
        let command = args::command_for(&self.benchmarks, &arguments)?.color(color);
        let words = [OsString::from("sah")].into_iter().chain(arguments);
        let matches = command.try_get_matches_from(words)?;
        Ok(args::parse(&self.benchmarks, &matches)?)
    }

    fn run(&self, asked: Asked, messages: &MessageArgs, console: &Console) -> anyhow::Result<u8> {
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

/// What `work` gives; what is said meanwhile goes to standard error.
fn saying<T>(messages: &MessageArgs, work: impl FnOnce(&Console) -> anyhow::Result<T>) -> Result<T, Failure> {
    let console = Console::default();
    let (subscriber, _trace) = logging::start(messages, &console).map_err(|error| Failure::of(&error))?;
    let _said = subscriber.set_default();
    work(&console).map_err(|error| Failure::of(&error))
}

/// A registry with one more piece. A name that is taken is a mistake in the program, found as soon as it starts.
fn registered<T>(registry: sah_attention::Result<T>) -> T {
    registry.unwrap_or_else(|error| panic!("{error}"))
}
