//! The sparse kernel for any device: reads only the keys and values that were selected.

use tch::Tensor;

use crate::error::Result;
use crate::inputs::AttentionInputs;
use crate::kernel::torch::{dense, lists, ranges};
use crate::kernel::{Kernel, Reads};
use crate::mask::Selection;

/// Reads only selected keys and values, by libtorch calls, on any device.
///
/// - Everything selected: libtorch's attention over a prompt (`Q = K`), one token (`Q = 1`), or a chunk after earlier keys (`1 < Q <
///   K`), the last with a mask over a block of rows. Keys and values are not copied, not once per query head either. (It is up
///   to libtorch how it shares them between the heads of a group when `Q = K`.)
/// - Key ranges: narrowed views of the cache, joined (a copy of the selected keys only), then libtorch's fused attention
///   (where the layer caps its scores or has some that belong to no key, plain products and a softmax).
///   Several query rows are computed in blocks over the union of their ranges, so that neighbouring rows with
///   neighbouring ranges are cheap and rows with unrelated ranges read more than they use.
/// - Index lists, and the keys of pages: the listed rows of the cache, gathered per query head and row; inclusion probabilities
///   enter as `-ln p` on the scores.
///
/// The query heads of a group are folded into the query axis of their key/value head; keys and values are never
/// repeated. Softmax is in `Float` also where the inputs are `BFloat16` or `Half`.
#[derive(Debug, Clone, Copy, Default)]
pub struct GatherKernel;

impl Kernel for GatherKernel {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        reads.check(inputs)?;
        let mask = match reads {
            Reads::All => return dense::attend(inputs),
            Reads::Ranges(ranges) => return ranges::attend_blocks(inputs, ranges),
            Reads::Mask(mask) => mask,
        };
        match mask.selection() {
            Selection::Sparse(sparse) => match sparse.keys()? {
                Some(list) if list.width() > 0 => lists::attend(inputs, sparse.ranges(), &list),
                _ if inputs.positions().evicted() == 0 && sparse.ranges().covers(&inputs.visible()) => {
                    dense::attend(inputs)
                }
                _ => ranges::attend(inputs, sparse.ranges()),
            },
            // An empty selection has empty rows, which were refused above.
            Selection::Full | Selection::Empty => dense::attend(inputs),
        }
    }
}
