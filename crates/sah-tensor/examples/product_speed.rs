//! Times products of the matrices of a layer with some rows, in every form in which they can be computed.
//!
//! ```sh
//! cargo xtask example product_speed [ROWS [THREADS [ROUNDS]]]
//! ```
//!
//! The matrices are those of SmolLM2-135M. All forms run in turn in each round, between two runs of a loop of fused multiply-adds in registers on all threads;
//! medians of GFLOP/s are printed, and of ratios to that loop in the same round.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use sah_tensor::torch::Matrix;
use tch::{Device, Kind, Tensor};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
/// A name, and the work.
type Form<'a> = (&'a str, Box<dyn Fn() -> Result<Tensor> + 'a>);

/// Outputs and inputs.
const MATRICES: [(&str, i64, i64); 4] = [
    ("gate and up", 3072, 576),
    ("down", 576, 1536),
    ("query, key and value", 960, 576),
    ("output", 576, 576),
];

/// Sums that are held in registers: a fused multiply-add takes four steps to be ready, and two begin in each.
const SUMS: usize = 12;

/// A loop of so many fused multiply-adds of each sum.
struct RegisterLoop(usize);

impl WithSimd for RegisterLoop {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let (factor, term) =
            (simd.splat_f32s(std::hint::black_box(0.5)), simd.splat_f32s(std::hint::black_box(1.0)));
        let mut sums = [term; SUMS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        for sum in sums {
            std::hint::black_box(simd.reduce_sum_f32s(sum));
        }
        2 * SUMS * S::F32_LANES * self.0
    }
}

/// GFLOP/s of that loop.
fn register_loop(threads: usize) -> f64 {
    let arch = Arch::new();
    let start = Instant::now();
    let all = (0..threads).into_par_iter().with_max_len(1).map(|_| arch.dispatch(RegisterLoop(500_000)));
    let operations: usize = all.sum();
    operations as f64 / start.elapsed().as_secs_f64() / 1e9
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let mut argument = |default: usize| arguments.next().unwrap_or(Ok(default));
    let (rows, threads, rounds) = (argument(768)?, argument(2)?, argument(9)?);
    if rows < 1 || threads < 1 || rounds < 1 {
        return Err("ROWS, THREADS and ROUNDS must be at least 1".into());
    }
    tch::set_num_threads(threads as i32);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let _no_grad = tch::no_grad_guard();
    for (name, outputs, inputs) in MATRICES {
        let random = |size: [i64; 2]| Tensor::randn(size, (Kind::Float, Device::Cpu));
        let (weight, x) = (random([outputs, inputs]), random([rows as i64, inputs]).unsqueeze(0));
        let (halves, half_x) = (weight.to_kind(Kind::BFloat16), x.to_kind(Kind::BFloat16));
        let reordered = weight.to_mkldnn();
        let none: Option<&Tensor> = None;
        let packed = |kind: Kind| Matrix::packed(weight.to_kind(kind).copy());
        let (own, own_halves) = ([packed(Kind::Float)?], [packed(Kind::BFloat16)?]);
        let forms: [Form<'_>; 6] = [
            ("packed f32", Box::new(|| Ok(Matrix::multiply(&own, &x)?))),
            ("packed bf16, inputs in f32", Box::new(|| Ok(Matrix::multiply(&own_halves, &x)?))),
            (
                "packed bf16, dot products",
                Box::new(|| {
                    Ok(Matrix::multiply_bf16(&own_halves, &half_x, Kind::BFloat16)?
                        .ok_or("no dot products of bf16")?)
                }),
            ),
            ("libtorch, f32", Box::new(|| Ok(x.f_linear(&weight, none)?))),
            (
                "libtorch, f32, weights reordered",
                Box::new(|| {
                    Ok(x.f_to_mkldnn(Kind::Float)?
                        .f_mkldnn_linear(&reordered, none)?
                        .f_to_dense(None, false)?)
                }),
            ),
            ("libtorch, bf16", Box::new(|| Ok(half_x.f_linear(&halves, none)?))),
        ];
        let operations = 2.0 * (rows as i64 * outputs * inputs) as f64;
        let repeats = (2e9 / operations).clamp(1.0, 500.0) as usize;
        let mut speeds = vec![Vec::new(); forms.len()];
        let (mut loops, mut ratios) = (Vec::new(), vec![Vec::new(); forms.len()]);
        for _ in 0..=rounds {
            for ((_, form), (speeds, ratios)) in forms.iter().zip(speeds.iter_mut().zip(&mut ratios)) {
                let before = register_loop(threads);
                let start = Instant::now();
                for _ in 0..repeats {
                    let _ = std::hint::black_box(form()?);
                }
                let speed = operations * repeats as f64 / start.elapsed().as_secs_f64() / 1e9;
                let limit = f64::midpoint(before, register_loop(threads));
                speeds.push(speed);
                loops.push(limit);
                ratios.push(speed / limit);
            }
        }
        println!("{name}, {outputs} x {inputs}, {rows} rows: registers {:.0} GFLOP/s", median(&mut loops));
        for ((form, _), (speeds, ratios)) in forms.iter().zip(speeds.iter_mut().zip(&mut ratios)) {
            println!(
                "  {form:<34} {:>7.1} GFLOP/s  {:.2}",
                median(&mut speeds[1..]),
                median(&mut ratios[1..])
            );
        }
    }
    Ok(())
}
