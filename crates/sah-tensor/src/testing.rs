//! Numbers for tests of products.

/// Values between -1 and 1, different for each seed.
pub(crate) fn values(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Asserts that `output`, `[N, rows]`, is the product of `weights`, `[rows, columns]`, with each of the `N` rows of `x`: the
/// same sums in f64, up to rounding in f32.
pub(crate) fn close(output: &[f32], weights: &[f32], x: &[f32], columns: usize, case: &str) {
    let rows = weights.len().checked_div(columns).unwrap_or(output.len());
    for (number, found) in output.iter().enumerate() {
        let (input, row) = (number / rows, number % rows);
        let products = weights[row * columns..(row + 1) * columns].iter().zip(&x[input * columns..]);
        let (mut exact, mut size) = (0.0, 0.0);
        for (a, b) in products {
            let product = f64::from(*a) * f64::from(*b);
            exact += product;
            size += product.abs();
        }
        let apart = (f64::from(*found) - exact).abs();
        assert!(
            apart <= 2e-6 * size,
            "{case}, row {row} of input {input}: {found}, not {exact}, sum of sizes {size}"
        );
    }
}
