//! What is said of a model that thinks before it answers, or would.

use sah_adapter::ThinkingMode;
use sah_bench_core::{TemplateThinking, Warning, WarningKind};
use sah_request::GenerationParams;

/// The warning that a run of such a model has.
pub(crate) fn warning(mode: &ThinkingMode, generation: &GenerationParams) -> Option<Warning> {
    let room = match generation.thinking_tokens {
        0 => "its thoughts have no room beside the limit on the answer".to_owned(),
        tokens => format!("its thoughts may have {tokens} tokens beside the limit on the answer"),
    };
    let said = format!("thoughts are not scored, {room}, and answer prefixes are left out");
    let message = match mode {
        ThinkingMode::Off(switch) if switch.by_default => format!(
            "the chat template makes the model think unless told otherwise, and it was told so ({}={})",
            switch.variable, switch.value
        ),
        ThinkingMode::On(switch) => {
            format!("the model thinks before it answers ({}={}): {said}", switch.variable, switch.value)
        }
        ThinkingMode::Always => {
            format!("the chat template makes the model think and has no switch for it: {said}")
        }
        _ => return None,
    };
    Some(Warning::new(WarningKind::TemplateThinks, message))
}

/// As `config.json` has it.
pub(crate) fn in_config(mode: &ThinkingMode) -> TemplateThinking {
    match mode {
        ThinkingMode::Off(_) => TemplateThinking::Off,
        ThinkingMode::On(_) => TemplateThinking::On,
        ThinkingMode::Always => TemplateThinking::Always,
        _ => TemplateThinking::Unknown,
    }
}
