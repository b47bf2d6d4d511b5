//! What a tokenizer class of transformers does whatever `tokenizer.json` says.

/// A class, with or without `Fast` at the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hf) enum Class {
    /// `PreTrainedTokenizerFast`, which does as `tokenizer.json` says.
    Plain,
    CodeLlama,
    Cohere,
    Gemma,
    Gpt2,
    GptNeoX,
    Llama,
    Qwen2,
}

/// A role and the token that has it.
pub(super) type Default = (&'static str, &'static str);

impl Class {
    /// By the name that `tokenizer_class` has; `None` for one that is not known here.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name.strip_suffix("Fast").unwrap_or(name) {
            "PreTrainedTokenizer" | "TokenizersBackend" => Self::Plain,
            "CodeLlamaTokenizer" => Self::CodeLlama,
            "CohereTokenizer" => Self::Cohere,
            "GemmaTokenizer" => Self::Gemma,
            "GPT2Tokenizer" => Self::Gpt2,
            "GPTNeoXTokenizer" => Self::GptNeoX,
            "LlamaTokenizer" => Self::Llama,
            "Qwen2Tokenizer" => Self::Qwen2,
            _ => return None,
        })
    }

    /// Of a model whose files name no class.
    pub(super) fn of_model_type(model_type: &str) -> Self {
        match model_type {
            "cohere2" => Self::Cohere,
            "gemma2" | "gemma3" | "gemma3_text" => Self::Gemma,
            "exaone4" | "gpt2" | "granite" | "olmo3" => Self::Gpt2,
            "ernie4_5" | "llama" | "mistral" | "mixtral" | "phi3" => Self::Llama,
            "olmo2" => Self::GptNeoX,
            "qwen2" | "qwen2_moe" | "qwen3" | "qwen3_moe" => Self::Qwen2,
            _ => Self::Plain,
        }
    }

    /// The special tokens of a model whose files do not name them.
    pub(super) fn default_tokens(self) -> &'static [Default] {
        const END_OF_TEXT: &str = "<|endoftext|>";
        match self {
            Self::Plain => &[],
            Self::Cohere => &[
                ("bos_token", "<BOS_TOKEN>"),
                ("eos_token", "<|END_OF_TURN_TOKEN|>"),
                ("unk_token", "<UNK>"),
            ],
            Self::Gemma => &[
                ("bos_token", "<bos>"),
                ("eos_token", "<eos>"),
                ("unk_token", "<unk>"),
                ("pad_token", "<pad>"),
            ],
            Self::Gpt2 | Self::GptNeoX => {
                &[("bos_token", END_OF_TEXT), ("eos_token", END_OF_TEXT), ("unk_token", END_OF_TEXT)]
            }
            Self::Llama | Self::CodeLlama => {
                &[("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")]
            }
            Self::Qwen2 => {
                &[("eos_token", END_OF_TEXT), ("unk_token", END_OF_TEXT), ("pad_token", END_OF_TEXT)]
            }
        }
    }

    /// Fields beside `additional_special_tokens` whose tokens belong to them, and what they are by default.
    pub(super) fn further_tokens(self) -> &'static [Default] {
        match self {
            Self::CodeLlama => &[
                ("prefix_token", "\u{2581}<PRE>"),
                ("middle_token", "\u{2581}<MID>"),
                ("suffix_token", "\u{2581}<SUF>"),
                ("eot_token", "\u{2581}<EOT>"),
            ],
            _ => &[],
        }
    }

    /// For classes that put the beginning of sequence in front of a text themselves: whether they do so by default.
    pub(super) fn own_bos(self) -> Option<bool> {
        match self {
            Self::Llama | Self::CodeLlama | Self::Gemma | Self::Cohere => Some(true),
            Self::GptNeoX => Some(false),
            Self::Plain | Self::Gpt2 | Self::Qwen2 => None,
        }
    }

    /// Whether its special tokens are looked for as they are written, whatever `tokenizer.json` says of them.
    pub(super) fn writes_tokens_anew(self) -> bool {
        self == Self::Qwen2
    }
}
