//! A whole small checkpoint in Hugging Face form: a Llama model of one layer with a byte-level tokenizer.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

const HIDDEN: usize = 8;
const INNER: usize = 16;
const VOCABULARY: usize = 262;

/// Writes the folder, its weights in one file or, for `sharded`, listed by an index.
pub(crate) fn write(folder: &Path, sharded: bool) {
    for (name, bytes) in files() {
        let name = if sharded && *name == "model.safetensors" { "part-1.safetensors" } else { name };
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    if sharded {
        std::fs::write(folder.join("model.safetensors.index.json"), index()).unwrap();
    }
}

/// All files by name.
pub(crate) fn files() -> &'static BTreeMap<&'static str, Vec<u8>> {
    static FILES: OnceLock<BTreeMap<&'static str, Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let text = |value: Value| value.to_string().into_bytes();
        BTreeMap::from([
            ("config.json", text(config())),
            ("generation_config.json", text(json!({"eos_token_id": [1, 261]}))),
            ("tokenizer.json", text(tokenizer())),
            ("tokenizer_config.json", text(tokenizer_config())),
            ("model.safetensors", weights()),
        ])
    })
}

/// The index of the weights, all in one part.
pub(crate) fn index() -> Vec<u8> {
    let map = shapes().into_iter().map(|(name, _)| (name, json!("part-1.safetensors")));
    let map: serde_json::Map<String, Value> = map.collect();
    json!({"metadata": {"total_size": 1}, "weight_map": map}).to_string().into_bytes()
}

fn config() -> Value {
    json!({
        "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": VOCABULARY, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 512, "rope_theta": 10000.0, "rope_scaling": null, "hidden_act": "silu",
        "tie_word_embeddings": true, "attention_bias": false, "mlp_bias": false, "head_dim": 4,
        "bos_token_id": 0, "eos_token_id": 1,
    })
}

fn shapes() -> Vec<(String, Vec<usize>)> {
    let layer = |name: &str, shape: &[usize]| (format!("model.layers.0.{name}.weight"), shape.to_vec());
    vec![
        ("model.embed_tokens.weight".to_owned(), vec![VOCABULARY, HIDDEN]),
        layer("input_layernorm", &[HIDDEN]),
        layer("self_attn.q_proj", &[HIDDEN, HIDDEN]),
        layer("self_attn.k_proj", &[4, HIDDEN]),
        layer("self_attn.v_proj", &[4, HIDDEN]),
        layer("self_attn.o_proj", &[HIDDEN, HIDDEN]),
        layer("post_attention_layernorm", &[HIDDEN]),
        layer("mlp.gate_proj", &[INNER, HIDDEN]),
        layer("mlp.up_proj", &[INNER, HIDDEN]),
        layer("mlp.down_proj", &[HIDDEN, INNER]),
        ("model.norm.weight".to_owned(), vec![HIDDEN]),
    ]
}

fn weights() -> Vec<u8> {
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shapes()
        .into_iter()
        .map(|(name, shape)| {
            let values = (0..shape.iter().product::<usize>()).map(|i| (i * 37 % 64) as f32 / 64.0 - 0.5);
            let bytes = values.flat_map(f32::to_le_bytes).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// Every byte is a token; some merges; `<s>` in front.
fn tokenizer() -> Value {
    let mut vocabulary = serde_json::Map::new();
    for token in ["<s>", "</s>"] {
        vocabulary.insert(token.to_owned(), json!(vocabulary.len()));
    }
    for byte in byte_characters() {
        vocabulary.insert(byte.to_string(), json!(vocabulary.len()));
    }
    let merges = [["t", "e"], ["te", "x"], ["Ġ", "c"]];
    for [left, right] in merges {
        vocabulary.insert(format!("{left}{right}"), json!(vocabulary.len()));
    }
    let added = |id: usize, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "<s>"},
        "added_tokens": [added(0, "<s>"), added(1, "</s>"), added(261, "<|turn|>")],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"},
            {"type": "Replace", "pattern": {"String": "\u{200b}"}, "content": ""}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}| ?\\p{L}+|\\s+(?!\\S)|\\s+"},
                "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges},
    })
}

fn tokenizer_config() -> Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": {"__type": "AddedToken", "content": "<s>", "lstrip": false, "normalized": false},
        "eos_token": "</s>",
        "pad_token": null,
        "additional_special_tokens": ["<|turn|>"],
        "clean_up_tokenization_spaces": true,
        "chat_template": [
            {"name": "default", "template": "{{ bos_token }}{% for m in messages %}<|turn|>{{ m.role }}\n\
                {{ m.content | trim }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|turn|>{% endif %}"},
            {"name": "tool_use", "template": "{{ tools | tojson }}"},
        ],
    })
}

/// The printable characters that stand for bytes, as GPT-2 has them.
fn byte_characters() -> impl Iterator<Item = char> {
    let plain = |byte: &u32| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 0x100;
    (0..256_u32).map(move |byte| {
        let code = if plain(&byte) {
            byte
        } else {
            next += 1;
            next - 1
        };
        char::from_u32(code).unwrap()
    })
}
