//! Fields of attentions that the command line sets: `--set`, and the flags of `streaming_llm`.

use std::fmt::Write as _;

use sah_attention::Size;

use super::retention::NamedRetention;
use super::{DENSE, NamedAttention, Prefill, STREAMING_LLM};
use crate::args::AttentionArgs;
use crate::usage::UsageError;

/// All that is set, and whether it has changed an attention. What changes none is an error.
#[derive(Debug)]
pub(super) struct Settings {
    settings: Vec<Setting>,
}

#[derive(Debug)]
struct Setting {
    /// As the command line has it, for errors.
    given: String,
    scope: Scope,
    /// `FIELD=VALUE`.
    assignment: String,
    used: bool,
}

/// Which attentions are changed.
#[derive(Debug, PartialEq, Eq)]
enum Scope {
    /// All that are not dense.
    All,
    /// The one of this name, and what contexts are read with where it has this name.
    One(String),
    /// What contexts are read with.
    Prefill,
    /// The preset `streaming_llm`.
    StreamingLlm,
    /// All retentions.
    Retentions,
    /// The retention of this name.
    Retention(String),
}

/// How a scope reaches an attention or a retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It is for all, where one has no value of its own for the field.
    UnlessOwn,
    /// It is for this one alone.
    Own,
    /// It is a flag of this one.
    Always,
}

impl Settings {
    pub(super) fn new(args: &AttentionArgs) -> Self {
        let flags = [
            ("--sink-size", "sink.size", args.sink_size),
            ("--local-window", "local.size", args.local_window),
        ];
        let flags =
            flags.into_iter().filter_map(|(flag, field, size)| Some(Setting::of_flag(flag, field, size?)));
        let set = args.set.iter().map(|set| Setting::of_set(set));
        Self { settings: flags.chain(set).collect() }
    }

    /// The assignments for the attention `name`, which may be the preset `streaming_llm`. What is set for it alone replaces what
    /// is set for all.
    pub(super) fn of(&mut self, name: &str, is_streaming_llm: bool) -> Vec<String> {
        let reach = |scope: &Scope| match scope {
            Scope::All => Some(Reach::UnlessOwn),
            Scope::One(only) if only == name => Some(Reach::Own),
            Scope::StreamingLlm if is_streaming_llm => Some(Reach::Always),
            _ => None,
        };
        self.take(reach, Setting::field)
    }

    /// The assignments for what contexts are read with, `name`. What is set for attentions of this name is set for it, too.
    pub(super) fn of_prefill(&mut self, name: &str) -> Vec<String> {
        let reach = |scope: &Scope| match scope {
            Scope::Prefill => Some(Reach::Own),
            Scope::One(only) if only == name => Some(Reach::UnlessOwn),
            _ => None,
        };
        self.take(reach, Setting::field)
    }

    /// The assignments for the retention `name`, likewise.
    pub(super) fn of_retention(&mut self, name: &str) -> Vec<String> {
        let reach = |scope: &Scope| match scope {
            Scope::Retentions => Some(Reach::UnlessOwn),
            Scope::Retention(only) if only == name => Some(Reach::Own),
            _ => None,
        };
        // A number of keys takes the place of a share.
        self.take(reach, |setting| match setting.field().as_str() {
            "keys" => "ratio".to_owned(),
            field => field.to_owned(),
        })
    }

    /// The assignments that reach something.
    fn take(
        &mut self,
        reach: impl Fn(&Scope) -> Option<Reach>,
        field: impl Fn(&Setting) -> String,
    ) -> Vec<String> {
        let is_own = |set: &&Setting| reach(&set.scope) == Some(Reach::Own);
        let own: Vec<String> = self.settings.iter().filter(is_own).map(&field).collect();
        let mut assignments = Vec::new();
        for setting in &mut self.settings {
            let applies = match reach(&setting.scope) {
                Some(Reach::UnlessOwn) => !own.contains(&field(setting)),
                Some(Reach::Own | Reach::Always) => true,
                None => false,
            };
            if applies {
                setting.used = true;
                assignments.push(setting.assignment.clone());
            }
        }
        assignments
    }

    /// Refuses the first setting that changed none of `attentions` and `retentions`.
    pub(super) fn check_used(
        &self,
        attentions: &[NamedAttention],
        retentions: &[Option<NamedRetention>],
        prefill: &Prefill,
    ) -> Result<(), UsageError> {
        let Some(Setting { given, scope, assignment, .. }) = self.settings.iter().find(|set| !set.used)
        else {
            return Ok(());
        };
        let is_named = |name: &str| attentions.iter().any(|attention| attention.name == name);
        let mut text = format!("{given} has no effect: ");
        let _ = match scope {
            Scope::One(name) if name == DENSE => write!(text, "dense attention has no fields"),
            Scope::One(name) if prefill.config().is_some() => {
                write!(text, "neither --attention nor --prefill names {name}")
            }
            Scope::One(name) => write!(text, "--attention does not name {name}"),
            Scope::Prefill => write!(text, "--prefill names no maskers; name some, such as xattention"),
            Scope::StreamingLlm if is_named(STREAMING_LLM) => {
                write!(text, "it is for the preset {STREAMING_LLM}, not for a file; write --set {assignment}")
            }
            Scope::StreamingLlm => write!(
                text,
                "it is for --attention {STREAMING_LLM}, which is not named; for another one write --set {assignment}"
            ),
            Scope::Retention(name) => write!(text, "--retention does not name {name}"),
            Scope::Retentions if retentions.iter().all(Option::is_none) => {
                write!(text, "there is no --retention that drops keys; add one, such as snapkv")
            }
            Scope::Retentions => write!(text, "every retention has a value of its own for it"),
            Scope::All if prefill.config().is_some() => {
                write!(
                    text,
                    "it is for attentions that are not dense; for --prefill write --set prefill:{assignment}"
                )
            }
            Scope::All if attentions.iter().all(|attention| attention.config.is_none()) => {
                write!(
                    text,
                    "--attention names dense alone, which has no fields; name another one, or leave it out"
                )
            }
            Scope::All => write!(text, "every attention has a value of its own for it"),
        };
        Err(UsageError(text))
    }
}

impl Setting {
    fn of_flag(flag: &str, field: &str, size: Size) -> Self {
        let value = serde_json::to_string(&size).expect("a size is plain data");
        let (given, assignment) = (flag.to_owned(), format!("{field}={value}"));
        Self { given, scope: Scope::StreamingLlm, assignment, used: false }
    }

    fn of_set(set: &str) -> Self {
        let (name, assignment) = addressed(set);
        let scope = match name {
            None => Scope::All,
            Some("retention") => Scope::Retentions,
            Some("prefill") => Scope::Prefill,
            Some(name) => match name.strip_prefix("retention.") {
                Some(name) => Scope::Retention(name.to_owned()),
                None => Scope::One(name.to_owned()),
            },
        };
        Self { given: format!("--set {set}"), scope, assignment: assignment.to_owned(), used: false }
    }

    /// What it sets.
    fn field(&self) -> String {
        self.assignment.split('=').next().unwrap_or_default().to_owned()
    }
}

/// `quest:page_size=32` as the attention that is meant and the assignment.
fn addressed(set: &str) -> (Option<&str>, &str) {
    match set.split_once([':', '=']) {
        Some((name, assignment)) if set[name.len()..].starts_with(':') => (Some(name), assignment),
        _ => (None, set),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::addressed;
    use crate::App;
    use crate::args::AttentionArgs;
    use crate::attention::{NamedAttention, named};

    fn attentions(line: &[&str]) -> Result<Vec<NamedAttention>, String> {
        let command = AttentionArgs::augment_args(Command::new("test").no_binary_name(true));
        let args = AttentionArgs::from_arg_matches(&command.try_get_matches_from(line).unwrap()).unwrap();
        named(&App::standard(), &args, &["dense"]).map_err(|error| error.to_string())
    }

    /// The configurations as files have them.
    fn configs(line: &[&str]) -> Vec<String> {
        let configs = attentions(line).unwrap().into_iter().map(|attention| attention.config);
        configs.map(|config| serde_json::to_string(&config).unwrap()).collect()
    }

    #[test]
    fn an_assignment_may_be_for_one_attention() {
        assert_eq!(addressed("quest:page_size=32"), (Some("quest"), "page_size=32"));
        assert_eq!(addressed("sink.size=1%"), (None, "sink.size=1%"));
        assert_eq!(addressed("hat_weight_file=C:/weights"), (None, "hat_weight_file=C:/weights"));
    }

    #[test]
    fn flags_of_streaming_llm_are_for_that_preset() {
        let line = ["--attention", "streaming_llm", "--sink-size", "5", "--local-window", "12.5%"];
        assert_eq!(
            configs(&line),
            [r#"{"maskers":[{"type":"sink","size":5},{"type":"local","size":{"fraction":0.125}}]}"#]
        );
    }

    #[test]
    fn what_is_set_for_one_replaces_what_is_set_for_all() {
        for set in [["heavy_size=7", "quest:heavy_size=9"], ["quest:heavy_size=9", "heavy_size=7"]] {
            let configs = configs(&["--attention", "quest,oracle_top_k", "--set", set[0], "--set", set[1]]);
            assert!(
                configs[0].contains("\"heavy_size\":9") && configs[1].contains("\"heavy_size\":7"),
                "{configs:?}"
            );
        }
    }

    #[test]
    fn what_has_no_effect_is_an_error() {
        for (line, words) in [
            ("--set sink.size=9", "--set sink.size=9 has no effect: --attention names dense alone"),
            ("--attention dense --set dense:sink.size=9", "dense attention has no fields"),
            ("--attention quest --set quets:page_size=9", "--attention does not name quets"),
            (
                "--attention quest --sink-size 5",
                "which is not named; for another one write --set sink.size=5",
            ),
            ("--local-window 10%", "--local-window has no effect: it is for --attention streaming_llm"),
            ("--prefill sparse", "--prefill sparse with --attention dense alone has no effect"),
            ("--evict", "--evict with --attention dense alone"),
            ("--question-attention dense", "questions are dense anyway"),
            (
                "--attention streaming_llm --evict --question-attention dense",
                "--evict with --question-attention dense",
            ),
            (
                "--attention quest --set page_size=8 --set quest:page_size=9",
                "--set page_size=8 has no effect: every attention has a value of its own",
            ),
            ("--attention quest --set page_size=8 --set page_size=9", "quest_top_k.page_size is set already"),
            ("--attention streaming_llm --sink-size 5 --set sink.size=9", "sink.size is set already"),
            ("--set retention:ratio=0.9", "there is no --retention that drops keys"),
            ("--retention none --set retention:ratio=0.9", "there is no --retention that drops keys"),
            ("--retention none", "--retention none alone has no effect"),
            ("--retention snapkv --set retention.tova:ratio=0.9", "--retention does not name tova"),
            (
                "--retention snapkv --set retention:ratio=0.9 --set retention.snapkv:ratio=0.8",
                "every retention has a value of its own for it",
            ),
            (
                "--retention snapkv --set retention:windows=9",
                "--retention snapkv: \"windows=9\": no such field; did you mean",
            ),
            ("--retention snapvk", "--retention \"snapvk\": did you mean snapkv?"),
            ("--retention snapkv,snapkv", "give \"dense+snapkv\" twice"),
            ("--retention snapkv --set retention:ratio=1", "from 0 to below 1, got 1"),
            ("--attention streaming_llm --retention snapkv --evict", "--evict with --retention snapkv"),
            (
                "--attention streaming_llm --retention none,snapkv --prefill sparse",
                "--prefill sparse with --retention none,snapkv",
            ),
            ("--prefill xattention --retention snapkv", "--prefill xattention with --retention snapkv"),
            ("--prefill xattentoin", "--prefill \"xattentoin\": did you mean xattention, "),
            ("--prefill quest", "--prefill quest: `quest_top_k` cannot read a context sparsely"),
            ("--attention xattention", "--attention xattention: `xattention` goes by many rows of a context"),
            ("--prefill sparse --attention quest --set prefill:threshold=0.5", "--prefill names no maskers"),
            ("--prefill xattention --set threshold=0.5", "for --prefill write --set prefill:threshold=0.5"),
            (
                "--prefill xattention --set prefill:treshold=0.5",
                "--prefill xattention: \"treshold=0.5\": no such field; did you mean threshold?",
            ),
            ("--prefill xattention --set quets:page_size=9", "neither --attention nor --prefill names quets"),
        ] {
            let error = attentions(&line.split(' ').collect::<Vec<_>>()).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    #[test]
    fn contexts_are_read_with_maskers_of_their_own() {
        let prefill = |line: &str| {
            let attentions = attentions(&line.split(' ').collect::<Vec<_>>()).unwrap();
            let of_prefill = |attention: &NamedAttention| {
                let config = attention.prefill.config().map(|config| serde_json::to_string(config).unwrap());
                (attention.name.clone(), attention.prefill.name().to_owned(), config)
            };
            attentions.iter().map(of_prefill).collect::<Vec<_>>()
        };
        let xattention = |threshold: &str| {
            format!(
                r#"{{"maskers":[{{"type":"xattention","threshold":{threshold},"stride":8,"block_size":128}}]}}"#
            )
        };
        let row =
            |name: &str, prefill: &str, config: Option<String>| (name.to_owned(), prefill.to_owned(), config);
        assert_eq!(
            prefill("--attention dense,quest --prefill xattention --set quest:page_size=8"),
            ["dense", "quest"].map(|name| row(name, "xattention", Some(xattention("0.9"))))
        );
        for set in ["prefill:threshold=0.5", "xattention:threshold=0.5"] {
            let line = format!("--prefill xattention --set {set}");
            assert_eq!(prefill(&line), [row("dense", "xattention", Some(xattention("0.5")))]);
        }
        let line = "--attention streaming_llm --prefill streaming_llm --set prefill:sink.size=8";
        let longer = r#"{"maskers":[{"type":"sink","size":8},{"type":"local","size":64}]}"#;
        assert_eq!(prefill(line), [row("streaming_llm", "streaming_llm", Some(longer.to_owned()))]);
        assert_eq!(
            prefill("--attention streaming_llm --prefill sparse"),
            [row("streaming_llm", "sparse", None)]
        );
    }

    #[test]
    fn every_attention_is_run_with_each_retention() {
        let line = "--attention dense,quest --retention none,snapkv,tova --set retention:ratio=0.9 --set retention.tova:keys=8";
        let attentions = attentions(&line.split(' ').collect::<Vec<_>>()).unwrap();
        let shown = |attention: &NamedAttention| {
            let retention = attention.retention.as_ref().map(|of| (of.config.ratio, of.config.keys));
            (attention.name.clone(), attention.config.is_some(), retention)
        };
        let (nine_tenths, eight) = (Some((Some(0.9), None)), Some((None, Some(8))));
        let expected = [
            ("dense", false, None),
            ("dense+snapkv", false, nine_tenths),
            ("dense+tova", false, eight),
            ("quest", true, None),
            ("quest+snapkv", true, nine_tenths),
            ("quest+tova", true, eight),
        ];
        let expected = expected.map(|(name, is_sparse, retention)| (name.to_owned(), is_sparse, retention));
        assert_eq!(attentions.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_misspelt_attention_means_the_nearest() {
        let error = |name| attentions(&["--attention", name]).unwrap_err();
        assert_eq!(error("quset"), "--attention \"quset\": did you mean quest?");
        assert_eq!(error("Dense"), "--attention \"Dense\": did you mean dense?");
        assert!(error("ruler").contains("there is dense, streaming_llm, "), "{}", error("ruler"));
    }
}
