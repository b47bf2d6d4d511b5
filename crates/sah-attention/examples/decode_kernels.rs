//! Times formulations of attention for one token, and prints the median of each.
//!
//! ```sh
//! cargo xtask example decode_kernels [KEYS [THREADS [REPEATS]]]
//! ```
//!
//! Shapes are those of SmolLM2-135M: 30 layers, 9 query and 3 key/value heads of 64, `Float`. Each layer has its own
//! cache with room to spare, so that a pass over the layers reads from memory what a model would. All variants run in
//! turn in each repetition, so that a busy moment of the machine meets all of them.

#![expect(clippy::print_stdout, reason = "an example talks to its user")]

use std::time::Instant;

use sah_attention::{
    AttentionConfig, AttentionInputs, AttentionPolicy, AutoKernel, Kernel as _, KiviBits, KvFormat, KvRows,
    KvSide, Reads, RequestState, ResearchAttention, Size,
};
use tch::{Device, Kind, TchError, Tensor};

const LAYERS: usize = 30;
const HEADS: i64 = 9;
const KV_HEADS: i64 = 3;
const GROUP: i64 = HEADS / KV_HEADS;
const WIDTH: i64 = 64;
const SCALE: f64 = 0.125;
const SINK: i64 = 4;
const WINDOW: i64 = 64;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
/// Attention of a layer from its number, queries `[1, 9, 1, 64]`, keys and values `[1, 3, K, 64]`.
type Attend<'a> = Box<dyn FnMut(usize, &Tensor, &Tensor, &Tensor) -> Result<Tensor> + 'a>;

struct Variant<'a> {
    name: String,
    attend: Attend<'a>,
    milliseconds: Vec<f64>,
}

impl<'a> Variant<'a> {
    fn new(
        name: impl Into<String>,
        attend: impl FnMut(usize, &Tensor, &Tensor, &Tensor) -> Result<Tensor> + 'a,
    ) -> Self {
        Self { name: name.into(), attend: Box::new(attend), milliseconds: Vec::new() }
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<i64>());
    let mut argument = |default: i64| arguments.next().unwrap_or(Ok(default));
    let (keys, threads, repeats) = (argument(4096)?, argument(2)?, argument(25)?);
    if keys <= SINK + WINDOW + 1 || threads < 1 || repeats < 1 {
        return Err("KEYS must be above 69, THREADS and REPEATS at least 1".into());
    }
    tch::set_num_threads(threads as i32);
    let _no_grad = tch::no_grad_guard();

    let attention = ResearchAttention::from_config(&AttentionConfig::streaming_llm(
        Size::Count(SINK as usize),
        Size::Count(WINDOW as usize),
    ))?;
    let mut state = RequestState::new(0);
    let mut dense = vec![
        Variant::new("dense, SDPA with enable_gqa", |_, q, k, v| {
            Ok(Tensor::f_scaled_dot_product_attention(q, k, v, None::<&Tensor>, 0.0, false, SCALE, true)?)
        }),
        Variant::new("dense, SDPA on folded heads", |_, q, k, v| Ok(folded(q, k, v)?)),
        Variant::new("dense, bmm + softmax + bmm on folded heads", |_, q, k, v| Ok(products(q, k, v)?)),
    ];
    for parts in [2, 4, 8] {
        let name = format!("dense, keys in {parts} parts, joined by log-sum-exp");
        dense.push(Variant::new(name, move |_, q, k, v| Ok(in_parts(q, k, v, parts)?)));
    }
    dense.push(Variant::new("dense_attention", |_, q, k, v| {
        Ok(AutoKernel.attend(&AttentionInputs::new(q, k, v, SCALE)?, Reads::All)?)
    }));
    let mut sparse = vec![
        Variant::new("4 + 64, narrow + cat + SDPA", |_, q, k, v| {
            Ok(folded(q, &selected(k)?, &selected(v)?)?)
        }),
        Variant::new("4 + 64, narrow + cat + bmm", |_, q, k, v| {
            Ok(products(q, &selected(k)?, &selected(v)?)?)
        }),
        Variant::new("4 + 64, bmm on narrowed views", |_, q, k, v| Ok(products_on_views(q, k, v)?)),
        Variant::new("4 + 64, index_select + SDPA", |_, q, k, v| {
            let rows = selected_rows(k)?;
            Ok(folded(q, &rows_of(k, &rows)?, &rows_of(v, &rows)?)?)
        }),
        Variant::new("AttentionPolicy::Sparse, maskers included", |layer, q, k, v| {
            let mut policy = AttentionPolicy::Sparse { attention: &attention, state: &mut state };
            Ok(policy.attend(layer, &AttentionInputs::new(q, k, v, SCALE)?)?.output)
        }),
    ];

    let options = (Kind::Float, Device::Cpu);
    let cache = || Tensor::f_randn([1, KV_HEADS, keys + 1024, WIDTH], options)?.f_narrow(2, 0, keys);
    let caches = (0..LAYERS).map(|_| Ok((cache()?, cache()?))).collect::<Result<Vec<_>>>()?;
    let queries = Tensor::f_randn([1, HEADS, 1, WIDTH], options)?;
    let mut stored = vec![Variant::new("dense, cache in f32", |_, q, k, v| {
        Ok(AutoKernel.attend(&AttentionInputs::new(q, k, v, SCALE)?, Reads::All)?)
    })];
    let kivi = |bits| KvFormat::Kivi { bits, plain: Kind::Float };
    for (name, format) in [
        ("bf16", KvFormat::Plain(Kind::BFloat16)),
        ("int8", KvFormat::Int8),
        ("int4", kivi(KiviBits::Four)),
        ("int2", kivi(KiviBits::Two)),
    ] {
        let store = |numbers: &Tensor, side| store(numbers, format, side);
        let stored_caches = caches
            .iter()
            .map(|(keys, values)| Ok((store(keys, KvSide::Keys)?, store(values, KvSide::Values)?)))
            .collect::<Result<Vec<_>>>()?;
        stored.push(Variant::new(format!("dense, cache in {name}"), move |layer, q, _, _| {
            let (keys, values) = &stored_caches[layer];
            Ok(AutoKernel.attend(&AttentionInputs::new(q, keys, values, SCALE)?, Reads::All)?)
        }));
    }
    for (group, bound) in [(&mut dense, 1e-5), (&mut sparse, 1e-5), (&mut stored, 0.1)] {
        compare(group, &queries, &caches, bound)?;
        for _ in 0..repeats {
            for variant in group.iter_mut() {
                let start = Instant::now();
                for (layer, (keys, values)) in caches.iter().enumerate() {
                    drop((variant.attend)(layer, &queries, keys, values)?);
                }
                variant.milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }

    let bytes = 2 * KV_HEADS * keys * WIDTH * 4 * LAYERS as i64;
    println!(
        "{keys} keys, {threads} threads, {LAYERS} layers, {:.0} MB of keys and values",
        bytes as f64 / 1e6
    );
    println!("{:>9} {:>9} {:>9}", "median ms", "min ms", "GB/s");
    for variant in dense.iter_mut().chain(&mut sparse).chain(&mut stored) {
        variant.milliseconds.sort_by(f64::total_cmp);
        let median = variant.milliseconds[variant.milliseconds.len() / 2];
        let rate = if variant.name.starts_with("dense") {
            format!("{:.1}", bytes as f64 / median / 1e6)
        } else {
            String::new()
        };
        println!("{median:9.2} {:9.2} {rate:>9}  {}", variant.milliseconds[0], variant.name);
    }
    Ok(())
}

/// `numbers` in a cache of `format`.
fn store(numbers: &Tensor, format: KvFormat, side: KvSide) -> Result<KvRows> {
    let (batch, heads, keys, dim) = numbers.size4()?;
    let rows = KvRows::empty([batch, heads, keys, dim], format, Device::Cpu)?;
    rows.store(numbers)?;
    let older = 0..format.packed_of(keys as usize);
    Ok(if format.packs() { rows.pack(side, &[older])? } else { rows })
}

/// All variants of a group must agree up to `bound` before any is timed.
fn compare(
    group: &mut [Variant<'_>],
    queries: &Tensor,
    caches: &[(Tensor, Tensor)],
    bound: f64,
) -> Result<()> {
    let (keys, values) = &caches[0];
    let want = (group[0].attend)(0, queries, keys, values)?;
    for variant in group {
        let got = (variant.attend)(0, queries, keys, values)?;
        let error = got.f_sub(&want)?.f_abs()?.f_max()?.f_double_value(&[])?;
        if error.is_nan() || error > bound {
            return Err(format!("{}: differs by {error}", variant.name).into());
        }
    }
    Ok(())
}

fn folded(q: &Tensor, k: &Tensor, v: &Tensor) -> std::result::Result<Tensor, TchError> {
    let q = q.f_view([1, KV_HEADS, GROUP, WIDTH])?;
    Tensor::f_scaled_dot_product_attention(&q, k, v, None::<&Tensor>, 0.0, false, SCALE, false)?
        .f_view([1, HEADS, 1, WIDTH])
}

fn products(q: &Tensor, k: &Tensor, v: &Tensor) -> std::result::Result<Tensor, TchError> {
    let q = q.f_view([KV_HEADS, GROUP, WIDTH])?.f_mul_scalar(SCALE)?;
    let weights = q.f_bmm(&k.f_squeeze_dim(0)?.f_transpose(1, 2)?)?.f_softmax(-1, None)?;
    weights.f_bmm(&v.f_squeeze_dim(0)?)?.f_view([1, HEADS, 1, WIDTH])
}

/// Keys that do not fill the last part go into one of their own.
fn in_parts(q: &Tensor, k: &Tensor, v: &Tensor, parts: i64) -> std::result::Result<Tensor, TchError> {
    let count = k.size()[2];
    let length = count / parts;
    let split = |cache: &Tensor| {
        let stride = cache.stride();
        cache.f_as_strided(
            [parts, KV_HEADS, length, WIDTH],
            [length * stride[2], stride[1], stride[2], 1],
            None,
        )
    };
    let flash = |q: &Tensor, k: &Tensor, v: &Tensor| {
        Tensor::f_internal_scaled_dot_product_flash_attention_for_cpu(
            q,
            k,
            v,
            0.0,
            false,
            None::<&Tensor>,
            SCALE,
        )
    };
    let q = q.f_view([1, KV_HEADS, GROUP, WIDTH])?;
    let (mut output, mut lse) =
        flash(&q.f_expand([parts, KV_HEADS, GROUP, WIDTH], false)?, &split(k)?, &split(v)?)?;
    let rest = count - parts * length;
    if rest > 0 {
        let (more, more_lse) =
            flash(&q, &k.f_narrow(2, count - rest, rest)?, &v.f_narrow(2, count - rest, rest)?)?;
        output = Tensor::f_cat(&[output, more], 0)?;
        lse = Tensor::f_cat(&[lse, more_lse], 0)?;
    }
    let weights = lse.f_softmax(0, None)?.f_unsqueeze(-1)?;
    output.f_mul(&weights)?.f_sum_dim_intlist([0i64].as_slice(), false, None)?.f_view([1, HEADS, 1, WIDTH])
}

fn selected(cache: &Tensor) -> std::result::Result<Tensor, TchError> {
    let count = cache.size()[2];
    Tensor::f_cat(&[cache.f_narrow(2, 0, SINK)?, cache.f_narrow(2, count - WINDOW, WINDOW)?], 2)
}

fn products_on_views(q: &Tensor, k: &Tensor, v: &Tensor) -> std::result::Result<Tensor, TchError> {
    let q = q.f_view([KV_HEADS, GROUP, WIDTH])?.f_mul_scalar(SCALE)?;
    let (k, v) = (k.f_squeeze_dim(0)?, v.f_squeeze_dim(0)?);
    let window = k.size()[1] - WINDOW;
    let sink_scores = q.f_bmm(&k.f_narrow(1, 0, SINK)?.f_transpose(1, 2)?)?;
    let window_scores = q.f_bmm(&k.f_narrow(1, window, WINDOW)?.f_transpose(1, 2)?)?;
    let weights = Tensor::f_cat(&[sink_scores, window_scores], -1)?.f_softmax(-1, None)?;
    let sink = weights.f_narrow(2, 0, SINK)?.f_bmm(&v.f_narrow(1, 0, SINK)?)?;
    sink.f_baddbmm(&weights.f_narrow(2, SINK, WINDOW)?, &v.f_narrow(1, window, WINDOW)?, 1.0, 1.0)?
        .f_view([1, HEADS, 1, WIDTH])
}

fn selected_rows(cache: &Tensor) -> std::result::Result<Tensor, TchError> {
    let (count, stride) = (cache.size()[2], cache.stride()[1] / WIDTH);
    let rows = |head: i64| (0..SINK).chain(count - WINDOW..count).map(move |key| head * stride + key);
    Tensor::f_from_slice(&(0..KV_HEADS).flat_map(rows).collect::<Vec<_>>())
}

fn rows_of(cache: &Tensor, rows: &Tensor) -> std::result::Result<Tensor, TchError> {
    let last = (KV_HEADS - 1) * cache.stride()[1] / WIDTH + cache.size()[2];
    cache.f_as_strided([last, WIDTH], [WIDTH, 1], None)?.f_index_select(0, rows)?.f_view([
        1,
        KV_HEADS,
        SINK + WINDOW,
        WIDTH,
    ])
}
