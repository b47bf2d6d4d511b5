//! Queries, keys and values of one decode step of the default model.

use std::sync::{Arc, Mutex, PoisonError};

use sah_adapter::{GenerationParams, HfAdapter, LoadedModel, ModelSource, Question, Request, RequestLimits};
use sah_attention::{
    AttentionConfig, AttentionInputs, LayerState, Mask, Masker, RequestState, ResearchAttention, Result,
};
use sah_tests::project_root;
use tch::{Device, Kind, Tensor};

use crate::cases::Tensors;
use crate::rules::{Entries, vector};

/// Layers that are looked at, of 30.
const LAYERS: [usize; 6] = [0, 6, 12, 18, 24, 29];

/// Texts of the bundled sample, each about another thing.
const TEXTS: [&str; 8] =
    ["narrativeqa", "qasper", "multifieldqa_en", "gov_report", "qmsum", "multi_news", "trec", "triviaqa"];

/// One layer's heads at the first decode step after context and question.
pub(crate) struct Heads {
    pub(crate) layer: usize,
    pub(crate) tensors: Tensors,
    /// Exact scores, computed here in `f64`.
    pub(crate) scores: Entries,
}

impl Heads {
    /// The layers of [`LAYERS`]. The model reads the text once for all tests.
    pub(crate) fn of_the_default_model() -> Vec<Self> {
        // A tensor may go to another thread, but not be shared with it.
        static READ: Mutex<Vec<Heads>> = Mutex::new(Vec::new());
        let mut read = READ.lock().expect("the test that read failed");
        if read.is_empty() {
            *read = Self::read();
        }
        // Small tensors from here on, and the tests run side by side.
        tch::set_num_threads(1);
        read.iter().map(Self::shallow_clone).collect()
    }

    fn shallow_clone(&self) -> Self {
        let Tensors { queries, keys, values, scale, .. } = &self.tensors;
        let tensors = Tensors {
            queries: queries.shallow_clone(),
            keys: keys.shallow_clone(),
            values: values.shallow_clone(),
            scale: *scale,
            sinks: None,
        };
        let scores = Entries { shape: self.scores.shape, values: self.scores.values.clone() };
        Self { layer: self.layer, tensors, scores }
    }

    fn read() -> Vec<Self> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Keep { seen: Arc::clone(&seen) };
        let attention = ResearchAttention::new(vec![Box::new(keep)]).unwrap();
        let source = ModelSource::Gguf(sah_tests::default_model());
        let model = LoadedModel::load(&source, Device::Cpu, Kind::Float).unwrap();
        let adapter = HfAdapter::new(model, Some(attention), 0);
        let question = Question::from("Who had hidden the key, and where?");
        let request = Request { context: context(), questions: vec![question], ..Request::default() };
        let generation =
            GenerationParams { max_new_tokens: Some(2), ignore_eos: true, ..GenerationParams::default() };
        let (response, _) = adapter.process_traced(&request, &generation, &RequestLimits::default()).unwrap();
        assert!(response.context.tokens >= 2500, "{} tokens", response.context.tokens);
        let heads = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        let layers: Vec<usize> = heads.iter().map(|heads: &Self| heads.layer).collect();
        assert_eq!(layers, LAYERS, "each layer is seen in one decode step");
        heads
    }

    fn copy_of(layer: usize, inputs: &AttentionInputs<'_>) -> Self {
        assert!(inputs.window().is_none() && inputs.soft_cap().is_none(), "scores are plain products");
        let tensors = Tensors {
            queries: inputs.queries().copy(),
            keys: inputs.keys().unwrap().copy(),
            values: inputs.values().unwrap().copy(),
            scale: inputs.scale(),
            sinks: None,
        };
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        let keys = double(&tensors.keys).repeat_interleave_self_int(inputs.dims().group() as i64, 1, None);
        let scores = double(&tensors.queries).matmul(&keys.transpose(-2, -1)) * tensors.scale;
        Self { layer, tensors, scores: Entries::of(inputs.dims().mask_shape(), &scores) }
    }

    pub(crate) fn count(&self) -> usize {
        self.scores.shape.heads
    }

    pub(crate) fn inputs(&self) -> AttentionInputs<'_> {
        self.tensors.inputs()
    }

    /// Exponentiated scores of a head's keys, the largest 1.
    pub(crate) fn exponentials(&self, head: usize) -> Vec<f64> {
        let scores = self.scores.row(head);
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        scores.iter().map(|score| (score - highest).exp()).collect()
    }

    /// The first element of the values that a head reads.
    pub(crate) fn values(&self, head: usize) -> Vec<f64> {
        let group = self.count() / self.tensors.values.size()[1] as usize;
        vector(&self.tensors.values.narrow(3, 0, 1).transpose(2, 3), 0, head / group, 0)
    }

    /// What a list of maskers selects for request seed `seed`.
    pub(crate) fn select(&self, attention: &ResearchAttention, seed: u64) -> Mask {
        attention.select(&self.inputs(), self.layer, &mut RequestState::new(seed)).unwrap()
    }
}

/// The texts of the sample, one after the other.
fn context() -> String {
    let text = |name: &&str| {
        let path = project_root().join(format!("crates/sah-longbench/data/sample/{name}.jsonl"));
        let rows =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
        row["context"].as_str().unwrap().to_owned()
    };
    TEXTS.iter().map(text).collect::<Vec<_>>().join("\n\n")
}

/// Selects everything, and keeps what the decode steps of [`LAYERS`] were given.
#[derive(Debug)]
struct Keep {
    seen: Arc<Mutex<Vec<Heads>>>,
}

impl std::fmt::Debug for Heads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "heads of layer {}", self.layer)
    }
}

impl Masker for Keep {
    fn name(&self) -> &'static str {
        "keep"
    }

    fn select(&self, inputs: &AttentionInputs<'_>, state: &mut LayerState<'_>, _: Mask) -> Result<Mask> {
        let dims = inputs.dims();
        if dims.queries == 1 && LAYERS.contains(&state.layer()) {
            let heads = Heads::copy_of(state.layer(), inputs);
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(heads);
        }
        Ok(Mask::full(dims.mask_shape()))
    }
}

/// A preset, built.
pub(crate) fn preset(name: &str, assignments: &[&str]) -> ResearchAttention {
    ResearchAttention::from_config(&AttentionConfig::preset_with(name, assignments).unwrap()).unwrap()
}
