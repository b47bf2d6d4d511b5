//! How a config says that the weights are quantised.

use serde_json::{Map, Value};

use super::{ConfigFile, shortened};
use crate::weights::quantised::{Quantisation, Scheme, Strategy, ZeroPoints, quantised_forms};

/// The field.
const FIELD: &str = "quantization_config";

/// The object, with the file to tell what is wrong with it.
struct Said<'a> {
    file: &'a ConfigFile<'a>,
    fields: &'a Map<String, Value>,
}

/// The form of the weights, where the config names one; what is wrong with it is kept in `file`.
pub(super) fn read(file: &ConfigFile<'_>) -> Option<Quantisation> {
    let said = file.get(FIELD).or_else(|| file.outer(FIELD))?;
    let fields = match said {
        Value::Null => return None,
        Value::Object(fields) if fields.is_empty() => return None,
        Value::Object(fields) => fields,
        other => {
            file.wrong(FIELD, "an object", shortened(other));
            return None;
        }
    };
    let said = Said { file, fields };
    let is_bits = |field: &str| fields.get(field).and_then(Value::as_bool) == Some(true);
    // The oldest files of bitsandbytes do not name it.
    let unnamed = if is_bits("load_in_8bit") || is_bits("load_in_4bit") { "bitsandbytes" } else { "" };
    let method = fields.get("quant_method").and_then(Value::as_str).unwrap_or(unnamed);
    let quantisation = match method {
        "fp8" => said.fp8(),
        "compressed-tensors" => said.compressed_tensors(),
        "awq" => Some(said.awq()),
        "gptq" => said.gptq(),
        "bitsandbytes" | "bitsandbytes_4bit" | "bitsandbytes_8bit" => Some(Quantisation::BitsAndBytes),
        "mxfp4" => Some(Quantisation::Mxfp4),
        other => {
            let known: Vec<&str> = quantised_forms().iter().map(|form| form.method).collect();
            said.unsupported("quant_method", other, &known.join(", "));
            None
        }
    };
    if let Some(quantisation) = &quantisation {
        file.note(format!(
            "weights are quantised ({}): they are expanded as its library does",
            quantisation.method()
        ));
        if said.quantises_activations() {
            file.note("activations are not quantised, as the checkpoint asks for: scores can differ from programs that do");
        }
    }
    quantisation
}

impl Said<'_> {
    fn unsupported(&self, field: &str, found: impl std::fmt::Display, supported: &str) {
        self.file.unsupported(&format!("{FIELD}.{field}"), found, supported);
    }

    /// A number above 0; -1 and an absent field are `None`.
    fn size(&self, field: &str) -> Option<i64> {
        match self.fields.get(field) {
            None | Some(Value::Null) => None,
            Some(value) if value.as_i64() == Some(-1) => None,
            Some(value) => self.checked_size(field, value),
        }
    }

    fn checked_size(&self, field: &str, value: &Value) -> Option<i64> {
        let size = value.as_i64().filter(|size| (1..=super::config_file::LARGEST).contains(size));
        if size.is_none() {
            self.file.wrong(&format!("{FIELD}.{field}"), "a number above 0", shortened(value));
        }
        size
    }

    /// Rows and columns of a block.
    fn block(&self, field: &str, value: Option<&Value>) -> Option<[i64; 2]> {
        let sizes = value.and_then(Value::as_array).map(Vec::as_slice);
        let Some([rows, columns]) = sizes else {
            let found = value.map_or_else(|| "nothing".to_owned(), shortened);
            self.file.wrong(&format!("{FIELD}.{field}"), "two numbers above 0", found);
            return None;
        };
        Some([self.checked_size(field, rows)?, self.checked_size(field, columns)?])
    }

    fn fp8(&self) -> Option<Quantisation> {
        if let Some(format) =
            self.fields.get("fmt").and_then(Value::as_str).filter(|&format| format != "e4m3")
        {
            self.unsupported("fmt", format, "e4m3");
        }
        if let Some(format) = self.fields.get("scale_fmt").and_then(Value::as_str)
            && !matches!(format, "ue8m0" | "float")
        {
            self.unsupported("scale_fmt", format, "ue8m0 in f32, bf16 or f16 scales");
        }
        let block = match self.fields.get("weight_block_size") {
            Some(Value::Null) => None,
            said => Some(self.block("weight_block_size", said)?),
        };
        Some(Quantisation::Fp8 { block })
    }

    fn awq(&self) -> Quantisation {
        let text = |field| self.fields.get(field).and_then(Value::as_str);
        if let Some(version) = text("version").filter(|version| !version.eq_ignore_ascii_case("gemm")) {
            self.unsupported("version", version, "gemm");
        }
        let bits = self.size("bits").unwrap_or(4);
        if bits != 4 {
            self.unsupported("bits", bits, "4");
        }
        if self.fields.get("zero_point").and_then(Value::as_bool) == Some(false) {
            self.unsupported("zero_point", false, "true");
        }
        Quantisation::Awq { group: self.size("group_size") }
    }

    fn gptq(&self) -> Option<Quantisation> {
        let bits = self.size("bits").unwrap_or(4);
        if !matches!(bits, 2 | 3 | 4 | 8) {
            self.unsupported("bits", bits, "2, 3, 4, 8");
            return None;
        }
        let format = ["checkpoint_format", "format"].into_iter().find_map(|field| self.fields.get(field));
        let zero_points = match format.and_then(Value::as_str).unwrap_or("gptq") {
            "gptq" => ZeroPoints::OneLess,
            "gptq_v2" => ZeroPoints::Same,
            other => {
                self.unsupported("checkpoint_format", other, "gptq, gptq_v2");
                return None;
            }
        };
        if self.fields.get("dynamic").and_then(Value::as_object).is_some_and(|rules| !rules.is_empty()) {
            self.unsupported("dynamic", "rules of modules", "one form for all");
        }
        Some(Quantisation::Gptq { bits, group: self.size("group_size"), zero_points })
    }

    fn compressed_tensors(&self) -> Option<Quantisation> {
        const FORMATS: [&str; 5] =
            ["int-quantized", "float-quantized", "naive-quantized", "pack-quantized", "mixed-precision"];
        let format = self.fields.get("format").and_then(Value::as_str).unwrap_or("nothing");
        if !FORMATS.contains(&format) {
            self.unsupported("format", format, &FORMATS.join(", "));
            return None;
        }
        let Some(groups) = self.fields.get("config_groups").and_then(Value::as_object) else {
            self.file.wrong(&format!("{FIELD}.config_groups"), "an object", "nothing of the kind");
            return None;
        };
        let mut schemes = vec![];
        for (name, group) in groups {
            let field = format!("config_groups.{name}.weights");
            match group.get("weights") {
                None | Some(Value::Null) => {}
                Some(Value::Object(weights)) => schemes.extend(self.scheme(&field, weights)),
                Some(other) => self.file.wrong(&format!("{FIELD}.{field}"), "an object", shortened(other)),
            }
        }
        if self.fields.get("kv_cache_scheme").is_some_and(|scheme| !scheme.is_null()) {
            self.file.note("keys and values are not quantised as kv_cache_scheme asks for; --kv-dtype says how they are stored");
        }
        Some(Quantisation::CompressedTensors { schemes })
    }

    fn scheme(&self, field: &str, weights: &Map<String, Value>) -> Option<Scheme> {
        let text = |name: &str| weights.get(name).and_then(Value::as_str);
        let bits = weights.get("num_bits").and_then(Value::as_i64).unwrap_or(8);
        let is_float = text("type") == Some("float");
        if !(1..=8).contains(&bits) || (is_float && bits != 8) {
            let supported = if is_float { "8 of floats" } else { "1 to 8" };
            self.unsupported(&format!("{field}.num_bits"), bits, supported);
            return None;
        }
        let group = weights.get("group_size").filter(|group| !group.is_null());
        let named = text("strategy").unwrap_or(match group.and_then(Value::as_i64) {
            None => "tensor",
            Some(-1) => "channel",
            Some(_) => "group",
        });
        let strategy = match named {
            "tensor" => Strategy::Tensor,
            "channel" => Strategy::Channel,
            "group" => {
                let group = group.unwrap_or(&Value::Null);
                Strategy::Group(self.checked_size(&format!("{field}.group_size"), group)?)
            }
            "block" => Strategy::Block(
                self.block(&format!("{field}.block_structure"), weights.get("block_structure"))?,
            ),
            other => {
                self.unsupported(&format!("{field}.strategy"), other, "tensor, channel, group, block");
                return None;
            }
        };
        let is_symmetric = weights.get("symmetric").and_then(Value::as_bool).unwrap_or(true);
        Some(Scheme { bits, is_float, strategy, is_symmetric })
    }

    /// Whether what wrote the weights quantises activations too.
    fn quantises_activations(&self) -> bool {
        let groups = self.fields.get("config_groups").and_then(Value::as_object);
        let of_group = |group: &Value| group.get("input_activations").is_some_and(|said| !said.is_null());
        let is_int8 = self.fields.get("load_in_8bit").and_then(Value::as_bool) == Some(true);
        is_int8
            || self.fields.contains_key("activation_scheme")
            || groups.is_some_and(|groups| groups.values().any(of_group))
    }
}
