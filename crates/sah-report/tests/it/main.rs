//! The public interface on runs of a benchmark and a model of a few lines.

mod analysis;
mod cache;
mod files;
mod listing;
mod other_figures;
mod overview;
mod page;
mod refusals;
mod support;
