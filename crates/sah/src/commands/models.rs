//! `cargo xtask models`: what can be run.

use sah_adapter::{GgufFiles, VERIFIED_AGAINST, families, gguf_forms, quantised_forms};

use crate::args::DEFAULT_MODEL;
use crate::exit;
use crate::terminal::{Facts, show};

/// What is read of GGUF files.
fn gguf() -> Facts {
    let forms = gguf_forms();
    let written = |files: &GgufFiles| format!("{} written by {}", files.names.len(), files.written_by);
    let written: Vec<String> = forms.files.iter().map(written).collect();
    Facts::titled("GGUF")
        .with("architectures", &forms.architectures.join(", "))
        .with("types of tensors", &forms.types.join(", "))
        .with("types compared with", &format!("{}: the bits of all values", forms.types_verified_against))
        .with(
            "files compared with",
            &format!(
                "{}: configs, the bits of all tensors and logits of tiny files, {}",
                VERIFIED_AGAINST.join(" or "),
                written.join(", ")
            ),
        )
}

/// Prints the architectures and the built-in model to standard output.
pub(crate) fn run() -> anyhow::Result<u8> {
    for family in families() {
        let checkpoints = match family.checkpoints.len() {
            1 => "1 tiny random checkpoint".to_owned(),
            count => format!("{count} tiny random checkpoints"),
        };
        let facts = Facts::titled(&format!("model_type {}", family.model_type))
            .with("for example", &family.examples.join(", "))
            .with(
                "compared with",
                &format!("{}: logits of {checkpoints}", family.verified_against.join(", ")),
            );
        show(format_args!("{facts}\n"))?;
    }
    for form in quantised_forms() {
        let checkpoints = match form.checkpoints.len() {
            1 => "1 tiny checkpoint".to_owned(),
            count => format!("{count} tiny checkpoints"),
        };
        let facts =
            Facts::titled(&format!("quant_method {}", form.method)).with("what is read", form.about).with(
                "compared with",
                &format!("{}: the bits of all weights of {checkpoints}", form.verified_against),
            );
        show(format_args!("{facts}\n"))?;
    }
    show(format_args!("{}\n", gguf()))?;
    let built_in = Facts::titled(&format!("built in: {DEFAULT_MODEL}"))
        .with("what it is", "SmolLM2-135M-Instruct, GGUF, Q4_1; the default")
        .with(
            "compared with",
            &format!("{} on the same weights: tokens, logits and answers", VERIFIED_AGAINST[0]),
        );
    show(built_in)?;
    let note = "Logits in f32 are at most 1e-4 apart, where they are of order 1, and greedy tokens are the same; in bf16 they are at \
         most twice as far from those in f32 as the library's own. --model takes a hub id, a folder in Hugging Face form or a GGUF file \
         of one of these architectures. The differences found, and what a config may ask for: docs/models.md";
    show(format_args!("\n{}", Facts::titled(note)))?;
    Ok(exit::DONE)
}
