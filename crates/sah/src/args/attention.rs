//! Which attention.

use std::convert::Infallible;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use sah_attention::Size;

/// Flags that say how a model attends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Attention")]
pub(crate) struct AttentionArgs {
    /// How the model attends: `dense`, a preset (`streaming_llm`, `quest`, ...; `cargo xtask maskers` lists them), or a JSON or
    /// TOML file such as `{"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 64}]}`. Several are run one
    /// after another and compared with the first dense one. The context is read densely unless `--prefill` says otherwise; the
    /// question and the answer are not
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "dense|PRESET|FILE")]
    pub(crate) attention: Vec<String>,

    /// Change a field of every attention that is not dense: `heavy_size=5%`, `dense_layers=2`, or with the masker's type
    /// where several have it, `sink.size=4`; of one attention alone, whatever is set for all: `quest:page_size=32`. A field of every
    /// retention: `retention:ratio=0.9`; of one: `retention.snapkv:window=32`. A field of what `--prefill` names: `prefill:threshold=0.8`, or
    /// with its name. Give it several times for several
    #[arg(long, value_name = "[NAME:]FIELD=VALUE")]
    pub(crate) set: Vec<String>,

    /// First tokens that `streaming_llm` always reads: a count, or a share of the keys such as `1%`; 4 by default
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) sink_size: Option<Size>,

    /// Last tokens that `streaming_llm` always reads: a count, or a share of the keys such as `10%`; 64 by default. Raise it to
    /// see how much of the loss a longer window brings back
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) local_window: Option<Size>,

    /// Compute all attention, dense and sparse, with this kernel instead of the one that fits the inputs: `reference`, `fused`,
    /// `tiled`, `gather`, or one of the program's own. To try a kernel; scores are those of every kernel, but for rounding
    #[arg(long, value_name = "KERNEL")]
    pub(crate) kernel: Option<String>,

    /// How contexts are read, whatever `--attention` does after them: `dense`, which is what published scores of these methods mean; a preset
    /// (`tri_shape`, `xattention`, ...; `cargo xtask maskers` lists them) or a JSON or TOML file; or `sparse`, with the maskers of
    /// `--attention`, of which only sinks and windows of a fixed number of keys can do it
    #[arg(long, value_name = "dense|sparse|PRESET|FILE", default_value = "dense")]
    pub(crate) prefill: PrefillArg,

    /// How questions are read: `sparse`, with the maskers of `--attention`, as new tokens are, or `dense`, so that the whole prompt is
    /// read densely and only new tokens after the first attend sparsely, as in many papers
    #[arg(long, value_enum, default_value = "sparse")]
    pub(crate) question_attention: QuestionArg,

    /// Which keys of a context stay once it is read: `none` drops none, or a preset (`snapkv`, `streaming_llm`, ...; `cargo xtask
    /// retentions` lists them), or a JSON or TOML file such as `{"ratio": 0.5, "rules": [{"type": "knorm"}]}`. The others are dropped for
    /// good, before any question is read, and their memory is free. Every attention is run with each; half of the keys stay,
    /// unless `--set retention:ratio=0.9` drops more, or `retention:keys=512` says how many stay
    #[arg(long, num_args = 1.., value_delimiter = ',', value_name = "none|PRESET|FILE")]
    pub(crate) retention: Vec<String>,

    /// What is read before keys of a context are dropped: the `context`, so that what stays of it serves every question, as in kvpress,
    /// or the `question`, too, as in many papers. Each question then has a cache of its own, and keys of its text may go as well
    #[arg(long, value_enum, default_value = "context")]
    pub(crate) retention_sees: SeesArg,

    /// Evict keys that attention never reads again from the KV cache, so that its memory no longer grows: once the context
    /// is read (with `--prefill sparse` also while it is read) and while answers grow. Answers stay the same. Only sinks and
    /// windows of a fixed number of keys can do it; `dense` beside them keeps its keys
    #[arg(long)]
    pub(crate) evict: bool,
}

/// `--prefill`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrefillArg {
    Dense,
    /// As new tokens attend.
    Sparse,
    /// With these maskers: a preset or a file.
    Named(String),
}

impl PrefillArg {
    /// As on the command line.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
            Self::Named(name) => name,
        }
    }
}

impl FromStr for PrefillArg {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "dense" => Self::Dense,
            "sparse" => Self::Sparse,
            name => Self::Named(name.to_owned()),
        })
    }
}

/// `--question-attention`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QuestionArg {
    Sparse,
    Dense,
}

/// `--retention-sees`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SeesArg {
    Context,
    Question,
}

/// `64` is a count, `10%` a share. `0.1` could be meant as either and is refused.
pub(crate) fn parse_size(text: &str) -> Result<Size, String> {
    let size = match text.strip_suffix('%') {
        Some(percent) => percent.parse().ok().map(|percent: f64| Size::Fraction(percent / 100.0)),
        None => text.parse().ok().map(Size::Count),
    };
    let valid = |size: &Size| match *size {
        Size::Count(count) => count > 0,
        Size::Fraction(fraction) => fraction > 0.0 && fraction <= 1.0,
    };
    size.filter(valid).ok_or_else(|| "write a count from 1 on, or a share from above 0% to 100%".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Size, parse_size};

    #[test]
    fn a_size_is_a_count_or_a_share() {
        assert_eq!(parse_size("64"), Ok(Size::Count(64)));
        assert_eq!(parse_size("10%"), Ok(Size::Fraction(0.1)));
        for wrong in ["0", "0%", "101%", "0.1", "-4", "many", "NaN%"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
