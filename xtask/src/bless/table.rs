//! The one table of goldens: which script makes which files, in which environment.

/// A script that makes goldens.
#[derive(Debug)]
pub(crate) struct Generator {
    /// Its name in `cargo xtask bless NAME`.
    pub(crate) name: &'static str,
    /// The argument of `tests/reference/venv.sh`; empty for the reference itself.
    pub(crate) environment: &'static str,
    /// Path and arguments.
    pub(crate) script: &'static [&'static str],
    /// The files that it writes; a `*` at the end stands for any rest.
    pub(crate) files: &'static [&'static str],
    /// A program of this workspace that the script needs, by the name of its example.
    pub(crate) example: Option<&'static str>,
}

/// In the order in which they run, quickest first.
pub(crate) const GENERATORS: &[Generator] = &[
    Generator {
        name: "metrics",
        environment: "metrics",
        script: &["crates/sah-longbench/tests/reference/metrics.py"],
        files: &["crates/sah-longbench/tests/reference/metrics.json"],
        example: None,
    },
    Generator {
        name: "text-metrics",
        environment: "text-metrics",
        script: &["crates/sah-metrics/tests/reference/text_metrics.py"],
        files: &["crates/sah-metrics/tests/reference/text_metrics.json"],
        example: None,
    },
    Generator {
        name: "meteor",
        environment: "text-metrics",
        script: &["crates/sah-metrics/tests/reference/meteor.py"],
        files: &[
            "crates/sah-metrics/tests/reference/meteor.json",
            "crates/sah-metrics/tests/reference/wordnet/*",
        ],
        example: None,
    },
    Generator {
        name: "rules",
        environment: "text-metrics",
        script: &["crates/sah-metrics/tests/reference/rules.py"],
        files: &["crates/sah-metrics/tests/reference/rules.json"],
        example: None,
    },
    Generator {
        name: "needle",
        environment: "text-metrics",
        script: &["crates/sah-needle/tests/reference/needle.py"],
        files: &["crates/sah-needle/tests/reference/needle.json"],
        example: None,
    },
    Generator {
        name: "final-integer",
        environment: "final-integer",
        script: &["crates/sah-metrics/tests/reference/final_integer.py"],
        files: &["crates/sah-metrics/tests/reference/final_integer.json"],
        example: None,
    },
    Generator {
        name: "kivi",
        environment: "metrics",
        script: &["crates/sah-attention/tests/reference/kivi.py"],
        files: &["crates/sah-attention/tests/reference/kivi.json"],
        example: None,
    },
    Generator {
        name: "prefill-rules",
        environment: "metrics",
        script: &["crates/sah-attention/tests/reference/prefill_rules.py"],
        files: &["crates/sah-attention/tests/reference/prefill_rules.json"],
        example: None,
    },
    Generator {
        name: "retention",
        environment: "kvpress",
        script: &["crates/sah-attention/tests/reference/retention.py"],
        files: &[
            "crates/sah-attention/tests/reference/retention.json",
            "crates/sah-attention/tests/reference/retention.safetensors",
        ],
        example: None,
    },
    Generator {
        name: "kept-keys",
        environment: "kvpress",
        script: &["crates/sah-adapter/tests/reference/kept_keys.py"],
        files: &[
            "crates/sah-adapter/tests/reference/kept_keys/*",
            "crates/sah-adapter/tests/reference/kept_keys/llama/*",
            "crates/sah-adapter/tests/reference/kept_keys/qwen3/*",
            "crates/sah-adapter/tests/reference/kept_keys/phi3/*",
        ],
        example: None,
    },
    Generator {
        name: "gguf-types",
        script: &["crates/sah-adapter/tests/reference/make_goldens.py", "types"],
        files: &["crates/sah-adapter/tests/reference/every_type.*"],
        ..REFERENCE
    },
    Generator {
        name: "i-quant-grids",
        script: &["crates/sah-adapter/tests/reference/make_goldens.py", "grids"],
        files: &["crates/sah-tensor/src/blocks/dequant/grids/*"],
        ..REFERENCE
    },
    Generator {
        name: "templates",
        script: &["crates/sah-adapter/tests/reference/make_goldens.py", "templates"],
        files: &[
            "crates/sah-adapter/tests/reference/chat_templates.json",
            "crates/sah-adapter/tests/reference/strftime.json",
        ],
        ..REFERENCE
    },
    Generator {
        name: "jinja-expressions",
        script: &["tests/reference/jinja_expressions.py"],
        files: &["crates/sah-adapter/tests/reference/jinja_expressions.json"],
        ..REFERENCE
    },
    Generator {
        name: "tokenizers",
        script: &["crates/sah-adapter/tests/reference/make_goldens.py", "tokenizers"],
        files: &["crates/sah-adapter/tests/reference/tokenizer-*"],
        ..REFERENCE
    },
    Generator {
        name: "tokenizer-fields",
        script: &["crates/sah-adapter/tests/reference/tokenizer_fields.py"],
        files: &["crates/sah-adapter/tests/reference/tokenizer_fields.json"],
        ..REFERENCE
    },
    Generator {
        name: "control-tokens",
        environment: "tokenizers",
        script: &["crates/sah-adapter/tests/reference/control_tokens.py"],
        files: &["crates/sah-adapter/tests/reference/control_tokens.json"],
        example: None,
    },
    Generator {
        name: "hash-attention",
        script: &["crates/sah-adapter/tests/reference/hash_attention.py"],
        files: &["crates/sah-adapter/tests/reference/hash_attention/*"],
        ..REFERENCE
    },
    Generator {
        name: "logits-processors",
        script: &["tests/reference/logits_processors.py"],
        files: &[
            "crates/sah-adapter/tests/reference/logits_processors.json",
            "crates/sah-adapter/tests/reference/logits_warpers.json",
        ],
        ..REFERENCE
    },
    Generator {
        name: "default-model",
        script: &["crates/sah-adapter/tests/reference/make_goldens.py", "default-model"],
        files: &["crates/sah-adapter/tests/reference/smollm2.json"],
        ..REFERENCE
    },
    Generator {
        name: "gguf-models",
        script: &["crates/sah-adapter/tests/reference/make_goldens.py", "architectures"],
        files: &["crates/sah-adapter/tests/reference/model-*"],
        ..REFERENCE
    },
    Generator {
        name: "gguf-converted",
        script: &["crates/sah-adapter/tests/reference/converted.py"],
        files: &["crates/sah-adapter/tests/reference/converted-*"],
        ..REFERENCE
    },
    Generator {
        name: "gguf-converted-5",
        script: &["crates/sah-adapter/tests/reference/converted.py"],
        files: &[
            "crates/sah-adapter/tests/reference/converted-mistral3.*",
            "crates/sah-adapter/tests/reference/converted-qwen3*",
            "crates/sah-adapter/tests/reference/converted-gemma4*",
        ],
        ..TRANSFORMERS_5
    },
    Generator {
        name: "models",
        script: &["tests/reference/tiny_models.py"],
        files: &["tests/fixtures/models/*"],
        ..REFERENCE
    },
    Generator {
        name: "models-5",
        script: &["tests/reference/tiny_models.py"],
        files: &[
            "tests/fixtures/models/ministral3/*",
            "tests/fixtures/models/qwen3-next/*",
            "tests/fixtures/models/qwen3-5/*",
            "tests/fixtures/models/qwen3-5-moe/*",
        ],
        ..TRANSFORMERS_5
    },
    Generator {
        name: "rotary",
        script: &["tests/reference/rotary.py"],
        files: &["crates/sah-adapter/tests/reference/rotary-4.json"],
        ..REFERENCE
    },
    Generator {
        name: "rotary-5",
        script: &["tests/reference/rotary.py"],
        files: &[
            "crates/sah-adapter/tests/reference/rotary-5.json",
            "crates/sah-adapter/tests/reference/published-5.json",
        ],
        ..TRANSFORMERS_5
    },
    Generator {
        name: "saved",
        script: &["tests/reference/saved_folders.py"],
        files: &["tests/fixtures/saved/transformers-4/*"],
        ..REFERENCE
    },
    Generator {
        name: "saved-5",
        script: &["tests/reference/saved_folders.py"],
        files: &["tests/fixtures/saved/transformers-5/*"],
        ..TRANSFORMERS_5
    },
    Generator {
        name: "quantised",
        script: &["tests/reference/quantised.py"],
        files: &["tests/fixtures/quantised/*"],
        ..TRANSFORMERS_5
    },
    Generator {
        name: "quantised-older",
        script: &["tests/reference/quantised_act_order.py"],
        files: &[
            "tests/fixtures/quantised/compressed-int3-act-order/*",
            "tests/fixtures/quantised/compressed-int4-act-order/*",
            "tests/fixtures/quantised/compressed-int8-act-order/*",
        ],
        ..TRANSFORMERS_5
    },
    Generator {
        name: "generation-configs",
        script: &["tests/reference/generation_configs.py"],
        files: &["tests/fixtures/generation_configs.json"],
        ..REFERENCE
    },
    Generator {
        name: "hub-cache",
        script: &["crates/sah-hub/tests/reference/hub_cache.py", "--write"],
        files: &["crates/sah-hub/tests/reference/hub_cache.json"],
        example: Some("fetch"),
        ..REFERENCE
    },
    Generator {
        name: "prompts",
        script: &["tests/reference/generate_goldens.py"],
        files: &["tests/fixtures/transformers/*"],
        ..REFERENCE
    },
];

/// What the generators that run on PyTorch and transformers have in common.
const REFERENCE: Generator = Generator { name: "", environment: "", script: &[], files: &[], example: None };

/// The same of those that run on transformers 5.
const TRANSFORMERS_5: Generator = Generator { environment: "transformers-5", ..REFERENCE };

impl Generator {
    /// Whether `file`, a path from the root of the checkout, is one of its goldens.
    pub(crate) fn makes(&self, file: &str) -> bool {
        self.files.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => file.starts_with(begin),
            None => file == *pattern,
        })
    }
}
