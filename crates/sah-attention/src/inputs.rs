//! The tensors of one attention call, checked once.

use std::ops::Range;

use sah_tensor::torch::choose_vector_functions;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::kv::{KeysOrValues, KvFormat, KvRows, KvView, check_floating};
use crate::mask::{MaskShape, Visible};
use crate::positions::Positions;

/// Where keys stand from which none was evicted.
static WHOLE: Positions = Positions::WHOLE;

/// Dimensions of one attention call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims {
    /// Batch size, `B`.
    pub batch: usize,
    /// Query heads, `H`.
    pub heads: usize,
    /// Key and value heads, `Hkv`; divides `H`.
    pub kv_heads: usize,
    /// Query rows, `Q`.
    pub queries: usize,
    /// Keys, `K`; at least `Q`.
    pub keys: usize,
    /// Dimension of a query and a key, `D`.
    pub head_dim: usize,
    /// Dimension of a value, `Dv`.
    pub value_dim: usize,
}

impl Dims {
    /// Query heads that share one key/value head, `g = H / Hkv`.
    #[must_use]
    pub fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// The number of keys before the first query row, `K - Q`; its position, where no key was evicted.
    #[must_use]
    pub fn past(&self) -> usize {
        self.keys - self.queries
    }

    /// Shape of a mask over these inputs, `[B, H, Q, K]`.
    #[must_use]
    pub fn mask_shape(&self) -> MaskShape {
        MaskShape { batch: self.batch, heads: self.heads, queries: self.queries, keys: self.keys }
    }
}

/// Which of a layer's key/value heads a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerHeads {
    /// The first of them; the others follow.
    pub first: usize,
    /// How many the layer has.
    pub all: usize,
}

impl LayerHeads {
    /// Of something that a layer has for each of its `all` heads, or for each of their query heads, that of `kv_heads` heads from
    /// the first on: `count` is how many it has for the layer.
    #[must_use]
    pub fn part_of(self, count: usize, kv_heads: usize) -> Range<usize> {
        let each = count / self.all;
        self.first * each..(self.first + kv_heads) * each
    }
}

/// Queries, keys and values of one layer, and what the layer does to their scores.
///
/// Causal, aligned bottom-right: query row `i` stands at position `K - Q + i`. Keys and values may be views of a larger
/// cache; they are not copied. Any strides are accepted. Where a cache stores them in another form ([`KvRows`]), the
/// kernels for the CPU read that form, and [`keys`](Self::keys) and its like expand it to the kind of the queries.
///
/// Three properties of a model's layer belong here, because they hold whatever a masker selects: a
/// [sliding window](Self::with_window), a [soft cap](Self::with_soft_cap) and [scores of sinks](Self::with_sink_scores).
#[derive(Debug, Clone, Copy)]
pub struct AttentionInputs<'a> {
    queries: &'a Tensor,
    keys: KvView<'a>,
    values: KvView<'a>,
    scale: f64,
    window: Option<usize>,
    soft_cap: Option<f64>,
    sink_scores: Option<&'a Tensor>,
    positions: &'a Positions,
    of_layer: LayerHeads,
    dims: Dims,
    kind: Kind,
    device: Device,
}

impl<'a> AttentionInputs<'a> {
    /// Checks shapes, kinds and devices.
    ///
    /// `queries` is `[B, H, Q, D]`, `keys` `[B, Hkv, K, D]`, `values` `[B, Hkv, K, Dv]`, with `H` a multiple of `Hkv`
    /// and `K >= Q >= 1`; all on one device. Queries are of a floating-point kind. Keys and values are tensors of the same
    /// kind, or [`KvRows`] of any format, both of one. `scale` multiplies the scores; it is `1 / sqrt(D)` in most models.
    pub fn new(
        queries: &'a Tensor,
        keys: impl Into<KeysOrValues<'a>>,
        values: impl Into<KeysOrValues<'a>>,
        scale: f64,
    ) -> Result<Self> {
        choose_vector_functions();
        let (batch, heads, rows, head_dim) = shape4("queries", queries.size(), "[B, H, Q, D]")?;
        let kind = queries.f_kind()?;
        check_floating("queries", kind)?;
        let keys = view("keys", keys.into(), kind)?;
        let values = view("values", values.into(), kind)?;
        let (keys_batch, kv_heads, count, keys_dim) = shape4("keys", keys.size(), "[B, Hkv, K, D]")?;
        let (values_batch, values_heads, values_count, value_dim) =
            shape4("values", values.size(), "[B, Hkv, K, Dv]")?;
        if keys_batch != batch || keys_dim != head_dim {
            return Err(Error::Shape {
                tensor: "keys",
                expected: format!("[{batch}, Hkv, K, {head_dim}] to fit the queries"),
                found: keys.size(),
            });
        }
        if (values_batch, values_heads, values_count) != (batch, kv_heads, count) {
            return Err(Error::Shape {
                tensor: "values",
                expected: format!("[{batch}, {kv_heads}, {count}, Dv] to fit the keys"),
                found: values.size(),
            });
        }
        if heads % kv_heads != 0 {
            return Err(Error::HeadGroups { heads, kv_heads });
        }
        if count < rows {
            return Err(Error::FewerKeysThanQueries { queries: rows, keys: count });
        }
        if values.format() != keys.format() {
            return Err(Error::KvFormat { expected: keys.format(), found: values.format() });
        }
        let device = queries.device();
        for (tensor, rows) in [("keys", keys), ("values", values)] {
            let found = rows.data().device();
            if found != device {
                return Err(Error::Device { tensor, expected: device, found });
            }
        }
        if !scale.is_finite() {
            return Err(Error::Scale { scale });
        }
        let dims = Dims { batch, heads, kv_heads, queries: rows, keys: count, head_dim, value_dim };
        Ok(Self {
            queries,
            keys,
            values,
            scale,
            window: None,
            soft_cap: None,
            sink_scores: None,
            positions: &WHOLE,
            of_layer: LayerHeads { first: 0, all: kv_heads },
            dims,
            kind,
            device,
        })
    }

    /// In a layer with a sliding window: row `i` at position `p = K - Q + i` reads no key but `p - window < j <= p`.
    ///
    /// A mask and the window combine as an intersection. `window` must be at least 1: the row's own key.
    pub fn with_window(mut self, window: Option<usize>) -> Result<Self> {
        if window == Some(0) {
            return Err(Error::Field { field: "window", expected: "at least 1 key", found: "0".to_owned() });
        }
        self.window = window;
        Ok(self)
    }

    /// In a layer that keeps its scores below `cap`: a scaled score `s` becomes `cap * tanh(s / cap)` (Gemma 2, arXiv
    /// 2408.00118). `cap` must be finite and above 0.
    pub fn with_soft_cap(mut self, cap: Option<f64>) -> Result<Self> {
        if let Some(cap) = cap.filter(|cap| !(cap.is_finite() && *cap > 0.0)) {
            return Err(Error::SoftCap { cap });
        }
        self.soft_cap = cap;
        Ok(self)
    }

    /// In a layer with attention sinks that are learned scores (gpt-oss, arXiv 2508.10925): each row's softmax is over one score more,
    /// that of its query head, which belongs to no key. Weights of keys then add up to less than 1.
    ///
    /// `scores` is `[H, 1]`, or `[H, Q]` where the rows of a head differ, of `Float`. It is neither scaled nor capped.
    pub fn with_sink_scores(mut self, scores: Option<&'a Tensor>) -> Result<Self> {
        if let Some(scores) = scores {
            let tensor = "scores of sinks";
            let Dims { heads, queries, .. } = self.dims;
            let size = scores.size();
            if size != [heads as i64, 1] && size != [heads as i64, queries as i64] {
                let expected = format!("[{heads}, 1] or [{heads}, {queries}] to fit the queries");
                return Err(Error::Shape { tensor, expected, found: size });
            }
            match scores.f_kind()? {
                Kind::Float => {}
                found => return Err(Error::Kind { tensor, expected: "Float".to_owned(), found }),
            }
            if scores.device() != self.device {
                return Err(Error::Device { tensor, expected: self.device, found: scores.device() });
            }
        }
        self.sink_scores = scores;
        Ok(self)
    }

    /// Of a sequence from whose cache keys were evicted: `positions` says where those that are left stand. Windows and densities
    /// go by positions. The keys of the `Q` rows themselves stand one after another, after all that was evicted.
    ///
    /// Where keys were evicted because nothing reads them, what would read one is [`Error::Evicted`]: dense attention, a full mask, and
    /// maskers that are free to select it. Of keys that were left out for good, the others are all that there are.
    pub fn with_positions(mut self, positions: &'a Positions) -> Result<Self> {
        let (first, past) = (positions.first(), self.dims.past());
        if positions.evicted() > 0 && first > past {
            return Err(Error::Field {
                field: "keys before the last that was evicted",
                expected: "no more than the keys before the first query row",
                found: format!("{first} of {past}"),
            });
        }
        self.positions = positions;
        Ok(self)
    }

    /// Of some of a layer's heads: `heads.first` and those after it, in a layer whose heads keep different keys, so that each call
    /// has some of them. Maskers remember something of each by itself.
    pub fn with_heads(mut self, heads: LayerHeads) -> Result<Self> {
        if heads.first + self.dims.kv_heads > heads.all {
            return Err(Error::Field {
                field: "key/value heads of the layer",
                expected: "no fewer than those of the call and before them",
                found: format!("{} for {} from {} on", heads.all, self.dims.kv_heads, heads.first),
            });
        }
        self.of_layer = heads;
        Ok(self)
    }

    /// Queries, `[B, H, Q, D]`.
    pub fn queries(&self) -> &'a Tensor {
        self.queries
    }

    /// Keys, `[B, Hkv, K, D]`, in the kind of the inputs. Copies them all where they are stored in another form: whoever
    /// needs some of them asks for [those](Self::keys_in).
    pub fn keys(&self) -> Result<Tensor> {
        self.keys.expand(self.kind)
    }

    /// The keys `range`, `[B, Hkv, n, D]`, in the kind of the inputs.
    pub fn keys_in(&self, range: Range<usize>) -> Result<Tensor> {
        self.keys.narrow(range)?.expand(self.kind)
    }

    /// The keys at `indices` `[B, Hkv, R, N]`, none of them negative: `[B, Hkv, R, N, D]` in the kind of the inputs.
    pub fn keys_at(&self, indices: &Tensor) -> Result<Tensor> {
        self.keys.gather(indices, self.kind)
    }

    /// Values, `[B, Hkv, K, Dv]`, in the kind of the inputs; as [`keys`](Self::keys).
    pub fn values(&self) -> Result<Tensor> {
        self.values.expand(self.kind)
    }

    /// The values `range`, `[B, Hkv, n, Dv]`, in the kind of the inputs.
    pub fn values_in(&self, range: Range<usize>) -> Result<Tensor> {
        self.values.narrow(range)?.expand(self.kind)
    }

    /// The values at `indices`, `[B, Hkv, R, N, Dv]`; as [`keys_at`](Self::keys_at).
    pub fn values_at(&self, indices: &Tensor) -> Result<Tensor> {
        self.values.gather(indices, self.kind)
    }

    /// Keys and values as they are stored, for kernels that read the [format](Self::format).
    #[must_use]
    pub fn stored(&self) -> (KvView<'a>, KvView<'a>) {
        (self.keys, self.values)
    }

    /// How keys and values are stored.
    #[must_use]
    pub fn format(&self) -> KvFormat {
        self.keys.format()
    }

    /// Factor of the scores.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Sliding window of the layer: how many keys a row may read, its own included.
    #[must_use]
    pub fn window(&self) -> Option<usize> {
        self.window
    }

    /// Bound of the scores.
    #[must_use]
    pub fn soft_cap(&self) -> Option<f64> {
        self.soft_cap
    }

    /// Scores that take part in the softmax and belong to no key, `[H, 1]` or `[H, Q]` of `Float`.
    #[must_use]
    pub fn sink_scores(&self) -> Option<&'a Tensor> {
        self.sink_scores
    }

    /// Where the keys stand in the text.
    #[must_use]
    pub fn positions(&self) -> &'a Positions {
        self.positions
    }

    /// Which of the layer's heads these are: all of them, where nothing else was said.
    #[must_use]
    pub fn layer_heads(&self) -> LayerHeads {
        self.of_layer
    }

    /// Length of the sequence: all its keys, evicted ones included.
    #[must_use]
    pub fn length(&self) -> usize {
        self.positions.length(self.dims.keys)
    }

    /// Fails where keys were evicted because nothing reads them, for `reader`, which reads all of them.
    pub fn check_all_keys(&self, reader: &str) -> Result<()> {
        match self.positions.missed() {
            0 => Ok(()),
            count => Err(Error::Evicted { reader: reader.to_owned(), count }),
        }
    }

    /// The keys that each row may read, whatever is selected.
    #[must_use]
    pub fn visible(&self) -> Visible {
        Visible::new(self.dims.queries, self.dims.keys, self.window).at(self.positions)
    }

    /// The same queries in the same layer over `keys` and `values`, which are the last of these.
    pub(crate) fn over<'b>(&self, keys: &'b KvRows, values: &'b KvRows) -> AttentionInputs<'b>
    where
        'a: 'b,
    {
        let dims = Dims { keys: keys.keys(), ..self.dims };
        AttentionInputs { keys: keys.into(), values: values.into(), dims, ..*self }
    }

    /// Dimensions.
    #[must_use]
    pub fn dims(&self) -> &Dims {
        &self.dims
    }

    /// Kind in which scores and softmax are computed: `Float`, also for half precision; `Double` for `Double`.
    #[must_use]
    pub fn score_kind(&self) -> Kind {
        if self.kind == Kind::Double { Kind::Double } else { Kind::Float }
    }

    /// Kind of the queries and of what attention gives.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Device of all three tensors.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }
}

/// Keys or values as a view, for queries of `kind`.
fn view<'a>(tensor: &'static str, rows: KeysOrValues<'a>, kind: Kind) -> Result<KvView<'a>> {
    match rows {
        KeysOrValues::Stored(stored) => Ok(stored.into()),
        KeysOrValues::Plain(plain) => match plain.f_kind()? {
            found if found == kind => KvView::plain(plain),
            found => Err(Error::Kind { tensor, expected: format!("{kind:?} like the queries"), found }),
        },
    }
}

/// Sizes of a rank-4 tensor, none of them zero.
fn shape4(tensor: &'static str, size: Vec<i64>, expected: &str) -> Result<(usize, usize, usize, usize)> {
    match size[..] {
        [a, b, c, d] if a > 0 && b > 0 && c > 0 && d > 0 => {
            Ok((a as usize, b as usize, c as usize, d as usize))
        }
        _ => Err(Error::Shape { tensor, expected: format!("{expected} with no dimension 0"), found: size }),
    }
}
