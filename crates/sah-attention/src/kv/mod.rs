//! Keys and values as a cache stores them.

mod format;
mod int8;
mod kivi;
mod packed;
#[cfg(test)]
mod tests;

use std::ops::Range;

use sah_tensor::torch::copy_rows;
use tch::{Device, Kind, Tensor};

pub use format::{KiviBits, KvFormat, KvSide};
pub(crate) use kivi::Grouping;
pub(crate) use packed::{Packed, Span};

use crate::error::{Error, Result};

/// Keys or values of a cache, `[B, Hkv, K, D]`, or a view of some of them.
///
/// [`KvRows::expand`] gives the numbers; the kernels for the CPU read what is stored.
///
/// ```
/// use sah_attention::{AttentionInputs, AutoKernel, Kernel, KvFormat, KvRows, Reads};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let cache = || KvRows::empty([1, 3, 128, 64], KvFormat::Int8, Device::Cpu);
/// let (keys, values) = (cache()?.narrow(0..100)?, cache()?.narrow(0..100)?);
/// keys.store(&Tensor::rand([1, 3, 100, 64], (Kind::Float, Device::Cpu)))?;
/// values.store(&Tensor::rand([1, 3, 100, 64], (Kind::Float, Device::Cpu)))?;
/// let queries = Tensor::rand([1, 9, 1, 64], (Kind::Float, Device::Cpu));
/// let output = AutoKernel.attend(&AttentionInputs::new(&queries, &keys, &values, 0.125)?, Reads::All)?;
/// assert_eq!((output.kind(), keys.bytes()), (Kind::Float, 3 * 100 * 68));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KvRows {
    /// `[B, Hkv, K, W]`, without the rows that are packed.
    data: Tensor,
    format: KvFormat,
    packed: Option<Packed>,
}

impl KvRows {
    /// Room for rows of `size`, `[B, Hkv, K, D]`; undefined until rows are stored.
    pub fn empty(size: [i64; 4], format: KvFormat, device: Device) -> Result<Self> {
        let (kind, extra) = format.layout();
        if format != KvFormat::Int8 {
            check_floating("cache", kind)?;
        }
        let [batch, heads, keys, dim] = size;
        let data = Tensor::f_empty([batch, heads, keys, dim + extra as i64], (kind, device))?;
        Ok(Self { data, format, packed: None })
    }

    /// Room for `keys` rows of each head, on the same device and in the same format; undefined until rows are stored.
    pub fn like(&self, keys: usize) -> Result<Self> {
        self.like_heads(self.data.size()[1] as usize, keys)
    }

    /// Room for `keys` rows of each of `heads` heads, likewise.
    pub fn like_heads(&self, heads: usize, keys: usize) -> Result<Self> {
        let (batch, _, _, width) = self.data.size4()?;
        let options = (self.data.f_kind()?, self.data.device());
        let size = [batch, heads as i64, keys as i64, width];
        Ok(Self { data: Tensor::f_empty(size, options)?, format: self.format, packed: None })
    }

    /// A view of the heads `heads`.
    pub fn heads(&self, heads: Range<usize>) -> Result<Self> {
        let data = self.data.f_narrow(1, heads.start as i64, heads.len() as i64)?;
        let packed = self.packed.as_ref().map(|packed| packed.heads(&heads)).transpose()?;
        Ok(Self { data, format: self.format, packed })
    }

    /// A copy with the rows `ranges` of every head packed, as [`KvFormat::Kivi`] packs keys or values: whole groups of 32 rows, ascending
    /// and apart. They are only read from then on; all others are as they were.
    pub fn pack(&self, side: KvSide, ranges: &[Range<usize>]) -> Result<Self> {
        let KvFormat::Kivi { bits, .. } = self.format else {
            return Err(Error::NotPacked { found: self.format });
        };
        self.check_plain()?;
        let (packed, data) = Packed::new(&self.data, (bits, side), ranges)?;
        Ok(Self { data, format: self.format, packed })
    }

    /// Fails where rows are packed.
    fn check_plain(&self) -> Result<()> {
        match &self.packed {
            None => Ok(()),
            Some(packed) => packed.plain(&(0..packed.rows())).map(|_| ()),
        }
    }

    /// A copy of the rows `keys` of every head, in this order, none of them packed.
    pub fn select(&self, keys: &[usize]) -> Result<Self> {
        self.check_plain()?;
        let keys: Vec<i64> = keys.iter().map(|&key| key as i64).collect();
        let keys = Tensor::f_from_slice(&keys)?.f_to_device(self.data.device())?;
        Ok(Self { data: self.data.f_index_select(2, &keys)?, format: self.format, packed: None })
    }

    /// A view of the rows `keys` of every head.
    pub fn narrow(&self, keys: Range<usize>) -> Result<Self> {
        KvView::from(self).narrow(keys)
    }

    /// Overwrites these with `rows`, `[B, Hkv, K, D]` of a floating-point kind.
    pub fn store(&self, rows: &Tensor) -> Result<()> {
        let expected = KvView::from(self).size();
        if rows.size() != expected {
            let expected = format!("{expected:?} like the rows that they overwrite");
            return Err(Error::Shape { tensor: "rows", expected, found: rows.size() });
        }
        self.check_plain()?;
        let mut data = self.data.shallow_clone();
        match self.format {
            KvFormat::Plain(_) | KvFormat::Kivi { .. } => data.f_copy_(rows)?,
            KvFormat::Int8 => data.f_copy_(&int8::quantise(rows)?)?,
        }
        Ok(())
    }

    /// Overwrites the rows from `first` on with `rows`, `[B, Hkv, n, D]` of a floating-point kind.
    pub fn store_at(&self, first: usize, rows: &Tensor) -> Result<()> {
        let size = KvView::from(self).size();
        let found = rows.size();
        let fits = matches!((found.as_slice(), size.as_slice()), ([b, h, n, d], [of_b, of_h, keys, of_d])
            if (b, h, d) == (of_b, of_h, of_d) && n <= keys && first as u64 <= (keys - n) as u64);
        if !fits {
            let expected = format!("{size:?} with no more keys than there are from {first} on");
            return Err(Error::Shape { tensor: "rows", expected, found });
        }
        let places = first..first + found[2] as usize;
        if self.format.layout() == (Kind::Float, 0) {
            let first = self.packed.as_ref().map_or(Ok(first), |packed| packed.plain(&places))?;
            if copy_rows(&self.data, first, rows)? {
                return Ok(());
            }
        }
        self.narrow(places)?.store(rows)
    }

    /// Overwrites these with a copy of `rows`, which have the same size and format. None of either is packed.
    pub fn copy_from(&self, rows: &Self) -> Result<()> {
        if self.format != rows.format {
            return Err(Error::KvFormat { expected: self.format, found: rows.format });
        }
        self.check_plain()?;
        rows.check_plain()?;
        self.data.shallow_clone().f_copy_(&rows.data)?;
        Ok(())
    }

    /// The numbers, `[B, Hkv, K, D]` of `kind`.
    pub fn expand(&self, kind: Kind) -> Result<Tensor> {
        KvView::from(self).expand(kind)
    }

    /// How rows are stored.
    #[must_use]
    pub fn format(&self) -> KvFormat {
        self.format
    }

    /// Rows of each head, `K`.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.packed.as_ref().map_or_else(|| self.data.size()[2] as usize, Packed::rows)
    }

    /// Their memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let packed = self.packed.as_ref().map_or(0, Packed::bytes);
        self.data.numel() * self.data.kind().elt_size_in_bytes() + packed
    }
}

/// Keys or values of an attention call: a tensor of the queries' kind, or rows of a cache.
#[derive(Debug, Clone, Copy)]
pub enum KeysOrValues<'a> {
    /// `[B, Hkv, K, D]`.
    Plain(&'a Tensor),
    /// As a cache stores them.
    Stored(&'a KvRows),
}

impl<'a> From<&'a Tensor> for KeysOrValues<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        Self::Plain(tensor)
    }
}

impl<'a> From<&'a KvRows> for KeysOrValues<'a> {
    fn from(rows: &'a KvRows) -> Self {
        Self::Stored(rows)
    }
}

/// Rows `[B, Hkv, K, D]` as they are stored: a tensor, or a borrowed [`KvRows`].
#[derive(Debug, Clone, Copy)]
pub struct KvView<'a> {
    /// `[B, Hkv, K, W]`, without the rows that are packed.
    data: &'a Tensor,
    format: KvFormat,
    packed: Option<&'a Packed>,
}

impl<'a> From<&'a KvRows> for KvView<'a> {
    fn from(rows: &'a KvRows) -> Self {
        Self { data: &rows.data, format: rows.format, packed: rows.packed.as_ref() }
    }
}

impl<'a> KvView<'a> {
    /// A tensor as it is.
    pub(crate) fn plain(data: &'a Tensor) -> Result<Self> {
        Ok(Self { data, format: KvFormat::Plain(data.f_kind()?), packed: None })
    }

    /// `[B, Hkv, K, D]`.
    #[must_use]
    pub fn size(&self) -> Vec<i64> {
        let mut size = self.data.size();
        if let Some(last) = size.last_mut() {
            *last -= self.format.layout().1 as i64;
        }
        if let (Some(packed), Some(keys)) = (self.packed, size.get_mut(2)) {
            *keys = packed.rows() as i64;
        }
        size
    }

    /// How they are stored.
    #[must_use]
    pub fn format(&self) -> KvFormat {
        self.format
    }

    /// What is stored, `[B, Hkv, K, W]`: for kernels that read the format. `W` is `D` for [`KvFormat::Plain`]; for
    /// [`KvFormat::Int8`] it is `D + 4`, the integers and then the bytes of the factor in native order. Of [`KvFormat::Kivi`] it
    /// has only the rows that are not packed: [`KvView::is_packed`].
    pub fn data(&self) -> &'a Tensor {
        self.data
    }

    /// Whether some rows are packed.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    /// The rows that are packed, and where the others are.
    pub(crate) fn packed(&self) -> Option<&'a Packed> {
        self.packed
    }

    /// A view of the rows `keys` of every head.
    pub fn narrow(&self, keys: Range<usize>) -> Result<KvRows> {
        let (packed, data) = match self.packed {
            None => (None, self.data.f_narrow(2, keys.start as i64, keys.len() as i64)?),
            Some(packed) => packed.narrow(self.data, &keys)?,
        };
        Ok(KvRows { data, format: self.format, packed })
    }

    /// `[B, Hkv, K, D]` of `kind`; a view where it is stored so.
    pub fn expand(&self, kind: Kind) -> Result<Tensor> {
        match (self.packed, self.format) {
            (Some(packed), _) => packed.expand(self.data, kind),
            (None, KvFormat::Int8) => int8::expand(self.data, kind),
            (None, KvFormat::Plain(_) | KvFormat::Kivi { .. }) => Ok(self.data.f_to_kind(kind)?),
        }
    }

    /// The rows at `indices` `[B, Hkv, R, N]`, expanded to `kind`: `[B, Hkv, R, N, D]`. Nothing else is copied.
    pub fn gather(&self, indices: &Tensor, kind: Kind) -> Result<Tensor> {
        if let Some(packed) = self.packed {
            return packed.gather(self.data, indices, kind);
        }
        let data = gather_rows(self.data, indices)?;
        KvView { data: &data, format: self.format, packed: None }.expand(kind)
    }
}

/// Rows of `[B, Hkv, K, W]` at `indices` `[B, Hkv, R, N]`: `[B, Hkv, R, N, W]`.
fn gather_rows(cache: &Tensor, indices: &Tensor) -> Result<Tensor> {
    let (batch, heads, rows, count) = indices.size4()?;
    let (_, _, keys, width) = cache.size4()?;
    let size = [batch, heads, rows, count, width];
    let strides = cache.stride4()?;
    let (of_batch, of_head, of_key, of_element) = strides;
    if of_element == 1 && [of_batch, of_head, of_key].iter().all(|stride| stride % width == 0) {
        // Every vector of the cache is a row of one matrix, though not every row of it a vector of this view.
        let [of_batch, of_head, of_key] = [of_batch, of_head, of_key].map(|stride| stride / width);
        let last = (batch - 1) * of_batch + (heads - 1) * of_head + (keys - 1) * of_key;
        let matrix = cache.f_as_strided([last + 1, width], [width, 1], None)?;
        let options = (Kind::Int64, indices.device());
        let batch_row = Tensor::f_arange(batch, options)?.f_mul_scalar(of_batch)?.f_view([-1, 1, 1, 1])?;
        let head_row = Tensor::f_arange(heads, options)?.f_mul_scalar(of_head)?.f_view([1, -1, 1, 1])?;
        let row = indices.f_mul_scalar(of_key)?.f_add(&head_row)?.f_add(&batch_row)?;
        return Ok(matrix.f_index_select(0, &row.f_flatten(0, -1)?)?.f_view(size)?);
    }
    let index = indices
        .f_view([batch, heads, rows * count, 1])?
        .f_expand([batch, heads, rows * count, width], false)?;
    Ok(cache.f_gather(2, &index, false)?.f_view(size)?)
}

/// Fails for kinds that attention does not compute in.
pub(crate) fn check_floating(tensor: &'static str, kind: Kind) -> Result<()> {
    if matches!(kind, Kind::Float | Kind::BFloat16 | Kind::Half | Kind::Double) {
        return Ok(());
    }
    Err(Error::Kind { tensor, expected: "Float, BFloat16, Half or Double".to_owned(), found: kind })
}
