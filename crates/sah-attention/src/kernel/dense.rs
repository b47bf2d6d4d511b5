//! Dense causal attention: every key up to each row's position.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;

/// Rows of a chunk of queries that are computed at once where there are earlier keys, so that the mask stays small.
const BLOCK: usize = 512;

/// Dense causal attention `[B, H, Q, Dv]`, aligned bottom-right.
pub fn dense_attention(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    if dims.queries == 1 {
        return decode(inputs);
    }
    if dims.queries == dims.keys {
        return sdpa(inputs.queries(), inputs.keys(), inputs.values(), None, true, inputs);
    }
    chunk(inputs)
}

fn sdpa(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    bias: Option<&Tensor>,
    causal: bool,
    inputs: &AttentionInputs<'_>,
) -> Result<Tensor> {
    let gqa = queries.size()[1] != keys.size()[1];
    Ok(Tensor::f_scaled_dot_product_attention(queries, keys, values, bias, 0.0, causal, inputs.scale(), gqa)?)
}

/// One query row: the heads of a group become rows of their key/value head, so that keys are read once.
fn decode(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let [batch, heads, kv_heads] = [dims.batch, dims.heads, dims.kv_heads].map(|size| size as i64);
    let queries = inputs.queries().f_reshape([batch, kv_heads, dims.group() as i64, dims.head_dim as i64])?;
    let output = sdpa(&queries, inputs.keys(), inputs.values(), None, false, inputs)?;
    Ok(output.f_reshape([batch, heads, 1, dims.value_dim as i64])?)
}

/// Several rows after earlier keys, a block of rows at a time.
fn chunk(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let dims = inputs.dims();
    let mut outputs = Vec::with_capacity(dims.queries.div_ceil(BLOCK));
    for start in (0..dims.queries).step_by(BLOCK) {
        let rows = BLOCK.min(dims.queries - start) as i64;
        let seen = (dims.past() + start) as i64 + rows;
        let bias = Tensor::f_full([rows, seen], f64::NEG_INFINITY, (inputs.kind(), inputs.device()))?
            .f_triu(seen - rows + 1)?;
        let queries = inputs.queries().f_narrow(2, start as i64, rows)?;
        let keys = inputs.keys().f_narrow(2, 0, seen)?;
        let values = inputs.values().f_narrow(2, 0, seen)?;
        outputs.push(sdpa(&queries, &keys, &values, Some(&bias), false, inputs)?);
    }
    match outputs.len() {
        1 => Ok(outputs.remove(0)),
        _ => Ok(Tensor::f_cat(&outputs, 2)?),
    }
}
