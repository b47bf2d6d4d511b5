//! The architectures that GGUF files can have here, and how each names and lays out its tensors.

mod layout;
mod names;
mod tensors;

use super::{Gguf, Metadata};
use crate::Error;

pub(super) use layout::{DeltaHeads, Heads, Layout, Order, RowOrder, Rows, Values};
pub(super) use tensors::{Role, in_layer};

/// An architecture whose metadata and tensors this crate can give in Hugging Face form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    Llama,
    /// A file of `llama` with experts.
    Mixtral,
    /// A file of `mistral3` whose queries do not grow: Mistral Small 3.1.
    Mistral,
    Ministral3,
    Qwen2,
    Qwen3,
    Qwen2Moe,
    Qwen3Moe,
    Qwen3Next,
    Qwen35,
    Qwen35Moe,
    Phi3,
    Gemma2,
    Gemma3,
    Gemma4,
    Gpt2,
    GptOss,
    Glm4,
    Glm4Moe,
    Olmo2,
    /// A file of `olmo2` with a window.
    Olmo3,
    Granite,
    SmolLm3,
    SeedOss,
    Cohere2,
    Exaone4,
    Ernie45,
    HunyuanDense,
}

use Architecture::{
    Cohere2, Ernie45, Exaone4, Gemma2, Gemma3, Gemma4, Glm4, Glm4Moe, Gpt2, GptOss, Granite, HunyuanDense,
    Llama, Ministral3, Mistral, Mixtral, Olmo2, Olmo3, Phi3, Qwen2, Qwen2Moe, Qwen3, Qwen3Moe, Qwen3Next,
    Qwen35, Qwen35Moe, SeedOss, SmolLm3,
};

/// Each with its name in files, which is the first part of metadata keys, and the `model_type` of Hugging Face's configuration. Of those
/// with one name, the first is what a file has that says nothing else.
const ALL: [(Architecture, &str, &str); 28] = [
    (Llama, "llama", "llama"),
    (Mixtral, "llama", "mixtral"),
    (Mistral, "mistral3", "mistral"),
    (Ministral3, "mistral3", "ministral3"),
    (Qwen2, "qwen2", "qwen2"),
    (Qwen2Moe, "qwen2moe", "qwen2_moe"),
    (Qwen3, "qwen3", "qwen3"),
    (Qwen3Moe, "qwen3moe", "qwen3_moe"),
    (Qwen3Next, "qwen3next", "qwen3_next"),
    (Qwen35, "qwen35", "qwen3_5_text"),
    (Qwen35Moe, "qwen35moe", "qwen3_5_moe_text"),
    (Phi3, "phi3", "phi3"),
    (Gemma2, "gemma2", "gemma2"),
    (Gemma3, "gemma3", "gemma3_text"),
    (Gemma4, "gemma4", "gemma4_text"),
    (Gpt2, "gpt2", "gpt2"),
    (GptOss, "gpt-oss", "gpt_oss"),
    (Glm4, "glm4", "glm4"),
    (Glm4Moe, "glm4moe", "glm4_moe"),
    (Olmo2, "olmo2", "olmo2"),
    (Olmo3, "olmo2", "olmo3"),
    (Granite, "granite", "granite"),
    (SmolLm3, "smollm3", "smollm3"),
    (SeedOss, "seed_oss", "seed_oss"),
    (Cohere2, "cohere2", "cohere2"),
    (Exaone4, "exaone4", "exaone4"),
    (Ernie45, "ernie4_5", "ernie4_5"),
    (HunyuanDense, "hunyuan-dense", "hunyuan_v1_dense"),
];

impl Architecture {
    /// The architecture that the file says it has.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for another architecture.
    pub(crate) fn of(gguf: &Gguf) -> Result<Self, Error> {
        let metadata = Metadata(gguf);
        let key = "general.architecture";
        let name = metadata.required(key, "the name of an architecture", metadata.text(key)?)?;
        let Some(&(first, _, _)) = ALL.iter().find(|(_, known, _)| *known == name) else {
            let supported =
                format!("{}; the model's folder in Hugging Face form may be read", Self::names().join(", "));
            return Err(metadata.unsupported(key, name, &supported));
        };
        let has = |key: &str| {
            metadata.number(&format!("{name}.{key}")).map(|number| number.is_some_and(|value| value > 0.0))
        };
        Ok(match first {
            Llama if has("expert_count")? => Mixtral,
            Mistral if has("attention.temperature_scale")? => Ministral3,
            Olmo2 if has("attention.sliding_window")? => Olmo3,
            first => first,
        })
    }

    /// The names that files can have, each once.
    pub(crate) fn names() -> Vec<&'static str> {
        let mut names: Vec<&str> = ALL.iter().map(|(_, name, _)| *name).collect();
        names.dedup();
        names
    }

    fn row(self) -> (Self, &'static str, &'static str) {
        ALL.into_iter().find(|(architecture, _, _)| *architecture == self).unwrap_or(ALL[0])
    }

    /// The name in the file: the first part of the metadata keys.
    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    /// `model_type` of Hugging Face's configuration.
    pub(crate) fn model_type(self) -> &'static str {
        self.row().2
    }

    /// Whether a feed-forward network may have experts.
    pub(super) fn has_experts(self) -> bool {
        self.experts().is_some()
    }

    /// Whether some layers have the gated delta rule in the place of attention.
    pub(super) fn has_delta_rule(self) -> bool {
        matches!(self, Qwen3Next | Qwen35 | Qwen35Moe)
    }

    /// Whether layers may have a window.
    pub(super) fn has_windows(self) -> bool {
        matches!(self, Phi3 | Gemma2 | Gemma3 | Gemma4 | GptOss | Olmo3 | Cohere2 | Exaone4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_is_in_the_table_once_and_its_names_are_together() {
        for (architecture, name, model_type) in ALL {
            assert_eq!((architecture.name(), architecture.model_type()), (name, model_type));
        }
        let mut names = Architecture::names();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
