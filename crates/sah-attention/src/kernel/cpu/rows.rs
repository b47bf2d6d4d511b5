//! A cache as the rows of its heads.

use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::inputs::AttentionInputs;
use sah_tensor::element::{Element, F32};

/// The keys or values of one head: row `j` begins at word `j * stride`.
pub(super) struct Rows<'a, E: Element> {
    data: &'a [E::Word],
    stride: usize,
    width: usize,
}

/// `$body` with `$element` for what reads rows that are stored as `$format`, and `$none` where nothing does.
macro_rules! with_element {
    ($format:expr, $element:ident => $body:expr, none => $none:expr) => {
        match $format {
            $crate::kv::KvFormat::Plain(tch::Kind::Float) => with_element!(@ F32, $element => $body),
            $crate::kv::KvFormat::Plain(tch::Kind::BFloat16) => with_element!(@ Bf16, $element => $body),
            $crate::kv::KvFormat::Plain(tch::Kind::Half) => with_element!(@ F16, $element => $body),
            $crate::kv::KvFormat::Int8 => with_element!(@ Int8, $element => $body),
            $crate::kv::KvFormat::Plain(_) => $none,
        }
    };
    (@ $name:ident, $element:ident => $body:expr) => {{
        type $element = sah_tensor::element::$name;
        $body
    }};
}
pub(super) use with_element;

/// Whether the kernels for the CPU read these inputs: keys and values in f32, bf16, f16 or 8 bits where they lie, and sums in
/// f32.
pub(in crate::kernel) fn readable_inputs(inputs: &AttentionInputs<'_>) -> Result<bool> {
    let per_word = with_element!(inputs.format(), E => <E as Element>::PER_WORD, none => return Ok(false));
    let (keys, values) = inputs.stored();
    let here = inputs.device() == Device::Cpu && inputs.kind() != Kind::Double;
    Ok(here && readable(keys.data(), per_word)? && readable(values.data(), per_word)?)
}

/// Whether the words of a cache `[B, Hkv, K, W]` on the CPU, of a kind of which `per_word` elements make one, can be read in
/// place: the elements of a row lie side by side, and every row begins with a word.
pub(super) fn readable(cache: &Tensor, per_word: usize) -> Result<bool> {
    let (_, _, _, width) = cache.size4()?;
    let (of_batch, of_head, of_key, of_element) = cache.stride4()?;
    let whole = |elements: i64| elements >= 0 && elements % per_word as i64 == 0;
    // libtorch aligns storages for any word; a view may begin within one.
    let begins = (cache.data_ptr() as usize).is_multiple_of(per_word * cache.f_kind()?.elt_size_in_bytes());
    Ok(of_element == 1 && begins && [width, of_batch, of_head, of_key].into_iter().all(whole))
}

/// The queries in f32, as rows that can be read in place.
pub(super) fn readable_queries(inputs: &AttentionInputs<'_>) -> Result<Tensor> {
    let queries = match inputs.kind() {
        Kind::Float => inputs.queries().shallow_clone(),
        _ => inputs.queries().f_to_kind(Kind::Float)?,
    };
    Ok(if readable(&queries, F32::PER_WORD)? { queries } else { queries.f_contiguous()? })
}

impl<'a, E: Element> Rows<'a, E> {
    /// All heads of `cache`, `[B, Hkv, K, W]`, which is [`readable`] and holds what `E` reads; those of the first sequence first.
    #[expect(unsafe_code, reason = "libtorch gives its memory as pointers")]
    pub(super) fn of_heads(cache: &'a Tensor) -> Result<Vec<Self>> {
        let (batch, heads, keys, width) = cache.size4()?;
        let (of_batch, of_head, of_key, _) = cache.stride4()?;
        let start = cache.data_ptr().cast::<E::Word>();
        let of_head = |head: i64| {
            let first = head / heads * of_batch + head % heads * of_head;
            let [offset, length, stride, width] = [first, (keys - 1) * of_key + width, of_key, width]
                .map(|elements| elements as usize / E::PER_WORD);
            // SAFETY: the tensor's sizes and strides say that these elements are its own, and `readable` that they are whole
            // words; it is borrowed for 'a, and nothing writes to the cache while attention reads it.
            let data = unsafe { std::slice::from_raw_parts(start.add(offset), length) };
            Self { data, stride, width }
        };
        Ok((0..batch * heads).map(of_head).collect())
    }

    #[inline(always)]
    pub(super) fn row(&self, key: usize) -> &'a [E::Word] {
        &self.data[key * self.stride..key * self.stride + self.width]
    }
}
