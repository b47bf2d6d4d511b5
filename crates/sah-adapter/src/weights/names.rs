//! What stands before the names of a language model's tensors in a checkpoint.

use super::safetensors::Safetensors;

/// How an architecture names its tensors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TensorNames {
    /// What stands before all names but the head's.
    base: &'static str,
    /// Its list of layers.
    layers: &'static str,
    /// Its embedding.
    embedding: &'static str,
    /// What else may stand there: `model.` alone is an architecture's own.
    others: &'static [&'static str],
}

/// The head, whatever the architecture.
pub(super) const HEAD: &str = "lm_head.weight";

impl TensorNames {
    /// `model.layers.0`, which most architectures have. A wrapper's language model has its own part of the names, and a
    /// checkpoint of a model without its head has none.
    pub(crate) const LLAMA: Self = Self {
        base: "model.",
        layers: "layers.",
        embedding: "embed_tokens.weight",
        others: &[
            "model.language_model.",
            "language_model.model.",
            "language_model.",
            "model.text_model.",
            "text_model.",
            "",
        ],
    };
    /// `transformer.h.0`.
    pub(crate) const GPT2: Self =
        Self { base: "transformer.", layers: "h.", embedding: "wte.weight", others: &[""] };

    /// The names that `weights` has.
    pub(super) fn of(self, weights: &Safetensors) -> StoredNames {
        let has = |prefix: &str| weights.has_any(&format!("{prefix}{}", self.layers));
        let mut prefixes = std::iter::once(self.base).chain(self.others.iter().copied());
        let prefix = prefixes.find(|prefix| has(prefix)).unwrap_or(self.base);
        let mut heads = ["", "language_model.", "model."].into_iter();
        let head = heads.find(|head| weights.entry(&format!("{head}{HEAD}")).is_some()).unwrap_or("");
        StoredNames { base: self.base, prefix, head, embedding: self.embedding }
    }

    /// Those of the architecture.
    pub(super) fn own(self) -> StoredNames {
        StoredNames { base: self.base, prefix: self.base, head: "", embedding: self.embedding }
    }
}

/// From an architecture's names to those of a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredNames {
    base: &'static str,
    /// What stands in the place of `base`.
    pub(super) prefix: &'static str,
    /// What stands before the head's name.
    head: &'static str,
    embedding: &'static str,
}

impl StoredNames {
    /// The names as they are asked for.
    pub(super) const SAME: Self = Self { base: "", prefix: "", head: "", embedding: "" };

    /// The checkpoint's name for `name`.
    pub(super) fn stored(&self, name: &str) -> String {
        if name == HEAD {
            return self.head();
        }
        match name.strip_prefix(self.base) {
            Some(rest) => format!("{}{rest}", self.prefix),
            None => name.to_owned(),
        }
    }

    /// The checkpoint's name of the head.
    pub(super) fn head(&self) -> String {
        format!("{}{HEAD}", self.head)
    }

    /// The checkpoint's name of the embedding.
    pub(super) fn embedding(&self) -> String {
        format!("{}{}", self.prefix, self.embedding)
    }

    /// Whether tensors are named as the architecture does.
    pub(super) fn are_own(&self) -> bool {
        self.prefix == self.base
    }
}
