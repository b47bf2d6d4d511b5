//! The figures of a report, drawn with plotters as SVG.
//!
//! Colours are those of [`palette`]; a page turns them into others where it is dark.

mod buckets;
mod canvas;
mod costs;
mod dots;
mod figure;
mod heads;
mod kept_heads;
mod layers;
mod lines;
mod maps;
pub mod palette;
mod png;
mod savings;
mod scale;
mod scores;
mod steps;

pub use figure::Figure;
pub(crate) use steps::name as step_name;

use crate::{Analysis, Error};

/// All figures that `analysis` has something for, in the order of the report.
///
/// # Errors
///
/// [`Error::Figure`].
pub fn all(analysis: &Analysis<'_>) -> Result<Vec<Figure>, Error> {
    let mut figures = vec![scores::scores(analysis)?];
    figures.extend(maps::maps(analysis)?);
    figures.extend(scores::differences(analysis)?);
    figures.extend(savings::density(analysis)?);
    figures.extend(savings::cache_bytes(analysis)?);
    figures.extend(kept_heads::kept_heads(analysis)?);
    figures.push(costs::costs(analysis)?);
    figures.extend(buckets::buckets(analysis)?);
    figures.extend(heads::heads(analysis)?);
    figures.extend(layers::layers(analysis)?);
    figures.extend(steps::steps(analysis)?);
    Ok(figures)
}
