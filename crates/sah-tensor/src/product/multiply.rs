//! Products, by all threads.

use crate::cpu::arch;
use rayon::prelude::*;

use super::bf16::{DotProducts, Output};
use super::panels::{PANEL, Panels};
use super::tile::ManyRows;
use super::tiles::Tiles;
use super::{MAX_ROWS, over_outputs};

/// Rows of inputs that one task multiplies at most: they stay in the second cache.
const ROWS: usize = 192;

/// Tasks for each thread: enough that one which is late does not keep the others waiting.
const TASKS_PER_THREAD: usize = 4;

/// The outputs and the columns of `weights` one above another.
fn size(weights: &[&dyn Panels]) -> [usize; 2] {
    let (mut outputs, columns) = (0, weights.first().map_or(0, Panels::columns));
    for weights in weights {
        assert_eq!(weights.columns(), columns, "weights differ in columns");
        outputs += weights.outputs();
    }
    [outputs, columns]
}

/// `x W^T`, `[rows, outputs]`, of `x`, `[rows, columns]`, with all of `weights`, whose outputs stand one after another. Few rows read the weights
/// from memory once.
///
/// # Panics
///
/// Where the lengths of `x`, `weights` and `output` do not fit each other.
pub fn multiply(weights: &[&dyn Panels], x: &[f32], rows: usize, output: &mut [f32], threads: usize) {
    let [outputs, columns] = size(weights);
    assert!(x.len() == rows * columns && output.len() == rows * outputs, "inputs or outputs do not fit");
    if output.is_empty() {
        return;
    }
    if columns == 0 {
        return output.fill(0.0);
    }
    let mut rest: Vec<&mut [f32]> = output.chunks_exact_mut(outputs).collect();
    let tiles = (rows > MAX_ROWS).then(|| Tiles::new(x, columns));
    for weights in weights {
        let own;
        (own, rest) = rest.into_iter().map(|row| row.split_at_mut(weights.outputs())).unzip();
        match &tiles {
            None => over_outputs(own, PANEL, threads, |first, outputs| {
                weights.multiply_few(first / PANEL, x, outputs);
            }),
            Some(tiles) => multiply_many(*weights, tiles, own, threads),
        }
    }
}

/// The same in bf16 by the processor's dot products, of `x`, `[rows, columns]` of two columns a word, which `products` [takes](DotProducts::takes).
/// Weights are rounded to bf16, and sums to what is written.
///
/// # Panics
///
/// Where the lengths of `x`, `weights` and `output` do not fit each other, `products` does not take them, or the processor does not have them.
pub fn multiply_bf16<O: Output>(
    products: DotProducts,
    weights: &[&dyn Panels],
    x: &[u32],
    rows: usize,
    output: &mut [O],
    threads: usize,
) {
    let [outputs, columns] = size(weights);
    assert!(products.are_available(), "{products:?} are not there");
    assert!(products.takes(columns), "{products:?} does not take {columns} columns");
    assert!(x.len() == rows * columns / 2 && output.len() == rows * outputs, "inputs or outputs do not fit");
    if output.is_empty() {
        return;
    }
    if columns == 0 {
        return output.fill(O::default());
    }
    let inputs = products.arrange(x, columns / 2);
    let mut rest: Vec<&mut [O]> = output.chunks_exact_mut(outputs).collect();
    for weights in weights {
        let own;
        (own, rest) = rest.into_iter().map(|row| row.split_at_mut(weights.outputs())).unzip();
        over_parts(own, products.height(), threads, |first_tile, first, outputs| {
            products.multiply(*weights, first, &inputs, first_tile, outputs);
        });
    }
}

/// Many rows with one matrix.
fn multiply_many(weights: &dyn Panels, x: &Tiles, outputs: Vec<&mut [f32]>, threads: usize) {
    let arch = arch();
    over_parts(outputs, x.height(), threads, |first_tile, first, outputs| {
        arch.dispatch(ManyRows { weights, first, x, first_tile, outputs });
    });
}

/// Hands `outputs`, one slice for each row of inputs and all of the same length, to `part` in pieces of some tiles of `height` rows and some panels,
/// each with the numbers of its first tile and its first panel.
fn over_parts<'a, O: Send>(
    mut outputs: Vec<&'a mut [O]>,
    height: usize,
    threads: usize,
    part: impl Fn(usize, usize, &mut [&'a mut [O]]) + Sync,
) {
    let width = outputs[0].len();
    // Whole tiles, as many in each task.
    let tiles = outputs.len().div_ceil(height);
    let parts = (tiles * height).div_ceil(ROWS);
    let of_part = tiles.div_ceil(parts);
    let pieces = (threads * TASKS_PER_THREAD).div_ceil(parts);
    let of_piece = width.div_ceil(PANEL).div_ceil(pieces).next_multiple_of(GRANULE) * PANEL;
    let mut tasks = Vec::new();
    for (number, rows) in outputs.chunks_mut(of_part * height).enumerate() {
        let mut pieces: Vec<Vec<&mut [O]>> = Vec::new();
        pieces.resize_with(width.div_ceil(of_piece), || Vec::with_capacity(rows.len()));
        for row in rows {
            for (piece, of_row) in pieces.iter_mut().zip(std::mem::take(row).chunks_mut(of_piece)) {
                piece.push(of_row);
            }
        }
        let of_rows = pieces.into_iter().enumerate();
        tasks.extend(of_rows.map(|(piece, rows)| (number * of_part, piece * of_piece / PANEL, rows)));
    }
    let run = |(tile, panel, outputs): &mut (usize, usize, Vec<&'a mut [O]>)| part(*tile, *panel, outputs);
    if threads == 1 {
        tasks.iter_mut().for_each(run);
    } else {
        tasks.par_iter_mut().with_max_len(1).for_each(run);
    }
}

/// Panels of a piece are a multiple of those that are multiplied at once, which are 2 or 3.
const GRANULE: usize = 6;
