//! Which share of their keys layers and KV heads keep, as heat maps.

use indexmap::IndexMap;
use sah_bench_core::{Grid, Layout, Scale as Range, Units};

use super::figure::Figure;
use super::maps::{Maps, WIDTH, WRITTEN};
use super::scale::Scale;
use crate::tables::file_name;
use crate::{Analysis, Error};

/// The sides of one model that have a retention.
#[derive(Default)]
struct Kept<'a> {
    labels: Vec<String>,
    /// Of each side, for each layer a list of shares.
    shares: Vec<&'a [Vec<f64>]>,
}

/// A figure for each model, with a map for each side that has a retention.
pub(super) fn kept_heads(analysis: &Analysis<'_>) -> Result<Vec<Figure>, Error> {
    let mut models: IndexMap<&str, Kept<'_>> = IndexMap::new();
    for (label, side) in analysis.labels.iter().zip(&analysis.sides) {
        let shares = side.results.detailed.kept_by_head.as_slice();
        if !shares.is_empty() {
            let kept = models.entry(side.model()).or_default();
            kept.labels.push(label.clone());
            kept.shares.push(shares);
        }
    }
    let (name, title) =
        ("kept_heads", "Share of the context\u{2019}s keys that each layer and KV head keeps");
    if let Some((_, kept)) = models.first().filter(|_| models.len() == 1) {
        return Ok(kept.figure(name, title.to_owned())?.into_iter().collect());
    }
    let figure = |(model, kept): (&&str, &Kept<'_>)| {
        kept.figure(&format!("{name}_{}", file_name(model)), format!("{title}: {model}")).transpose()
    };
    models.iter().filter_map(figure).collect()
}

impl Kept<'_> {
    fn figure(&self, name: &str, title: String) -> Result<Option<Figure>, Error> {
        let all = || self.shares.iter().copied().flatten();
        let layers = self.shares.iter().map(|layers| layers.len()).max().unwrap_or(0);
        let heads = all().map(Vec::len).max().unwrap_or(0);
        let Some(grid) = grid(layers, heads) else { return Ok(None) };
        let value = |side: usize, head: &str, layer: &str| {
            let (layer, head): (usize, usize) = (layer.parse().ok()?, head.parse().ok()?);
            self.shares[side].get(layer)?.get(head).copied()
        };
        // Figures are written where two maps with them stand side by side.
        let wide = if heads as f64 * WRITTEN.0 <= WIDTH / 2.5 { WRITTEN.0 } else { 8.0 };
        let maps = Maps {
            name,
            title,
            grid: &grid,
            range: Range::One,
            top: Scale::from_zero(all().flatten().copied().fold(0.0, f64::max)).ends()[1],
            cell: (wide, (400.0 / layers as f64).clamp(6.0, 18.0)),
            labels: &self.labels,
            value: &value,
        };
        maps.draw().map(Some)
    }
}

/// Layers down, heads across.
fn grid(layers: usize, heads: usize) -> Option<Grid> {
    let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
    let (layers, heads) = (names(layers), names(heads));
    let cells = layers.iter().flat_map(|layer| heads.iter().map(move |head| (&**head, &**layer)));
    let layout = Layout::Map { task: "KV head".to_owned(), task_axis: "KV head".to_owned() };
    Grid::new(&Units { bucket: "layer".to_owned(), layout, ..Units::default() }, cells)
}
