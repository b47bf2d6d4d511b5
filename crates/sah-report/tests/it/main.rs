//! The public interface on runs of a benchmark and a model of a few lines.

mod analysis;
mod files;
mod listing;
mod page;
mod other_figures;
mod refusals;
mod support;
