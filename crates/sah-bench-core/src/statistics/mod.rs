//! How sure a mean is.

mod bootstrap;
mod estimate;

pub use bootstrap::{Bootstrap, Stratum};
pub use estimate::{Estimate, Interval, Verdict};
