//! A model's own generation config: what came of it, and what a user should know of it.

use sah_adapter::GenerationConfig;
use sah_bench_core::{GenerationConfigUsed, Warning, WarningKind};
use serde_json::Map;

use crate::args::{GenerationConfigArg, SamplingArgs};

/// What it does to answers, for `config.json`.
pub(crate) fn used(config: &GenerationConfig, mode: GenerationConfigArg) -> GenerationConfigUsed {
    let GenerationConfig { file, applied, not_applied, .. } = config.clone();
    let (applied, not_applied) = match mode {
        GenerationConfigArg::Apply => (applied, not_applied),
        GenerationConfigArg::Ignore => (Map::new(), applied.into_iter().chain(not_applied).collect()),
    };
    GenerationConfigUsed { mode: mode.name().to_owned(), file, applied, not_applied }
}

/// What it asks for and does not get. Nothing where it is to be ignored.
pub(crate) fn warnings(config: &GenerationConfig, sampling: &SamplingArgs) -> Vec<Warning> {
    if sampling.generation_config == GenerationConfigArg::Ignore {
        return Vec::new();
    }
    let file = config.file.as_deref().unwrap_or("the file");
    let mut warnings = Vec::new();
    if !config.not_applied.is_empty() {
        let fields: Vec<String> =
            config.not_applied.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let fields = fields.join(", ");
        let message = format!(
            "{file} of the model has {fields}, which other programs decode by and which is not applied"
        );
        warnings.push(Warning::new(WarningKind::GenerationConfigNotApplied, message));
    }
    if config.asks_for_sampling && sampling.is_greedy() {
        let message = format!("{file} of the model asks for tokens drawn at random, and decoding is greedy");
        warnings.push(Warning::new(WarningKind::GreedyInsteadOfSampling, message));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use sah_adapter::GenerationConfig;
    use sah_bench_core::WarningKind;
    use serde_json::{Value, json};

    use super::{used, warnings};
    use crate::args::{GenerationConfigArg, SamplingArgs};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        sampling: SamplingArgs,
    }

    fn config() -> GenerationConfig {
        let Value::Object(applied) = json!({"repetition_penalty": 1.1}) else { unreachable!() };
        let Value::Object(not_applied) = json!({"num_beams": 4}) else { unreachable!() };
        let file = Some("generation_config.json".to_owned());
        let mut config = GenerationConfig::default();
        (config.file, config.applied, config.not_applied, config.asks_for_sampling) =
            (file, applied, not_applied, true);
        config
    }

    #[test]
    fn a_run_warns_of_what_is_not_done() {
        let kinds = |options: &[&str]| {
            let command = Command::parse_from([&["sah"], options].concat());
            let found = warnings(&config(), &command.sampling);
            found.into_iter().map(|warning| (warning.kind, warning.message)).collect::<Vec<_>>()
        };
        let both = kinds(&[]);
        assert_eq!(both.len(), 2, "{both:?}");
        assert!(both[0].1.starts_with("generation_config.json of the model has num_beams=4, "), "{both:?}");
        assert_eq!(both[1].0, WarningKind::GreedyInsteadOfSampling);
        assert_eq!(kinds(&["--temperature", "0.7"]).len(), 1);
        assert_eq!(kinds(&["--generation-config", "ignore"]), []);
    }

    #[test]
    fn what_is_ignored_is_not_applied() {
        let applied = used(&config(), GenerationConfigArg::Apply);
        assert_eq!((applied.applied.len(), applied.not_applied.len()), (1, 1));
        let ignored = used(&config(), GenerationConfigArg::Ignore);
        assert_eq!(
            (ignored.mode.as_str(), ignored.applied.len(), ignored.not_applied.len()),
            ("ignore", 0, 2)
        );
    }
}
