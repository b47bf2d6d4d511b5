//! The gated delta rule (Yang et al. 2024, arXiv 2412.06464): a memory `S` of keys and values that fades and is corrected by each token,
//!
//! ```text
//! S_t = e^{g_t} S_{t-1} + k_t b_t (v_t - e^{g_t} S_{t-1}^T k_t)^T        o_t = S_t^T q_t
//! ```
//!
//! Rows are computed in blocks: within one, what earlier rows of it have written is taken off by solving a triangular system, as the
//! paper has it.

use tch::{Kind, Tensor};

use crate::Error;

/// Rows of a block.
const BLOCK: i64 = 64;

/// What the rows of a pass bring, in f32.
#[derive(Debug)]
pub(super) struct Rows {
    /// Scaled, `[H, Q, Dk]`.
    pub(super) queries: Tensor,
    /// `[H, Q, Dk]`.
    pub(super) keys: Tensor,
    /// `[H, Q, Dv]`.
    pub(super) values: Tensor,
    /// Logarithms of what stays of the memory, `[H, Q]`.
    pub(super) decay: Tensor,
    /// How much of a correction is written, `[H, Q]`.
    pub(super) rate: Tensor,
}

impl Rows {
    /// What the rows read, `[H, Q, Dv]`, and the memory after them, `[H, Dk, Dv]`; that before them is `memory`.
    pub(super) fn pass(&self, memory: Tensor) -> Result<(Tensor, Tensor), Error> {
        let count = self.keys.size()[1];
        let (mut memory, mut outputs) = (memory, Vec::new());
        for first in (0..count).step_by(BLOCK as usize) {
            let block = self.narrow(first, BLOCK.min(count - first))?;
            let output;
            (output, memory) = block.block(&memory)?;
            outputs.push(output);
        }
        Ok((Tensor::f_cat(&outputs, 1)?, memory))
    }

    fn narrow(&self, first: i64, count: i64) -> Result<Self, Error> {
        let part = |tensor: &Tensor| tensor.f_narrow(1, first, count);
        Ok(Self {
            queries: part(&self.queries)?,
            keys: part(&self.keys)?,
            values: part(&self.values)?,
            decay: part(&self.decay)?,
            rate: part(&self.rate)?,
        })
    }

    fn block(&self, memory: &Tensor) -> Result<(Tensor, Tensor), Error> {
        let Self { queries, keys, values, rate, .. } = self;
        let (count, value_dim) = (keys.size()[1], values.size()[2]);
        // Decay since the block began, and from each row to each later one.
        let decay = self.decay.f_cumsum(1, Kind::Float)?;
        let since = decay.f_exp()?.f_unsqueeze(-1)?;
        let between = decay.f_unsqueeze(-1)?.f_sub(&decay.f_unsqueeze(1)?)?;
        let later = Tensor::f_ones([count, count], (Kind::Bool, keys.device()))?.f_triu(1)?;
        let between = between.f_masked_fill(&later, f64::NEG_INFINITY)?.f_exp()?;

        let rate = rate.f_unsqueeze(-1)?;
        let written = keys.f_mul(&rate)?;
        let turned = keys.f_transpose(1, 2)?;
        // What each row finds of those before it in the block. The diagonal is taken as 1.
        let found = written.f_matmul(&turned)?.f_mul(&between)?;
        let asked = Tensor::f_cat(&[&values.f_mul(&rate)?, &written.f_mul(&since)?], -1)?;
        let solved = found.f_linalg_solve_triangular(&asked, false, true, true)?;
        let (own, of_memory) =
            (solved.f_narrow(-1, 0, value_dim)?, solved.f_narrow(-1, value_dim, keys.size()[2])?);
        let corrections = own.f_sub(&of_memory.f_matmul(memory)?)?;

        let weights = queries.f_matmul(&turned)?.f_mul(&between)?;
        let output = queries.f_mul(&since)?.f_matmul(memory)?.f_add(&weights.f_matmul(&corrections)?)?;
        let last = decay.f_narrow(1, count - 1, 1)?;
        let until = last.f_sub(&decay)?.f_exp()?.f_unsqueeze(-1)?;
        let new = keys.f_mul(&until)?.f_transpose(1, 2)?.f_matmul(&corrections)?;
        Ok((output, memory.f_mul(&last.f_exp()?.f_unsqueeze(-1)?)?.f_add(&new)?))
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::Rows;

    const OPTIONS: (Kind, Device) = (Kind::Float, Device::Cpu);

    fn rows(count: i64) -> Rows {
        let random = |size: &[i64]| Tensor::randn(size, OPTIONS);
        let unit = |tensor: Tensor| {
            &tensor / tensor.square().sum_dim_intlist([2i64].as_slice(), true, Kind::Float).sqrt()
        };
        Rows {
            queries: unit(random(&[3, count, 8])),
            keys: unit(random(&[3, count, 8])),
            values: random(&[3, count, 5]),
            decay: random(&[3, count]).abs() * -0.3,
            rate: random(&[3, count]).sigmoid(),
        }
    }

    /// The formula, row by row, in f64.
    fn plain(rows: &Rows, memory: &Tensor) -> (Tensor, Tensor) {
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        let at = |tensor: &Tensor, row| double(&tensor.select(1, row)).unsqueeze(-1);
        let (mut memory, mut outputs) = (double(memory), vec![]);
        for row in 0..rows.keys.size()[1] {
            let (key, value) = (at(&rows.keys, row), at(&rows.values, row));
            memory *= at(&rows.decay, row).exp().unsqueeze(-1);
            let known = memory.transpose(1, 2).matmul(&key);
            let correction = (value - known) * at(&rows.rate, row).unsqueeze(-1);
            memory += key.matmul(&correction.transpose(1, 2));
            outputs.push(memory.transpose(1, 2).matmul(&at(&rows.queries, row)).transpose(1, 2));
        }
        (Tensor::cat(&outputs, 1), memory)
    }

    #[test]
    fn blocks_give_what_single_rows_give() {
        tch::manual_seed(5);
        for count in [1, 2, 63, 64, 65, 200] {
            let (rows, memory) = (rows(count), Tensor::randn([3, 8, 5], OPTIONS));
            let (found, after) = rows.pass(memory.shallow_clone()).unwrap();
            let (expected, expected_after) = plain(&rows, &memory);
            for (found, expected) in [(found, expected), (after, expected_after)] {
                assert_eq!(found.size(), expected.size());
                let error = (found.to_kind(Kind::Double) - expected).abs().max().double_value(&[]);
                assert!(error < 2e-5, "{count} rows: {error}");
            }
        }
    }

    #[test]
    fn a_sequence_may_come_in_pieces_and_fade_at_once() {
        tch::manual_seed(6);
        let rows = rows(150);
        let _ = rows.decay.narrow(1, 40, 1).fill_(-1000.0);
        let memory = Tensor::zeros([3, 8, 5], OPTIONS);
        let (whole, after) = rows.pass(memory.shallow_clone()).unwrap();
        let (first, between) = rows.narrow(0, 70).unwrap().pass(memory).unwrap();
        let (second, end) = rows.narrow(70, 80).unwrap().pass(between).unwrap();
        assert!(whole.allclose(&Tensor::cat(&[first, second], 1), 1e-4, 1e-5, false));
        assert!(after.allclose(&end, 1e-4, 1e-5, false) && after.isfinite().all().int64_value(&[]) == 1);
    }
}
