//! What several maskers are made of.

pub(super) mod chosen;
pub(super) mod growing;
pub(super) mod labels;
pub(super) mod lookup;
pub(super) mod random;
pub(super) mod sample;
pub(super) mod scores;
pub(super) mod top_k;
