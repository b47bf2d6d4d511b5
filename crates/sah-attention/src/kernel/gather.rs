//! The sparse kernel: reads only the keys and values that were selected.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::{Kernel, check_mask, check_rows, dense_attention, lists, ranges};
use crate::mask::{Mask, Selection};

/// Reads only selected keys and values, by libtorch calls, on any device.
///
/// - Everything selected: [`dense_attention`].
/// - Key ranges: narrowed views of the cache, joined (a copy of the selected keys only), then libtorch's fused attention
///   (where the layer caps its scores, plain products and a softmax).
///   Several query rows are computed in blocks over the union of their ranges, so that neighbouring rows with
///   neighbouring ranges are cheap and rows with unrelated ranges read more than they use.
/// - Index lists, and the keys of pages: the listed rows of the cache, gathered per query head and row; inclusion probabilities enter as
///   `-ln p` on the scores.
///
/// The query heads of a group are folded into the query axis of their key/value head; keys and values are never
/// repeated. Softmax is in `Float` also where the inputs are `BFloat16` or `Half`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GatherKernel;

impl Kernel for GatherKernel {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, mask: &Mask) -> Result<Tensor> {
        check_mask(inputs, mask)?;
        check_rows(inputs, mask)?;
        match mask.selection() {
            Selection::Sparse(sparse) => match sparse.keys()? {
                Some(list) if list.len() > 0 => lists::attend(inputs, sparse.ranges(), &list),
                _ if inputs.evicted().is_none() && sparse.ranges().covers(&inputs.visible()) => {
                    dense_attention(inputs)
                }
                _ => ranges::attend(inputs, sparse.ranges()),
            },
            // An empty selection has empty rows, which were refused above.
            Selection::Full | Selection::Empty => dense_attention(inputs),
        }
    }
}
