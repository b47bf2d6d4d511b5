//! `--data`: where a benchmark's rows come from.

use std::path::PathBuf;

use clap::{Arg, ArgMatches};
use sah_bench_core::data::{DataSource, ReadError};

use super::DataOrigin;

const NAME: &str = "data";

/// The flag `--data OWN|hub|DIR` of a benchmark.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataFlag {
    /// What rows are called that the benchmark brings along or makes, the default: `sample`.
    pub(super) own: &'static str,
    /// Its values in short: `sample|hub|DIR`.
    pub(super) values: &'static str,
    /// What its values mean, for `--help`.
    pub(super) help: &'static str,
}

impl DataFlag {
    /// The argument, for [`BenchmarkEntry::add_flags`](super::BenchmarkEntry::add_flags).
    pub(super) fn argument(self) -> Arg {
        Arg::new(NAME).long(NAME).help(self.help).default_value(self.own).value_name(self.values)
    }

    /// What the user gave. A folder called `hub` is given as `./hub`.
    pub(super) fn source(self, flags: &ArgMatches) -> DataSource {
        match flags.get_one::<String>(NAME).map(String::as_str) {
            None => DataSource::Own,
            Some(own) if own == self.own => DataSource::Own,
            Some("hub") => DataSource::Hub,
            Some(folder) => DataSource::Folder(PathBuf::from(folder)),
        }
    }

    /// The same for `config.json`, of a benchmark whose data set on the hub is `hub_id`.
    pub(super) fn origin(self, source: &DataSource, hub_id: &str) -> DataOrigin {
        let (word, location) = match source {
            DataSource::Own => (self.own, None),
            DataSource::Hub => ("hub", Some(hub_id.to_owned())),
            DataSource::Folder(path) => ("folder", Some(path.display().to_string())),
        };
        DataOrigin { source: word.to_owned(), location }
    }

    /// Its values, for the list of benchmarks.
    pub(super) fn facts(self, hub_id: &str) -> String {
        self.values
            .split('|')
            .map(|value| if value == "hub" { format!("hub ({hub_id})") } else { value.to_owned() })
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// What a run over the bundled sample says of itself; `None` where rows come from elsewhere. `scores` are whose scores these are
    /// not.
    pub(super) fn demonstration(source: &DataSource, scores: &str) -> Option<String> {
        (*source == DataSource::Own).then(|| {
            format!("data: the bundled sample, a demonstration; its scores are not {scores} scores (--data hub|DIR)")
        })
    }

    /// Whether the subset of this name is among those that are run: `--subsets` names it, or nothing.
    pub(super) fn runs(flags: &ArgMatches, subset: &str) -> bool {
        let named = flags.try_get_many::<String>("subsets").ok().flatten();
        named.is_none_or(|mut names| names.any(|name| name.trim() == subset))
    }

    /// What helps where data cannot be read, if the flag does.
    pub(super) fn remedy(error: &ReadError) -> Option<String> {
        matches!(error, ReadError::Hub(_))
            .then(|| "a folder with the data is named with --data DIR".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn rows_are_the_benchmark_s_own_the_hub_s_or_a_folder_s() {
        let flag = DataFlag { own: "sample", values: "sample|hub|DIR", help: "Rows" };
        for (arguments, source, origin) in [
            (&["x"][..], DataSource::Own, ("sample", None)),
            (&["x", "--data", "sample"], DataSource::Own, ("sample", None)),
            (&["x", "--data", "hub"], DataSource::Hub, ("hub", Some("a/b"))),
            (&["x", "--data", "./hub"], DataSource::Folder("./hub".into()), ("folder", Some("./hub"))),
        ] {
            let matches = Command::new("x").arg(flag.argument()).try_get_matches_from(arguments).unwrap();
            assert_eq!(flag.source(&matches), source);
            let found = flag.origin(&source, "a/b");
            assert_eq!((found.source.as_str(), found.location.as_deref()), origin);
        }
    }
}
