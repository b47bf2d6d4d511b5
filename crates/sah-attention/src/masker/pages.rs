//! A page for each masker, from `docs/maskers`, for the documentation and for testing the pages' examples.

#[doc = include_str!("../../../../docs/maskers/sink.md")]
pub mod sink {}

#[doc = include_str!("../../../../docs/maskers/local.md")]
pub mod local {}

#[doc = include_str!("../../../../docs/maskers/oracle_top_k.md")]
pub mod oracle_top_k {}

#[doc = include_str!("../../../../docs/maskers/oracle_top_p.md")]
pub mod oracle_top_p {}

#[doc = include_str!("../../../../docs/maskers/hash_attention_top_k.md")]
pub mod hash_attention_top_k {}

#[doc = include_str!("../../../../docs/maskers/double_sparsity_top_k.md")]
pub mod double_sparsity_top_k {}

#[doc = include_str!("../../../../docs/maskers/quest_top_k.md")]
pub mod quest_top_k {}

#[doc = include_str!("../../../../docs/maskers/pq_cache.md")]
pub mod pq_cache {}

#[doc = include_str!("../../../../docs/maskers/socket_top_k.md")]
pub mod socket_top_k {}

#[doc = include_str!("../../../../docs/maskers/random_sampling.md")]
pub mod random_sampling {}

#[doc = include_str!("../../../../docs/maskers/adaptive_sampling.md")]
pub mod adaptive_sampling {}

#[doc = include_str!("../../../../docs/maskers/magic_pig.md")]
pub mod magic_pig {}
