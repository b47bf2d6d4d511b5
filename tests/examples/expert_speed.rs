//! How fast a mixture of experts reads a context and decodes, beside a dense model of the size that each token uses, in one run:
//!
//! ```sh
//! OMP_WAIT_POLICY=passive cargo xtask example expert_speed [CONTEXT [ROUNDS]]
//! ```
//!
//! Both are random: Qwen3 with 12 layers, and with 32 experts of which each token chooses four, about 1 billion weights, in the place of the
//! feed-forward networks. f32, all threads. The limit of decoding is reading the weights of a token from memory once.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use safetensors::tensor::{Dtype, TensorView};
use sah_adapter::Network;
use sah_attention::AttentionPolicy;
use sah_tests::speed::{bandwidth, median};
use serde_json::{Value, json};
use tch::{Device, Kind};

const HIDDEN: usize = 1024;
const EXPERT: usize = 768;
const EXPERTS: usize = 32;
const CHOSEN: usize = 4;
const LAYERS: usize = 12;
const VOCABULARY: usize = 32_000;
const NEW_TOKENS: usize = 24;

fn config(model_type: &str) -> Value {
    json!({
        "model_type": model_type, "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": CHOSEN * EXPERT,
        "num_hidden_layers": LAYERS, "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 64,
        "max_position_embeddings": 32_768, "tie_word_embeddings": true, "rms_norm_eps": 1e-6, "rope_theta": 10_000.0,
        "num_experts": EXPERTS, "num_experts_per_tok": CHOSEN, "moe_intermediate_size": EXPERT, "norm_topk_prob": true,
        "decoder_sparse_step": 1, "mlp_only_layers": [], "hidden_act": "silu",
    })
}

/// Names and shapes of the tensors.
fn tensors(has_experts: bool) -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("model.embed_tokens.weight".to_owned(), vec![VOCABULARY, HIDDEN]),
        ("model.norm.weight".to_owned(), vec![HIDDEN]),
    ];
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize]| {
            all.push((format!("model.layers.{layer}.{name}.weight"), shape.to_vec()));
        };
        add("input_layernorm", &[HIDDEN]);
        add("post_attention_layernorm", &[HIDDEN]);
        add("self_attn.q_norm", &[64]);
        add("self_attn.k_norm", &[64]);
        add("self_attn.q_proj", &[1024, HIDDEN]);
        add("self_attn.k_proj", &[256, HIDDEN]);
        add("self_attn.v_proj", &[256, HIDDEN]);
        add("self_attn.o_proj", &[HIDDEN, 1024]);
        let mut network = |name: &str, width: usize| {
            add(&format!("{name}.gate_proj"), &[width, HIDDEN]);
            add(&format!("{name}.up_proj"), &[width, HIDDEN]);
            add(&format!("{name}.down_proj"), &[HIDDEN, width]);
        };
        if has_experts {
            (0..EXPERTS).for_each(|expert| network(&format!("mlp.experts.{expert}"), EXPERT));
            add("mlp.gate", &[EXPERTS, HIDDEN]);
        } else {
            network("mlp", CHOSEN * EXPERT);
        }
    }
    all
}

/// A checkpoint of bf16 numbers around 0, of a size that keeps activations of order 1; norms are 1.
fn write(folder: &Path, model_type: &str) -> anyhow::Result<()> {
    let mut config = config(model_type);
    if model_type == "qwen3" {
        let fields = config.as_object_mut().expect("an object");
        fields.retain(|name, _| !name.contains("expert") && !name.starts_with("moe"));
    }
    fs::write(folder.join("config.json"), config.to_string())?;
    let mut state = 1_u64;
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = tensors(model_type != "qwen3")
        .into_iter()
        .map(|(name, shape)| {
            let spread = 1.7 / (*shape.last().unwrap_or(&1) as f32).sqrt();
            let mut number = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0) * spread
            };
            let values: usize = shape.iter().product();
            let half = |value: f32| ((value.to_bits() >> 16) as u16).to_le_bytes();
            let is_norm = shape.len() == 1;
            let bytes = (0..values).flat_map(|_| half(if is_norm { 1.0 } else { number() })).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        Ok::<_, anyhow::Error>((name.as_str(), TensorView::new(Dtype::BF16, shape.clone(), bytes)?))
    });
    safetensors::serialize_to_file(
        views.collect::<Result<Vec<_>, _>>()?,
        None,
        &folder.join("model.safetensors"),
    )?;
    Ok(())
}

fn load(model_type: &str) -> anyhow::Result<Network> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), model_type)?;
    Ok(Network::load(folder.path(), Device::Cpu, Kind::Float)?)
}

/// Of a context, and of each token behind it.
fn times(network: &Network, context: usize) -> anyhow::Result<(Duration, Duration)> {
    let ids: Vec<u32> = (0..context + NEW_TOKENS).map(|at| (at * 7919 % VOCABULARY) as u32).collect();
    let mut sequence = network.sequence(ids.len())?;
    let started = Instant::now();
    sequence.feed(&ids[..context], &mut AttentionPolicy::dense())?;
    let read = started.elapsed();
    let started = Instant::now();
    for id in &ids[context..] {
        sequence.feed(&[*id], &mut AttentionPolicy::dense())?;
    }
    Ok((read, started.elapsed() / NEW_TOKENS as u32))
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (context, rounds) = (number(1536)?, number(5)?);
    let models = [("dense", load("qwen3")?), ("experts", load("qwen3_moe")?)];
    let words = vec![1_u64; 1 << 27];
    let mut memory = vec![];
    let mut taken = [(vec![], vec![]), (vec![], vec![])];
    for round in 0..=rounds {
        let speed = bandwidth(&words);
        for ((_, network), taken) in models.iter().zip(&mut taken) {
            let (read, step) = times(network, context)?;
            // The first round warms up.
            if round > 0 {
                taken.0.push(read.as_secs_f64());
                taken.1.push(step.as_secs_f64());
            }
        }
        memory.push(speed);
    }
    let memory = median(memory);
    println!(
        "memory {:.1} GB/s, {} threads, context {context}, {rounds} rounds, medians\n",
        memory / 1e9,
        tch::get_num_threads()
    );
    println!(
        "| model | weights of a token, MB | context, tokens/s | decode, ms | reading its weights, ms | decode / limit |"
    );
    println!("|---|---|---|---|---|---|");
    let mut speeds = vec![];
    for ((name, network), (read, step)) in models.iter().zip(taken) {
        let bytes = network.sizes().weight_bytes as f64;
        let (speed, step, limit) = (context as f64 / median(read), median(step), bytes / memory);
        println!(
            "| {name} | {:.0} | {speed:.0} | {:.1} | {:.1} | {:.2} |",
            bytes / 1e6,
            step * 1e3,
            limit * 1e3,
            step / limit
        );
        speeds.push(speed);
    }
    println!("\na context is read at {:.2} of the dense model's speed", speeds[1] / speeds[0]);
    Ok(())
}
