//! Mixtures of experts: feed-forward networks of which each position uses a few (Shazeer et al. 2017, arXiv 1701.06538).

use serde_json::Value;
use tch::{Device, Kind, Tensor};
use tracing::trace_span;

use super::activation::Activation;
use super::linear::Linear;
use super::mlp::{GatedNames, Mlp};
use super::norm::Norm;
use super::{ConfigFile, shortened};
use crate::Error;
use crate::weights::WeightPath;

/// What a config says of its experts.
#[derive(Clone, Debug)]
pub(super) struct ExpertsConfig {
    /// E.
    pub(super) count: i64,
    /// How many of them a position uses.
    pub(super) chosen: i64,
    /// Width inside an expert.
    pub(super) intermediate: i64,
    /// Whether the weights of those that were chosen are made to add up to 1.
    pub(super) normalised: bool,
    pub(super) scoring: Scoring,
    /// The expert that every position uses, where there is one.
    pub(super) shared: Option<SharedConfig>,
    /// Whether each layer has experts; the others have one network.
    pub(super) layers: Vec<bool>,
    pub(super) names: ExpertNames,
}

/// How experts are scored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scoring {
    /// By a softmax over all of them.
    Softmax,
    /// The same of what is normalised first; then the weight of each times a factor of its own (Gemma 4).
    ScaledSoftmax { eps: f64 },
    /// Each by a sigmoid, `factor` times which is its weight. A correction is added where they are chosen: first groups by the sum of
    /// their two best (DeepSeek-V3, arXiv 2412.19437).
    Sigmoid { groups: i64, chosen_groups: i64, factor: f64 },
}

/// What a config says of the expert that every position uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedConfig {
    pub(super) name: &'static str,
    /// Width inside it.
    pub(super) intermediate: i64,
    /// The name of its gate, where it has one.
    pub(super) gate: Option<&'static str>,
}

/// How a checkpoint calls the experts of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpertNames {
    /// All of them; empty where they stand in the layer itself.
    pub(super) block: &'static str,
    /// What scores them.
    pub(super) router: &'static str,
    pub(super) tensors: ExpertTensors,
}

/// In which tensors experts are.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExpertTensors {
    /// Each has its own.
    Each(GatedNames),
    /// All in one, with biases, gates and ups by turns, and a bias of the router: gpt-oss.
    Together,
}

impl ExpertNames {
    /// As most: each in tensors of its own, in `block`.
    pub(super) const fn each(block: &'static str, names: GatedNames) -> Self {
        Self { block, router: "gate", tensors: ExpertTensors::Each(names) }
    }

    /// Where those of the layer at `path` are.
    fn place<'a>(self, path: &WeightPath<'a>) -> WeightPath<'a> {
        if self.block.is_empty() { path.clone() } else { path.pp(self.block) }
    }

    fn router_bias(self) -> bool {
        matches!(self.tensors, ExpertTensors::Together)
    }
}

impl ExpertsConfig {
    /// The numbers of experts, in the first of the fields `count` that is there.
    pub(super) fn numbers(
        file: &ConfigFile<'_>,
        count: [&'static str; 2],
        defaults: (i64, i64),
    ) -> (i64, i64) {
        let field = count.into_iter().find(|field| file.get(field).is_some()).unwrap_or(count[0]);
        let count = file.size(field, defaults.0);
        let chosen = file.size("num_experts_per_tok", defaults.1);
        Self::checked(file, (field, count), ("num_experts_per_tok", chosen))
    }

    /// The numbers of experts and of those that a position uses, by their fields.
    pub(super) fn checked(
        file: &ConfigFile<'_>,
        (field, count): (&str, i64),
        (chosen_field, chosen): (&str, i64),
    ) -> (i64, i64) {
        if chosen > count {
            file.wrong(chosen_field, format!("at most {field}, {count}"), chosen);
        }
        (count, chosen.min(count))
    }

    /// Expert `number` of those at `experts`.
    fn expert(
        &self,
        experts: &WeightPath<'_>,
        number: i64,
        hidden: i64,
        activation: Activation,
    ) -> Result<Mlp, Error> {
        let (own, size) = (experts.pp(number), (hidden, self.intermediate));
        match self.names.tensors {
            // transformers 5 keeps those of some architectures in one tensor.
            ExpertTensors::Each(_)
                if experts.pp("gate_up_proj").of_expert(number, self.count).has("weight") =>
            {
                let of = |name, outputs| (experts.pp(name).of_expert(number, self.count), outputs);
                let (hidden, width) = size;
                Ok(Mlp::Gated {
                    gate_up: Linear::load_whole(of("gate_up_proj", 2 * width), hidden)?,
                    down: Linear::load_whole(of("down_proj", hidden), width)?,
                    activation,
                })
            }
            ExpertTensors::Each(names) => Mlp::gated(&own, names, size, false, activation),
            // As GGUF files have them.
            ExpertTensors::Together if own.has("down_proj.weight") => {
                Mlp::gated(&own, GatedNames::LLAMA, size, true, activation)
            }
            ExpertTensors::Together => {
                let of = |name| experts.pp(name).of_expert(number, self.count);
                let (hidden, width) = size;
                Ok(Mlp::Gated {
                    gate_up: Linear::load_by_turns(&of("gate_up_proj"), hidden, 2 * width)?,
                    down: Linear::load_conv1d(&of("down_proj"), width, hidden)?,
                    activation,
                })
            }
        }
    }

    /// Whether each of `layers` has experts, as Qwen's configs say it: every `decoder_sparse_step`-th, but for `mlp_only_layers`.
    pub(super) fn qwen_layers(file: &ConfigFile<'_>, layers: usize) -> Vec<bool> {
        let step = file.size("decoder_sparse_step", 1) as usize;
        let dense: Vec<usize> = match file.get("mlp_only_layers") {
            None | Some(Value::Null) => vec![],
            Some(value) => serde_json::from_value(value.clone()).unwrap_or_else(|_| {
                file.wrong("mlp_only_layers", "a list of numbers of layers", shortened(value));
                vec![]
            }),
        };
        (0..layers).map(|layer| (layer + 1).is_multiple_of(step) && !dense.contains(&layer)).collect()
    }
}

/// What scores experts beside the router's matrix.
#[derive(Debug)]
enum Routing {
    Softmax,
    /// Of what `norm` gives; `factors`, `[E]` in f32, of the weights.
    ScaledSoftmax {
        norm: Norm,
        factors: Tensor,
    },
    /// With `correction`, `[E]` in f32; the rest as in [`Scoring::Sigmoid`].
    Sigmoid {
        correction: Tensor,
        groups: i64,
        chosen_groups: i64,
        factor: f64,
    },
}

impl Routing {
    /// That of the experts at `path`.
    fn load(path: &WeightPath<'_>, config: &ExpertsConfig, hidden: i64) -> Result<Self, Error> {
        Ok(match config.scoring {
            Scoring::Softmax => Self::Softmax,
            Scoring::ScaledSoftmax { eps } => {
                let path = path.pp("router").in_f32();
                let scale = path.tensor("scale", &[hidden])?;
                let weight = scale.f_mul_scalar(1.0 / (hidden as f64).sqrt())?;
                let factors = path.tensor("per_expert_scale", &[config.count])?;
                Self::ScaledSoftmax { norm: Norm::Rms { weight, eps }, factors }
            }
            Scoring::Sigmoid { groups, chosen_groups, factor } => {
                let correction =
                    path.pp("gate").in_f32().tensor("e_score_correction_bias", &[config.count])?;
                Self::Sigmoid { correction, groups, chosen_groups, factor }
            }
        })
    }
}

/// The experts of a layer.
#[derive(Debug)]
pub(super) struct Experts {
    /// `[E, hidden]`.
    router: Linear,
    all: Vec<Mlp>,
    chosen: i64,
    normalised: bool,
    routing: Routing,
    shared: Option<SharedExpert>,
}

/// An expert that every position uses, as much as its gate says: `sigmoid(gate(x)) * mlp(x)`.
#[derive(Debug)]
struct SharedExpert {
    mlp: Mlp,
    /// `[1, hidden]`.
    gate: Option<Linear>,
}

impl Experts {
    /// Those of the layer at `path`.
    pub(super) fn load(
        path: &WeightPath<'_>,
        config: &ExpertsConfig,
        hidden: i64,
        activation: Activation,
    ) -> Result<Self, Error> {
        let path = &config.names.place(path);
        let of_expert = |expert| config.expert(&path.pp("experts"), expert, hidden, activation);
        let shared = |config: SharedConfig| -> Result<SharedExpert, Error> {
            let (own, size) = (path.pp(config.name), (hidden, config.intermediate));
            let gate = config.gate.map(|gate| Linear::load(path, &[(gate, 1)], hidden, false));
            Ok(SharedExpert {
                mlp: Mlp::gated(&own, GatedNames::LLAMA, size, false, activation)?,
                gate: gate.transpose()?,
            })
        };
        Ok(Self {
            router: Linear::load(
                path,
                &[(config.names.router, config.count)],
                hidden,
                config.names.router_bias(),
            )?,
            all: (0..config.count).map(of_expert).collect::<Result<_, _>>()?,
            chosen: config.chosen,
            normalised: config.normalised,
            routing: Routing::load(path, config, hidden)?,
            shared: config.shared.map(shared).transpose()?,
        })
    }

    /// `x`: `[1, Q, hidden]`. Gives the same shape. Only the experts that a row chooses are read; the rows of one expert are computed
    /// together.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        self.forward_chosen_by(x, x)
    }

    /// The same of experts that are chosen by other rows, `chooser`, of the same shape.
    pub(super) fn forward_chosen_by(&self, x: &Tensor, chooser: &Tensor) -> Result<Tensor, Error> {
        let span = trace_span!("route").entered();
        let (weights, rows_of) = self.route(chooser)?;
        drop(span);
        if x.size()[1] == 1 {
            // Decoding: the row is that of each expert. The experts in the order of their weights.
            let mut chosen = vec![&self.all[0]; self.chosen as usize];
            for (expert, places) in self.all.iter().zip(rows_of) {
                for place in places {
                    chosen[place as usize] = expert;
                }
            }
            let given = Mlp::forward_each(&chosen, x)?;
            return self.with_shared(x, weights.f_view([1, 1, -1])?.f_matmul(&given)?);
        }
        let mut output = x.f_zeros_like()?;
        for (expert, places) in self.all.iter().zip(rows_of) {
            if places.is_empty() {
                continue;
            }
            let rows: Vec<i64> = places.iter().map(|place| place / self.chosen).collect();
            let rows = Tensor::f_from_slice(&rows)?.f_to_device(x.device())?;
            let places = Tensor::f_from_slice(&places)?.f_to_device(x.device())?;
            let given = expert.forward(x.f_index_select(1, &rows)?)?;
            let weighted = given.f_mul(&weights.f_index_select(0, &places)?.f_view([1, -1, 1])?)?;
            output = output.f_index_add_(1, &rows, &weighted.f_to_kind(x.kind())?)?;
        }
        self.with_shared(x, output)
    }

    /// `output` with what the expert gives that every position uses.
    fn with_shared(&self, x: &Tensor, mut output: Tensor) -> Result<Tensor, Error> {
        if let Some(SharedExpert { mlp, gate }) = &self.shared {
            let mut given = mlp.forward(x.shallow_clone())?;
            if let Some(gate) = gate {
                given = given.f_mul_(&gate.forward(x)?.f_sigmoid()?)?;
            }
            output = output.f_add_(&given)?;
        }
        Ok(output)
    }

    /// The weights of the experts that each row chooses, the largest first, `[Q * chosen]` in the kind of `x`; and for each expert
    /// where among them it stands.
    fn route(&self, x: &Tensor) -> Result<(Tensor, Vec<Vec<i64>>), Error> {
        let (mut weights, chosen) = self.best(x)?;
        if self.normalised {
            weights = weights.f_div(&weights.f_sum_dim_intlist([-1i64].as_slice(), true, Kind::Float)?)?;
        }
        match &self.routing {
            Routing::Softmax => {}
            Routing::ScaledSoftmax { factors, .. } => {
                weights = weights.f_mul(&factors.f_take(&chosen)?)?;
            }
            Routing::Sigmoid { factor, .. } => weights = weights.f_mul_scalar(*factor)?,
        }
        let chosen = Vec::<i64>::try_from(chosen.f_to_device(Device::Cpu)?.f_reshape([-1])?)?;
        let mut rows_of = vec![Vec::new(); self.all.len()];
        for (place, expert) in chosen.into_iter().enumerate() {
            rows_of[expert as usize].push(place as i64);
        }
        Ok((weights.f_reshape([-1])?.f_to_kind(x.kind())?, rows_of))
    }

    /// The scores of the experts that each row chooses, and which these are, `[Q, chosen]`.
    fn best(&self, x: &Tensor) -> Result<(Tensor, Tensor), Error> {
        let of_softmax = |x: &Tensor| -> Result<(Tensor, Tensor), Error> {
            let logits = self.router.forward(x)?.f_squeeze_dim(0)?;
            Ok(logits.f_softmax(-1, Kind::Float)?.f_topk(self.chosen, -1, true, true)?)
        };
        let (correction, groups, chosen_groups) = match &self.routing {
            Routing::Softmax => return of_softmax(x),
            Routing::ScaledSoftmax { norm, .. } => return of_softmax(&norm.forward(x)?),
            Routing::Sigmoid { correction, groups, chosen_groups, .. } => {
                (correction, *groups, *chosen_groups)
            }
        };
        // In f32 throughout, as in transformers.
        let scores = self.router.forward(&x.f_to_kind(Kind::Float)?)?.f_squeeze_dim(0)?.f_sigmoid()?;
        let mut rated = scores.f_add(correction)?;
        if groups > 1 {
            let by_group = rated.f_view([scores.size()[0], groups, -1])?;
            let (two, _) = by_group.f_topk(2, -1, true, true)?;
            let of_groups = two.f_sum_dim_intlist([-1i64].as_slice(), false, Kind::Float)?;
            let (_, best) = of_groups.f_topk(chosen_groups, -1, true, true)?;
            let open = of_groups.f_zeros_like()?.f_scatter_value(1, &best, 1.0)?.f_unsqueeze(-1)?;
            rated = by_group
                .f_masked_fill(&open.f_eq(0.0)?, f64::NEG_INFINITY)?
                .f_view(scores.size().as_slice())?;
        }
        let (_, chosen) = rated.f_topk(self.chosen, -1, true, true)?;
        Ok((scores.f_gather(1, &chosen, false)?, chosen))
    }

    /// The matrices that one position is multiplied with: all experts are alike.
    pub(super) fn products(&self) -> Vec<&Linear> {
        let chosen = self.all.iter().take(self.chosen as usize).flat_map(Mlp::products);
        let shared = self.shared.iter().flat_map(|shared| shared.gate.iter().chain(shared.mlp.products()));
        [&self.router].into_iter().chain(chosen).chain(shared).collect()
    }
}
