//! The crate as its users see it.

mod bad_models;
mod gguf_models;
mod hash_attention;
mod kept_keys;
