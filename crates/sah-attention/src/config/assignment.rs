//! Presets of attentions, and their fields set by text.

use serde_json::Value;

use crate::config::{AttentionConfig, assign};
use crate::error::{Error, Result};
use crate::masker::MaskerRegistry;

impl AttentionConfig {
    /// The preset `name` of this crate.
    ///
    /// `hashattention` and `double_sparsity` need a file, which [`preset_with`](Self::preset_with) can give them: they are errors
    /// unless `hat_weight_file` (or `hat_weights=random`) or `sorted_channel_file` is set.
    ///
    /// ```
    /// use sah_attention::{AttentionConfig, QuestConfig, Size};
    ///
    /// let config = AttentionConfig::preset("quest").unwrap();
    /// let quest: &QuestConfig = config.maskers[2].get().unwrap();
    /// assert_eq!((quest.heavy_size, quest.page_size), (Size::Fraction(0.1), 16));
    /// ```
    pub fn preset(name: &str) -> Result<Self> {
        Self::preset_with(name, &[""; 0])
    }

    /// The preset `name` of this crate, with fields set as in [`with`](Self::with).
    ///
    /// ```
    /// use sah_attention::{AttentionConfig, QuestConfig, Size};
    ///
    /// let config = AttentionConfig::preset_with("quest", &["heavy_size=5%", "page_size=32"]).unwrap();
    /// let quest: &QuestConfig = config.maskers[2].get().unwrap();
    /// assert_eq!((quest.heavy_size, quest.page_size), (Size::Fraction(0.05), 32));
    /// ```
    pub fn preset_with(name: &str, assignments: &[impl AsRef<str>]) -> Result<Self> {
        Self::preset_in(&MaskerRegistry::builtin(), name, assignments)
    }

    /// The preset `name` of `registry`, with fields set as in [`with`](Self::with).
    pub fn preset_in(registry: &MaskerRegistry, name: &str, assignments: &[impl AsRef<str>]) -> Result<Self> {
        let no_preset = || Error::NoPreset { name: name.to_owned(), known: registry.presets().collect() };
        assigned(registry, registry.template(name).ok_or_else(no_preset)?.clone(), assignments)
    }

    /// This configuration with fields set: `FIELD=VALUE` in the only masker that has such a field, `TYPE.FIELD=VALUE` in
    /// the masker of that type, or `dense_layers=N`.
    ///
    /// A value is JSON, a share of the keys such as `5%`, or else text. A field that is set twice is an error.
    pub fn with(&self, assignments: &[impl AsRef<str>]) -> Result<Self> {
        let value =
            serde_json::to_value(self).map_err(|error| Error::Config { problem: error.to_string() })?;
        assigned(&MaskerRegistry::of(&self.maskers), value, assignments)
    }
}

fn assigned(
    registry: &MaskerRegistry,
    mut config: Value,
    assignments: &[impl AsRef<str>],
) -> Result<AttentionConfig> {
    let fields = |name: &str| registry.info(name).map(|info| info.fields);
    let entries =
        assign::Entries { list: "maskers", word: "maskers", own: &["dense_layers"], fields: &fields };
    assign::all(&entries, &mut config, assignments)?;
    AttentionConfig::read(registry, config).map_err(|error| Error::Config { problem: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masker::{AdaptiveSamplingConfig, HashAttentionConfig, HashSource, SinkConfig};
    use crate::size::Size;

    #[test]
    fn every_preset_is_whole_or_says_what_it_lacks() {
        for name in MaskerRegistry::builtin().presets() {
            match AttentionConfig::preset(name) {
                Ok(config) => assert!(config.build_maskers().is_ok(), "{name}"),
                Err(error) => {
                    let lacks = match name {
                        "double_sparsity" => "missing field `sorted_channel_file`",
                        "hashattention" => "hat_weight_file must be a safetensors file, or else hat_weights",
                        _ => "nothing",
                    };
                    assert!(error.to_string().contains(lacks), "{name}: {error}");
                }
            }
        }
        let llm = AttentionConfig::preset("streaming_llm").unwrap();
        assert_eq!(llm, AttentionConfig::streaming_llm(Size::Count(4), Size::Count(64)));
        let error = AttentionConfig::preset("quset").unwrap_err().to_string();
        assert_eq!(error, "there is no preset \"quset\"; did you mean quest?");
    }

    #[test]
    fn fields_are_set_where_they_are() {
        let set = ["dense_layers=2", "sink.size=1%", "epsilon=0.3", "adaptive_sampling.init_offset=0"];
        let config = AttentionConfig::preset_with("vattention", &set).unwrap();
        assert_eq!(config.dense_layers, 2);
        assert_eq!(config.maskers[0], SinkConfig { size: Size::Fraction(0.01) }.into());
        let &AdaptiveSamplingConfig { epsilon, init_offset, delta, .. } = config.maskers[3].get().unwrap();
        assert_eq!((epsilon, init_offset, delta), (0.3, Size::Count(0), 0.1));
        assert_eq!(config.with(&["dense_layers=0"]).unwrap().dense_layers, 0);

        let config =
            AttentionConfig::preset_with("hashattention", &["hat_weights=random", "hat_bits=64"]).unwrap();
        let want = HashAttentionConfig {
            heavy_size: Size::Fraction(0.1),
            hat_bits: 64,
            weights: HashSource::Random,
        };
        assert_eq!(config.maskers[2], want.into());
        let set = ["hat_weight_file=w.safetensors", "hat_mlp_activation=silu"];
        assert!(AttentionConfig::preset_with("hashattention", &set).is_ok(), "the file is read later");
        assert!(AttentionConfig::preset_with("double_sparsity", &["sorted_channel_file=c.json"]).is_ok());
    }

    #[test]
    fn a_field_is_set_once() {
        let set = |assignments: &[&str]| {
            AttentionConfig::preset_with("quest", assignments).map_err(|error| error.to_string())
        };
        for (first, second, field) in [
            ("page_size=32", "page_size=16", "quest_top_k.page_size"),
            ("page_size=32", "quest_top_k.page_size=32", "quest_top_k.page_size"),
            ("dense_layers=1", "dense_layers=2", "dense_layers"),
        ] {
            let error = set(&[first, second]).unwrap_err();
            assert!(error.contains(&format!("{second:?}: {field} is set already")), "{error}");
        }
        assert!(set(&["sink.size=1", "local.size=2"]).is_ok());
    }

    #[test]
    fn what_cannot_be_set_is_an_error() {
        let check = |assignment: &str, part: &str| {
            let error = AttentionConfig::preset_with("quest", &[assignment]).unwrap_err().to_string();
            assert!(error.contains(part), "{assignment}: {error}");
        };
        check("page_size", "\"page_size\": must be FIELD=VALUE");
        check("size=4", "several maskers have it: write TYPE.FIELD=VALUE, for example sink.size=4");
        check("pages=4", "no such field; did you mean page_size?");
        check("quest.page_size=4", "no such field; did you mean quest_top_k.page_size or ");
        check("dense_layer=4", "no such field; did you mean dense_layers?");
        check(
            "window=4",
            "no such field; there is sink.size, local.size, quest_top_k.heavy_size, quest_top_k.page_size",
        );
        check("magic_pig.lsh_l=4", "no such field; there is sink.size, ");
        check("page_size=0", "attention configuration: page_size must be at least 1, got 0");
        check("page_size=many", "invalid type: string \"many\"");
        check("heavy_size=0.1", "write {\"fraction\": 0.1}");
        check("heavy_size=200%", "must be in (0, 1] as a fraction, got 2");
    }
}
