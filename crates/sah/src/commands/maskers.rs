//! `cargo xtask maskers`: what a sparse attention can be made of.

use sah_attention::{AttentionConfig, MaskerInfo, MaskerRegistry};

use super::fields::of_field;
use crate::exit;
use crate::terminal::{Facts, show};

/// Prints each masker with its fields, source and cost, and the presets, to standard output.
pub(crate) fn run(registry: &MaskerRegistry) -> anyhow::Result<u8> {
    for masker in registry.infos() {
        show(format_args!("{}\n", masker_facts(masker)))?;
    }
    let mut presets =
        Facts::titled("presets, for --attention and --prefill").with("dense", "(none: every key is read)");
    for name in registry.presets() {
        let text = match AttentionConfig::preset_in(registry, name, &[""; 0]) {
            Ok(config) => serde_json::to_string(&config)?,
            Err(error) => error.to_string(),
        };
        presets = presets.with(name, &text);
    }
    show(presets)?;
    let note = "Formulas and examples: crates/sah-attention/docs/maskers/TYPE.md. Change a field of a preset with --set FIELD=VALUE";
    show(format_args!("\n{}", Facts::titled(note)))?;
    Ok(exit::DONE)
}

fn masker_facts(masker: &MaskerInfo) -> Facts {
    let mut facts = Facts::titled(&format!("{}: {}", masker.name, masker.about));
    for field in masker.fields {
        facts = of_field(facts, "", field);
    }
    facts.with("cost a step", masker.cost).with("state a key", masker.state).with("source", masker.source)
}
