//! What a masker in Python returns, as a mask.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3_tch::PyTensor;
use sah_attention::{
    AttentionInputs, IndexList, Mask, MaskShape, PageList, Result, RowRanges, Selection, toolkit,
};
use tch::{Device, Kind, Tensor};

use super::PythonMasker;
use crate::errors;
use crate::raised::raised;

/// What earlier maskers of the list selected.
#[pyclass(unsendable, module = "sah")]
#[derive(Debug)]
pub(crate) struct Previous(Option<Mask>);

#[pymethods]
impl Previous {
    /// Whether nothing is selected yet.
    #[getter]
    fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|mask| matches!(mask.selection(), Selection::Empty))
    }

    /// The selection as booleans, `[B, H, Q, K]`, on the CPU, without keys in the future of a row.
    fn mask(&self) -> PyResult<PyTensor> {
        let mask =
            self.0.as_ref().ok_or_else(|| PyValueError::new_err("it lives as long as select() runs"))?;
        let causal = mask.shallow_clone().restrict_to_causal();
        let dense = causal.and_then(|mask| mask.to_dense(Device::Cpu)).map_err(errors::of_attention)?;
        Ok(PyTensor(dense.f_gt(0.0).map_err(errors::of_torch)?))
    }
}

impl Previous {
    pub(super) fn new(mask: Mask) -> Self {
        Self(Some(mask))
    }

    /// The mask, which is gone afterwards.
    pub(super) fn take(&mut self) -> Mask {
        self.0.take().expect("it is taken once, when select() is done")
    }
}

/// `previous` with what `selected` adds to it.
pub(super) fn merged(
    masker: &PythonMasker,
    inputs: &AttentionInputs<'_>,
    previous: Mask,
    selected: &Bound<'_, PyAny>,
) -> Result<Mask> {
    let failed = |error| raised(&format!("{}.select", masker.name), error);
    let shape = inputs.dims().mask_shape();
    let added = match read(masker, shape, selected).map_err(failed)? {
        Added::Nothing => return Ok(previous),
        Added::Everything => Mask::full(shape),
        Added::Keys(list) => Mask::from_indices(shape, list)?,
        Added::Pages(pages) => Mask::from_pages(shape, pages)?,
        Added::Ranges(ranges) => Mask::from_ranges(shape, ranges)?,
        Added::Best { scores, count } => {
            return toolkit::add_top_k(inputs, previous, count, |rows| {
                let rows = scores.f_narrow(2, rows.start as i64, rows.len() as i64)?;
                // They are written over.
                Ok(rows.f_to_kind(inputs.score_kind())?.f_detach_copy()?)
            });
        }
    };
    previous.merge(added)
}

/// What is added to a selection.
enum Added {
    Nothing,
    Everything,
    Keys(IndexList),
    Pages(PageList),
    Ranges(RowRanges),
    Best { scores: Tensor, count: usize },
}

fn read(masker: &PythonMasker, shape: MaskShape, selected: &Bound<'_, PyAny>) -> PyResult<Added> {
    if selected.is_none() {
        return Ok(Added::Nothing);
    }
    if let Ok(tensor) = selected.extract::<PyTensor>() {
        return tensor_of_keys(shape, tensor.0);
    }
    let py = selected.py();
    let kinds = py.import("sah._selections")?;
    let is = |name: &str| selected.is_instance(&kinds.getattr(name)?);
    let tensor = |name: &str| Ok::<_, PyErr>(selected.getattr(name)?.extract::<PyTensor>()?.0);
    if is("Everything")? {
        return Ok(Added::Everything);
    }
    if is("Sampled")? {
        if !masker.is_sampling {
            return Err(PyTypeError::new_err(
                "it returns sampled keys, and its class does not say sampling = True",
            ));
        }
        let probabilities = tensor("probabilities")?.f_to_kind(Kind::Float).map_err(errors::of_torch)?;
        let list = IndexList::new(tensor("indices")?, Some(probabilities)).map_err(errors::of_attention)?;
        return Ok(Added::Keys(list));
    }
    if is("Pages")? {
        let page_size = selected.getattr("page_size")?.extract()?;
        return Ok(Added::Pages(PageList::new(tensor("numbers")?, page_size).map_err(errors::of_attention)?));
    }
    if is("Ranges")? {
        let rows: Vec<Vec<(usize, usize)>> = selected.getattr("rows")?.extract()?;
        if rows.len() != shape.queries {
            let text = format!("ranges of {} rows, and there are {}", rows.len(), shape.queries);
            return Err(PyValueError::new_err(text));
        }
        let rows = rows.into_iter().map(|row| row.into_iter().map(|(start, end)| start..end));
        return Ok(Added::Ranges(RowRanges::from_rows(shape.keys, rows).map_err(errors::of_attention)?));
    }
    if is("Best")? {
        return Ok(Added::Best { scores: tensor("scores")?, count: selected.getattr("count")?.extract()? });
    }
    Err(PyTypeError::new_err(format!(
        "it returned a {}; return indices [B, H, Q, N] or a mask [B, H, Q, K] (torch tensors of int64 or bool), sah.Sampled, \
         sah.Pages, sah.Ranges, sah.Best, sah.EVERYTHING or None",
        selected.get_type().name()?
    )))
}

/// Of a tensor: indices, or booleans.
fn tensor_of_keys(shape: MaskShape, tensor: Tensor) -> PyResult<Added> {
    match tensor.kind() {
        Kind::Int64 => Ok(Added::Keys(IndexList::new(tensor, None).map_err(errors::of_attention)?)),
        Kind::Bool => {
            let MaskShape { batch, heads, queries, keys } = shape;
            let expected = [batch, heads, queries, keys].map(|size| size as i64);
            if tensor.size() != expected {
                let found = tensor.size();
                return Err(PyValueError::new_err(format!("a mask must be {expected:?}, got {found:?}")));
            }
            indices_of(&tensor).map(Added::Keys)
        }
        kind => Err(PyTypeError::new_err(format!("a tensor of {kind:?}; indices are int64, masks bool"))),
    }
}

/// The keys that a mask has, in ascending order, padded with -1.
fn indices_of(mask: &Tensor) -> PyResult<IndexList> {
    let indices = || {
        let counts = mask.f_sum_dim_intlist(-1, false, Kind::Int64)?;
        let width = i64::try_from(counts.f_max()?)?;
        let codes = mask.f_to_kind(Kind::Uint8)?;
        let (_, order) = codes.f_sort_stable(true, -1, true)?;
        let order = order.f_narrow(-1, 0, width)?;
        let chosen = mask.f_gather(-1, &order, false)?;
        order.f_masked_fill(&chosen.f_logical_not()?, -1)
    };
    let indices = indices().map_err(errors::of_torch)?;
    IndexList::assume_valid(indices, None).map_err(errors::of_attention)
}
