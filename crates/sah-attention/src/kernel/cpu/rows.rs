//! What the kernels for the CPU read in place.

use sah_tensor::element::{Bf16, Codes, F16, F32, Int8, Parts};
use sah_tensor::torch::{Stored, heads, is_readable};
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::cpu::source::{Grouped, HeadGroups, PlainRows, Source};
use crate::kv::{KvFormat, KvView, Packed};

/// Whether the kernels for the CPU read these inputs: keys and values in f32, bf16, f16, 8 bits or packed groups where they lie,
/// and sums in f32.
pub(crate) fn readable_inputs(inputs: &AttentionInputs<'_>) -> Result<bool> {
    let (keys, values) = inputs.stored();
    Ok(inputs.kind() != Kind::Double && is_readable_view(keys)? && is_readable_view(values)?)
}

fn is_readable_view(rows: KvView<'_>) -> Result<bool> {
    if let Some(Packed { groups, .. }) = rows.packed()
        && !(is_readable::<Codes>(&groups.codes)? && is_readable::<F16>(&groups.parameters)?)
    {
        return Ok(false);
    }
    Ok(match rows.format() {
        KvFormat::Plain(Kind::Float) | KvFormat::Kivi { plain: Kind::Float, .. } => {
            is_readable::<F32>(rows.data())?
        }
        KvFormat::Plain(Kind::BFloat16) | KvFormat::Kivi { plain: Kind::BFloat16, .. } => {
            is_readable::<Bf16>(rows.data())?
        }
        KvFormat::Plain(Kind::Half) | KvFormat::Kivi { plain: Kind::Half, .. } => {
            is_readable::<F16>(rows.data())?
        }
        KvFormat::Int8 => is_readable::<Int8>(rows.data())?,
        KvFormat::Plain(_) | KvFormat::Kivi { .. } => false,
    })
}

/// A computation over keys and values of any form that the kernels for the CPU read.
///
/// It writes to no tensor that was there before: keys and values are read in place.
pub(super) trait WithRows {
    /// The computation, with the keys and the values of each head, those of the first sequence first.
    fn call<K: Source, V: Source>(self, keys: &[K], values: &[V]) -> Result<Tensor>;
}

/// `work` with the keys and values of `inputs`, which are [readable](readable_inputs).
pub(super) fn with_rows(inputs: &AttentionInputs<'_>, work: impl WithRows) -> Result<Tensor> {
    let (keys, values) = inputs.stored();
    if keys.is_packed() || values.is_packed() {
        return work.call(&grouped(keys)?, &grouped(values)?);
    }
    match inputs.format() {
        KvFormat::Plain(kind) | KvFormat::Kivi { plain: kind, .. } => match kind {
            Kind::BFloat16 => with_rows_of::<Bf16>(inputs, work),
            Kind::Half => with_rows_of::<F16>(inputs, work),
            _ => with_rows_of::<F32>(inputs, work),
        },
        KvFormat::Int8 => with_rows_of::<Int8>(inputs, work),
    }
}

#[expect(unsafe_code, reason = "reads keys and values in place")]
fn with_rows_of<E: Stored + Parts>(inputs: &AttentionInputs<'_>, work: impl WithRows) -> Result<Tensor> {
    let (keys, values) = inputs.stored();
    // SAFETY: all that is written while the rows are in use is memory of `work`.
    let (keys, values) = unsafe { (heads::<E>(keys.data())?, heads::<E>(values.data())?) };
    work.call(&keys, &values)
}

/// The rows of each head, of which some may be packed.
#[expect(unsafe_code, reason = "reads keys and values in place")]
fn grouped(rows: KvView<'_>) -> Result<Vec<Grouped<'_>>> {
    // SAFETY: the same.
    let plain: Vec<PlainRows<'_>> = unsafe {
        match rows.data().f_kind()? {
            Kind::BFloat16 => heads::<Bf16>(rows.data())?.into_iter().map(PlainRows::Bf16).collect(),
            Kind::Half => heads::<F16>(rows.data())?.into_iter().map(PlainRows::F16).collect(),
            _ => heads::<F32>(rows.data())?.into_iter().map(PlainRows::F32).collect(),
        }
    };
    let Some(Packed { groups, spans }) = rows.packed() else {
        return Ok(plain.into_iter().map(|plain| Grouped { spans: &[], groups: None, plain }).collect());
    };
    // SAFETY: the same.
    let (codes, parameters) = unsafe { (heads::<Codes>(&groups.codes)?, heads::<F16>(&groups.parameters)?) };
    let grouping = groups.grouping;
    let heads = plain.into_iter().zip(codes.into_iter().zip(parameters));
    let of_head = |(plain, (codes, parameters))| {
        let groups = Some(HeadGroups { grouping, codes, parameters });
        Grouped { spans, groups, plain }
    };
    Ok(heads.map(of_head).collect())
}

/// The queries in f32, as rows that can be read in place.
pub(super) fn readable_queries(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let queries = match inputs.kind() {
        Kind::Float => inputs.queries().shallow_clone(),
        _ => inputs.queries().f_to_kind(Kind::Float)?,
    };
    Ok(if is_readable::<F32>(&queries)? { queries } else { queries.f_contiguous()? })
}
