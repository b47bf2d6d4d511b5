//! Times attention of a chunk of a prompt over blocks of keys, and with each rule for reading contexts, beside dense attention.
//!
//! ```sh
//! cargo xtask example sparse_prefill [KEYS [CHUNK [THREADS [REPEATS]]]]
//! ```
//!
//! One layer of SmolLM2-135M: 9 query and 3 key/value heads of 64, `Float`; `CHUNK` rows that end at `KEYS` keys. Keys and queries are random
//! walks, so that near keys are alike. Each line is timed in turn with dense attention, and the median of the quotients is printed: of
//! the kernel over blocks drawn at random, at several densities, and of each rule, its selection included.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::time::Instant;

use sah_attention::{
    AttentionConfig, AttentionInputs, AutoKernel, BlockRanges, Kernel as _, Mask, MaskShape, Reads,
    RequestState, ResearchAttention, RowBlocks,
};
use tch::{Device, Kind, Tensor};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HEADS: i64 = 9;
const KV_HEADS: i64 = 3;
const WIDTH: i64 = 64;
const SCALE: f64 = 0.125;
const BLOCK: usize = 128;

/// Rules and the fields that bring them near a tenth of the keys of 32,768.
const RULES: &[(&str, &[&str])] = &[
    ("tri_shape", &["sink=128", "local=3072"]),
    ("xattention", &["threshold=0.4", "stride=16"]),
    ("flexprefill", &["gamma=0.3"]),
    ("minference", &["vertical=500", "slash=1500"]),
    ("oracle_top_k_blocks", &["heavy_size=10%"]),
];

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<i64>());
    let mut argument = |default: i64| arguments.next().unwrap_or(Ok(default));
    let (keys, rows, threads, repeats) = (argument(32_768)?, argument(768)?, argument(2)?, argument(5)?);
    if rows < 1 || keys < rows || threads < 1 || repeats < 1 {
        return Err("CHUNK, THREADS and REPEATS must be at least 1, KEYS at least CHUNK".into());
    }
    tch::set_num_threads(threads as i32);
    tch::manual_seed(5);
    let _no_grad = tch::no_grad_guard();
    let options = (Kind::Float, Device::Cpu);
    let walk = |heads: i64| {
        let steps = Tensor::randn([1, heads, keys, WIDTH], options);
        let walk = steps.cumsum(2, Kind::Float);
        let length = Tensor::arange_start(1, keys + 1, options).sqrt().view([1, 1, -1, 1]);
        let noise = Tensor::randn([1, heads, keys, WIDTH], options);
        (walk / length + noise * 0.5).contiguous()
    };
    let queries = walk(HEADS).narrow(2, keys - rows, rows).transpose(1, 2).contiguous().transpose(1, 2);
    let (key_cache, value_cache) = (walk(KV_HEADS), walk(KV_HEADS));
    let inputs = AttentionInputs::new(&queries, &key_cache, &value_cache, SCALE)?;
    let shape = inputs.dims().mask_shape();
    println!("{rows} rows over {keys} keys, {threads} threads, median of {repeats}");
    println!("{:<44} {:>8} {:>10} {:>10} {:>8}", "", "density", "ms", "dense, ms", "faster");

    for share in [0.05, 0.1, 0.25, 0.5, 0.75, 0.95] {
        let mask = random_blocks(shape, share)?;
        let density = mask.density()?;
        let work = || Ok(AutoKernel.attend(&inputs, Reads::Mask(&mask))?);
        compare("kernel, random blocks of 128", density, &inputs, repeats, &work)?;
    }
    // Everything, as blocks that differ from dense attention by one: the kernel may not take the way of dense attention.
    let mask = all_but_one(shape)?;
    let density = mask.density()?;
    let work = || Ok(AutoKernel.attend(&inputs, Reads::Mask(&mask))?);
    compare("kernel, all blocks of 128 but one", density, &inputs, repeats, &work)?;
    for (name, fields) in RULES {
        let config = AttentionConfig::preset_with(name, fields)?;
        let attention = ResearchAttention::from_config(&config)?.for_prefill()?;
        let state = || RequestState::new(0).reading(2 * keys as usize);
        let density = attention.select(&inputs, 0, &mut state())?.density()?;
        let work = || Ok(attention.attend(&inputs, 0, &mut state())?.output);
        compare(&format!("{name} {}", fields.join(" ")), density, &inputs, repeats, &work)?;
        let select = || {
            attention.select(&inputs, 0, &mut state())?;
            Ok(Tensor::new())
        };
        compare("    its selection alone", density, &inputs, repeats, &select)?;
    }
    Ok(())
}

/// Times `work` and dense attention in turn and prints a line.
fn compare(
    name: &str,
    density: f64,
    inputs: &AttentionInputs<'_>,
    repeats: i64,
    work: &dyn Fn() -> Result<Tensor>,
) -> Result<()> {
    let (mut ours, mut dense, mut quotients) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repeats {
        let started = Instant::now();
        drop(work()?);
        ours.push(started.elapsed().as_secs_f64() * 1e3);
        let started = Instant::now();
        drop(AutoKernel.attend(inputs, Reads::All)?);
        dense.push(started.elapsed().as_secs_f64() * 1e3);
        quotients.push(dense[dense.len() - 1] / ours[ours.len() - 1]);
    }
    let median = |numbers: &mut Vec<f64>| {
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    let (ours, dense, faster) = (median(&mut ours), median(&mut dense), median(&mut quotients));
    println!("{name:<44} {density:>8.3} {ours:>10.1} {dense:>10.1} {faster:>7.2}x");
    Ok(())
}

/// The blocks of keys that `chosen` says of each head, block of rows and block of keys, and each block of rows its own.
fn blocks_of(shape: MaskShape, mut chosen: impl FnMut(usize, usize, usize) -> bool) -> Result<Mask> {
    let blocks = RowBlocks::new(&shape, BLOCK)?;
    let of_keys = shape.keys.div_ceil(BLOCK);
    let mut all = Vec::new();
    for head in 0..shape.batch * shape.heads {
        for block in 0..blocks.count() {
            let own = blocks.first() + block;
            all.extend((0..of_keys).map(|number| number == own || chosen(head, own, number)));
        }
    }
    Ok(Mask::from_blocks(shape, BlockRanges::of_key_blocks(&shape, blocks, &all)?)?)
}

fn random_blocks(shape: MaskShape, part: f64) -> Result<Mask> {
    let mut state = 7_u64;
    blocks_of(shape, |_, _, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 / f64::from(1_u32 << 31)) < part
    })
}

fn all_but_one(shape: MaskShape) -> Result<Mask> {
    blocks_of(shape, |head, own, number| number < own && (head, number) != (0, 1))
}
