//! What can go wrong in this crate.

use std::path::PathBuf;

use sah_message::meant;
use tch::{Device, Kind, TchError};

use crate::kv::KvFormat;
use crate::mask::{MaskShape, Row};

/// Result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when attention is configured, selected or computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor has not the shape that its role asks for.
    #[error("{tensor} must have shape {expected}, got {found:?}")]
    Shape {
        /// Which tensor: `queries`, `keys`, `indices`, ...
        tensor: &'static str,
        /// The shape it must have, dimensions by name or number.
        expected: String,
        /// The shape it has.
        found: Vec<i64>,
    },
    /// The query heads cannot be split evenly over the key/value heads.
    #[error(
        "{heads} query heads cannot share {kv_heads} key/value heads evenly; heads must be a multiple of key/value heads"
    )]
    HeadGroups {
        /// Number of query heads, `H`.
        heads: usize,
        /// Number of key and value heads, `Hkv`.
        kv_heads: usize,
    },
    /// There are more query rows than keys, so the first rows would have no position.
    #[error(
        "{queries} query rows but only {keys} keys; append the new keys to the cache before attention is computed"
    )]
    FewerKeysThanQueries {
        /// Number of query rows, `Q`.
        queries: usize,
        /// Number of keys, `K`.
        keys: usize,
    },
    /// A tensor has another element type than expected.
    #[error("{tensor} must be of kind {expected}, got {found:?}")]
    Kind {
        /// Which tensor.
        tensor: &'static str,
        /// The kind or kinds that are accepted.
        expected: String,
        /// The kind it has.
        found: Kind,
    },
    /// Rows of a cache are stored in another form than expected.
    #[error(
        "rows stored as {found} where {expected} is expected; keys and values of a layer are stored alike"
    )]
    KvFormat {
        /// The form that was expected.
        expected: KvFormat,
        /// The form they have.
        found: KvFormat,
    },
    /// Rows are to be packed that are stored in a form without groups.
    #[error("rows stored as {found} cannot be packed; only those of a format with groups can")]
    NotPacked {
        /// How they are stored.
        found: KvFormat,
    },
    /// Packed rows are to be overwritten, copied or packed again.
    #[error("rows {first} to {} hold packed ones, which are only read", first + count)]
    PackedRows {
        /// The first of them.
        first: usize,
        /// How many they are.
        count: usize,
    },
    /// A tensor lives on another device than the queries.
    #[error("{tensor} must be on {expected:?} like the queries, got {found:?}")]
    Device {
        /// Which tensor.
        tensor: &'static str,
        /// The device of the queries.
        expected: Device,
        /// The device it is on.
        found: Device,
    },
    /// The score scale is not a finite number.
    #[error("the score scale must be a finite number, got {scale}; 1 / sqrt(head dimension) is usual")]
    Scale {
        /// The scale that was given.
        scale: f64,
    },
    /// The soft cap of the scores is not a positive finite number.
    #[error("the soft cap of the scores must be a finite number above 0, got {cap}")]
    SoftCap {
        /// The cap that was given.
        cap: f64,
    },
    /// A field of a configuration is out of its range.
    #[error("{field} must be {expected}, got {found}")]
    Field {
        /// The field: `sink size`, for example.
        field: &'static str,
        /// The valid range.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// A key range reaches beyond the keys, or ends before it starts.
    #[error("query row {row}: key range {start}..{end} does not lie within the {keys} keys")]
    Range {
        /// The query row.
        row: usize,
        /// First key of the range.
        start: usize,
        /// One past its last key.
        end: usize,
        /// Number of keys, `K`.
        keys: usize,
    },
    /// An index list breaks one of its rules.
    #[error("index list: {problem}")]
    IndexList {
        /// What is wrong, and where it can be said cheaply.
        problem: String,
    },
    /// Two masks, or a mask and the inputs, are of different shape.
    #[error("mask shape {found} does not match {expected}")]
    MaskShape {
        /// The shape that was expected.
        expected: MaskShape,
        /// The shape of the mask.
        found: MaskShape,
    },
    /// A query row has nothing to read, so its attention is not defined.
    #[error(
        "nothing is selected for {row}{}{}; add a masker that always selects, such as local, or raise the sizes",
        layer.map_or_else(String::new, |layer| format!(" in layer {layer}")),
        window.map_or_else(String::new, |window| format!(" within the layer's sliding window of {window} keys"))
    )]
    EmptySelection {
        /// The first row without a selected key.
        row: Row,
        /// The layer, where it is known.
        layer: Option<usize>,
        /// The layer's sliding window, if it has one: what was selected may lie outside it.
        window: Option<usize>,
    },
    /// There is no preset of this name.
    #[error("there is no preset {name:?}; {}", meant(name, known.iter().copied()))]
    NoPreset {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// There is no retention of this name.
    #[error("there is no retention {name:?}; {}", meant(name, known.iter().copied()))]
    NoRetention {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The configuration of a retention lacks a field, or a field is out of its range.
    #[error("retention configuration: {problem}")]
    RetentionConfig {
        /// What is wrong, and in which field.
        problem: String,
    },
    /// There is no kernel of this name.
    #[error("there is no kernel {name:?}; {}", meant(name, known.iter().copied()))]
    NoKernel {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A kernel does not compute such inputs, or over such a selection.
    #[error("the kernel `{kernel}` {problem}")]
    KernelInputs {
        /// The kernel.
        kernel: &'static str,
        /// What it computes, and what it was given.
        problem: String,
    },
    /// Something of this name was registered before.
    #[error("`{name}` is registered already; choose another name")]
    NameTaken {
        /// The name.
        name: &'static str,
    },
    /// An assignment to a field of a configuration cannot be carried out.
    #[error("{assignment:?}: {problem}")]
    Assignment {
        /// The assignment as it was given.
        assignment: String,
        /// What is wrong.
        problem: String,
    },
    /// A configuration lacks a field, or a field is out of its range.
    #[error("attention configuration: {problem}")]
    Config {
        /// What is wrong, and in which field.
        problem: String,
    },
    /// A sparse attention was configured with no masker.
    #[error(
        "`maskers` is empty: list at least one masker, or give no sparse attention at all to compute dense attention"
    )]
    NoMaskers,
    /// Two maskers sample; their inclusion probabilities cannot be combined.
    #[error("only one sampling masker is supported, got `{first}` and `{second}`")]
    TwoSamplingMaskers {
        /// Name of the first.
        first: &'static str,
        /// Name of the second.
        second: &'static str,
    },
    /// A masker cannot select during prefill.
    #[error(
        "`{masker}` cannot read a context sparsely; sink and local of a fixed number of keys can, and the maskers that are for it alone, \
         such as xattention; or read the context densely"
    )]
    NoSparsePrefill {
        /// Its name.
        masker: &'static str,
    },
    /// No key can be evicted, because attention may read any of them again.
    #[error(
        "{reader} may read any key again, so that none can be evicted; only sink and local of a fixed number of keys in all \
         layers leave keys alone"
    )]
    NoEviction {
        /// What reads them: a masker's name, or the dense layers.
        reader: String,
    },
    /// Keys were evicted that are to be read.
    #[error("{reader} needs keys of which {count} were evicted; keep them in the cache")]
    Evicted {
        /// What reads them.
        reader: String,
        /// How many were evicted.
        count: usize,
    },
    /// What looks on while a model reads failed.
    #[error("observer: {0}")]
    Observer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file that a masker or a retention needs cannot be read, or does not fit.
    #[error("{}: {place}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where in the file: a key, a tensor, or `file` for all of it.
        place: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// What a masker remembers describes more keys than there are.
    #[error(
        "`{masker}` remembers {remembered} keys but there are {keys}; call RequestState::truncate when the KV cache is cut"
    )]
    StateAhead {
        /// The masker.
        masker: &'static str,
        /// Keys that its state describes.
        remembered: usize,
        /// Number of keys, `K`.
        keys: usize,
    },
    /// What a masker remembers describes keys of another shape, kind or device.
    #[error("`{masker}` remembers keys of {remembered}, got {found}; a RequestState belongs to one request")]
    StateMismatch {
        /// The masker.
        masker: &'static str,
        /// What its state describes.
        remembered: String,
        /// What it was given.
        found: String,
    },
    /// A method that another program brings along failed.
    #[error("`{method}`: {problem}")]
    Method {
        /// The method.
        method: String,
        /// What it said.
        problem: String,
    },
    /// The inputs do not fit a masker's parameters.
    #[error("`{masker}`: {field} must be {expected}, got {found}")]
    MaskerInputs {
        /// The masker.
        masker: &'static str,
        /// The parameter.
        field: &'static str,
        /// What would fit.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A tensor's memory cannot be used in place.
    #[error(transparent)]
    Tensor(#[from] sah_tensor::Error),
    /// libtorch refused an operation.
    #[error("libtorch: {}", sah_tensor::without_frames(.0))]
    Tch(#[from] TchError),
}

impl Error {
    /// The same error, with the layer filled in where it names one.
    pub(crate) fn in_layer(self, layer: usize) -> Self {
        match self {
            Self::EmptySelection { row, layer: None, window } => {
                Self::EmptySelection { row, layer: Some(layer), window }
            }
            other => other,
        }
    }
}
