//! How fast a dense model with packed weights reads a context and decodes, beside the same with weights in bf16, in one run:
//!
//! ```sh
//! OMP_WAIT_POLICY=passive cargo xtask example packed_speed [CONTEXT [ROUNDS]]
//! ```
//!
//! All are random Llamas of 0.7 billion weights, with activations and keys in bf16 and all threads. In each round every side runs once, in
//! turn, and memory is measured again; ratios are taken within a round. The limit of decoding is reading the weights of a token from memory
//! once. MXFP4 in the matrices of a dense model is nothing that is published: it stands for the experts that are.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::time::Instant;

use sah_adapter::{Network, Precision, WeightStorage};
use sah_attention::AttentionPolicy;
use sah_tests::random_checkpoint::{RandomTensor, Values, write};
use sah_tests::speed::{bandwidth, median};
use serde_json::{Value, json};
use tch::{Device, Kind};

const HIDDEN: usize = 1536;
const INTERMEDIATE: usize = 6144;
const LAYERS: usize = 20;
const VOCABULARY: usize = 32_000;
const KEYS: usize = 512;
const NEW_TOKENS: usize = 24;
/// Inputs that share a scale of integers, and rows and columns that share one of FP8.
const GROUP: usize = 128;

/// How the matrices of layers are stored.
#[derive(Clone, Copy, Debug)]
enum Form {
    Bf16,
    Fp8,
    Int4,
    Mxfp4,
}

impl Form {
    const ALL: [Self; 4] = [Self::Bf16, Self::Fp8, Self::Int4, Self::Mxfp4];

    fn name(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::Fp8 => "FP8, packed",
            Self::Int4 => "int4 in groups of 128, packed",
            Self::Mxfp4 => "MXFP4, packed",
        }
    }

    /// The config's `quantization_config`.
    fn said(self) -> Value {
        match self {
            Self::Bf16 => Value::Null,
            Self::Fp8 => json!({"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [GROUP, GROUP]}),
            Self::Int4 => json!({
                "quant_method": "compressed-tensors", "format": "pack-quantized",
                "config_groups": {"group_0": {"targets": ["Linear"], "weights":
                    {"num_bits": 4, "type": "int", "symmetric": true, "strategy": "group", "group_size": GROUP}}},
            }),
            Self::Mxfp4 => json!({"quant_method": "mxfp4"}),
        }
    }

    /// A matrix, of numbers of about the inverse square root of its inputs.
    fn tensors(self, module: &str, [outputs, inputs]: [usize; 2]) -> Vec<RandomTensor> {
        let tensor = |suffix: &str, shape: &[usize], values| {
            RandomTensor::new(format!("{module}.{suffix}"), shape, values)
        };
        match self {
            Self::Bf16 => vec![tensor("weight", &[outputs, inputs], Values::Bf16(-6))],
            Self::Fp8 => vec![
                tensor("weight", &[outputs, inputs], Values::E4M3),
                tensor(
                    "weight_scale_inv",
                    &[outputs / GROUP, inputs / GROUP],
                    Values::SameF32(0.03_f32.to_bits()),
                ),
            ],
            Self::Int4 => vec![
                tensor("weight_packed", &[outputs, inputs / 8], Values::Words),
                // 2^-8.
                tensor("weight_scale", &[outputs, inputs / GROUP], Values::SameBf16((127 - 8) << 7)),
            ],
            Self::Mxfp4 => vec![
                tensor("blocks", &[outputs, inputs / 32, 16], Values::Bytes),
                tensor("scales", &[outputs, inputs / 32], Values::SameByte(127 - 7)),
            ],
        }
    }

    fn load(self) -> anyhow::Result<Network> {
        let config = json!({
            "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE,
            "num_hidden_layers": LAYERS, "num_attention_heads": HIDDEN / 64, "num_key_value_heads": KEYS / 64, "head_dim": 64,
            "max_position_embeddings": 32_768, "tie_word_embeddings": true, "rms_norm_eps": 1e-6, "rope_theta": 10_000.0,
            "hidden_act": "silu", "quantization_config": self.said(),
        });
        let one = Values::SameBf16(0x3F80);
        let mut all = vec![
            RandomTensor::new("model.embed_tokens.weight", &[VOCABULARY, HIDDEN], Values::Bf16(-6)),
            RandomTensor::new("model.norm.weight", &[HIDDEN], one),
        ];
        for layer in 0..LAYERS {
            let name = |name: &str| format!("model.layers.{layer}.{name}");
            for norm in ["input_layernorm.weight", "post_attention_layernorm.weight"] {
                all.push(RandomTensor::new(name(norm), &[HIDDEN], one));
            }
            for (module, shape) in [
                ("self_attn.q_proj", [HIDDEN, HIDDEN]),
                ("self_attn.k_proj", [KEYS, HIDDEN]),
                ("self_attn.v_proj", [KEYS, HIDDEN]),
                ("self_attn.o_proj", [HIDDEN, HIDDEN]),
                ("mlp.gate_proj", [INTERMEDIATE, HIDDEN]),
                ("mlp.up_proj", [INTERMEDIATE, HIDDEN]),
                ("mlp.down_proj", [HIDDEN, INTERMEDIATE]),
            ] {
                all.extend(self.tensors(&name(module), shape));
            }
        }
        let folder = tempfile::tempdir()?;
        write(folder.path(), &config, &[all])?;
        let precision = Precision::from(Kind::BFloat16).with_weights(WeightStorage::Stored);
        Ok(Network::load(folder.path(), Device::Cpu, precision)?)
    }
}

/// Seconds of a context, and of each token behind it.
fn times(network: &Network, context: usize) -> anyhow::Result<[f64; 2]> {
    let ids: Vec<u32> = (0..context + NEW_TOKENS).map(|at| (at * 7919 % VOCABULARY) as u32).collect();
    let mut sequence = network.sequence(ids.len())?;
    let started = Instant::now();
    sequence.feed(&ids[..context], &mut AttentionPolicy::dense())?;
    let read = started.elapsed().as_secs_f64();
    let started = Instant::now();
    for id in &ids[context..] {
        sequence.feed(&[*id], &mut AttentionPolicy::dense())?;
    }
    Ok([read, started.elapsed().as_secs_f64() / NEW_TOKENS as f64])
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (context, rounds) = (number(512)?, number(9)?);
    let models = Form::ALL.map(Form::load).into_iter().collect::<Result<Vec<_>, _>>()?;
    let words = vec![1_u64; 1 << 27];
    // By round: the memory's speed, and the times of each side.
    let mut all = vec![];
    for round in 0..=rounds {
        let memory = bandwidth(&words);
        let times = models.iter().map(|model| times(model, context)).collect::<Result<Vec<_>, _>>()?;
        // The first round warms up.
        if round > 0 {
            all.push((memory, times));
        }
    }
    println!(
        "memory {:.1} GB/s, {} threads, context {context}, {rounds} rounds, medians\n",
        median(all.iter().map(|(memory, _)| *memory).collect()) / 1e9,
        tch::get_num_threads()
    );
    println!(
        "| weights | of a token, MB | decode, tokens/s | decode / limit | times as fast as bf16 | context, tokens/s | times as fast as bf16 |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (side, (form, model)) in Form::ALL.into_iter().zip(&models).enumerate() {
        let bytes = model.sizes().weight_bytes as f64;
        let of_rounds = |figure: &dyn Fn(f64, &[[f64; 2]]) -> f64| {
            median(all.iter().map(|(memory, times)| figure(*memory, times)).collect())
        };
        println!(
            "| {} | {:.0} | {:.1} | {:.2} | {:.2} | {:.0} | {:.2} |",
            form.name(),
            bytes / 1e6,
            of_rounds(&|_, times| 1.0 / times[side][1]),
            of_rounds(&|memory, times| times[side][1] * memory / bytes),
            of_rounds(&|_, times| times[0][1] / times[side][1]),
            of_rounds(&|_, times| context as f64 / times[side][0]),
            of_rounds(&|_, times| times[0][0] / times[side][0]),
        );
    }
    Ok(())
}
