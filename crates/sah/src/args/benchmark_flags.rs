//! The commands of benchmarks: flags that all have, and their own.

use clap::builder::StringValueParser;
use clap::{Arg, Args as _, Command};

use super::BenchmarkArgs;
use super::benchmark::ChatTemplateParser;
use crate::benchmarks::{BenchmarkEntry, PromptRule};

/// The command `bench NAME` of a benchmark, or of several what all of them have; of none what every benchmark has. The order of
/// its arguments is that of the options in `run.json`.
pub(super) fn command_of(entries: &[&dyn BenchmarkEntry]) -> Command {
    let common = BenchmarkArgs::augment_args(Command::new("common"));
    let own = own_flags(entries);
    let mut arguments = Vec::new();
    for argument in common.get_arguments().cloned() {
        match argument.get_id().as_str() {
            "subsets" => {
                arguments.extend(own.get_arguments().cloned());
                arguments.push(match entries {
                    [entry] => argument.help(subsets_help(*entry)),
                    _ => argument,
                });
            }
            "chat_template" => {
                // Of several, each reads it once more by its own rule.
                let rule = match entries {
                    [entry] => entry.prompt_rule(),
                    _ => None,
                };
                let argument = argument.help(chat_template_help(rule.as_ref()));
                arguments
                    .push(argument.value_parser(ChatTemplateParser { rule: rule.map(|rule| rule.name) }));
            }
            _ => arguments.push(argument),
        }
    }
    let groups = common.get_groups().chain(own.get_groups()).cloned();
    let command = match entries {
        [] => Command::new("bench"),
        [entry] => Command::new(entry.name()).about(entry.about()).aliases(entry.aliases()),
        _ => Command::new("several").about("Run several benchmarks, one after the other"),
    };
    command.args(arguments).groups(groups)
}

/// The flags that benchmarks have of their own. Of several those that only some have are hidden: they are read to be refused with
/// a reason.
fn own_flags(entries: &[&dyn BenchmarkEntry]) -> Command {
    let none = Command::new("own").next_help_heading("Data");
    if let [entry] = entries {
        return entry.add_flags(none);
    }
    let all: Vec<Command> = entries.iter().map(|entry| entry.add_flags(none.clone())).collect();
    let flag =
        |of: &Command, name: &str| of.get_arguments().find(|flag| flag.get_long() == Some(name)).cloned();
    let mut own = none;
    for argument in all.iter().flat_map(Command::get_arguments) {
        let Some(name) = argument.get_long() else { continue };
        if flag(&own, name).is_some() {
            continue;
        }
        let of_each: Vec<Option<Arg>> = all.iter().map(|command| flag(command, name)).collect();
        let help = |flag: &Arg| flag.get_help().map(ToString::to_string);
        let is_same = of_each.iter().flatten().all(|flag| help(flag) == help(argument));
        let mut argument = argument.clone().default_value(None::<&'static str>);
        if argument.get_action().takes_values() {
            // Each benchmark reads it once more by its own parser.
            argument = argument.value_parser(StringValueParser::new());
        }
        if !is_same {
            argument =
                argument.help("What it means for each of them, `--help` of each says").value_name("VALUE");
        }
        own = own.arg(argument.hide(of_each.iter().any(Option::is_none)));
    }
    own
}

/// Of benchmarks of which some have a flag and others have not: the first that has not, and the tables of a plan in which the others
/// take it.
pub(crate) fn lacking<'a>(
    entries: &[&'a dyn BenchmarkEntry],
    has: impl Fn(&Command) -> bool,
) -> Option<(&'a dyn BenchmarkEntry, String)> {
    let (with, without): (Vec<&dyn BenchmarkEntry>, Vec<&dyn BenchmarkEntry>) =
        entries.iter().copied().partition(|entry| has(&command_of(&[*entry])));
    let lacking = without.first().filter(|_| !with.is_empty())?;
    let tables: Vec<String> = with.iter().map(|entry| format!("[{}]", entry.name())).collect();
    Some((*lacking, tables.join(", ")))
}

fn subsets_help(entry: &dyn BenchmarkEntry) -> String {
    let benchmark = entry.scorer();
    match benchmark.subsets().as_slice() {
        subsets @ [first, .., last] => {
            format!("Subsets to run, such as `{first},{last}`; all {} by default", subsets.len())
        }
        [] => "Subsets to run: tasks of the data; all by default".to_owned(),
        only => format!("Subsets to run; there is `{}`", only.concat()),
    }
}

fn chat_template_help(rule: Option<&PromptRule>) -> String {
    let rule = rule.map_or_else(String::new, |rule| format!(", {}", rule.about));
    format!(
        "Whether prompts are put in the model's chat template, if it has one: `always` as in the reference, `never`{rule}; \
         or FILE, a template that is used instead of the model's own. Change it to compare with scores that were made so"
    )
}

/// The flag of `entry` that every benchmark has, if there is one.
pub(crate) fn flag_taken(entry: &dyn BenchmarkEntry) -> Option<String> {
    let common = super::MessageArgs::augment_args(BenchmarkArgs::augment_args(Command::new("common")));
    let own = entry.add_flags(Command::new("own"));
    let is_taken = |flag: &&str| common.get_arguments().any(|common| common.get_long() == Some(flag));
    own.get_arguments().filter_map(Arg::get_long).find(is_taken).map(str::to_owned)
}
