//! A random model of one layer that takes any text for one unknown token: fast, and its answers are never looked at.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Writes it to `folder`; models of different `kind`s have different weights.
pub(crate) fn write(folder: &Path, kind: usize) {
    fs::create_dir_all(folder).unwrap();
    let write = |file: &str, json: Value| fs::write(folder.join(file), json.to_string()).unwrap();
    write(
        "config.json",
        json!({"model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "vocab_size": 4, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": true}),
    );
    write(
        "tokenizer.json",
        json!({"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
            "post_processor": null, "decoder": null, "added_tokens": [],
            "model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "c": 2, "d": 3}, "unk_token": "a"}}),
    );
    let layer = |name: &str, rows: usize, columns: usize| {
        (format!("model.layers.0.{name}.weight"), rows * columns, vec![rows, columns])
    };
    let norm = |name: &str| (format!("model.{name}.weight"), 8, vec![8]);
    let tensors = [
        ("model.embed_tokens.weight".to_owned(), 32, vec![4, 8]),
        norm("norm"),
        norm("layers.0.input_layernorm"),
        norm("layers.0.post_attention_layernorm"),
        layer("self_attn.q_proj", 8, 8),
        layer("self_attn.k_proj", 8, 8),
        layer("self_attn.v_proj", 8, 8),
        layer("self_attn.o_proj", 8, 8),
        layer("mlp.gate_proj", 16, 8),
        layer("mlp.up_proj", 16, 8),
        layer("mlp.down_proj", 8, 16),
    ];
    let mut values = Vec::new();
    for (name, count, shape) in tensors {
        let start: usize = values.iter().map(|(_, values, _): &Tensor| 4 * values.len()).sum();
        // Anything that is no zero and no pattern of two.
        let of_tensor = (0..count).map(|n| 0.1 * ((n * 7 + start + kind) % 11) as f32 - 0.5).collect();
        values.push((name, of_tensor, shape));
    }
    write_tensors(folder, values);
}

/// Name, values and shape.
type Tensor = (String, Vec<f32>, Vec<usize>);

fn write_tensors(folder: &Path, tensors: Vec<Tensor>) {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, values, shape) in tensors {
        let start = data.len();
        data.extend(values.into_iter().flat_map(f32::to_le_bytes));
        header.insert(name, json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let header = Value::Object(header).to_string();
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
}

/// The words that [`write_thinking`]'s model knows, each with the one that it writes after it.
const WORDS: [(&str, &str); 7] = [
    ("?", "1887"),
    ("assistant", "<think>"),
    ("<think>", "hmm"),
    ("hmm", "</think>"),
    ("</think>", "1887"),
    ("1887", "<end>"),
    ("<end>", "<end>"),
];

/// Writes a model whose chat template makes it think by default: it writes `<think> hmm </think> 1887`, and `1887` where the
/// template closes its thoughts. Each word depends on the one before it alone: attention and MLP give zeros.
pub(crate) fn write_thinking(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let write = |file: &str, json: Value| fs::write(folder.join(file), json.to_string()).unwrap();
    let number = |word: &str| WORDS.iter().position(|(other, _)| *other == word).unwrap();
    write(
        "config.json",
        json!({"model_type": "llama", "hidden_size": 8, "intermediate_size": 1024, "num_hidden_layers": 1,
            "num_attention_heads": 2, "vocab_size": 8, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": false, "eos_token_id": number("<end>")}),
    );
    let vocabulary: serde_json::Map<String, Value> =
        WORDS.iter().enumerate().map(|(number, (word, _))| ((*word).to_owned(), json!(number))).collect();
    write(
        "tokenizer.json",
        json!({"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
            "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null, "added_tokens": [],
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"}}),
    );
    let template = "{{ messages[0].content }} assistant\
                    {% if enable_thinking is defined and enable_thinking is false %} <think> </think>{% endif %}";
    write("tokenizer_config.json", json!({"chat_template": template}));
    let matrix = |name: &str, rows: usize, columns: usize, value: &dyn Fn(usize, usize) -> f32| -> Tensor {
        let values = (0..rows * columns).map(|at| value(at / columns, at % columns)).collect();
        (name.to_owned(), values, vec![rows, columns])
    };
    let norm = |name: &str| (format!("model.{name}.weight"), vec![1.0; 8], vec![8]);
    let zeros = |name: &str, rows, columns| {
        matrix(&format!("model.layers.0.{name}.weight"), rows, columns, &|_, _| 0.0)
    };
    let follows = |next: usize, word: usize| {
        f32::from(WORDS.get(word).is_some_and(|(_, following)| number(following) == next))
    };
    write_tensors(
        folder,
        vec![
            matrix("model.embed_tokens.weight", 8, 8, &|row, column| f32::from(row == column)),
            norm("norm"),
            norm("layers.0.input_layernorm"),
            norm("layers.0.post_attention_layernorm"),
            zeros("self_attn.q_proj", 8, 8),
            zeros("self_attn.k_proj", 8, 8),
            zeros("self_attn.v_proj", 8, 8),
            zeros("self_attn.o_proj", 8, 8),
            zeros("mlp.gate_proj", 1024, 8),
            zeros("mlp.up_proj", 1024, 8),
            zeros("mlp.down_proj", 8, 1024),
            matrix("lm_head.weight", 8, 8, &follows),
        ],
    );
}
