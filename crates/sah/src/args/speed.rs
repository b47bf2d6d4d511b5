//! `cargo xtask bench speed`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    AttentionArgs, DtypeArg, KvDtypeArg, ModelArgs, ModelConfigArgs, PlaceArgs, PrecisionArgs, WeightsArg,
};

/// Flags of `bench speed`.
#[derive(Debug, Args)]
pub(crate) struct SpeedArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,

    /// Precision of weights, activations and KV cache. Several, such as `f32,bf16`, are loaded side by side and measured
    /// in turn
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "f32",
        value_name = "DTYPE",
        help_heading = "Model"
    )]
    pub(crate) dtype: Vec<DtypeArg>,

    /// How matrices of weights are kept: `expanded` in the precision, `bf16`, or `stored` as in the file. Several are
    /// measured in turn, with every precision
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "expanded",
        value_name = "WEIGHTS",
        help_heading = "Model"
    )]
    pub(crate) weights: Vec<WeightsArg>,

    /// How keys and values are kept in the cache: `f32`, `bf16`, `int8`, `int4` or `int2`; as the precision by default. Several are
    /// measured in turn, with every precision and form of weights
    #[arg(long, value_enum, value_delimiter = ',', value_name = "DTYPE", help_heading = "Model")]
    pub(crate) kv_dtype: Vec<KvDtypeArg>,

    #[command(flatten)]
    pub(crate) attention: AttentionArgs,

    /// What is measured: `prefill` (with peak memory), `decode`, `shared` (several questions about one context, beside
    /// one request for each), `startup` (of a process of its own, to the first token of a prompt of 1,000). Without `prefill`,
    /// each side reads a context once and decodes after it in every round
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT",
        default_values = ["prefill", "decode", "shared", "startup"])]
    pub(crate) measure: Vec<MeasureArg>,

    /// Tokens in the context; several lengths, such as `1024,4096,16384`, are measured one after another; 4096 by default
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = context)]
    pub(crate) context: Vec<usize>,

    /// New tokens that are decoded after the first; 32 by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) new_tokens: Option<u32>,

    /// Questions about one context, for `--measure shared`; 4 by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64))]
    pub(crate) questions: Option<u32>,

    /// Rounds; in each, every side runs once, in turn. Raise it on a noisy machine
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Also give the same work to other programs in every round: `transformers` (SDPA, f32) and `llama.cpp` (the model's
    /// quantised file, flash attention off; it decodes and starts up, nothing else), both where none is named. Sets up Python
    /// environments the first time (6 GB; some minutes of compiling); only for the default model
    #[arg(long, value_enum, num_args = 0.., value_delimiter = ',', value_name = "PEER",
        default_missing_values = ["transformers", "llama.cpp"])]
    pub(crate) peers: Vec<PeerArg>,

    /// Also write every round, the limits and the machine to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Also draw prefill and decoding against the length of the context; for two lengths or more
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,

    /// Be the side with the precision of this number: how the command starts its own sides
    #[arg(long, hide = true, value_name = "NUMBER")]
    pub(crate) serve: Option<usize>,
}

/// What `bench speed` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MeasureArg {
    Prefill,
    Decode,
    Shared,
    Startup,
}

/// A program to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PeerArg {
    Transformers,
    #[value(name = "llama.cpp")]
    LlamaCpp,
}

impl SpeedArgs {
    /// Every type with every form of weights and of the cache, in the order given.
    pub(crate) fn precisions(&self) -> Vec<PrecisionArgs> {
        let caches: Vec<Option<KvDtypeArg>> = match self.kv_dtype.as_slice() {
            [] => vec![None],
            given => given.iter().copied().map(Some).collect(),
        };
        let mut precisions = Vec::new();
        for &dtype in &self.dtype {
            for &weights in &self.weights {
                precisions.extend(caches.iter().map(|&kv_dtype| PrecisionArgs { dtype, weights, kv_dtype }));
            }
        }
        precisions
    }

    /// The flags of a model of one precision.
    pub(crate) fn model(&self, precision: PrecisionArgs) -> ModelArgs {
        ModelArgs { place: self.place.clone(), precision, config: ModelConfigArgs::default() }
    }

    /// The lengths of contexts, each once, the shortest first.
    pub(crate) fn contexts(&self) -> BTreeSet<usize> {
        if self.context.is_empty() { BTreeSet::from([4096]) } else { self.context.iter().copied().collect() }
    }

    /// New tokens that are decoded after the first.
    pub(crate) fn new_tokens(&self) -> u32 {
        self.new_tokens.unwrap_or(32)
    }

    /// Questions about one context.
    pub(crate) fn questions(&self) -> u32 {
        self.questions.unwrap_or(4)
    }

    /// Whether `measure` was asked for.
    pub(crate) fn measures(&self, measure: MeasureArg) -> bool {
        self.measure.contains(&measure)
    }
}

fn context(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(tokens) if (16..=1 << 20).contains(&tokens) => Ok(tokens),
        _ => Err("must be a number from 16 to 1048576".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::{MeasureArg, PeerArg, PrecisionArgs, SpeedArgs};

    fn parse(arguments: &[&str]) -> Result<SpeedArgs, clap::Error> {
        let command = SpeedArgs::augment_args(Command::new("speed").no_binary_name(true));
        SpeedArgs::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn peers_without_a_name_are_all_of_them() {
        let peers = |arguments: &[&str]| parse(arguments).unwrap().peers;
        assert_eq!(peers(&[]), []);
        assert_eq!(peers(&["--peers"]), [PeerArg::Transformers, PeerArg::LlamaCpp]);
        assert_eq!(peers(&["--peers", "--rounds", "1"]), [PeerArg::Transformers, PeerArg::LlamaCpp]);
        assert_eq!(peers(&["--peers", "llama.cpp"]), [PeerArg::LlamaCpp]);
    }

    #[test]
    fn every_precision_is_a_side() {
        let names = |arguments: &[&str]| -> Vec<String> {
            parse(arguments).unwrap().precisions().into_iter().map(PrecisionArgs::name).collect()
        };
        assert_eq!(names(&["--dtype", "f32,bf16"]), ["f32", "bf16"]);
        let both = ["--dtype", "f32,bf16", "--weights", "expanded,stored"];
        assert_eq!(names(&both), ["f32", "f32, weights as stored", "bf16", "bf16, weights as stored"]);
        let caches = ["--weights", "expanded,stored", "--kv-dtype", "f32,int8"];
        let stored = "f32, weights as stored";
        assert_eq!(
            names(&caches),
            ["f32", "f32, cache in int8", stored, "f32, weights as stored, cache in int8"]
        );
        let args = parse(&["--measure", "decode"]).unwrap();
        assert!(args.measures(MeasureArg::Decode) && !args.measures(MeasureArg::Prefill));
    }

    #[test]
    fn a_context_is_long_enough_to_hold_the_chat_template() {
        assert_eq!(parse(&["--context", "64,4096"]).unwrap().context, [64, 4096]);
        for wrong in ["15", "2000000", "4k"] {
            assert!(parse(&["--context", wrong]).is_err(), "{wrong}");
        }
    }
}
