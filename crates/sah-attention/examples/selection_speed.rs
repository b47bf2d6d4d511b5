//! Times what each masker costs beside dense attention: taking in a context, and selecting for one token after it.
//!
//! ```sh
//! cargo xtask example selection_speed [KEYS [LAYERS [STEPS [HEADS [KV_HEADS [D]]]]]]
//! ```
//!
//! Shapes are by default those of SmolLM2-135M: 9 query and 3 key/value heads of 64, `Float`, with random tensors. Each
//! layer has its own cache, which grows by one key a step; all variants run in turn in each step. 2 % of the keys are
//! selected, and no sinks and window beside them, so that the masker's own work shows. Times are for one layer.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::time::Instant;

use sah_attention::{
    AttentionConfig, AttentionInputs, AutoKernel, GatherKernel, Kernel as _, Reads, RequestState,
    ResearchAttention,
};
use tch::{Device, Kind, Tensor};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const MASKERS: &[&str] = &[
    r#"{"type": "oracle_top_k", "heavy_size": {"fraction": 0.02}}"#,
    r#"{"type": "quest_top_k", "heavy_size": {"fraction": 0.02}, "page_size": 16}"#,
    r#"{"type": "pq_cache", "heavy_size": {"fraction": 0.02}, "pq_group_factor": 2, "pq_bits": 6, "kmeans_iter": 10,
        "init_offset": 0, "metric": "euclidean"}"#,
    r#"{"type": "hash_attention_top_k", "heavy_size": {"fraction": 0.02}, "hat_bits": 32, "hat_weights": "random"}"#,
    r#"{"type": "socket_top_k", "heavy_size": {"fraction": 0.02}, "K": 8, "L": 60}"#,
    r#"{"type": "random_sampling", "sampling_rate": 0.02}"#,
    r#"{"type": "adaptive_sampling", "base_rate_sampling": {"fraction": 0.02}, "epsilon": 0.1, "delta": 0.1,
        "init_offset": 0, "local_offset": 0}"#,
    r#"{"type": "magic_pig", "lsh_l": 75, "lsh_k": 10}"#,
];

/// One masker, and its times in milliseconds.
struct Variant {
    attention: ResearchAttention,
    state: RequestState,
    context: f64,
    select: Vec<f64>,
    attend: Vec<f64>,
    density: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<i64>());
    let mut argument = |default: i64| arguments.next().unwrap_or(Ok(default));
    let (keys, layers, steps) = (argument(16_384)?, argument(4)?, argument(15)?);
    let (heads, kv_heads, dim) = (argument(9)?, argument(3)?, argument(64)?);
    let _no_grad = tch::no_grad_guard();
    let scale = 1.0 / (dim as f64).sqrt();
    let random = |heads, count| Tensor::f_randn([1, heads, count, dim], (Kind::Float, Device::Cpu));
    let cache = || Ok((random(kv_heads, keys + steps)?, random(kv_heads, keys + steps)?));
    let caches = (0..layers).map(|_| cache()).collect::<Result<Vec<_>>>()?;
    let queries = random(heads, steps)?;

    let mut variants = Vec::new();
    for masker in MASKERS {
        let config: AttentionConfig = serde_json::from_str(&format!(r#"{{"maskers": [{masker}]}}"#))?;
        variants.push(Variant {
            attention: ResearchAttention::from_config(&config)?,
            state: RequestState::new(0),
            context: 0.0,
            select: Vec::new(),
            attend: Vec::new(),
            density: 0.0,
        });
    }
    let mut dense = Vec::new();
    for step in 0..steps {
        for (layer, (all_keys, all_values)) in caches.iter().enumerate() {
            let query = queries.f_narrow(2, step, 1)?;
            let count = keys + step;
            let (cache, values) = (all_keys.f_narrow(2, 0, count)?, all_values.f_narrow(2, 0, count)?);
            let inputs = AttentionInputs::new(&query, &cache, &values, scale)?;
            let start = Instant::now();
            drop(AutoKernel.attend(&inputs, Reads::All)?);
            dense.push(since(start));
            for variant in &mut variants {
                let start = Instant::now();
                let mask = variant.attention.select(&inputs, layer, &mut variant.state)?;
                let selected = Instant::now();
                drop(GatherKernel.attend(&inputs, Reads::Mask(&mask))?);
                if step == 0 {
                    variant.context += (selected - start).as_secs_f64() * 1e3 / layers as f64;
                } else {
                    variant.select.push((selected - start).as_secs_f64() * 1e3);
                    variant.attend.push(since(selected));
                }
                variant.density = mask.density()?;
            }
        }
    }

    println!("{keys} keys, {heads} query and {kv_heads} key/value heads of {dim}, medians of one layer");
    println!(
        "dense_attention: {:.3} ms; a key and its value are {} bytes",
        median(&mut dense),
        8 * kv_heads * dim
    );
    println!(
        "{:>24} {:>12} {:>10} {:>10} {:>8} {:>11}",
        "", "context ms", "select ms", "attend ms", "density", "bytes/key"
    );
    for variant in &mut variants {
        let name = variant.attention.maskers()[0].name();
        let bytes = variant.state.bytes() as f64 / (layers * (keys + steps)) as f64;
        println!(
            "{name:>24} {:>12.2} {:>10.3} {:>10.3} {:>8.4} {bytes:>11.1}",
            variant.context,
            median(&mut variant.select),
            median(&mut variant.attend),
            variant.density
        );
    }
    Ok(())
}

fn since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
