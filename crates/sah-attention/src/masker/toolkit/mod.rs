//! What maskers and kernels of any crate are made of.
//!
//! - Scores: [`exact_scores`], [`exact_scores_at`] and [`row_blocks`], which keeps them small.
//! - Choice: [`add_top_k`] adds the best keys of each row by any score; [`Selected`] says what earlier maskers selected and what
//!   remains for a row ([`Candidates`]); [`exclude_selected`] and [`exclude_invisible`] write over scores that may not win.
//! - Sampling: [`RandomStream`], [`each_row`], [`add_samples`], [`padded_rows`].
//! - State that follows the KV cache: [`GrowingTensor`] and [`Prefix`]; [`Labels`] store vectors in a few bits,
//!   [`table_scores`] adds up entries of tables by short codes.
//! - Grouped heads without repeated keys: [`fold_queries`], [`fold_rows`], [`unfold_scores`], [`unfold_output`], [`join_rows`], [`capped`].
//!
//! [`AttentionInputs`](crate::AttentionInputs) has the rest: which keys a row may read
//! ([`visible`](crate::AttentionInputs::visible)), keys and values by [range](crate::AttentionInputs::keys_in) or
//! [index](crate::AttentionInputs::keys_at), or as they are [stored](crate::AttentionInputs::stored).
//! [`Reads::check`](crate::Reads::check) has the checks that kernels share.
//!
//! Shapes are those of the crate: `B` batch, `H` query heads, `Hkv` key/value heads, `g = H / Hkv`, `Q` query rows, `K` keys, `D`
//! head dimension.
//!
//! # Example
//!
//! [`guide`] has a whole masker. Here is one that adds the keys with the largest scores, as [`OracleTopKMasker`](crate::OracleTopKMasker) does:
//!
//! ```
//! use sah_attention::toolkit::{add_top_k, exact_scores};
//! use sah_attention::{AttentionInputs, LayerState, Mask, Masker, Result};
//!
//! #[derive(Debug)]
//! struct Best(usize);
//!
//! impl Masker for Best {
//!     fn name(&self) -> &'static str {
//!         "best"
//!     }
//!
//!     fn select(&self, inputs: &AttentionInputs<'_>, _: &mut LayerState<'_>, previous: Mask) -> Result<Mask> {
//!         let keys = inputs.dims().keys;
//!         add_top_k(inputs, previous, self.0, |rows| exact_scores(inputs, rows, 0..keys))
//!     }
//! }
//! ```

mod growing;
#[doc = include_str!("../../../docs/write-a-masker.md")]
pub mod guide {}
mod labels;
mod lookup;
mod prefix;
mod random;
mod sample;
mod scores;
mod selected;
mod top_k;

pub use growing::GrowingTensor;
pub use labels::{Labels, Quantiser, Rounding};
pub use lookup::{code_kind, table_scores};
pub use prefix::Prefix;
pub use random::RandomStream;
pub use sample::{RowSample, add_samples, each_row, padded_rows};
pub use scores::{exact_scores, exact_scores_at, row_blocks};
pub use selected::{Candidates, Selected, exclude_invisible, exclude_selected};
pub use top_k::add_top_k;

pub use crate::heads::{capped, fold_queries, fold_rows, join_rows, unfold_output, unfold_scores};
