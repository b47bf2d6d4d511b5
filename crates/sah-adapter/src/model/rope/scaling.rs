//! How frequencies are stretched for contexts longer than those of pre-training, as a config says it.
//!
//! The fields and what is taken where they are absent are those of `modeling_rope_utils.py` of transformers 5. Where
//! transformers 4 would compute something else, a note says so.

use super::{DefaultRope, Particular};
use crate::model::config_file::{ConfigFile, ConfigObject};

/// A way to stretch frequencies.
#[derive(Clone, Debug)]
pub(super) enum Scaling {
    /// Not at all.
    Default,
    /// All by one factor (Chen et al. 2023, arXiv 2306.15595).
    Linear { factor: f64 },
    /// By a base that grows with the sequence beyond `trained` positions ("dynamic NTK").
    Dynamic { factor: f64, trained: f64 },
    /// By a base that is `alpha^(d / (d - 2))` times as large.
    Alpha { alpha: f64 },
    /// Llama 3.1: long waves by `factor`, short ones not, those between by something between.
    Llama3 { factor: f64, low: f64, high: f64, trained: f64 },
    /// `YaRN` (Peng et al. 2023, arXiv 2309.00071).
    Yarn(Yarn),
    /// `LongRoPE` (Ding et al. 2024, arXiv 2402.13753): one factor for each frequency; `long` for sequences of more than
    /// `trained` positions, `short` for others.
    LongRope { short: Vec<f32>, long: Vec<f32>, trained: usize, attention_factor: f64 },
    /// All by one factor, and none at all for pairs after the first `rotated` ones (Gemma 4).
    Proportional { rotated: usize, factor: f64 },
    /// One factor for each frequency, for sequences of any length: how GGUF files store what `llama3` comes to.
    Factors(Vec<f32>),
}

/// Between waves that fit `beta_fast` times and `beta_slow` times into `trained` positions, the factor rises from 1 to
/// `factor`.
#[derive(Clone, Debug)]
pub(super) struct Yarn {
    pub(super) factor: f64,
    pub(super) trained: f64,
    pub(super) beta_fast: f64,
    pub(super) beta_slow: f64,
    /// Whether the two bounds are rounded outwards to whole dimensions.
    pub(super) truncate: bool,
    pub(super) attention_factor: f64,
    /// Factor of the scores of latent attention, which `mscale_all_dim` says.
    pub(super) latent_factor: f64,
}

/// What a config says outside of the object of how many positions the model was pre-trained on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trained {
    /// `original_max_position_embeddings` at the top of the config.
    pub(super) of_config: Option<f64>,
    /// `max_position_embeddings`.
    pub(super) max_positions: f64,
}

/// What stands in the object with the scaling, of all that may.
const GENERAL: [&str; 4] = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];
const PROPORTIONAL: &str = "proportional";
const TRAINED: &str = "original_max_position_embeddings";
/// What stands beside it where queries grow.
const GROWTH: [&str; 3] = ["llama_4_scaling_beta", "max_position_embeddings", TRAINED];

impl Scaling {
    /// Whether `object` asks for [`Scaling::Proportional`].
    pub(super) fn is_proportional(object: &ConfigObject<'_>) -> bool {
        object.text("rope_type") == Some(PROPORTIONAL)
    }

    /// That of `object`, or of a config without one.
    pub(super) fn proportional(object: Option<&ConfigObject<'_>>, rotated: usize) -> Self {
        let factor = object.and_then(|object| {
            object.only(&[&GENERAL[..], &["factor"]].concat());
            object.number("factor")
        });
        Self::Proportional { rotated, factor: factor.unwrap_or(1.0) }
    }

    /// What `object`, which is that of `file` or stands in its place, says of `count` frequencies.
    pub(super) fn read(
        file: &ConfigFile<'_>,
        object: &ConfigObject<'_>,
        trained: Trained,
        count: usize,
        defaults: &DefaultRope,
    ) -> Self {
        let sections = defaults.particular == Particular::Sections;
        let grown: &[&str] = if defaults.particular == Particular::Growth { &GROWTH } else { &[] };
        let only = |known: &[&str]| object.only(&[&GENERAL[..], known, grown].concat());
        match kind(object, sections) {
            "default" => {
                only(if sections { &["mrope_section", "mrope_interleaved"] } else { &[] });
                Self::Default
            }
            "linear" => {
                only(&["factor"]);
                Self::Linear { factor: object.required("factor") }
            }
            "dynamic"
                if defaults.particular == Particular::Alpha
                    && object.number("alpha").is_some()
                    && count > 1 =>
            {
                // Hunyuan's files have the others too, and nothing reads them.
                only(&["alpha", "factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim", TRAINED]);
                Self::Alpha { alpha: object.required("alpha") }
            }
            "dynamic" => {
                // transformers takes the config's positions, whatever the object says of the original ones.
                only(&["factor", TRAINED]);
                if count < 2 {
                    object.wrong("rope_type", "another type where 2 dimensions are rotated", "dynamic");
                    return Self::Default;
                }
                Self::Dynamic { factor: object.required("factor"), trained: trained.max_positions }
            }
            "llama3" => {
                only(&["factor", "low_freq_factor", "high_freq_factor", TRAINED]);
                let (low, high) = (object.required("low_freq_factor"), object.required("high_freq_factor"));
                if object.number("high_freq_factor").is_some_and(|high| high <= low) {
                    object.wrong("high_freq_factor", format!("more than {low}"), high);
                }
                Self::Llama3 {
                    factor: object.required("factor"),
                    low,
                    high,
                    trained: trained.of(file, object),
                }
            }
            // Phi-3's first files say `yarn` and mean this.
            "yarn" if !object.has("short_factor") => {
                let trained_on = trained.of(file, object);
                Self::Yarn(Yarn::read(file, object, trained_on, trained.max_positions / trained_on, grown))
            }
            // `su` is what the first Phi-3 checkpoints call it.
            "longrope" | "su" | "yarn" => long_rope(file, object, trained, count),
            "frequency_factors" => {
                only(&["factors"]);
                Self::Factors(object.numbers("factors", count))
            }
            other => {
                let supported =
                    "default, linear, dynamic, llama3, yarn, longrope, proportional, frequency_factors";
                object.unsupported("rope_type", other, supported);
                Self::Default
            }
        }
    }
}

/// The type by either of its names. `rope_parameters` may leave it out, an object that stretches may not.
fn kind<'a>(object: &ConfigObject<'a>, sections: bool) -> &'a str {
    let (new, old) = (object.text("rope_type"), object.text("type"));
    if sections && [new, old].contains(&Some("mrope")) {
        return "default";
    }
    match (new, old) {
        (Some(new), Some(old)) if new != old && !["su", "yarn"].contains(&old) => {
            object.wrong("type", format!("{new}, as in rope_type"), old);
            new
        }
        (Some(kind), _) | (None, Some(kind)) => kind,
        (None, None) => {
            let is_plain = !object.has("factor") && !object.has("short_factor") && object.has("rope_theta");
            if !is_plain {
                object.wrong("rope_type", "a text", "nothing");
            }
            "default"
        }
    }
}

impl Trained {
    /// How many positions the model was pre-trained on: what the config says at its top, else in the object, else all.
    fn of(self, file: &ConfigFile<'_>, object: &ConfigObject<'_>) -> f64 {
        let own = object.number_or_zero(TRAINED);
        let trained = self.of_config.or(own).unwrap_or(self.max_positions);
        let of_version_4 = own.unwrap_or(self.max_positions);
        if (trained - of_version_4).abs() > 0.0 {
            file.note(format!(
                "{TRAINED} of the config, {trained}, is taken for that of {}, as in transformers 5; transformers 4 takes \
                 {of_version_4}",
                object.described()
            ));
        }
        trained
    }
}

fn long_rope(file: &ConfigFile<'_>, object: &ConfigObject<'_>, given: Trained, count: usize) -> Scaling {
    let known = ["short_factor", "long_factor", "factor", "attention_factor", TRAINED];
    object.only(&[&GENERAL[..], &known].concat());
    let max_positions = given.max_positions;
    let own = object.number_or_zero(TRAINED);
    let mut trained = given.of_config.or(own).unwrap_or(max_positions);
    if !(2.0..=max_positions).contains(&trained) {
        let expected = format!("2 to the {max_positions} of max_position_embeddings");
        match (given.of_config, own) {
            (None, Some(_)) => object.wrong(TRAINED, expected, trained),
            _ => file.wrong(TRAINED, expected, trained),
        }
        trained = max_positions;
    }
    let (ratio, own_factor) = (max_positions / trained, object.number("factor"));
    let factor = own_factor.unwrap_or(ratio);
    let attention_factor = object.number("attention_factor");
    let differs = |ours: f64, theirs: f64| (ours - theirs).abs() > 0.0;
    if attention_factor.is_none() && given.of_config.is_some() && differs(factor, ratio) {
        file.note(format!(
            "{} scales attention by the factor {factor}, as in transformers 5; transformers 4 takes {ratio}, \
             max_position_embeddings / {TRAINED}",
            object.described()
        ));
    }
    if given.of_config.is_none() && differs(trained, max_positions) {
        file.note(format!(
            "{TRAINED} of {} is read, as in transformers 5; transformers 4 takes max_position_embeddings, {max_positions}",
            object.described()
        ));
    }
    let suggested = if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / trained.ln()).sqrt() };
    Scaling::LongRope {
        short: object.numbers("short_factor", count),
        long: object.numbers("long_factor", count),
        trained: trained as usize,
        attention_factor: attention_factor.unwrap_or(suggested),
    }
}

/// Fields that published files have beside `yarn` and that transformers does not read: of DeepSeek-R1-0528-Qwen3-8B and of
/// Yarn-Llama-2.
const UNREAD: [&str; 2] = ["attn_factor", "finetuned"];

impl Yarn {
    /// `ratio` is the factor where the object's is null; `grown` are fields that say how queries grow.
    fn read(
        file: &ConfigFile<'_>,
        object: &ConfigObject<'_>,
        trained: f64,
        ratio: f64,
        grown: &[&str],
    ) -> Self {
        let known = ["factor", "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"];
        object.only(&[&GENERAL[..], &known, &UNREAD, &[TRAINED, "truncate"], grown].concat());
        for field in UNREAD.into_iter().filter(|field| object.has(field)) {
            file.note(format!("{} has no effect, as in transformers", object.full_name(field)));
        }
        let is_null = object.has("factor") && object.number("factor").is_none();
        let factor = if is_null { ratio } else { object.required("factor") };
        let mscale = |weight: f64| if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 };
        let of_all = object.number_or_zero("mscale_all_dim");
        let suggested = match (object.number_or_zero("mscale"), of_all) {
            (Some(own), Some(all)) => mscale(own) / mscale(all),
            _ => mscale(1.0),
        };
        let beta_fast = object.number_or_zero("beta_fast").unwrap_or(32.0);
        let beta_slow = object.number_or_zero("beta_slow").unwrap_or(1.0);
        if beta_fast < beta_slow {
            object.wrong("beta_fast", format!("at least beta_slow, {beta_slow}"), beta_fast);
        }
        Self {
            factor,
            trained,
            beta_fast,
            beta_slow,
            truncate: object.bool("truncate").unwrap_or(true),
            attention_factor: object.number("attention_factor").unwrap_or(suggested),
            latent_factor: of_all.map_or(1.0, |all| mscale(all).powi(2)),
        }
    }
}
