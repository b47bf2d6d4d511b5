//! The crate as its users see it.

mod bad_models;
mod placement;
