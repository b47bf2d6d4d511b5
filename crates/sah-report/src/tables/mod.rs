//! The tables of a report.

mod attention;
mod configuration;
mod costs;
pub(crate) mod csv;
mod differences;
mod further;
mod latex;
mod markdown;
mod paper;
mod samples;
mod scores;
mod summary;
mod table;
mod warnings;

pub(crate) use attention::KEPT_HEADS;
pub use attention::{attention_heads, attention_steps, kept_heads};
pub use configuration::{configuration, configuration_differences};
pub use costs::costs;
pub(crate) use costs::per_row;
pub(crate) use differences::file_name;
pub use differences::{difference, differences};
pub use further::{further, further_differences};
pub(crate) use paper::PAPER;
pub use paper::paper;
pub use samples::samples_csv;
pub use scores::{buckets, grids, scores};
pub use summary::summary;
pub use table::{Cell, Column, Kind, Table};
pub use warnings::warnings;
