//! Figures against those of the Python packages, from `tests/reference/text_metrics.py`.

#![expect(clippy::float_cmp, reason = "figures are those of Python in every digit")]

mod golden;
mod meteor;
