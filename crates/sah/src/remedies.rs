//! What a user can do about an error, in the words of the command line.
//!
//! Libraries say what went wrong and where; they know no flags. Here is the one place that adds what helps: a function for
//! each crate's errors, from the error's type to the end of its sentence.

use std::error::Error;
use std::path::Path;

use sah_bench_core::{Warning, WarningKind, full_text};
use sah_message::without_secrets;

/// The full text of an error: what its chain says, each cause once, and what helps. Without what gives access to a server.
pub(crate) fn explained(error: &anyhow::Error) -> String {
    let mut text = full_text(&**error);
    if let Some(remedy) = error.chain().find_map(remedy) {
        text = format!("{text}; {remedy}");
    }
    without_secrets(&text).into_owned()
}

/// The text of an error of a model, and what helps.
pub(crate) fn explained_of_model(error: &sah_adapter::Error) -> String {
    match of_model(error) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    }
}

/// What helps against one error, whatever its sources; `None` where its own text is all there is to say.
pub(crate) fn remedy(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref() {
        return of_benchmark(error);
    }
    if let Some(error) = error.downcast_ref() {
        return of_model(error);
    }
    if let Some(error) = error.downcast_ref::<sah_request::ModelError>() {
        return remedy(error.inner());
    }
    of_report(error.downcast_ref()?)
}

/// What helps where text reads as special tokens.
pub(crate) const SPECIAL_TOKENS: &str =
    "they count as such, ends of turns among them; --special-tokens text reads them as text";

/// What a warning says, and what helps.
pub(crate) fn of_warning(warning: &Warning) -> String {
    let remedy = match warning.kind {
        WarningKind::EmptyAnswers => Some("they are scored as such; raw_results.csv shows which"),
        WarningKind::AnswersAtLimit => Some("--answer-tokens N gives all rows another limit"),
        WarningKind::UnfinishedThoughts => Some("--thinking-tokens N gives them more room"),
        WarningKind::TemplateThinks => Some("see --thinking on|off and --thinking-tokens N"),
        WarningKind::LimitsAboveAuthors | WarningKind::LimitsBelowAuthors => {
            Some("--answer-tokens authors takes that of the authors")
        }
        WarningKind::ReasoningWithAnswer => Some("--prompts DIR asks as they do"),
        WarningKind::SpecialTokensInText => Some(SPECIAL_TOKENS),
        WarningKind::GenerationConfigNotApplied => {
            Some("--generation-config ignore leaves it out and says nothing of it")
        }
        WarningKind::GreedyInsteadOfSampling => {
            Some("published scores are greedy, --temperature and the flags beside it draw tokens")
        }
        _ => None,
    };
    match remedy {
        Some(remedy) => format!("{}; {remedy}", warning.message),
        None => warning.message.clone(),
    }
}

fn of_model(error: &sah_adapter::Error) -> Option<String> {
    use sah_adapter::Error;
    Some(match error {
        Error::TooLong { question, answer, positions, .. } => {
            // The last token of an answer needs no position.
            let rest = question + answer.saturating_sub(1);
            format!(
                "lower --max-context-length to at most {}, or raise the limit with --positions, as far as the rotary \
                 embeddings reach (--rope)",
                positions.saturating_sub(rest)
            )
        }
        Error::NoEffect { given, .. } => format!("leave {given} out"),
        Error::StoredType { .. } => "expand the weights instead (--weights expanded)".to_owned(),
        Error::StoredOffCpu => "use --device cpu, or --weights expanded".to_owned(),
        Error::CannotThink => "leave out --thinking on".to_owned(),
        Error::NotANumber => "try --dtype f32, or check the weights".to_owned(),
        _ => return None,
    })
}

fn of_benchmark(error: &sah_bench_core::Error) -> Option<String> {
    use sah_bench_core::{Error, Named};
    Some(match error {
        Error::FolderName { of: Named::Run, .. } => "choose another --run-name".to_owned(),
        Error::Unwritable { .. } => "choose another place with --result-dir".to_owned(),
        Error::FolderUsed { .. } => {
            "go on with an unfinished run with --resume, choose another --run-name, or remove it".to_owned()
        }
        Error::ConfigChanged { .. } => "choose another --run-name for the new ones".to_owned(),
        Error::SampleChanged { .. } => "choose another --run-name for the new data".to_owned(),
        Error::Interrupted { run, .. } => format!("go on with --resume {}", run.display()),
        Error::FolderBusy { .. } => "choose another --run-name or wait for it".to_owned(),
        _ => return None,
    })
}

fn of_report(error: &sah_report::Error) -> Option<String> {
    use sah_report::Error;
    Some(match error {
        // Shown as the error that it holds, which is therefore no source.
        Error::Files(error) => return of_benchmark(error),
        Error::NoRun { .. } => "cargo xtask results lists the runs".to_owned(),
        Error::Unfinished { folder, run } => {
            format!("go on with it: cargo xtask bench {} --resume {}", benchmark(folder), run.display())
        }
        _ => return None,
    })
}

/// The name of the benchmark whose results are in `folder`.
fn benchmark(folder: &Path) -> String {
    let config: Option<serde_json::Value> = sah_bench_core::read_json(&folder.join("config.json")).ok();
    config
        .and_then(|config| Some(config["benchmark"].as_str()?.to_owned()))
        .unwrap_or_else(|| "NAME".to_owned())
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use sah_bench_core::{Error, Named};

    use super::explained;

    #[test]
    fn what_a_flag_mends_names_the_flag() {
        let name = |of| Error::FolderName { of, name: "a/b".to_owned() };
        let source = std::io::Error::other("full");
        let [attention, key, was, is, task] = ["dense", "dtype", "f32", "f16", "qa"].map(str::to_owned);
        for (error, remedy) in [
            (name(Named::Run), "; choose another --run-name"),
            (name(Named::Attention), " with '.'"),
            (Error::Unwritable { path: "x".into(), source }, "; choose another place with --result-dir"),
            (
                Error::FolderUsed { path: "x".into(), found: "metrics.json" },
                "; go on with an unfinished run with --resume, choose another --run-name, or remove it",
            ),
            (
                Error::ConfigChanged { path: "x".into(), key, was, is },
                "began with; choose another --run-name for the new ones",
            ),
            (
                Error::SampleChanged { row: 1, task, folder: "x".into() },
                "; choose another --run-name for the new data",
            ),
            (
                Error::Interrupted { rows_done: 1, rows_total: 2, attention, run: "runs/r".into() },
                "which are kept; go on with --resume runs/r",
            ),
        ] {
            let text = explained(&error.into());
            assert!(text.ends_with(remedy), "{text}");
        }
    }

    #[test]
    fn errors_of_a_model_name_the_flag_too() {
        let too_long = sah_adapter::Error::TooLong { context: 100, question: 20, answer: 10, positions: 128 };
        let text = explained(&sah_request::ModelError::from(too_long).into());
        assert!(text.contains("; lower --max-context-length to at most 99, or raise"), "{text}");
        let text = explained(&sah_adapter::Error::StoredOffCpu.into());
        assert!(text.ends_with("on the CPU only; use --device cpu, or --weights expanded"), "{text}");
    }

    #[test]
    fn a_remedy_follows_the_whole_chain() {
        let busy = || Error::FolderBusy { path: "x".into() };
        let text = "another run is writing to x; choose another --run-name or wait for it";
        assert_eq!(explained(&busy().into()), text);
        assert_eq!(explained(&sah_report::Error::Files(busy()).into()), text);
        let in_context = Err::<(), _>(busy()).context("dense").unwrap_err();
        assert_eq!(explained(&in_context), format!("dense: {text}"));
    }

    #[test]
    fn an_unfinished_run_goes_on_as_the_benchmark_that_it_is() {
        let unfinished = sah_report::Error::Unfinished { folder: "no/such".into(), run: "r".into() };
        let text = explained(&unfinished.into());
        assert!(text.ends_with("go on with it: cargo xtask bench NAME --resume r"), "{text}");
    }

    #[test]
    fn what_has_no_remedy_stays_as_it_is() {
        assert_eq!(explained(&anyhow::anyhow!("disk full").context("saving")), "saving: disk full");
        assert_eq!(explained(&Error::NothingToCompare.into()), "there are no results to compare");
    }
}
