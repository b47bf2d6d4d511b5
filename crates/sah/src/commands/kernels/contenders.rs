//! Who is timed: libtorch's attention and ours, over the same tensors.

use sah_attention::{
    AttentionConfig, AttentionInputs, AutoKernel, GatherKernel, IndexList, Kernel, Mask, Reads, RequestState,
    ResearchAttention, RowRanges, Size,
};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::setting::{Setting, Tensors};

/// Maskers whose selection is timed, at 2 % of the keys, with nothing beside them.
const MASKERS: [(&str, &str); 3] = [
    ("quest", r#"{"type": "quest_top_k", "heavy_size": {"fraction": 0.02}, "page_size": 16}"#),
    (
        "pqcache",
        r#"{"type": "pq_cache", "heavy_size": {"fraction": 0.02}, "pq_group_factor": 2, "pq_bits": 6,
            "kmeans_iter": 10, "init_offset": 0, "metric": "euclidean"}"#,
    ),
    (
        "hashattention",
        r#"{"type": "hash_attention_top_k", "heavy_size": {"fraction": 0.02}, "hat_bits": 32,
            "hat_weights": "random"}"#,
    ),
];

/// What a contender does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// libtorch's dense attention: what the others are compared with.
    Peer,
    /// Attention over everything, or over a selection that is there.
    Attend,
    /// A selection alone.
    Select,
    /// Selection and attention.
    Both,
}

/// One way to do the work.
pub(super) struct Contender<'a> {
    pub(super) name: String,
    pub(super) role: Role,
    /// Share of the keys and values that must be read from memory; `None` where nothing says.
    pub(super) share: Option<f64>,
    pub(super) work: Box<dyn FnMut() -> anyhow::Result<()> + 'a>,
}

/// All contenders of a setting. `densities` are in percent.
pub(super) fn contenders<'a>(
    setting: Setting,
    tensors: &'a Tensors,
    densities: &[f64],
) -> anyhow::Result<Vec<Contender<'a>>> {
    let (_, _, dim) = setting.heads.sizes();
    let scale = 1.0 / (dim as f64).sqrt();
    let inputs = AttentionInputs::new(&tensors.queries, &tensors.keys, &tensors.values, scale)?;
    let mut contenders = peers(setting, tensors, scale)?;
    contenders.push(contender("dense_attention", Role::Attend, Some(1.0), inputs.device(), move || {
        Ok(AutoKernel.attend(&inputs, Reads::All)?)
    }));
    let window = AttentionConfig::streaming_llm(Size::Count(4), Size::Count(64));
    let mask = ResearchAttention::from_config(&window)?.select(&inputs, 0, &mut RequestState::new(0))?;
    let share = (68 + setting.rows - 1) as f64 / setting.keys as f64;
    contenders.push(attend("sink 4 + local 64", share, inputs, AutoKernel, mask));
    for &percent in densities {
        let count = ((setting.keys as f64 * percent / 100.0) as usize).max(1);
        if setting.rows > 1 {
            // A window of so many keys before each row.
            let rows = RowRanges::from_fn(setting.rows, setting.keys, |row| {
                let end = setting.keys - setting.rows + row + 1;
                end.saturating_sub(count)..end
            })?;
            let mask = Mask::from_ranges(inputs.dims().mask_shape(), rows)?;
            let share = ((count + setting.rows - 1) as f64 / setting.keys as f64).min(1.0);
            contenders.push(attend(&format!("window of {percent} %"), share, inputs, AutoKernel, mask));
        } else if count == setting.keys {
            let mask = Mask::full(inputs.dims().mask_shape());
            contenders.push(attend("fused, 100 %", 1.0, inputs, AutoKernel, mask));
        } else {
            let share = setting.share_of_group(count as f64 / setting.keys as f64);
            let mask = || random_keys(&inputs, count);
            contenders.push(attend(&format!("fused, {percent} %"), share, inputs, AutoKernel, mask()?));
            contenders.push(attend(&format!("gather, {percent} %"), share, inputs, GatherKernel, mask()?));
        }
    }
    if setting.rows == 1 {
        for (name, masker) in MASKERS {
            contenders.extend(masked(name, masker, inputs)?);
        }
    }
    Ok(contenders)
}

/// `work` gives what is then dropped.
fn contender<'a, T>(
    name: &str,
    role: Role,
    share: Option<f64>,
    device: Device,
    mut work: impl FnMut() -> anyhow::Result<T> + 'a,
) -> Contender<'a> {
    let work = move || {
        drop(work()?);
        if let Device::Cuda(index) = device {
            tch::Cuda::synchronize(index as i64);
        }
        Ok(())
    };
    Contender { name: name.to_owned(), role, share, work: Box::new(work) }
}

/// libtorch's own attention: with its grouped heads, and with the query heads of a group folded into rows, which reads
/// each key once for the group.
fn peers(setting: Setting, tensors: &Tensors, scale: f64) -> anyhow::Result<Vec<Contender<'_>>> {
    let Tensors { queries, keys, values } = tensors;
    let device = queries.device();
    let (heads, kv_heads, dim) = setting.heads.sizes();
    let [heads, kv_heads, dim] = [heads, kv_heads, dim].map(|size| size as i64);
    let past = (setting.keys - setting.rows) as i64;
    // Rows of a chunk see the keys up to their own.
    let causal = if setting.rows == 1 {
        None
    } else {
        let size = [setting.rows as i64, setting.keys as i64];
        Some(Tensor::f_ones(size, (Kind::Bool, device))?.f_tril(past)?)
    };
    let folded_causal = causal.as_ref().map(|mask| mask.f_repeat([heads / kv_heads, 1])).transpose()?;
    let grouped = move || {
        let mask = causal.as_ref();
        Ok(Tensor::f_scaled_dot_product_attention(queries, keys, values, mask, 0.0, false, scale, true)?)
    };
    let rows = setting.rows as i64;
    let folded = move || {
        let queries = queries.f_view([1, kv_heads, heads / kv_heads * rows, dim])?;
        let mask = folded_causal.as_ref();
        Ok(Tensor::f_scaled_dot_product_attention(&queries, keys, values, mask, 0.0, false, scale, false)?)
    };
    Ok(vec![
        contender("SDPA, enable_gqa", Role::Peer, Some(1.0), device, grouped),
        contender("SDPA, folded heads", Role::Peer, Some(1.0), device, folded),
    ])
}

fn attend<'a>(
    name: &str,
    share: f64,
    inputs: AttentionInputs<'a>,
    kernel: impl Kernel + 'a,
    mask: Mask,
) -> Contender<'a> {
    contender(name, Role::Attend, Some(share), inputs.device(), move || {
        Ok(kernel.attend(&inputs, Reads::Mask(&mask))?)
    })
}

/// `count` random keys for every head of the only row, in their order.
fn random_keys(inputs: &AttentionInputs<'_>, count: usize) -> anyhow::Result<Mask> {
    let dims = inputs.dims();
    let noise = Tensor::f_rand([1, dims.heads as i64, 1, dims.keys as i64], (Kind::Float, inputs.device()))?;
    let (_, keys) = noise.f_topk(count as i64, -1, true, false)?;
    let list = IndexList::new(keys.f_sort(-1, false)?.0, None)?;
    Ok(Mask::from_indices(dims.mask_shape(), list)?)
}

/// A masker's selection alone, and with the attention that follows. Its state has seen the keys.
fn masked<'a>(name: &str, masker: &str, inputs: AttentionInputs<'a>) -> anyhow::Result<[Contender<'a>; 2]> {
    let config: AttentionConfig = serde_json::from_str(&format!(r#"{{"maskers": [{masker}]}}"#))?;
    let (selecting, whole) =
        (ResearchAttention::from_config(&config)?, ResearchAttention::from_config(&config)?);
    let mut state = RequestState::new(0);
    selecting.select(&inputs, 0, &mut state)?;
    let mut forked = state.fork();
    Ok([
        contender(&format!("{name} 2 %, selection"), Role::Select, None, inputs.device(), move || {
            Ok(selecting.select(&inputs, 0, &mut state)?)
        }),
        contender(&format!("{name} 2 %, all"), Role::Both, None, inputs.device(), move || {
            Ok(whole.attend(&inputs, 0, &mut forked)?)
        }),
    ])
}
