//! Products beside sums in f64, and the same bits for any number of rows and threads.

use half::{bf16, f16};

use super::{DotProducts, PANEL, Panels, Plain, multiply, multiply_bf16, pack};
use crate::element::{Bf16, F16, F32, Weight};
use crate::testing::{close, values};

/// Rows, filled up with zeros to whole panels of whole words, packed.
fn packed<T: Copy + Default + Send + Sync, const PER: usize>(rows: &[T], columns: usize) -> Vec<T> {
    let width = columns.next_multiple_of(PER);
    let mut all = vec![T::default(); (rows.len() / columns).next_multiple_of(PANEL) * width];
    for (place, row) in all.chunks_exact_mut(width).zip(rows.chunks_exact(columns)) {
        place[..columns].copy_from_slice(row);
    }
    pack::<T, PER>(&mut all, width);
    all
}

fn words(halves: &[u16]) -> Vec<u32> {
    halves.as_chunks::<2>().0.iter().map(|[low, high]| u32::from(*low) | u32::from(*high) << 16).collect()
}

/// Outputs and columns: less than a panel, several at once and what is left of them, odd columns, several blocks of columns.
const SHAPES: [(usize, usize); 9] =
    [(3, 62), (16, 64), (50, 65), (7, 1), (131, 576), (400, 33), (33, 1536), (20, 2500), (1, 2)];

/// Compares with sums in f64, and the bits of all numbers of rows and threads with each other.
fn check<E: Weight>(store: impl Fn(&[f32], usize) -> (Vec<E::Word>, Vec<f32>)) {
    for (outputs, columns) in SHAPES {
        let (stored, weights) = store(&values(outputs * columns, 1), columns);
        let panels = Plain::<E>::new(&stored, outputs, columns);
        let x = values(230 * columns, 2);
        let product = |rows: usize, threads: usize| {
            let mut output = vec![f32::NAN; rows * outputs];
            multiply(&[&panels], &x[..rows * columns], rows, &mut output, threads);
            output
        };
        let all = product(230, 1);
        close(&all, &weights, &x, columns, &format!("{outputs} x {columns}"));
        for rows in (1..=20).chain([47, 48, 49, 191, 192, 193, 229]) {
            for threads in [1, 2, 5] {
                let some = product(rows, threads);
                assert!(
                    some == all[..rows * outputs],
                    "{outputs} x {columns}: {rows} rows, {threads} threads"
                );
            }
        }
        for row in [0, outputs / 2, outputs - 1] {
            let mut found = vec![f32::NAN; columns];
            panels.row(row, &mut found);
            assert_eq!(found, weights[row * columns..][..columns]);
        }
    }
}

#[test]
fn products_with_f32_are_the_same_for_any_number_of_rows_and_threads() {
    check::<F32>(|values, columns| (packed::<f32, 1>(values, columns), values.to_vec()));
}

#[test]
fn products_with_bf16_are_the_same_for_any_number_of_rows_and_threads() {
    check::<Bf16>(|values, columns| {
        let stored: Vec<bf16> = values.iter().map(|value| bf16::from_f32(*value)).collect();
        let bits: Vec<u16> = stored.iter().map(|value| value.to_bits()).collect();
        (words(&packed::<u16, 2>(&bits, columns)), stored.iter().map(|value| value.to_f32()).collect())
    });
}

#[test]
fn products_with_f16_are_the_same_for_any_number_of_rows_and_threads() {
    check::<F16>(|values, columns| {
        let stored: Vec<f16> = values.iter().map(|value| f16::from_f32(*value)).collect();
        let bits: Vec<u16> = stored.iter().map(|value| value.to_bits()).collect();
        (words(&packed::<u16, 2>(&bits, columns)), stored.iter().map(|value| value.to_f32()).collect())
    });
}

#[test]
fn outputs_of_several_matrices_stand_side_by_side() {
    let columns = 40;
    let (one, other) = (values(20 * columns, 1), values(5 * columns, 2));
    let (stored, stored_other) = (packed::<f32, 1>(&one, columns), packed::<f32, 1>(&other, columns));
    let (panels, others) =
        (Plain::<F32>::new(&stored, 20, columns), Plain::<F32>::new(&stored_other, 5, columns));
    for rows in [1, 3, 30] {
        let x = values(rows * columns, 3);
        let mut output = vec![f32::NAN; rows * 25];
        multiply(&[&panels, &others], &x, rows, &mut output, 2);
        close(&output, &[one.clone(), other.clone()].concat(), &x, columns, "two matrices");
    }
}

#[test]
fn without_columns_or_rows_there_is_nothing_to_sum() {
    let none: &[f32] = &[];
    let panels = Plain::<F32>::new(none, 16, 0);
    let mut output = vec![f32::NAN; 48];
    multiply(&[&panels], &[], 3, &mut output, 2);
    assert_eq!(output, vec![0.0; 48]);
    multiply(&[&panels], &[], 0, &mut [], 2);
    multiply(&[], &[], 3, &mut [], 2);
}

/// The bits of bf16 numbers, two in a word, and the numbers.
fn bf16_words(values: &[f32]) -> (Vec<u32>, Vec<f32>) {
    let stored: Vec<bf16> = values.iter().map(|value| bf16::from_f32(*value)).collect();
    let bits: Vec<u16> = stored.iter().map(|value| value.to_bits()).collect();
    (words(&bits), stored.iter().map(|value| value.to_f32()).collect())
}

#[test]
fn dot_products_in_bf16_are_those_of_the_rounded_numbers() {
    for products in DotProducts::available() {
        for (outputs, columns) in
            [(16, 32), (3, 64), (50, 96), (131, 576), (33, 1536), (100, 2528), (7, 34), (1, 2)]
        {
            if !products.takes(columns) {
                continue;
            }
            let (weights, x) = (values(outputs * columns, 1), values(230 * columns, 2));
            let (x_words, rounded_x) = bf16_words(&x);
            let (_, rounded) = bf16_words(&weights);
            let bits: Vec<u16> = weights.iter().map(|value| bf16::from_f32(*value).to_bits()).collect();
            let stored = words(&packed::<u16, 2>(&bits, columns));
            let floats = packed::<f32, 1>(&weights, columns);
            let kept = Plain::<Bf16>::new(&stored, outputs, columns);
            let rounded_later = Plain::<F32>::new(&floats, outputs, columns);
            for (rows, threads) in [(1, 1), (8, 2), (31, 2), (33, 1), (100, 2), (230, 5)] {
                let product = |panels: &dyn Panels| {
                    let mut output = vec![f32::NAN; rows * outputs];
                    let x = &x_words[..rows * columns / 2];
                    multiply_bf16(products, &[panels], x, rows, &mut output, threads);
                    output
                };
                let found = product(&kept);
                let case = format!("{products:?} {outputs} x {columns}, {rows} rows");
                close(&found, &rounded, &rounded_x[..rows * columns], columns, &case);
                assert!(found == product(&rounded_later), "{case}: weights that are rounded later");
                let mut halves = vec![0_u16; rows * outputs];
                let x = &x_words[..rows * columns / 2];
                multiply_bf16(products, &[&kept], x, rows, &mut halves, threads);
                let expected = found.iter().map(|sum| bf16::from_f32(*sum).to_bits());
                assert!(expected.eq(halves), "{case}: rounded sums");
            }
        }
    }
}
