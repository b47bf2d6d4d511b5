//! Scores as sums of table entries: one table a row and part of a key, one short code a key and part.

use rayon::prelude::*;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::masker::toolkit::GrowingTensor;
use sah_tensor::torch::written;

/// Scores that are summed while they stay in the first cache.
const BLOCK: usize = 2048;

/// Kind of codes of `bits` bits, which must be at most 15.
#[must_use]
pub fn code_kind(bits: usize) -> Kind {
    if bits <= 8 { Kind::Uint8 } else { Kind::Int16 }
}

/// `score[r][j] = sum over m of tables[r][m][codes[m][j]]` for each leading index: `tables` `[B, Hkv, R, M, C]` of `Float`,
/// `codes` `[B, Hkv, M, K]`, each below `C`; `[B, Hkv, R, K]` of `Float`.
#[expect(unsafe_code, reason = "reads codes in place")]
pub fn table_scores(tables: &Tensor, codes: &GrowingTensor) -> Result<Tensor> {
    // SAFETY: nothing writes to the codes' views here.
    if let Some(codes) = unsafe { codes.host_rows::<u8>() } {
        let at = |table: &[f32], codes: &[u8], scores: &mut [f32]| {
            // No code is beyond 255: no bound to check.
            let mut all = [0.0; 256];
            all[..table.len()].copy_from_slice(table);
            for (score, &code) in scores.iter_mut().zip(codes) {
                *score += all[code as usize];
            }
        };
        return on_host(tables, &codes, at);
    }
    // SAFETY: nothing writes to the codes' views here.
    if let Some(codes) = unsafe { codes.host_rows::<i16>() } {
        let at = |table: &[f32], codes: &[i16], scores: &mut [f32]| {
            for (score, &code) in scores.iter_mut().zip(codes) {
                *score += table[code as usize];
            }
        };
        return on_host(tables, &codes, at);
    }
    by_tensors(tables, &codes.view()?)
}

/// On the CPU, with `add(table, codes, scores)` for one part: rows on all cores, each in blocks of keys.
fn on_host<T: Sync>(
    tables: &Tensor,
    codes: &[&[T]],
    add: impl Fn(&[f32], &[T], &mut [f32]) + Sync,
) -> Result<Tensor> {
    let (batch, heads, rows, parts, entries) = tables.size5()?;
    let tables = Vec::<f32>::try_from(tables.f_reshape([-1])?)?;
    let (rows, parts, entries) = (rows as usize, parts as usize, entries as usize);
    let keys = codes.first().map_or(0, |codes| codes.len());
    let scores = written([batch, heads, rows as i64, keys as i64], |scores| {
        scores.par_chunks_mut(keys.max(1)).enumerate().for_each(|(row, scores)| {
            let codes = &codes[row / rows * parts..][..parts];
            let tables = &tables[row * parts * entries..][..parts * entries];
            for (block, scores) in scores.chunks_mut(BLOCK).enumerate() {
                let from = block * BLOCK;
                scores.fill(0.0);
                for (table, codes) in tables.chunks_exact(entries).zip(codes) {
                    add(table, &codes[from..from + scores.len()], scores);
                }
            }
        });
    })?;
    Ok(scores)
}

/// On any device.
fn by_tensors(tables: &Tensor, codes: &Tensor) -> Result<Tensor> {
    let (batch, heads, rows, parts, _) = tables.size5()?;
    let size = [batch, heads, rows, codes.size()[3]];
    let mut scores = Tensor::f_zeros(size, (Kind::Float, tables.device()))?;
    for part in 0..parts {
        let index = codes.f_select(2, part)?.f_to_kind(Kind::Int64)?.f_unsqueeze(2)?.f_expand(size, false)?;
        scores = scores.f_add(&tables.f_select(3, part)?.f_gather(3, &index, false)?)?;
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::seeded::seeded;

    #[test]
    fn both_ways_give_the_same_sums() {
        for (bits, keys) in [(1, 7), (6, 5000), (8, 2048), (11, 2049), (4, 0)] {
            let (tables, codes) = seeded(bits, || {
                let tables = Tensor::randn([2, 3, 4, 5, 1 << bits], (Kind::Float, Device::Cpu));
                (tables, Tensor::randint(1 << bits, [2, 3, 5, keys], (Kind::Int64, Device::Cpu)))
            });
            let mut growing = GrowingTensor::new(&[2, 3, 5], code_kind(bits as usize), Device::Cpu).unwrap();
            growing.write(0, &codes).unwrap();
            let got = table_scores(&tables, &growing).unwrap();
            assert!(got.equal(&by_tensors(&tables, &codes).unwrap()), "{bits} bits, {keys} keys");
            if keys > 0 {
                let one = |part| {
                    let code = codes.int64_value(&[1, 2, part, keys - 1]);
                    tables.double_value(&[1, 2, 3, part, code])
                };
                let want: f64 = (0..5).map(one).sum();
                assert!((got.double_value(&[1, 2, 3, keys - 1]) - want).abs() < 1e-5);
            }
        }
    }
}
