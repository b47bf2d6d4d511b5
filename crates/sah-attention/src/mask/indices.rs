//! Lists of single keys per head and query row, on the device of the inputs.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::mask::{MaskShape, Row, Visible};

/// Up to `N` keys for every row: indices `[B, H, Q, N]` of `Int64`, and, where they were sampled, the probability
/// `[B, H, Q, N]` of `Float` in `(0, 1]` with which each was included.
///
/// Rows with fewer keys are padded with index -1, anywhere; the probability of padding is ignored. No key occurs
/// twice in a row.
#[derive(Debug)]
pub struct IndexList {
    indices: Tensor,
    probabilities: Option<Tensor>,
}

impl IndexList {
    /// A list that was checked: shapes, kinds, no index below -1, no key twice in a row, probabilities in `(0, 1]`.
    ///
    /// The checks sort every row and wait for the device. A masker whose lists are right by construction uses
    /// [`assume_valid`](Self::assume_valid).
    pub fn new(indices: Tensor, probabilities: Option<Tensor>) -> Result<Self> {
        let list = Self::assume_valid(indices, probabilities)?;
        let problem = |problem: String| Err(Error::IndexList { problem });
        if list.width() == 0 {
            return Ok(list);
        }
        let smallest = list.indices.f_min()?.f_int64_value(&[])?;
        if smallest < -1 {
            return problem(format!("index {smallest} is below -1, which marks padding"));
        }
        let (sorted, _) = list.indices.f_sort(-1, false)?;
        let count = list.width() as i64;
        let left = sorted.f_narrow(-1, 0, count - 1)?;
        let same = left.f_eq_tensor(&sorted.f_narrow(-1, 1, count - 1)?)?.f_logical_and(&left.f_ge(0)?)?;
        let twice = left.f_masked_select(&same)?;
        if twice.numel() > 0 {
            return problem(format!("key {} occurs twice in a row", twice.f_int64_value(&[0])?));
        }
        if let Some(probabilities) = &list.probabilities {
            let valid = probabilities.f_gt(0.0)?.f_logical_and(&probabilities.f_le(1.0)?)?;
            let invalid = valid.f_logical_not()?.f_logical_and(&list.indices.f_ge(0)?)?;
            let invalid = probabilities.f_masked_select(&invalid)?;
            if invalid.numel() > 0 {
                return problem(format!(
                    "inclusion probabilities must be in (0, 1], got {}",
                    invalid.f_double_value(&[0])?
                ));
            }
        }
        Ok(list)
    }

    /// A list whose contents the caller vouches for; only shapes and kinds are checked.
    ///
    /// A key that occurs twice in a row counts twice in attention; an index of `K` or more makes the kernel fail or read
    /// another key.
    pub fn assume_valid(indices: Tensor, probabilities: Option<Tensor>) -> Result<Self> {
        if indices.dim() != 4 {
            return Err(Error::Shape {
                tensor: "indices",
                expected: "[B, H, Q, N]".to_owned(),
                found: indices.size(),
            });
        }
        let kind = indices.f_kind()?;
        if kind != Kind::Int64 {
            return Err(Error::Kind { tensor: "indices", expected: "Int64".to_owned(), found: kind });
        }
        if let Some(probabilities) = &probabilities {
            if probabilities.size() != indices.size() {
                return Err(Error::Shape {
                    tensor: "probabilities",
                    expected: format!("{:?} like the indices", indices.size()),
                    found: probabilities.size(),
                });
            }
            let kind = probabilities.f_kind()?;
            if kind != Kind::Float {
                return Err(Error::Kind {
                    tensor: "probabilities",
                    expected: "Float".to_owned(),
                    found: kind,
                });
            }
            if probabilities.device() != indices.device() {
                return Err(Error::Device {
                    tensor: "probabilities",
                    expected: indices.device(),
                    found: probabilities.device(),
                });
            }
        }
        Ok(Self { indices, probabilities })
    }

    /// Indices, `[B, H, Q, N]` of `Int64`; -1 is padding.
    pub fn indices(&self) -> &Tensor {
        &self.indices
    }

    /// Inclusion probabilities, `[B, H, Q, N]` of `Float`; `None` where every entry is certain.
    #[must_use]
    pub fn probabilities(&self) -> Option<&Tensor> {
        self.probabilities.as_ref()
    }

    /// Another handle to the same tensors.
    pub(super) fn shallow_clone(&self) -> Self {
        Self {
            indices: self.indices.shallow_clone(),
            probabilities: self.probabilities.as_ref().map(Tensor::shallow_clone),
        }
    }

    /// Indices per row, `N`, padding included.
    #[must_use]
    pub fn width(&self) -> usize {
        self.indices.size().last().map_or(0, |&count| count as usize)
    }

    /// Whether the list is `[B, H, Q, N]` and within the keys of `shape`.
    pub(super) fn check_fits(&self, shape: &MaskShape) -> Result<()> {
        let size = self.indices.size();
        let expected = [shape.batch as i64, shape.heads as i64, shape.queries as i64];
        if size[..3] != expected {
            return Err(Error::Shape {
                tensor: "indices",
                expected: format!("[{}, {}, {}, N]", shape.batch, shape.heads, shape.queries),
                found: size,
            });
        }
        if self.width() == 0 {
            return Ok(());
        }
        let largest = self.indices.f_max()?.f_int64_value(&[])?;
        if largest >= shape.keys as i64 {
            return Err(Error::IndexList {
                problem: format!("index {largest} is not within the {} keys", shape.keys),
            });
        }
        Ok(())
    }

    /// Without the keys that a row may not read: they become padding.
    pub(super) fn restrict(self, visible: &Visible) -> Result<Self> {
        let hidden = visible.permits(&self.indices)?.f_logical_not()?;
        Ok(Self { indices: self.indices.f_masked_fill(&hidden, -1)?, ..self })
    }

    /// Number of entries that are a key that their row may read, in each head, over the batch.
    pub(super) fn entries_by_head(&self, visible: &Visible) -> Result<Vec<usize>> {
        let seen = visible.permits(&self.indices)?;
        let entries = seen.f_sum_dim_intlist([0i64, 2, 3].as_slice(), false, Kind::Int64)?;
        Ok(Vec::<i64>::try_from(&entries)?.into_iter().map(|entries| entries as usize).collect())
    }

    /// The first row, among the query rows `queries` of any head, that the list gives nothing that they may read.
    pub(super) fn first_row_without_entry(
        &self,
        visible: &Visible,
        queries: &[usize],
    ) -> Result<Option<Row>> {
        let rows: Vec<i64> = queries.iter().map(|&row| row as i64).collect();
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(self.indices.device())?;
        let seen = visible.permits(&self.indices)?;
        let count =
            seen.f_index_select(2, &rows)?.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Int64)?;
        let empty = count.f_eq(0)?.f_nonzero()?;
        if empty.size2()?.0 == 0 {
            return Ok(None);
        }
        let at = |column| empty.f_int64_value(&[0, column]);
        Ok(Some(Row { batch: at(0)? as usize, head: at(1)? as usize, query: queries[at(2)? as usize] }))
    }

    /// Weights, `[B, H, Q, K]` of `Float`.
    pub(super) fn to_dense(&self, keys: usize) -> Result<Tensor> {
        let mut size = self.indices.size();
        size[3] = keys as i64;
        let weights = match &self.probabilities {
            Some(probabilities) => probabilities.f_masked_fill(&self.indices.f_lt(0)?, 0.0)?,
            None => self.indices.f_ge(0)?.f_to_kind(Kind::Float)?,
        };
        let dense = Tensor::f_zeros(&size, (Kind::Float, self.indices.device()))?;
        Ok(dense.f_scatter_add(3, &self.indices.f_clamp_min(0)?, &weights)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(values: &[i64]) -> Tensor {
        Tensor::from_slice(values).view([1, 1, 1, -1])
    }

    fn check(indices: Tensor, probabilities: Option<Tensor>, message: &str) {
        assert_eq!(IndexList::new(indices, probabilities).unwrap_err().to_string(), message);
    }

    #[test]
    fn contents_are_checked() {
        check(indices(&[0, -2]), None, "index list: index -2 is below -1, which marks padding");
        check(indices(&[3, 1, -1, -1, 3]), None, "index list: key 3 occurs twice in a row");
        check(Tensor::from_slice(&[1i64]), None, "indices must have shape [B, H, Q, N], got [1]");
        check(indices(&[1]).to_kind(Kind::Int), None, "indices must be of kind Int64, got Int");
        let probability = |values: &[f32]| Some(Tensor::from_slice(values).view([1, 1, 1, -1]));
        check(
            indices(&[1, 2]),
            probability(&[1.0]),
            "probabilities must have shape [1, 1, 1, 2] like the indices, got [1, 1, 1, 1]",
        );
        for (value, text) in [(0.0, "0"), (1.5, "1.5"), (f32::NAN, "NaN")] {
            let message = format!("index list: inclusion probabilities must be in (0, 1], got {text}");
            check(indices(&[1, 2]), probability(&[1.0, value]), &message);
        }
        assert!(
            IndexList::new(indices(&[1, -1]), probability(&[0.5, 0.0])).is_ok(),
            "padding needs no probability"
        );
        assert!(IndexList::new(indices(&[]), None).is_ok());
    }

    #[test]
    fn indices_must_fit_the_mask() {
        let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 4 };
        let list = IndexList::new(indices(&[4]), None).unwrap();
        assert_eq!(
            list.check_fits(&shape).unwrap_err().to_string(),
            "index list: index 4 is not within the 4 keys"
        );
        let list = IndexList::new(indices(&[3]), None).unwrap();
        assert!(list.check_fits(&MaskShape { heads: 2, ..shape }).is_err());
        assert!(list.check_fits(&shape).is_ok());
    }
}
