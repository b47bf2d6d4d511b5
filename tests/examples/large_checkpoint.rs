//! Loads checkpoints of random weights in the shape of gpt-oss-20b, and prints the most memory that this took beside what the model takes:
//!
//! ```sh
//! cargo xtask example large_checkpoint FOLDER [LAYERS:FORM ..]
//! ```
//!
//! By default `24:stored 3:expanded`: all layers with experts in MXFP4 as they are, which needs 14 GB of disk and of memory, and three in
//! bf16. The checkpoint is made in `FOLDER` and deleted at the end. Each line is a process of its own, which then reads a prompt and decodes.
//! Linux only: figures are those of `/proc/self/status`, without pages of files, which the system can drop at any time.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use sah_adapter::{Network, Precision, WeightStorage};
use sah_attention::AttentionPolicy;
use sah_tests::random_checkpoint::{RandomTensor, Values, write};
use sah_tests::speed::status;
use serde_json::json;
use tch::{Device, Kind};

const HIDDEN: usize = 2880;
const EXPERTS: usize = 32;
const HEADS: usize = 64;
const KV_HEADS: usize = 8;
const HEAD_DIM: usize = 64;
const VOCABULARY: usize = 201_088;

/// Tokens of the prompt, and behind it.
const PROMPT: usize = 64;
const NEW_TOKENS: usize = 16;

fn tensors_of_layer(layer: usize) -> Vec<RandomTensor> {
    let mut all = vec![];
    let mut add = |name: &str, shape: &[usize], values| {
        all.push(RandomTensor::new(format!("model.layers.{layer}.{name}"), shape, values));
    };
    for norm in ["input_layernorm", "post_attention_layernorm"] {
        add(&format!("{norm}.weight"), &[HIDDEN], ONE);
    }
    add("self_attn.sinks", &[HEADS], Values::Bf16(-1));
    for (name, outputs, inputs) in [
        ("self_attn.q_proj", HEADS * HEAD_DIM, HIDDEN),
        ("self_attn.k_proj", KV_HEADS * HEAD_DIM, HIDDEN),
        ("self_attn.v_proj", KV_HEADS * HEAD_DIM, HIDDEN),
        ("self_attn.o_proj", HIDDEN, HEADS * HEAD_DIM),
        ("mlp.router", EXPERTS, HIDDEN),
    ] {
        add(&format!("{name}.weight"), &[outputs, inputs], SPREAD);
        add(&format!("{name}.bias"), &[outputs], SPREAD);
    }
    for (name, outputs) in [("gate_up_proj", 2 * HIDDEN), ("down_proj", HIDDEN)] {
        let of_experts = |suffix: &str| format!("mlp.experts.{name}_{suffix}");
        add(&of_experts("blocks"), &[EXPERTS, outputs, HIDDEN / 32, 16], Values::Bytes);
        add(&of_experts("scales"), &[EXPERTS, outputs, HIDDEN / 32], Values::SameByte(127 - 7));
        add(&of_experts("bias"), &[EXPERTS, outputs], SPREAD);
    }
    all
}

const ONE: Values = Values::SameBf16(0x3F80);
/// About the inverse square root of the inputs.
const SPREAD: Values = Values::Bf16(-6);

/// A shard for each layer, and one for what is in none.
fn shards(layers: usize) -> Vec<Vec<RandomTensor>> {
    let rest = vec![
        RandomTensor::new("model.embed_tokens.weight", &[VOCABULARY, HIDDEN], Values::Bf16(-1)),
        RandomTensor::new("model.norm.weight", &[HIDDEN], ONE),
        RandomTensor::new("lm_head.weight", &[VOCABULARY, HIDDEN], SPREAD),
    ];
    std::iter::once(rest).chain((0..layers).map(tensors_of_layer)).collect()
}

fn write_checkpoint(folder: &Path, layers: usize) -> anyhow::Result<()> {
    let config = json!({
        "model_type": "gpt_oss", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": HIDDEN,
        "num_hidden_layers": layers, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD_DIM,
        "num_local_experts": EXPERTS, "num_experts_per_tok": 4, "sliding_window": 128, "max_position_embeddings": 131_072,
        "rms_norm_eps": 1e-5, "rope_theta": 150_000.0, "tie_word_embeddings": false, "hidden_act": "silu",
        "rope_scaling": {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096, "beta_fast": 32.0,
                         "beta_slow": 1.0, "truncate": false},
        "quantization_config": {"quant_method": "mxfp4"},
    });
    Ok(write(folder, &config, &shards(layers))?)
}

/// Bytes of a tensor in memory: blocks of MXFP4 with their scales are packed 128 inputs at a time, or are twice as many bf16 numbers.
fn kept(tensor: &RandomTensor, form: &str) -> usize {
    match tensor.values {
        Values::Bytes if form == "stored" => {
            tensor.shape[..2].iter().product::<usize>() * HIDDEN.div_ceil(128) * 17 * 4
        }
        Values::Bytes => 4 * tensor.bytes(),
        Values::SameByte(_) => 0,
        _ => tensor.bytes(),
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, folder, form] = arguments.as_slice()
        && flag == "--one"
    {
        return one(Path::new(folder), form);
    }
    let (folder, sides) = arguments.split_first().context("give a folder that is not there yet")?;
    let folder = Path::new(folder);
    ensure!(!folder.exists(), "{} is there already", folder.display());
    let defaults = ["24:stored".to_owned(), "3:expanded".to_owned()];
    println!(
        "| layers, experts | in files, GB | largest tensor, GB | weights in memory, GB | after loading, GB | at most, GB | at most, over \
         the weights, GB | seconds | {PROMPT} tokens, s | decode, tokens/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for side in if sides.is_empty() { &defaults } else { sides } {
        let (layers, form) = side.split_once(':').context("write LAYERS:FORM")?;
        let layers: usize = layers.parse()?;
        write_checkpoint(folder, layers)?;
        let measured = measured(folder, form);
        std::fs::remove_dir_all(folder)?;
        let all: Vec<RandomTensor> = shards(layers).concat();
        let gigabytes = |bytes: usize| bytes as f64 / 1e9;
        let files = gigabytes(all.iter().map(RandomTensor::bytes).sum());
        let largest = gigabytes(all.iter().map(RandomTensor::bytes).max().unwrap_or(0));
        let weights = gigabytes(all.iter().map(|tensor| kept(tensor, form)).sum());
        let [before, after, peak, seconds, prompt, speed] = measured?;
        println!(
            "| {layers}, {form} | {files:.2} | {largest:.2} | {weights:.2} | {:.2} | {:.2} | {:.2} | {seconds:.0} | {prompt:.1} | {speed:.2} |",
            after - before,
            peak - before,
            peak - before - weights,
        );
    }
    Ok(())
}

/// The figures of [`one`], in a process of its own.
fn measured(folder: &Path, form: &str) -> anyhow::Result<[f64; 6]> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg("--one").arg(folder).arg(form).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{form}: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    figures.try_into().map_err(|figures| anyhow::anyhow!("not six figures: {figures:?}"))
}

/// Loads, reads and decodes. Prints GB before and after loading and at most until then, its seconds, those of the prompt, and tokens a second.
fn one(folder: &Path, form: &str) -> anyhow::Result<()> {
    let storage = match form {
        "stored" => WeightStorage::Stored,
        "expanded" => WeightStorage::Expanded,
        other => bail!("{other} is neither stored nor expanded"),
    };
    // libtorch is loaded, with its threads.
    let _ = tch::Tensor::rand([512, 512], (Kind::Float, Device::Cpu))
        .matmul(&tch::Tensor::rand([512, 512], (Kind::Float, Device::Cpu)));
    let own = |name| Ok::<_, anyhow::Error>((status(name)? - status("RssFile")?) / 1e9);
    let (before, started) = (own("VmRSS")?, Instant::now());
    let network = Network::load(folder, Device::Cpu, Precision::from(Kind::BFloat16).with_weights(storage))?;
    let (seconds, after, peak) = (started.elapsed().as_secs_f64(), own("VmRSS")?, own("VmHWM")?);
    let ids: Vec<u32> = (0..PROMPT + NEW_TOKENS).map(|at| (at * 7919 % VOCABULARY) as u32).collect();
    let mut sequence = network.sequence(ids.len())?;
    let started = Instant::now();
    sequence.feed(&ids[..PROMPT], &mut AttentionPolicy::dense())?;
    let prompt = started.elapsed().as_secs_f64();
    let started = Instant::now();
    for id in &ids[PROMPT..] {
        let logits = sequence.feed(&[*id], &mut AttentionPolicy::dense())?;
        ensure!(logits.iter().all(|logit| logit.is_finite()), "logits that are no numbers");
    }
    let speed = NEW_TOKENS as f64 / started.elapsed().as_secs_f64();
    println!("{before} {after} {peak} {seconds} {prompt} {speed}");
    Ok(())
}
