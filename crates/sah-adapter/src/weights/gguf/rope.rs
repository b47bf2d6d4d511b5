//! How the positions of a GGUF model are stretched, in the shape of Hugging Face's `rope_scaling`.

use serde_json::{Value as Json, json};

use super::architecture::Architecture;
use super::keys::Keys;
use crate::Error;

/// `rope_scaling` from metadata and tensors; null where positions are as they are.
///
/// The frequency factors that converters store as the tensor `rope_freqs` (Llama 3.1 and later) become
/// `{"rope_type": "frequency_factors"}`: each rotary frequency is to be divided by its factor. Those of Phi-3's long
/// models lie in two tensors and become `longrope`.
pub(super) fn rope_scaling(keys: &Keys<'_>) -> Result<Json, Error> {
    if keys.architecture == Architecture::Phi3 {
        return longrope(keys);
    }
    let factors = factors(keys, "rope_freqs.weight")?;
    if let Some(factors) = factors.filter(|factors| factors.iter().any(|factor| (factor - 1.0).abs() > 0.0)) {
        return Ok(json!({ "rope_type": "frequency_factors", "factors": factors }));
    }
    let name = "rope.scaling.type";
    let factor = match keys.number("rope.scaling.factor")? {
        // Old files give the linear factor alone.
        None => keys.number("rope.scale_linear")?,
        factor => factor,
    };
    let kind = match keys.metadata.text(&keys.full(name))? {
        None if factor.is_some_and(|factor| factor > 1.0) => "linear",
        None | Some("none") => return Ok(Json::Null),
        Some(kind) => kind,
    };
    let factor = keys.metadata.required(&keys.full("rope.scaling.factor"), "a number", factor)?;
    match kind {
        "linear" => Ok(json!({ "rope_type": kind, "factor": factor })),
        "yarn" => yarn(keys, factor),
        other => Err(keys.metadata.unsupported(&keys.full(name), other, "none, linear, yarn")),
    }
}

fn yarn(keys: &Keys<'_>, factor: f64) -> Result<Json, Error> {
    let name = "rope.scaling.original_context_length";
    let original = keys.positive(name)?;
    let mut scaling =
        json!({ "rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original });
    for (theirs, ours) in [("yarn_beta_fast", "beta_fast"), ("yarn_beta_slow", "beta_slow")] {
        if let Some(beta) = keys.number(&format!("rope.scaling.{theirs}"))? {
            scaling[ours] = json!(beta);
        }
    }
    if let Some(factor) = keys.number("rope.scaling.attn_factor")? {
        // DeepSeek-R1-0528-Qwen3-8B has it. Its config.json has it too, where transformers does not read it.
        let key = keys.full("rope.scaling.attn_factor");
        tracing::warn!(key, factor, "has no effect beside yarn, as in transformers");
    }
    attention_factor(keys, factor, &mut scaling)?;
    // Ways of scaling attention that no published model of these architectures uses.
    let unused = |name: &str| match keys.number(name)?.filter(|value| (value - 1.0).abs() > 0.0) {
        None => Ok(()),
        Some(value) => Err(keys.metadata.unsupported(&keys.full(name), &value.to_string(), "none, or 1")),
    };
    unused("rope.scaling.yarn_ext_factor")?;
    if matches!(keys.architecture, Architecture::Mistral | Architecture::Ministral3) {
        ministral(keys, &mut scaling)?;
    } else {
        unused("rope.scaling.yarn_log_multiplier")?;
    }
    if keys.architecture == Architecture::GptOss {
        // As in the published models: no file says it.
        scaling["truncate"] = json!(false);
    }
    Ok(scaling)
}

/// How attention is scaled in Mistral's newer models, and how queries grow.
fn ministral(keys: &Keys<'_>, scaling: &mut Json) -> Result<(), Error> {
    if let Some(all) = keys.number("rope.scaling.yarn_log_multiplier")? {
        // Files do not say the other one, which is 1 in all published models.
        scaling["mscale"] = json!(1.0);
        scaling["mscale_all_dim"] = json!(all);
    }
    if let Some(beta) = keys.number("attention.temperature_scale")?.filter(|beta| beta.abs() > 0.0) {
        scaling["llama_4_scaling_beta"] = json!(beta);
    }
    Ok(())
}

/// The factor on attention. Converters write `attention_factor` of a configuration, which transformers reads, and `attn_factor`, which it
/// does not, under one name: the latter is the reciprocal of what `factor` implies in all published models that have it.
fn attention_factor(keys: &Keys<'_>, factor: f64, scaling: &mut Json) -> Result<(), Error> {
    let name = "rope.scaling.yarn_attn_factor";
    let Some(given) = keys.number(name)? else { return Ok(()) };
    let implied = 0.1 * factor.max(1.0).ln() + 1.0;
    if (given * implied - 1.0).abs() < 1e-5 {
        let key = keys.full(name);
        tracing::warn!(
            key,
            given,
            "taken for attn_factor, which has no effect beside yarn, as in transformers"
        );
    } else {
        scaling["attention_factor"] = json!(given);
    }
    Ok(())
}

/// Phi-3's two lists of factors. Hugging Face derives the factor on attention from the two context lengths, so one
/// that the file gives must be that.
fn longrope(keys: &Keys<'_>) -> Result<Json, Error> {
    let long = factors(keys, "rope_factors_long.weight")?;
    let short = factors(keys, "rope_factors_short.weight")?;
    let (long, short) = match (long, short) {
        (Some(long), Some(short)) => (long, short),
        (None, None) => return Ok(Json::Null),
        (long, _) => {
            let name = if long.is_none() { "rope_factors_long.weight" } else { "rope_factors_short.weight" };
            return Err(Error::MissingTensor {
                path: keys.gguf.path.clone(),
                name: name.into(),
                similar: None,
            });
        }
    };
    let name = "rope.scaling.original_context_length";
    let original = keys.positive(name)?;
    let stretch = keys.integer("context_length")?.unwrap_or(original) as f64 / original as f64;
    let implied = if stretch > 1.0 { (1.0 + stretch.ln() / (original as f64).ln()).sqrt() } else { 1.0 };
    let name = "rope.scaling.attn_factor";
    if let Some(given) = keys.number(name)?.filter(|given| (given - implied).abs() > 1e-5) {
        return Err(keys.wrong(
            name,
            &format!("what the context lengths imply, {implied}"),
            &given.to_string(),
        ));
    }
    Ok(json!({ "rope_type": "longrope", "short_factor": short, "long_factor": long }))
}

/// Rotary embeddings of Gemma 4's layers without a window, whose heads are `head_dim` wide. A factor of 1e30 is that of a pair that stays as
/// it is: the last ones are `proportional`, anything else is kept in numbers.
pub(super) fn proportional(keys: &Keys<'_>, head_dim: u64) -> Result<Json, Error> {
    const STILL: f64 = 1e30;
    let name = "rope_freqs.weight";
    let missing = || Error::MissingTensor { path: keys.gguf.path.clone(), name: name.into(), similar: None };
    let factors = factors(keys, name)?.ok_or_else(missing)?;
    let pairs = head_dim / 2;
    if factors.len() as u64 != pairs {
        return Err(Error::TensorShape {
            path: keys.gguf.path.clone(),
            name: name.into(),
            expected: vec![pairs as i64],
            found: vec![factors.len() as i64],
        });
    }
    let rotated = factors.iter().take_while(|factor| (**factor - 1.0).abs() <= 0.0).count();
    let share = rotated as f64 / pairs as f64;
    let is_proportional = factors[rotated..].iter().all(|factor| *factor >= STILL);
    // The share is multiplied out and truncated where it is read.
    if is_proportional && (head_dim as f64 * share / 2.0) as usize == rotated {
        return Ok(json!({ "rope_type": "proportional", "partial_rotary_factor": share }));
    }
    Ok(json!({ "rope_type": "frequency_factors", "factors": factors, "partial_rotary_factor": 1.0 }))
}

/// The values of a tensor of factors, as the numbers that their shortest decimal forms mean.
fn factors(keys: &Keys<'_>, name: &str) -> Result<Option<Vec<f64>>, Error> {
    let Some(info) = keys.gguf.tensors.get(name) else { return Ok(None) };
    let values = super::values(keys.gguf, name, info)?;
    let numbers = values.iter().map(|value| value.to_string().parse().ok().filter(|f: &f64| f.is_finite()));
    let bad = || Error::BadFile {
        path: keys.gguf.path.clone(),
        problem: format!("tensor `{name}` has values that are no finite numbers"),
        remedy: "fetch the file again".into(),
    };
    numbers.collect::<Option<Vec<f64>>>().map(Some).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::gguf::testing::{Builder, open};

    fn scaling(architecture: Architecture, builder: Builder) -> Result<Json, Error> {
        rope_scaling(&Keys::new(&open(builder).1, architecture))
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn scaling_is_kept_in_words_or_in_numbers() {
        let llama = |builder| scaling(Architecture::Llama, builder);
        let tensor = |values: &[f32]| Builder::new().tensor("rope_freqs.weight", 0, &[2], &floats(values));
        assert_eq!(
            llama(tensor(&[1.0, 8.0])).unwrap(),
            json!({ "rope_type": "frequency_factors", "factors": [1.0, 8.0] })
        );
        assert_eq!(llama(tensor(&[1.0, 1.0])).unwrap(), Json::Null);
        assert!(llama(tensor(&[1.0, f32::NAN])).unwrap_err().to_string().contains("no finite numbers"));
        let kind = |kind: &str| {
            Builder::new().string("llama.rope.scaling.type", kind).f32("llama.rope.scaling.factor", 2.0)
        };
        assert_eq!(llama(kind("linear")).unwrap(), json!({ "rope_type": "linear", "factor": 2.0 }));
        assert!(llama(kind("spiral")).unwrap_err().to_string().contains("`spiral`"));
        let yarn = || kind("yarn").u32("llama.rope.scaling.original_context_length", 64);
        assert_eq!(
            llama(
                yarn()
                    .f32("llama.rope.scaling.yarn_beta_fast", 16.0)
                    .f32("llama.rope.scaling.attn_factor", 0.9)
            )
            .unwrap(),
            json!({ "rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 64, "beta_fast": 16.0 })
        );
        let other = llama(yarn().f32("llama.rope.scaling.yarn_ext_factor", 0.5)).unwrap_err().to_string();
        assert!(other.contains("`llama.rope.scaling.yarn_ext_factor` is `0.5`"), "{other}");
        let factor = |value: f32| llama(yarn().f32("llama.rope.scaling.yarn_attn_factor", value)).unwrap();
        assert_eq!(factor(1.25)["attention_factor"], json!(1.25));
        // 1 / (1 + 0.1 ln 2), which DeepSeek's file calls attn_factor.
        assert_eq!(factor(0.935_178_2).get("attention_factor"), None);
        assert!(llama(kind("yarn")).unwrap_err().to_string().contains("original_context_length"));
    }

    #[test]
    fn phi3_has_two_lists_and_one_factor_that_follows_from_them() {
        let long = |builder: Builder| builder.tensor("rope_factors_long.weight", 0, &[1], &floats(&[4.1]));
        let both = || {
            long(Builder::new().u32("phi3.context_length", 256))
                .tensor("rope_factors_short.weight", 0, &[1], &floats(&[1.5]))
                .u32("phi3.rope.scaling.original_context_length", 64)
        };
        let phi3 = |builder| scaling(Architecture::Phi3, builder);
        let expected = json!({ "rope_type": "longrope", "short_factor": [1.5], "long_factor": [4.1] });
        assert_eq!(phi3(both()).unwrap(), expected);
        // sqrt(1 + ln 4 / ln 64) = sqrt(4 / 3).
        assert_eq!(phi3(both().f32("phi3.rope.scaling.attn_factor", 1.154_700_5)).unwrap(), expected);
        let other = phi3(both().f32("phi3.rope.scaling.attn_factor", 1.0)).unwrap_err().to_string();
        assert!(other.contains("what the context lengths imply"), "{other}");
        let half = phi3(long(Builder::new())).unwrap_err().to_string();
        assert!(half.contains("has no tensor `rope_factors_short.weight`"), "{half}");
    }

    #[test]
    fn pairs_of_gemma_4_that_stay_are_the_last_ones_or_listed() {
        let gemma = |values: &[f32]| {
            let size = [values.len() as u64];
            let builder = Builder::new().tensor("rope_freqs.weight", 0, &size, &floats(values));
            proportional(&Keys::new(&open(builder).1, Architecture::Gemma4), 8)
        };
        let share = |share: f64| json!({ "rope_type": "proportional", "partial_rotary_factor": share });
        assert_eq!(gemma(&[1.0, 1e30, 1e30, 1e30]).unwrap(), share(0.25));
        assert_eq!(gemma(&[1.0; 4]).unwrap(), share(1.0));
        assert_eq!(
            gemma(&[1.0, 2.0, 1.0, 1e30]).unwrap(),
            json!({ "rope_type": "frequency_factors", "factors": [1.0, 2.0, 1.0, 1e30], "partial_rotary_factor": 1.0 })
        );
        let short = gemma(&[1.0; 3]).unwrap_err().to_string();
        assert!(short.contains("`rope_freqs.weight` has shape [3]") && short.contains("[4]"), "{short}");
        let none = proportional(&Keys::new(&open(Builder::new()).1, Architecture::Gemma4), 8).unwrap_err();
        assert!(none.to_string().contains("has no tensor `rope_freqs.weight`"), "{none}");
    }
}
