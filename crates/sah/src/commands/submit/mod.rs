//! `cargo xtask submit`: runs on machines that a scheduler gives.

pub(crate) mod slurm;
