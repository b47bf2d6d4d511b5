//! Keys that stay in the cache for good once a context is read, and keys that are dropped.

mod adakv;
mod budget;
mod chunkkv;
mod config;
mod info;
mod keydiff;
mod knorm;
mod lagkv;
mod layers;
mod presets;
mod pyramid;
mod random;
mod registry;
mod sinks_and_window;
mod snapkv;
mod toolkit;
mod tova;

use std::fmt::Debug;
use std::sync::Arc;

use tch::Tensor;

pub use adakv::AdaKv;
pub use budget::Budget;
pub use chunkkv::ChunkKv;
pub use config::{AnyRetentionRule, RetentionConfig, RetentionRule, Rule};
pub use info::RetentionInfo;
pub use keydiff::KeyDiff;
pub use knorm::Knorm;
pub use lagkv::LagKv;
pub use layers::FirstLayersWhole;
pub use pyramid::Pyramid;
pub use random::Random;
pub use registry::RetentionRegistry;
pub use sinks_and_window::SinksAndWindow;
pub use snapkv::{Pooling, SnapKv};
pub use tova::Tova;

use crate::error::Result;
use crate::inputs::AttentionInputs;

/// Gives every key of a context a score: what is worth most stays.
pub trait Scorer: Debug + Send + Sync {
    /// Its name in configurations and results.
    fn name(&self) -> &'static str;

    /// How many of the context's last queries it looks at.
    fn queries(&self) -> usize {
        1
    }

    /// The scores of all keys of one layer, `[Hkv, n]` of `Float`, none of them NaN.
    ///
    /// `inputs` holds all `n` keys and values of the context, and its last [`queries`](Self::queries) queries, or as many as there
    /// are. `seed` is for random choices in this layer.
    fn scores(&self, inputs: &AttentionInputs<'_>, seed: u64) -> Result<Tensor>;
}

/// Says how many keys each head of a layer keeps in the mean.
pub trait LayerBudgets: Debug + Send + Sync {
    /// Its name in configurations and results.
    fn name(&self) -> &'static str;

    /// For each of `layers` layers a number of keys, from 1 to `n`. `budget` is that of every layer by itself, and `window` the
    /// number of last keys that the scorer looks from.
    fn counts(&self, budget: Budget, n: usize, layers: usize, window: usize) -> Vec<usize>;
}

/// Chooses the keys that stay by their scores.
pub trait KeyChoice: Debug + Send + Sync {
    /// Its name in configurations and results.
    fn name(&self) -> &'static str;

    /// The keys that stay of a layer by `scores`, `[Hkv][n]`: for each head its numbers in ascending order. `count` is how many a head
    /// keeps in the mean, of the `budget` that was asked for.
    fn choose(&self, scores: &[Vec<f32>], count: usize, budget: Budget) -> Vec<Vec<usize>>;
}

/// Which keys of a context stay: a score for every key, how many each layer keeps, and how these are chosen.
///
/// ```
/// use sah_attention::{AttentionInputs, Retention, RetentionConfig, RetentionRegistry};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let config = RetentionConfig::preset_in(&RetentionRegistry::builtin(), "snapkv", &["ratio=0.9"])?;
/// let retention = config.build()?;
/// // The keys and values of 200 tokens in a layer, and the last 64 queries.
/// let random = |heads, rows| Tensor::rand([1, heads, rows, 16], (Kind::Float, Device::Cpu));
/// let (queries, keys, values) = (random(4, retention.queries() as i64), random(2, 200), random(2, 200));
/// let inputs = AttentionInputs::new(&queries, &keys, &values, 0.25)?;
///
/// let kept = retention.keep(&[retention.scores(&inputs, 0, 0)?])?;
/// assert!(kept[0].iter().all(|head| head.len() == 19 && head.is_sorted()), "one layer of two heads");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Retention {
    scorer: Arc<dyn Scorer>,
    layers: Option<Arc<dyn LayerBudgets>>,
    choice: Option<Arc<dyn KeyChoice>>,
    budget: Budget,
}

impl Retention {
    /// With the same number of keys for each head of each layer, those with the largest scores.
    #[must_use]
    pub fn new(scorer: Arc<dyn Scorer>, budget: Budget) -> Self {
        Self { scorer, layers: None, choice: None, budget }
    }

    /// The same with a number of keys for each layer.
    #[must_use]
    pub fn with_layers(self, layers: Arc<dyn LayerBudgets>) -> Self {
        Self { layers: Some(layers), ..self }
    }

    /// The same with another way to choose.
    #[must_use]
    pub fn with_choice(self, choice: Arc<dyn KeyChoice>) -> Self {
        Self { choice: Some(choice), ..self }
    }

    /// How many keys stay.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// How many of the context's last queries it looks at.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.scorer.queries().max(1)
    }

    /// The scores of the keys of layer `layer`, on the host: `[Hkv][n]`; see [`Scorer::scores`].
    pub fn scores(&self, inputs: &AttentionInputs<'_>, layer: usize, seed: u64) -> Result<Vec<Vec<f32>>> {
        let _no_grad = tch::no_grad_guard();
        let scores = self.scorer.scores(inputs, crate::state::mix(seed ^ crate::state::mix(layer as u64)))?;
        toolkit::on_host(&scores)
    }

    /// The keys that stay of each layer and KV head, by the scores of all layers: their numbers in ascending order.
    pub fn keep(&self, scores: &[Vec<Vec<f32>>]) -> Result<Vec<Vec<Vec<usize>>>> {
        let n = scores.first().and_then(|layer| layer.first()).map_or(0, Vec::len);
        let even = self.budget.keys(n);
        let counts = match &self.layers {
            None => vec![even; scores.len()],
            Some(layers) => layers.counts(self.budget, n, scores.len(), self.scorer.queries()),
        };
        let choose = |(layer, count): (&Vec<Vec<f32>>, usize)| match &self.choice {
            None => layer.iter().map(|head| toolkit::best(head, count)).collect(),
            Some(choice) => choice.choose(layer, count, self.budget),
        };
        Ok(scores.iter().zip(counts).map(choose).collect())
    }
}
