//! Tests of the public interface, with a scripted model instead of a real one.

mod comparison;
mod data;
mod files;
mod folder;
mod journal;
mod micro_metrics;
mod repeats;
mod resume;
mod runner;
mod selection;
mod shards;
mod support;
