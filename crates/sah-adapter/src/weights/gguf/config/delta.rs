//! What models with the gated delta rule have beside the common fields.

use serde_json::{Map, Value as Json, json};

use crate::Error;
use crate::weights::gguf::keys::Keys;
use crate::weights::gguf::value::Value;

/// Sizes of the heads of these layers, and which layers they are.
pub(super) fn delta(keys: &Keys<'_>, config: &mut Map<String, Json>, layers: u64) -> Result<(), Error> {
    let (key_heads, value_heads) = (keys.positive("ssm.group_count")?, keys.positive("ssm.time_step_rank")?);
    let values = keys.positive("ssm.inner_size")?;
    if !value_heads.is_multiple_of(key_heads) {
        let expected = format!("a multiple of ssm.group_count, {key_heads}");
        return Err(keys.wrong("ssm.time_step_rank", &expected, &value_heads.to_string()));
    }
    if !values.is_multiple_of(value_heads) {
        let expected = format!("a multiple of ssm.time_step_rank, {value_heads}");
        return Err(keys.wrong("ssm.inner_size", &expected, &values.to_string()));
    }
    for (field, size) in [
        ("linear_num_key_heads", key_heads),
        ("linear_num_value_heads", value_heads),
        ("linear_key_head_dim", keys.positive("ssm.state_size")?),
        ("linear_value_head_dim", values / value_heads),
        ("linear_conv_kernel_dim", keys.positive("ssm.conv_kernel")?),
    ] {
        config.insert(field.into(), json!(size));
    }
    config.insert("layer_types".into(), layer_types(keys, layers)?);
    Ok(())
}

/// All but every so many, or as the file lists them. The list has those layers, too, that predict further tokens.
fn layer_types(keys: &Keys<'_>, layers: u64) -> Result<Json, Error> {
    let name_of = |is_delta: bool| if is_delta { "linear_attention" } else { "full_attention" };
    let name = "attention.recurrent_layers";
    if let Some(value) = keys.gguf.metadata.get(&keys.full(name)) {
        let wrong = || {
            let expected = format!("true or false for each of the {layers} layers");
            keys.wrong(name, &expected, &value.describe())
        };
        let list = value.as_array().ok_or_else(wrong)?.iter().map(Value::as_bool);
        let list: Vec<bool> = list.collect::<Option<_>>().ok_or_else(wrong)?;
        let own = list.get(..layers as usize).ok_or_else(wrong)?;
        return Ok(own.iter().copied().map(name_of).collect());
    }
    let name = "full_attention_interval";
    let every = if keys.integer(name)?.is_some() { keys.positive(name)? } else { 4 };
    keys.check_layers(layers)?;
    Ok((1..=layers).map(|layer| name_of(!layer.is_multiple_of(every))).collect())
}
