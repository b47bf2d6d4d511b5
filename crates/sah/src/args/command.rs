//! The command line as a whole: what clap derives, and the commands of the benchmarks.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _};

use super::benchmark_flags::command_of;
use super::{Cli, GivenBenchmarks, MessageArgs, ScoreArgs, ScoreCommand};
use crate::benchmarks::{BenchmarkEntry, Benchmarks};
use crate::usage::UsageError;

/// The command before the name of a benchmark.
pub(super) const BENCH: &str = "bench";
const SCORE: &str = "score";

/// What `bench` does beside running benchmarks.
pub(crate) const STATIC_BENCHES: [&str; 2] = ["speed", "kernels"];

/// The command line of this program.
pub(crate) fn command(benchmarks: &Benchmarks) -> Command {
    let mut score = Command::new(SCORE)
        .about("Score predictions that already exist")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .display_order(0);
    for (number, entry) in benchmarks.all().enumerate() {
        let Some(scorer) = entry.predictions() else { continue };
        let command = ScoreArgs::augment_args(Command::new(entry.name())).aliases(entry.aliases());
        let command = entry
            .add_score_flags(command)
            .about(scorer.about)
            .mut_arg("predictions", |arg| arg.help(scorer.file));
        score = score.subcommand(command.display_order(number));
    }
    let commands =
        benchmarks.all().enumerate().map(|(number, entry)| command_of(&[entry]).display_order(number));
    // Without a name: a plan or a run says which benchmarks. Their options are left to the help of each benchmark.
    let nameless = command_of(&[]);
    let is_shown = |argument: &Arg| matches!(argument.get_id().as_str(), "config" | "resume");
    let options = nameless.get_arguments().cloned().map(|argument| {
        let is_shown = is_shown(&argument);
        argument.hide(!is_shown)
    });
    Cli::command()
        .mut_subcommand(BENCH, |bench| {
            bench
                .subcommand_required(false)
                .args(options)
                .groups(nameless.get_groups().cloned())
                .subcommands(commands)
        })
        .subcommand(score)
}

/// The command line of this program, with `bench NAME,NAME` where `arguments`, after the program's name, say that.
pub(crate) fn command_for(benchmarks: &Benchmarks, arguments: &[OsString]) -> Result<Command, UsageError> {
    let command = command(benchmarks);
    let mut words = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .skip_while(|word| *word != BENCH)
        .skip(1)
        .skip_while(|word| matches!(*word, "--quiet" | "-q"));
    let Some(word) = words.next().filter(|word| word.contains(',') && !word.starts_with('-')) else {
        return Ok(command);
    };
    let several = command_of(&benchmarks.find_all(word)?).name(word.to_owned()).hide(true);
    Ok(command.mut_subcommand(BENCH, |bench| bench.subcommand(several)))
}

/// The command of a benchmark, as clap knows it.
pub(crate) fn of_benchmark(entry: &dyn BenchmarkEntry) -> Command {
    command_of(&[entry])
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) asked: Asked,
    pub(crate) messages: MessageArgs,
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Benchmarks: how they are run is known once the file or the run is read that may be named.
    Benchmarks(Box<GivenBenchmarks>),
    /// Anything else.
    Other(Box<super::Command>),
}

/// What a command line means that [`command_for`] has read.
pub(crate) fn parse(benchmarks: &Benchmarks, matches: &ArgMatches) -> Result<Line, UsageError> {
    let asked = match matches.subcommand() {
        Some((BENCH, bench)) => benches(benchmarks, bench)?,
        Some((SCORE, score)) => {
            let named = score.subcommand();
            let scorer =
                named.and_then(|(name, matches)| Some((benchmarks.find(name).ok()?.predictions()?, matches)));
            match scorer {
                Some((scorer, matches)) => {
                    let args = ScoreArgs::from_arg_matches(matches)?;
                    let matches = matches.clone();
                    let score = super::Command::Score(ScoreCommand { scorer, args, matches });
                    Some(Asked::Other(Box::new(score)))
                }
                None => None,
            }
        }
        _ => None,
    };
    if let Some(asked) = asked {
        return Ok(Line { asked, messages: MessageArgs::from_arg_matches(matches)? });
    }
    let Cli { command, messages } = Cli::from_arg_matches(matches)?;
    Ok(Line { asked: Asked::Other(Box::new(command)), messages })
}

/// The benchmarks that a command line `bench` asks for; `None` where it is something else that is measured.
fn benches(benchmarks: &Benchmarks, bench: &ArgMatches) -> Result<Option<Asked>, UsageError> {
    let given = |entries: &[&dyn BenchmarkEntry], matches| GivenBenchmarks::new(entries, matches);
    let before_name = given(&[], bench)?;
    let Some((name, of_benchmarks)) = bench.subcommand() else {
        if before_name.config.is_none() && before_name.resume.is_none() {
            let text = "bench: name a benchmark, several as NAME,NAME, or a plan with --config";
            return Err(UsageError(text.to_owned()));
        }
        return Ok(Some(Asked::Benchmarks(Box::new(before_name))));
    };
    if let Some(option) = before_name.options.names().next() {
        return Err(UsageError(format!("--{option} before {name}: write options behind it")));
    }
    if STATIC_BENCHES.contains(&name) {
        return Ok(None);
    }
    Ok(Some(Asked::Benchmarks(Box::new(given(&benchmarks.find_all(name)?, of_benchmarks)?))))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::{command, command_for, parse};
    use crate::args::{Asked, GivenBenchmarks};
    use crate::benchmarks::Benchmarks;

    /// What `arguments` print: help, or what is wrong with them.
    fn printed(arguments: &[&str]) -> String {
        let line = ["sah"].iter().chain(arguments);
        command(&Benchmarks::for_tests()).try_get_matches_from(line).unwrap_err().to_string()
    }

    #[test]
    fn help_lists_the_benchmarks_of_the_table_first() {
        let help = printed(&["bench", "--help"]);
        let place =
            |word: &str| help.find(&format!("\n  {word} ")).unwrap_or_else(|| panic!("{word}: {help}"));
        assert!(place("counting") < place("mock") && place("mock") < place("speed"), "{help}");
        assert!(place("speed") < place("kernels"), "{help}");
        let help = printed(&["score", "--help"]);
        assert!(help.contains("counting  By the letter b") && !help.contains("  mock "), "{help}");
        assert!(printed(&["--help"]).contains("  score "));
    }

    #[test]
    fn help_of_a_benchmark_has_its_flags_its_subsets_and_its_prompt_rule() {
        let help = printed(&["bench", "counting", "--help"]);
        let place = |word: &str| help.find(word).unwrap_or_else(|| panic!("{word}: {help}"));
        assert!(
            place("Data:") < place("--up-to <N>") && place("--up-to <N>") < place("--subsets "),
            "{help}"
        );
        let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in
            ["such as `short,long`; all 2", "as counters do", "[possible values: always, never, counting]"]
        {
            assert!(one_line.contains(words), "{words} is not in\n{help}");
        }
        let help = printed(&["bench", "mock", "--help"]);
        assert!(help.contains("there is `reading_comprehension`") && !help.contains("--up-to"), "{help}");
    }

    #[test]
    fn a_flag_of_one_benchmark_is_refused_for_another() {
        assert!(printed(&["bench", "mock", "--up-to", "4"]).contains("--up-to"));
        assert!(printed(&["bench", "mock", "--chat-template", "counting"]).contains("always, never"));
        assert!(printed(&["bench", "counting", "--up-to", "x"]).contains("--up-to"));
    }

    /// What a command line after the program's name gives, or what is wrong with it.
    fn given(line: &[&str]) -> Result<GivenBenchmarks, String> {
        let benchmarks = Benchmarks::for_tests();
        let arguments: Vec<OsString> = line.iter().map(OsString::from).collect();
        let command = command_for(&benchmarks, &arguments).map_err(|error| error.to_string())?;
        let matches = command.try_get_matches_from([&["sah"], line].concat());
        let matches = matches.map_err(|error| error.to_string())?;
        match parse(&benchmarks, &matches).map_err(|error| error.to_string())?.asked {
            Asked::Benchmarks(given) => Ok(*given),
            Asked::Other(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn several_benchmarks_have_the_flags_that_all_of_them_have() {
        let line = ["bench", "count,mock_benchmark", "--max-samples", "2", "--attention", "dense,quest"];
        let two = given(&line).unwrap();
        assert_eq!(two.names, ["counting", "mock"]);
        assert_eq!(two.options.names().collect::<Vec<_>>(), ["attention", "max-samples"]);
        let help = given(&["bench", "counting,mock", "--help"]).unwrap_err();
        assert!(help.contains("--max-samples <N>") && !help.contains("--up-to"), "{help}");
        for (line, expected) in [
            (&["bench", "counting,mock", "--up-to", "2"][..], "mock has no --up-to; write a plan (--config)"),
            (&["bench", "counting,mck"], "there is no benchmark \"mck\"; there is counting, mock"),
            (&["bench", "mock,mock"], "mock is named twice"),
        ] {
            let error = given(line).unwrap_err();
            assert!(error.contains(expected), "{line:?}: {error}");
        }
    }

    #[test]
    fn a_plan_or_a_run_names_the_benchmarks_where_nobody_else_does() {
        let plan =
            given(&["bench", "--config", "plan.toml", "--max-samples", "2", "--subsets", "a,b"]).unwrap();
        assert!(plan.names.is_empty() && plan.config.is_some() && plan.options.gives("subsets"));
        assert!(given(&["bench", "--resume", "run", "--jobs", "2"]).unwrap().resume.is_some());
        let error = given(&["bench", "--max-samples", "2"]).unwrap_err();
        assert!(error.contains("name a benchmark, several as NAME,NAME"), "{error}");
        let error = given(&["bench", "--max-samples", "2", "mock"]).unwrap_err();
        assert!(error.contains("--max-samples before mock"), "{error}");
        let help = printed(&["bench", "--help"]);
        assert!(
            help.contains("--config") && help.contains("--resume") && !help.contains("--max-samples"),
            "{help}"
        );
    }

    #[test]
    fn messages_are_chosen_before_or_behind_the_name_of_a_benchmark() {
        let benchmarks = Benchmarks::for_tests();
        for line in [["sah", "--quiet", "bench", "counting"], ["sah", "bench", "counting", "--quiet"]] {
            let matches = command(&benchmarks).try_get_matches_from(line).unwrap();
            let line = parse(&benchmarks, &matches).unwrap();
            assert!(line.messages.quiet);
            let Asked::Benchmarks(given) = line.asked else { panic!("{line:?}") };
            assert_eq!(given.names, ["counting"]);
        }
    }
}
