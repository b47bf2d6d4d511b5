//! What the kernels for the CPU read in place.

use sah_tensor::element::{Bf16, F16, F32, Factor, Int8};
use sah_tensor::torch::{Stored, heads, is_readable};
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::cpu::source::{Source, Widened};
use crate::kv::KvFormat;

/// Whether the kernels for the CPU read these inputs: keys and values in f32, bf16, f16 or 8 bits where they lie, and sums in
/// f32.
pub(in crate::kernel) fn readable_inputs(inputs: &AttentionInputs<'_>) -> Result<bool> {
    let (keys, values) = inputs.stored();
    if inputs.kind() == Kind::Double {
        return Ok(false);
    }
    for rows in [keys, values] {
        let is_readable = match inputs.format() {
            KvFormat::Plain(Kind::Float) => is_readable::<F32>(rows.data())?,
            KvFormat::Plain(Kind::BFloat16) => is_readable::<Bf16>(rows.data())?,
            KvFormat::Plain(Kind::Half) => is_readable::<F16>(rows.data())?,
            KvFormat::Int8 => is_readable::<Int8>(rows.data())?,
            KvFormat::Plain(_) => false,
        };
        if !is_readable {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Attention over keys and values of any form that the kernels for the CPU read.
///
/// It writes to no tensor that was there before: keys and values are read in place.
pub(super) trait Attend {
    /// Attention `[B, H, Q, Dv]` over the keys and the values of each head, those of the first sequence first.
    fn attend<K: Source, V: Source>(self, keys: &[K], values: &[V]) -> Result<Tensor>;
}

/// `call` with the keys and values of `inputs`, which are [readable](readable_inputs).
pub(super) fn attend(inputs: &AttentionInputs<'_>, call: impl Attend) -> Result<Tensor> {
    match inputs.format() {
        KvFormat::Plain(Kind::Float) => attend_as::<F32>(inputs, call),
        KvFormat::Plain(Kind::BFloat16) => attend_as::<Bf16>(inputs, call),
        KvFormat::Plain(Kind::Half) => attend_as::<F16>(inputs, call),
        KvFormat::Int8 => attend_widened(inputs, call),
        format @ KvFormat::Plain(_) => unreachable!("rows stored as {format} were taken for readable"),
    }
}

#[expect(unsafe_code, reason = "reads keys and values in place")]
fn attend_as<E: Stored + Factor>(inputs: &AttentionInputs<'_>, call: impl Attend) -> Result<Tensor> {
    let (keys, values) = inputs.stored();
    // SAFETY: all that is written while the rows are in use is memory of `call`.
    let (keys, values) = unsafe { (heads::<E>(keys.data())?, heads::<E>(values.data())?) };
    call.attend(&keys, &values)
}

#[expect(unsafe_code, reason = "reads keys and values in place")]
fn attend_widened(inputs: &AttentionInputs<'_>, call: impl Attend) -> Result<Tensor> {
    let (keys, values) = inputs.stored();
    // SAFETY: the same.
    let (keys, values) = unsafe { (heads::<Int8>(keys.data())?, heads::<Int8>(values.data())?) };
    let widened = |heads: Vec<_>| heads.into_iter().map(Widened).collect::<Vec<_>>();
    call.attend(&widened(keys), &widened(values))
}

/// The queries in f32, as rows that can be read in place.
pub(super) fn readable_queries(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let queries = match inputs.kind() {
        Kind::Float => inputs.queries().shallow_clone(),
        _ => inputs.queries().f_to_kind(Kind::Float)?,
    };
    Ok(if is_readable::<F32>(&queries)? { queries } else { queries.f_contiguous()? })
}
