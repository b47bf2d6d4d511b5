//! Which model, and where it runs.

use std::str::FromStr;

use anyhow::bail;
use clap::{Args, ValueEnum};
use sah_adapter::{Placement, Precision, WeightStorage};
use sah_attention::{KiviBits, KvFormat};
use tch::{Device, Kind};

use super::ModelConfigArgs;
use crate::attention::NamedAttention;
use crate::device;
use crate::usage::UsageError;

/// The built-in model, which `cargo xtask setup` fetches.
pub(crate) const DEFAULT_MODEL: &str = "smollm2-135m-instruct";

/// Flags that every command with a model takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,

    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,

    #[command(flatten)]
    pub(crate) config: ModelConfigArgs,
}

/// Which model, and on what it runs.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The model: a hub id (`org/name`), a folder in Hugging Face form, or a GGUF file. Change it to measure your own;
    /// the default is small enough for a laptop
    #[arg(long, default_value = DEFAULT_MODEL, value_name = "ID|DIR|FILE.gguf")]
    pub(crate) model: String,

    /// Which revision of a hub id: a branch, a tag or a commit; `main` by default. Name a commit to repeat a run: the
    /// one that was used is in its config.json
    #[arg(long, value_name = "REV")]
    pub(crate) revision: Option<String>,

    /// Where the model runs: `auto` (the first GPU that libtorch sees, else the CPU), `cpu`, `cuda`, `cuda:N`, or several,
    /// such as `cuda:0,cuda:1`, which share its layers: for a model that is too large for one. GPUs need the CUDA libtorch
    /// (`cargo xtask setup --cuda`)
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceArg,

    /// CPU threads; all cores by default. Lower it to leave cores to others, or to compare with a figure measured on fewer
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

/// Which models, and where they run: [`ModelArgs`] for several.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelsArgs {
    /// The model: a hub id (`org/name`, `org/name@REV`), a folder in Hugging Face form, or a GGUF file. Change it to measure
    /// your own; the default is small enough for a laptop. Several are run one after another, each in a process of its own, or
    /// at once with `--jobs`
    #[arg(long, num_args = 1.., default_value = DEFAULT_MODEL, value_name = "ID|DIR|FILE.gguf")]
    pub(crate) model: Vec<String>,

    /// Which revision of a hub id: a branch, a tag or a commit; `main` by default. Name a commit to repeat a run: the
    /// one that was used is in its config.json. With several models write `org/name@REV` instead
    #[arg(long, value_name = "REV")]
    pub(crate) revision: Option<String>,

    /// Where the model runs: `auto` (the first GPU that libtorch sees, else the CPU), `cpu`, `cuda`, `cuda:N`, or several,
    /// such as `cuda:0,cuda:1`, which share its layers: for a model that is too large for one. GPUs need the CUDA libtorch
    /// (`cargo xtask setup --cuda`). Give it several times (`--device cuda:0 --device cuda:1`) for as many processes at once
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: Vec<DeviceArg>,

    /// CPU threads; all cores by default. Lower it to leave cores to others, or to compare with a figure measured on fewer.
    /// With `--jobs` they are shared out
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,

    #[command(flatten)]
    pub(crate) precision: PrecisionArgs,

    #[command(flatten)]
    pub(crate) config: ModelConfigArgs,
}

impl ModelsArgs {
    /// One of the models, on the first device.
    pub(crate) fn one(&self, model: &str) -> ModelArgs {
        ModelArgs {
            place: PlaceArgs {
                model: model.to_owned(),
                revision: self.revision.clone(),
                device: self.device.first().cloned().unwrap_or(DeviceArg::Auto),
                threads: self.threads,
            },
            precision: self.precision,
            config: self.config.clone(),
        }
    }
}

/// In which numbers a model computes and keeps its weights and its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub(crate) struct PrecisionArgs {
    /// Precision of weights, activations and KV cache. f32 gives the reference numbers; bf16 and f16 halve the memory
    #[arg(long, value_enum, default_value = "f32")]
    pub(crate) dtype: DtypeArg,

    /// How matrices of weights are kept, beside activations of `--dtype`: decoding is as fast as they can be read.
    /// `expanded`: in `--dtype`. `bf16`: rounded, half of f32. `stored`: as in the file, a GGUF's quantised blocks included,
    /// without further rounding; on the CPU. Change it for speed and memory
    #[arg(long, value_enum, default_value = "expanded")]
    pub(crate) weights: WeightsArg,

    /// How keys and values are kept in the cache, beside activations of `--dtype`: `f32`, `bf16`, `int8`, 8 bits with a
    /// scale for each key and value of a head, or `int4` and `int2`, codes in groups of 32 (KIVI), in which a context is packed
    /// once it is read, but for its last 128 tokens; as `--dtype` by default. Change it for long contexts: less memory, and
    /// less to read for each token
    #[arg(long, value_enum, value_name = "DTYPE")]
    pub(crate) kv_dtype: Option<KvDtypeArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DtypeArg {
    F32,
    Bf16,
    F16,
}

impl DtypeArg {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::F16 => Kind::Half,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

/// `--weights`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightsArg {
    Expanded,
    Bf16,
    Stored,
}

impl WeightsArg {
    fn storage(self) -> WeightStorage {
        match self {
            Self::Expanded => WeightStorage::Expanded,
            Self::Bf16 => WeightStorage::Bf16,
            Self::Stored => WeightStorage::Stored,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Expanded => "expanded",
            Self::Bf16 => "bf16",
            Self::Stored => "stored",
        }
    }
}

/// `--kv-dtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KvDtypeArg {
    F32,
    Bf16,
    Int8,
    Int4,
    Int2,
}

impl KvDtypeArg {
    /// The form, beside activations of `dtype`.
    fn format(self, dtype: Kind) -> KvFormat {
        match self {
            Self::F32 => KvFormat::Plain(Kind::Float),
            Self::Bf16 => KvFormat::Plain(Kind::BFloat16),
            Self::Int8 => KvFormat::Int8,
            Self::Int4 => KvFormat::Kivi { bits: KiviBits::Four, plain: dtype },
            Self::Int2 => KvFormat::Kivi { bits: KiviBits::Two, plain: dtype },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::Int2 => "int2",
        }
    }
}

impl PrecisionArgs {
    /// What the flags mean in combination.
    pub(crate) fn precision(self) -> Precision {
        let precision = Precision::from(self.dtype.kind()).with_weights(self.weights.storage());
        self.kv_dtype.map_or(precision, |dtype| precision.with_cache(dtype.format(precision.kind)))
    }

    /// The type of the cache, given or not.
    pub(crate) fn kv_dtype(self) -> &'static str {
        self.kv_dtype.map_or(self.dtype.name(), KvDtypeArg::name)
    }

    /// Whether the cache packs a context in groups once it is read.
    pub(crate) fn packs(self) -> bool {
        self.precision().cache.packs()
    }

    /// Refuses a cache that packs groups of keys beside one from which keys go while it grows: with `--evict`, or with a retention of
    /// `attentions`.
    pub(crate) fn check_eviction(self, evict: bool, attentions: &[NamedAttention]) -> Result<(), UsageError> {
        let growing = || attentions.iter().find(|attention| attention.drops_while_growing());
        let option = match growing() {
            _ if !self.packs() => return Ok(()),
            _ if evict => "--evict".to_owned(),
            Some(attention) => format!("`every` of the retention of {}", attention.name),
            None => return Ok(()),
        };
        let text = format!(
            "{option} with --kv-dtype {}: a packed cache keeps whole groups of keys of a context, and evicts none; leave out one of \
             the two",
            self.kv_dtype()
        );
        Err(UsageError(text))
    }

    /// The same in words: `f32`, `f32, weights as stored, cache in int8`.
    pub(crate) fn name(self) -> String {
        let weights = match self.weights {
            WeightsArg::Expanded => "",
            WeightsArg::Bf16 => ", weights in bf16",
            WeightsArg::Stored => ", weights as stored",
        };
        let (dtype, cache) = (self.dtype.name(), self.kv_dtype());
        let cache = if cache == dtype { String::new() } else { format!(", cache in {cache}") };
        format!("{dtype}{weights}{cache}")
    }
}

/// `--device`.
#[derive(Clone, Debug)]
pub(crate) enum DeviceArg {
    Auto,
    Named(Placement),
}

impl FromStr for DeviceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let mut devices = text.split(',').map(parse_device);
        let first = devices.next().unwrap_or_else(|| Err(WRITE.to_owned()))?;
        let others = devices.collect::<Result<Vec<_>, _>>()?;
        let all: Vec<Device> = std::iter::once(first).chain(others.iter().copied()).collect();
        if (1..all.len()).any(|at| all[..at].contains(&all[at])) {
            return Err("a model's layers are shared among different devices; one is named twice".to_owned());
        }
        Ok(Self::Named(Placement::over(first, others)))
    }
}

impl DeviceArg {
    /// The devices that it means on this machine; fails where one is not there, before anything was loaded.
    pub(crate) fn placement(&self) -> anyhow::Result<Placement> {
        let count = tch::Cuda::device_count();
        let Self::Named(placement) = self else {
            return Ok(if count > 0 { Device::Cuda(0) } else { Device::Cpu }.into());
        };
        for device in placement.devices() {
            let Device::Cuda(index) = device else { continue };
            if count == 0 {
                bail!(UsageError(
                    "--device cuda: this libtorch sees no CUDA device; run cargo xtask setup --cuda on a machine with a GPU, \
                     or use --device cpu"
                        .to_owned()
                ));
            }
            if index as i64 >= count {
                bail!(UsageError(format!(
                    "--device cuda:{index}: there are {count} CUDA devices, counted from 0"
                )));
            }
        }
        Ok(placement.clone())
    }
}

/// As on the command line.
impl std::fmt::Display for DeviceArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Named(placement) => f.write_str(&device::names(placement)),
        }
    }
}

const WRITE: &str = "write auto, cpu, cuda or cuda:N, several with commas between them";

fn parse_device(text: &str) -> Result<Device, String> {
    match text {
        "cpu" => Ok(Device::Cpu),
        "cuda" => Ok(Device::Cuda(0)),
        _ => match text.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(index)) => Ok(Device::Cuda(index)),
            _ => Err(WRITE.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{DtypeArg, KvDtypeArg, PrecisionArgs, WeightsArg};

    fn precision(dtype: DtypeArg, kv_dtype: Option<KvDtypeArg>) -> PrecisionArgs {
        PrecisionArgs { dtype, weights: WeightsArg::Expanded, kv_dtype }
    }

    #[test]
    fn a_packed_cache_evicts_nothing() {
        for kv_dtype in [KvDtypeArg::Int4, KvDtypeArg::Int2] {
            let packed = precision(DtypeArg::F32, Some(kv_dtype));
            assert!(packed.packs() && packed.check_eviction(false, &[]).is_ok());
            let error = packed.check_eviction(true, &[]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--evict with --kv-dtype {}", packed.kv_dtype())), "{error}");
        }
        for other in [None, Some(KvDtypeArg::Int8), Some(KvDtypeArg::F32)] {
            let plain = precision(DtypeArg::Bf16, other);
            assert!(!plain.packs() && plain.check_eviction(true, &[]).is_ok());
        }
    }

    #[test]
    fn what_is_not_packed_is_of_the_activations_type() {
        let format = precision(DtypeArg::Bf16, Some(KvDtypeArg::Int4)).precision().cache;
        let expected =
            sah_attention::KvFormat::Kivi { bits: sah_attention::KiviBits::Four, plain: tch::Kind::BFloat16 };
        assert_eq!(format, expected);
        assert_eq!(precision(DtypeArg::F32, Some(KvDtypeArg::Int2)).name(), "f32, cache in int2");
    }
}
