//! `cargo xtask retentions`: what a retention can be made of.

use sah_attention::{RetentionConfig, RetentionInfo, RetentionRegistry};
use sah_message::meant;

use super::fields::of_field;
use crate::args::RetentionsArgs;
use crate::exit;
use crate::terminal::{Facts, show};
use crate::usage::UsageError;

/// Prints each rule with its fields, source and cost, and the presets, to standard output.
pub(crate) fn run(registry: &RetentionRegistry, args: &RetentionsArgs) -> anyhow::Result<u8> {
    if let Some(name) = &args.name {
        let Some(rule) = registry.info(name) else {
            let known = registry.infos().map(|info| info.name);
            return Err(UsageError(format!("there is no rule {name:?}; {}", meant(name, known))).into());
        };
        show(rule_facts(rule))?;
        return Ok(exit::DONE);
    }
    for rule in registry.infos() {
        show(format_args!("{}\n", rule_facts(rule)))?;
    }
    let mut presets = Facts::titled("presets, for --retention").with("none", "(all keys stay)");
    for name in registry.presets() {
        let config = RetentionConfig::preset_in(registry, name, &[""; 0])?;
        presets = presets.with(name, &serde_json::to_string(&config)?);
    }
    show(presets)?;
    let note = "Formulas and examples: crates/sah-attention/docs/retentions/TYPE.md. Change a field with --set retention:FIELD=VALUE: \
                ratio is the share of keys that are dropped, keys the number that stay";
    show(format_args!("\n{}", Facts::titled(note)))?;
    Ok(exit::DONE)
}

fn rule_facts(rule: &RetentionInfo) -> Facts {
    let mut facts = Facts::titled(&format!("{}: {}", rule.name, rule.about));
    for field in rule.fields {
        facts = of_field(facts, "retention:", field);
    }
    facts
        .with("looks at", rule.looks_at)
        .with("cost a layer", rule.cost)
        .with("memory", rule.memory)
        .with("source", rule.source)
}
