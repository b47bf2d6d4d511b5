//! What is read of GGUF files, and what it was compared with.

use sah_tensor::blocks::GgmlType;

use super::Architecture;

/// What can be read of GGUF files.
#[derive(Debug)]
#[non_exhaustive]
pub struct GgufForms {
    /// Names in `general.architecture`.
    pub architectures: Vec<&'static str>,
    /// Types of tensors.
    pub types: Vec<&'static str>,
    /// The package and its version whose values of each type are the same, bit for bit.
    pub types_verified_against: &'static str,
    /// Tiny files whose configurations, tensors and logits were compared with those of transformers.
    pub files: &'static [GgufFiles],
}

/// Tiny files with one origin.
#[derive(Debug)]
#[non_exhaustive]
pub struct GgufFiles {
    /// What wrote them, with its version.
    pub written_by: &'static str,
    /// Files of `crates/sah-adapter/tests/reference`, without their ending.
    pub names: &'static [&'static str],
}

const PACKAGE: &str = "gguf 0.19.0";

static FILES: [GgufFiles; 2] = [
    GgufFiles {
        written_by: PACKAGE,
        names: &[
            "model-llama",
            "model-qwen2",
            "model-qwen3",
            "model-qwen2moe",
            "model-qwen3moe",
            "model-phi3",
            "model-gemma2",
            "model-gemma3",
            "model-gpt2",
        ],
    },
    GgufFiles {
        written_by: "the converter in llama-cpp-python 0.3.36",
        names: &[
            "converted-gpt-oss",
            "converted-gpt-oss-mxfp4",
            "converted-mixtral",
            "converted-glm4",
            "converted-glm4moe",
            "converted-olmo2",
            "converted-olmo3",
            "converted-granite",
            "converted-smollm3",
            "converted-seed_oss",
            "converted-cohere2",
            "converted-exaone4",
            "converted-ernie4_5",
            "converted-hunyuan-dense",
            "converted-mistral3",
            "converted-qwen3next",
            "converted-qwen35",
            "converted-qwen35moe",
            "converted-gemma4",
            "converted-gemma4moe",
        ],
    },
];

/// What [`LoadedModel`](crate::LoadedModel) and [`Network`](crate::Network) read of GGUF files.
#[must_use]
pub fn gguf_forms() -> GgufForms {
    GgufForms {
        architectures: Architecture::names(),
        types: GgmlType::SUPPORTED.split(", ").collect(),
        types_verified_against: PACKAGE,
        files: &FILES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::{Gguf, Metadata};

    #[test]
    fn every_architecture_has_a_file_and_every_file_is_listed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
        let forms = gguf_forms();
        let listed: Vec<&str> = forms.files.iter().flat_map(|files| files.names).copied().collect();
        let mut missing = forms.architectures.clone();
        for name in &listed {
            let gguf = Gguf::open(&folder.join(format!("{name}.gguf"))).unwrap();
            let architecture = Metadata(&gguf).text("general.architecture").unwrap();
            missing.retain(|name| Some(*name) != architecture);
        }
        assert_eq!(missing, Vec::<&str>::new());
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(name) = name.strip_suffix(".gguf") else { continue };
            let is_model = name.starts_with("model-") || name.starts_with("converted-");
            assert!(!is_model || listed.contains(&name), "{name}");
        }
    }
}
