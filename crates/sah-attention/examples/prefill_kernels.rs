//! Times dense causal attention of a chunk of a prompt, beside libtorch's and beside its matrix product.
//!
//! ```sh
//! cargo xtask example prefill_kernels [CHUNK [KEYS [THREADS [REPEATS]]]]
//! ```
//!
//! One layer of SmolLM2-135M: 9 query and 3 key/value heads of 64, `Float`; `CHUNK` rows that end at `KEYS` keys. All run in
//! turn in each repetition; medians are printed, with the floating-point operations a second that causality asks for. The sums of
//! weights that some retentions go by are timed beside libtorch's own operations, a block of rows after another.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::time::Instant;

use sah_attention::retention::sums_of_weights;
use sah_attention::{AttentionInputs, AutoKernel, Kernel as _, Reads};
use tch::{Device, Kind, Tensor};

/// A name, the floating-point operations, and the work.
type Contender<'a> = (&'a str, f64, Box<dyn Fn() -> Result<Tensor> + 'a>);
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HEADS: i64 = 9;
const KV_HEADS: i64 = 3;
const WIDTH: i64 = 64;
const SCALE: f64 = 0.125;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<i64>());
    let mut argument = |default: i64| arguments.next().unwrap_or(Ok(default));
    let (rows, keys, threads, repeats) = (argument(512)?, argument(4096)?, argument(2)?, argument(9)?);
    if rows < 1 || keys < rows || threads < 1 || repeats < 1 {
        return Err("CHUNK, THREADS and REPEATS must be at least 1, KEYS at least CHUNK".into());
    }
    tch::set_num_threads(threads as i32);
    let _no_grad = tch::no_grad_guard();
    let random = |heads: i64, count: i64| Tensor::randn([1, count, heads, WIDTH], (Kind::Float, Device::Cpu));
    let queries = random(HEADS, rows).transpose(1, 2);
    let cache = |_| random(KV_HEADS, keys).transpose(1, 2).contiguous();
    let [key_cache, value_cache] = std::array::from_fn(cache);
    let inputs = AttentionInputs::new(&queries, &key_cache, &value_cache, SCALE)?;
    let mask = Tensor::ones([rows, keys], (Kind::Bool, Device::Cpu)).tril(keys - rows);
    let expanded = |cache: &Tensor| {
        let grouped = cache.unsqueeze(2).expand([1, KV_HEADS, HEADS / KV_HEADS, keys, WIDTH], false);
        grouped.reshape([1, HEADS, keys, WIDTH])
    };
    let (all_keys, all_values) = (expanded(&key_cache), expanded(&value_cache));
    let square = Tensor::randn([1024, 1024], (Kind::Float, Device::Cpu));

    let pairs = (rows * (keys - rows) + rows * (rows + 1) / 2) as f64;
    let attention = 4.0 * (HEADS * WIDTH) as f64 * pairs;
    let sums_by_torch = || -> Result<Tensor> {
        let mut sums = Tensor::zeros([HEADS, keys], (Kind::Float, Device::Cpu));
        let block = ((1 << 22) / (HEADS * keys)).clamp(1, rows);
        for start in (0..rows).step_by(block as usize) {
            let count = block.min(rows - start);
            let scores = queries.f_narrow(2, start, count)?.f_matmul(&all_keys.f_transpose(2, 3)?)?;
            let hidden = mask.f_narrow(0, start, count)?.f_logical_not()?;
            let scores = scores.f_mul_scalar(SCALE)?.f_masked_fill_(&hidden, f64::NEG_INFINITY)?;
            let weights = scores.f_softmax(-1, Kind::Float)?;
            sums = sums.f_add(&weights.f_sum_dim_intlist([0i64, 2].as_slice(), false, Kind::Float)?)?;
        }
        Ok(sums)
    };
    let contenders: [Contender<'_>; 5] = [
        (
            "matrix product, 1024 x 1024 x 1024",
            2.0 * 1024.0_f64.powi(3),
            Box::new(|| Ok(square.f_matmul(&square)?)),
        ),
        (
            "libtorch SDPA",
            attention,
            Box::new(|| {
                let causal = rows == keys;
                let mask = (!causal).then_some(&mask);
                Ok(Tensor::f_scaled_dot_product_attention(
                    &queries,
                    &all_keys,
                    &all_values,
                    mask,
                    0.0,
                    causal,
                    SCALE,
                    false,
                )?)
            }),
        ),
        ("dense_attention", attention, Box::new(|| Ok(AutoKernel.attend(&inputs, Reads::All)?))),
        ("sums of weights, libtorch", attention / 2.0, Box::new(sums_by_torch)),
        ("sums_of_weights", attention / 2.0, Box::new(|| Ok(sums_of_weights(&inputs)?))),
    ];
    let mut milliseconds = vec![Vec::new(); contenders.len()];
    for repeat in 0..=repeats {
        for ((_, _, work), milliseconds) in contenders.iter().zip(&mut milliseconds) {
            let started = Instant::now();
            let output = work()?;
            let elapsed = started.elapsed().as_secs_f64() * 1e3;
            drop(output);
            if repeat > 0 {
                milliseconds.push(elapsed);
            }
        }
    }
    let difference = |ours: usize, theirs: usize| -> Result<f64> {
        Ok((contenders[ours].2()? - contenders[theirs].2()?).abs().max().double_value(&[]))
    };
    let (attended, summed) = (difference(2, 1)?, difference(4, 3)?);
    println!(
        "{rows} rows over {keys} keys, {threads} threads; largest difference to libtorch {attended:.1e}"
    );
    println!("sums of weights: {summed:.1e}");
    for ((name, operations, _), mut milliseconds) in contenders.iter().zip(milliseconds) {
        milliseconds.sort_by(f64::total_cmp);
        let median = milliseconds[milliseconds.len() / 2];
        println!("{name:<36} {median:>9.2} ms {:>7.1} GFLOP/s", operations / median / 1e6);
    }
    Ok(())
}
