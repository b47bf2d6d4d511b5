//! The command line as a whole: what clap derives, and the commands of the benchmarks.

use clap::{ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _};

use super::benchmark::command_of;
use super::{Bench, BenchmarkCommand, Cli, MessageArgs, ScoreArgs, ScoreCommand};
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
        benchmarks.all().enumerate().map(|(number, entry)| command_of(entry).display_order(number));
    Cli::command().mut_subcommand(BENCH, |bench| bench.subcommands(commands)).subcommand(score)
}

/// The command of a benchmark, as clap knows it.
pub(crate) fn of_benchmark(entry: &dyn BenchmarkEntry) -> Command {
    command_of(entry)
}

/// What a command line means that [`command`] has read.
pub(crate) fn parse(benchmarks: &Benchmarks, matches: &ArgMatches) -> Result<Cli, UsageError> {
    let command = match matches.subcommand() {
        Some((BENCH, bench)) => {
            let named = bench.subcommand().filter(|(name, _)| !STATIC_BENCHES.contains(name));
            let Some((name, of_benchmark)) = named else { return Ok(Cli::from_arg_matches(matches)?) };
            let command = BenchmarkCommand::new(benchmarks.find(name)?, of_benchmark)?;
            super::Command::Bench(Bench::Benchmark(Box::new(command)))
        }
        Some((SCORE, score)) => {
            let named = score
                .subcommand()
                .and_then(|(name, matches)| Some((benchmarks.find(name).ok()?.predictions()?, matches)));
            let Some((scorer, matches)) = named else { return Ok(Cli::from_arg_matches(matches)?) };
            let args = ScoreArgs::from_arg_matches(matches)?;
            super::Command::Score(ScoreCommand { scorer, args, matches: matches.clone() })
        }
        _ => return Ok(Cli::from_arg_matches(matches)?),
    };
    Ok(Cli { command, messages: MessageArgs::from_arg_matches(matches)? })
}

#[cfg(test)]
mod tests {
    use super::{command, parse};
    use crate::args::{Bench, Command};
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

    #[test]
    fn messages_are_chosen_before_or_behind_the_name_of_a_benchmark() {
        let benchmarks = Benchmarks::for_tests();
        for line in [["sah", "--quiet", "bench", "counting"], ["sah", "bench", "counting", "--quiet"]] {
            let matches = command(&benchmarks).try_get_matches_from(line).unwrap();
            let cli = parse(&benchmarks, &matches).unwrap();
            assert!(cli.messages.quiet);
            let Command::Bench(Bench::Benchmark(command)) = cli.command else { panic!("{cli:?}") };
            assert_eq!(command.options.benchmark, "counting");
        }
    }
}
