//! Mean and covariance of queries.

use tch::{Kind, Tensor};

use crate::error::Result;

/// Which queries count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MomentsOf {
    /// Tokens at the beginning whose queries do not.
    pub skipped: usize,
}

/// Mean and covariance of the queries of each head over the tokens of a context, added up chunk by chunk in f64.
///
/// ```
/// use sah_attention::retention::{Moments, MomentsOf};
/// use tch::Tensor;
///
/// // The queries of one head of one element: the first token is skipped, 1 and 3 count.
/// let moments = Moments::new(MomentsOf { skipped: 1 });
/// let moments = moments.and(&Tensor::from_slice(&[9.0_f32, 1.0]).view([1, 1, 2, 1]))?;
/// let moments = moments.and(&Tensor::from_slice(&[3.0_f32]).view([1, 1, 1, 1]))?;
/// assert_eq!(moments.mean()?.double_value(&[0, 0]), 2.0);
/// assert_eq!(moments.covariance()?.double_value(&[0, 0, 0]), 1.0);
/// # Ok::<(), sah_attention::Error>(())
/// ```
#[derive(Debug)]
pub struct Moments {
    of: MomentsOf,
    /// Tokens so far, those that were skipped among them.
    tokens: usize,
    /// None before the first query that counts.
    sums: Option<Sums>,
}

#[derive(Debug)]
struct Sums {
    count: usize,
    /// `[H, D]`
    vectors: Tensor,
    /// `[H, D, D]`
    products: Tensor,
}

impl Moments {
    /// Of no query yet.
    #[must_use]
    pub fn new(of: MomentsOf) -> Self {
        Self { of, tokens: 0, sums: None }
    }

    /// With the queries of the tokens that follow, `[1, H, Q, D]`, before they are rotated.
    pub fn and(&self, queries: &Tensor) -> Result<Self> {
        let count = queries.size()[2] as usize;
        let skipped = self.of.skipped.saturating_sub(self.tokens).min(count);
        let tokens = self.tokens + count;
        let counted = queries.f_narrow(2, skipped as i64, (count - skipped) as i64)?;
        let counted = counted.f_squeeze_dim(0)?.f_to_kind(Kind::Double)?;
        let mut vectors = counted.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Double)?;
        let mut products = counted.f_transpose(1, 2)?.f_matmul(&counted)?;
        let sums = match &self.sums {
            None => Sums { count: count - skipped, vectors, products },
            Some(before) => Sums {
                count: before.count + count - skipped,
                vectors: vectors.f_add_(&before.vectors)?,
                products: products.f_add_(&before.products)?,
            },
        };
        Ok(Self { of: self.of, tokens, sums: Some(sums) })
    }

    /// The same once more.
    #[must_use]
    pub fn fork(&self) -> Self {
        let sums = self.sums.as_ref().map(|sums| Sums {
            count: sums.count,
            vectors: sums.vectors.shallow_clone(),
            products: sums.products.shallow_clone(),
        });
        Self { of: self.of, tokens: self.tokens, sums }
    }

    /// `mu`, `[H, D]` of `Double`; NaN where no query counts.
    pub fn mean(&self) -> Result<Tensor> {
        let sums = self.sums()?;
        Ok(sums.vectors.f_div_scalar(sums.count as f64)?)
    }

    /// The mean of `(q - mu)(q - mu)^T`, `[H, D, D]` of `Double`; NaN where no query counts.
    pub fn covariance(&self) -> Result<Tensor> {
        let (sums, mean) = (self.sums()?, self.mean()?);
        let square = mean.f_unsqueeze(2)?.f_matmul(&mean.f_unsqueeze(1)?)?;
        Ok(sums.products.f_div_scalar(sums.count as f64)?.f_sub(&square)?)
    }

    fn sums(&self) -> Result<&Sums> {
        self.sums.as_ref().ok_or_else(|| crate::Error::Field {
            field: "moments of the queries",
            expected: "of a context of at least one token",
            found: "none".to_owned(),
        })
    }
}
