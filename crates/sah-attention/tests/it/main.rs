//! Tests of the public API, in one binary.
//!
//! Whatever touches a device is a `fn(Device)` that [`on_devices!`] turns into a CPU test and a CUDA test.

#![allow(clippy::many_single_char_names, reason = "b, h, q, k, d name the dimensions of a tensor")]
#![allow(clippy::single_range_in_vec_init, reason = "a row of one range is meant")]
#![allow(clippy::float_cmp, reason = "where a value must be exactly 0 or 1")]

/// A CPU test and a CUDA test for each `fn(Device)` that is named.
macro_rules! on_devices {
    ($($check:ident),* $(,)?) => {
        mod cpu {
            $(#[test] fn $check() { super::$check(tch::Device::Cpu); })*
        }
        mod cuda {
            $(#[test] #[ignore = "needs a CUDA device"] fn $check() { super::$check(tch::Device::Cuda(0)); })*
        }
    };
}

mod attention;
mod calibration;
mod cases;
mod dense;
mod double_sparsity;
mod estimates;
mod eviction;
mod growth;
mod hash_attention;
mod kernels;
mod kivi;
mod layers;
mod maskers;
mod masks;
mod micro;
mod oracles;
mod outside;
mod prefill_rules;
mod quest;
mod retention;
mod rules;
mod sampling;
mod seeded;
mod stored;
