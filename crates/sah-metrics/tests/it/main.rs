//! Figures against those of the Python packages and the rules, from the scripts in `tests/reference`.

#![expect(clippy::float_cmp, reason = "figures are those of Python in every digit")]

mod final_integer;
mod golden;
mod meteor;
mod rules;
