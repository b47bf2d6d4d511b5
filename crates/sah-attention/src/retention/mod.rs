//! Keys that stay in the cache for good once a context is read, and keys that are dropped.

mod adakv;
mod budget;
mod chunkkv;
mod config;
mod context;
mod criticalkv;
mod duo_attention;
mod expected_attention;
mod info;
mod keydiff;
mod knorm;
mod kvzip;
mod lagkv;
mod layers;
mod moments;
mod observed_attention;
mod presets;
mod pyramid;
mod r_kv;
mod random;
mod registry;
mod repetition;
mod scores;
mod shared_budget;
mod sinks_and_window;
mod snapkv;
mod toolkit;
mod tova;
mod weights;

use std::fmt::Debug;
use std::sync::Arc;

use tch::Tensor;

pub use adakv::AdaKv;
pub use budget::Budget;
pub use chunkkv::ChunkKv;
pub use config::{AnyRetentionRule, RetentionConfig, RetentionRule, Rule};
pub use context::{ContextLayer, Needs};
pub use criticalkv::CriticalKv;
pub use duo_attention::{DuoAttention, HeadPattern};
pub use expected_attention::ExpectedAttention;
pub use info::RetentionInfo;
pub use keydiff::KeyDiff;
pub use knorm::Knorm;
pub use kvzip::KvZip;
pub use lagkv::LagKv;
pub use layers::FirstLayersWhole;
pub use moments::{Moments, MomentsOf};
pub use observed_attention::ObservedAttention;
pub use pyramid::Pyramid;
pub use r_kv::RKv;
pub use random::Random;
pub use registry::RetentionRegistry;
pub use repetition::{Prefix, Repetition};
pub use scores::LayerScores;
pub use shared_budget::{SharedBudget, Sharing};
pub use sinks_and_window::SinksAndWindow;
pub use snapkv::{Pooling, SnapKv};
pub use tova::Tova;
pub use weights::sums_of_weights;

use crate::error::{Error, Result};

/// Gives every key of a context a score: what is worth most stays.
pub trait Scorer: Debug + Send + Sync {
    /// Its name in configurations and results.
    fn name(&self) -> &'static str;

    /// What it looks at beside keys, values and the last query.
    fn needs(&self) -> Needs {
        Needs::queries(1)
    }

    /// Whether it can score keys again while an answer grows, of which some are gone already: it needs to know the last queries and
    /// sums of weights at most.
    fn grows(&self) -> bool {
        false
    }

    /// The scores of all keys of one layer, `[Hkv, n]` of `Float`, none of them NaN.
    fn scores(&self, context: &ContextLayer<'_>) -> Result<Tensor>;
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

    /// Whether it looks at scores; where it does not, there is no rule that gives any.
    fn needs_scores(&self) -> bool {
        true
    }

    /// Whether keys are chosen one by one, so that a [`Refinement`] may choose others in the place of some.
    fn chooses_single_keys(&self) -> bool {
        true
    }

    /// How many of the best keys of each head stay in any case, where heads keep `count` in the mean.
    fn safe(&self, _count: usize) -> usize {
        0
    }

    /// Fails where it does not fit a model whose layers have so many KV heads.
    fn check(&self, _kv_heads: &[usize]) -> Result<()> {
        Ok(())
    }

    /// The keys that stay of each layer and head: their numbers in ascending order. `counts` is how many the heads of each layer keep
    /// in the mean, of the `budget` that was asked for.
    fn choose(&self, layers: &[LayerScores], counts: &[usize], budget: Budget) -> Vec<Vec<Vec<usize>>>;
}

/// Chooses again among the keys of a head, as many as were chosen before, by what else is known of each.
pub trait Refinement: Debug + Send + Sync {
    /// Its name in configurations and results.
    fn name(&self) -> &'static str;

    /// What it looks at beside keys and values.
    fn needs(&self) -> Needs;

    /// What it knows of all keys of one layer, `[Hkv, n]` of `Float`.
    fn factors(&self, context: &ContextLayer<'_>) -> Result<Tensor>;

    /// The `count` keys that stay of one head by `scores` and `factors`, `[n]` each, in ascending order. The `safe` best by score are
    /// to stay.
    fn choose(&self, scores: &[f32], factors: &[f32], count: usize, safe: usize) -> Vec<usize>;
}

/// Which keys of a context stay: a score for every key, how many each layer keeps, and how these are chosen.
///
/// ```
/// use sah_attention::retention::ContextLayer;
/// use sah_attention::{AttentionInputs, Retention, RetentionConfig, RetentionRegistry};
/// use tch::{Device, Kind, Tensor};
///
/// # fn main() -> Result<(), sah_attention::Error> {
/// let config = RetentionConfig::preset_in(&RetentionRegistry::builtin(), "snapkv", &["ratio=0.9"])?;
/// let retention = config.build()?;
/// // The keys and values of 200 tokens in a layer, and the last 64 queries.
/// let random = |heads, rows| Tensor::rand([1, heads, rows, 16], (Kind::Float, Device::Cpu));
/// let queries = random(4, retention.needs().queries as i64);
/// let (keys, values) = (random(2, 200), random(2, 200));
/// let inputs = AttentionInputs::new(&queries, &keys, &values, 0.25)?;
///
/// let kept = retention.keep(&[retention.scores(&ContextLayer::new(inputs))?])?;
/// assert!(kept[0].iter().all(|head| head.len() == 19 && head.is_sorted()), "one layer of two heads");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Retention {
    /// `None` where the choice looks at no scores.
    scorer: Option<Arc<dyn Scorer>>,
    layers: Option<Arc<dyn LayerBudgets>>,
    choice: Option<Arc<dyn KeyChoice>>,
    refinement: Option<Arc<dyn Refinement>>,
    budget: Budget,
    every: Option<usize>,
}

impl Retention {
    /// With the same number of keys for each head of each layer, those with the largest scores.
    #[must_use]
    pub fn new(scorer: Arc<dyn Scorer>, budget: Budget) -> Self {
        Self { scorer: Some(scorer), layers: None, choice: None, refinement: None, budget, every: None }
    }

    /// By a choice that looks at no scores.
    #[must_use]
    pub fn without_scores(choice: Arc<dyn KeyChoice>, budget: Budget) -> Self {
        Self { scorer: None, layers: None, choice: Some(choice), refinement: None, budget, every: None }
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

    /// The same with a second choice among the keys of each head.
    #[must_use]
    pub fn with_refinement(self, refinement: Arc<dyn Refinement>) -> Self {
        Self { refinement: Some(refinement), ..self }
    }

    /// The same while answers grow: after `every` new tokens keys go again, those of question and answer among them, until each head
    /// holds no more than its budget.
    ///
    /// # Errors
    ///
    /// [`Error::RetentionConfig`]: a budget that is a share, and rules that see too little of an answer.
    pub fn growing(self, every: usize) -> Result<Self> {
        let problem = |problem: String| Err(Error::RetentionConfig { problem });
        if let Budget::Ratio(_) = self.budget {
            let text = "`every` needs `keys`, the number that stay whenever keys go, in the place of `ratio`";
            return problem(text.to_owned());
        }
        let others = [
            self.layers.as_ref().map(|layers| layers.name()),
            self.choice.as_ref().map(|choice| choice.name()),
            self.refinement.as_ref().map(|refinement| refinement.name()),
            self.scorer.as_ref().filter(|scorer| !scorer.grows()).map(|scorer| scorer.name()),
        ];
        match others.into_iter().flatten().next() {
            Some(name) => problem(format!("`every` does not go with `{name}`, which needs a whole context")),
            None if every == 0 => problem("`every` must be at least 1 token".to_owned()),
            None => Ok(Self { every: Some(every), ..self }),
        }
    }

    /// After how many new tokens keys go again; `None` where they go once.
    #[must_use]
    pub fn every(&self) -> Option<usize> {
        self.every
    }

    /// How many keys stay.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// What it looks at beside keys and values.
    #[must_use]
    pub fn needs(&self) -> Needs {
        let of_scorer = self.scorer.as_ref().map_or(Needs::queries(1), |scorer| scorer.needs());
        let of_refinement = self.refinement.as_ref().map_or(of_scorer, |refinement| refinement.needs());
        let needs = of_scorer.and(of_refinement);
        Needs { queries: needs.queries.max(1), ..needs }
    }

    /// Fails where it does not fit a model whose layers have so many KV heads.
    pub fn check(&self, kv_heads: &[usize]) -> Result<()> {
        self.choice.as_ref().map_or(Ok(()), |choice| choice.check(kv_heads))
    }

    /// What the choice looks at in one layer, on the host.
    pub fn scores(&self, context: &ContextLayer<'_>) -> Result<LayerScores> {
        let _no_grad = tch::no_grad_guard();
        let dims = context.inputs().dims();
        let context = context.keeping(self.budget.keys(dims.keys));
        let scores = match &self.scorer {
            None => LayerScores::from(vec![vec![0.0; dims.keys]; dims.kv_heads]),
            Some(scorer) => LayerScores::from(toolkit::on_host(&scorer.scores(&context)?)?),
        };
        let scores = scores.of_layer(context.layer());
        match &self.refinement {
            None => Ok(scores),
            Some(refinement) => Ok(scores.with_factors(toolkit::on_host(&refinement.factors(&context)?)?)),
        }
    }

    /// The keys that stay of each layer and KV head, by the scores of all layers: their numbers in ascending order.
    pub fn keep(&self, layers: &[LayerScores]) -> Result<Vec<Vec<Vec<usize>>>> {
        let n = layers.first().and_then(|layer| layer.heads().first()).map_or(0, Vec::len);
        let even = self.budget.keys(n);
        let counts = match &self.layers {
            None => vec![even; layers.len()],
            Some(budgets) => budgets.counts(self.budget, n, layers.len(), self.needs().queries),
        };
        let chosen = match &self.choice {
            None => toolkit::layer_by_layer(layers, &counts, |heads, count| {
                heads.iter().map(|head| toolkit::best(head, count)).collect()
            }),
            Some(choice) => choice.choose(layers, &counts, self.budget),
        };
        match &self.refinement {
            None => Ok(chosen),
            Some(refinement) => Ok(self.refined(&**refinement, layers, &counts, &chosen)),
        }
    }

    /// As many keys of each head as are in `chosen`.
    fn refined(
        &self,
        refinement: &dyn Refinement,
        layers: &[LayerScores],
        counts: &[usize],
        chosen: &[Vec<Vec<usize>>],
    ) -> Vec<Vec<Vec<usize>>> {
        let of_layer = |((layer, &count), chosen): ((&LayerScores, &usize), &Vec<Vec<usize>>)| {
            let safe = self.choice.as_ref().map_or(0, |choice| choice.safe(count));
            let heads = layer.heads().iter().zip(layer.factors()).zip(chosen);
            heads
                .map(|((scores, factors), chosen)| refinement.choose(scores, factors, chosen.len(), safe))
                .collect()
        };
        layers.iter().zip(counts).zip(chosen).map(of_layer).collect()
    }
}
