//! What the kernels for the CPU read in place.

use sah_tensor::element::F32;
use sah_tensor::torch::is_readable;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;

/// `$body` with `$element` for what reads rows that are stored as `$format`, and `$none` where nothing does.
macro_rules! with_element {
    ($format:expr, $element:ident => $body:expr, none => $none:expr) => {
        match $format {
            $crate::kv::KvFormat::Plain(tch::Kind::Float) => with_element!(@ F32, $element => $body),
            $crate::kv::KvFormat::Plain(tch::Kind::BFloat16) => with_element!(@ Bf16, $element => $body),
            $crate::kv::KvFormat::Plain(tch::Kind::Half) => with_element!(@ F16, $element => $body),
            $crate::kv::KvFormat::Int8 => with_element!(@ Int8, $element => $body),
            $crate::kv::KvFormat::Plain(_) => $none,
        }
    };
    (@ $name:ident, $element:ident => $body:expr) => {{
        type $element = sah_tensor::element::$name;
        $body
    }};
}
pub(super) use with_element;

/// Whether the kernels for the CPU read these inputs: keys and values in f32, bf16, f16 or 8 bits where they lie, and sums in
/// f32.
pub(in crate::kernel) fn readable_inputs(inputs: &AttentionInputs<'_>) -> Result<bool> {
    let (keys, values) = inputs.stored();
    with_element!(inputs.format(), E => {
        Ok(inputs.kind() != Kind::Double && is_readable::<E>(keys.data())? && is_readable::<E>(values.data())?)
    }, none => Ok(false))
}

/// The queries in f32, as rows that can be read in place.
pub(super) fn readable_queries(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let queries = match inputs.kind() {
        Kind::Float => inputs.queries().shallow_clone(),
        _ => inputs.queries().f_to_kind(Kind::Float)?,
    };
    Ok(if is_readable::<F32>(&queries)? { queries } else { queries.f_contiguous()? })
}
