//! The attentions that the command line names.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use sah_adapter::{HfAdapter, LoadedModel};
use sah_attention::{AttentionConfig, Error, Kernel, MaskerRegistry, ResearchAttention};

use crate::App;
use crate::args::{AttentionArgs, PrefillArg};
use crate::usage::UsageError;

/// An attention and the name of its result folder.
#[derive(Clone, Debug)]
pub(crate) struct NamedAttention {
    pub(crate) name: String,
    /// `None` is dense.
    pub(crate) config: Option<AttentionConfig>,
    /// How contexts are read.
    pub(crate) prefill: PrefillArg,
    /// Whether keys that it never reads again are evicted; never with dense attention.
    pub(crate) evict: bool,
    /// The kernel of all attention; `None` for the one that fits.
    pub(crate) kernel: Option<Arc<dyn Kernel>>,
}

impl NamedAttention {
    /// `model` with this attention.
    pub(crate) fn adapter(&self, model: &Rc<LoadedModel>, seed: u64) -> anyhow::Result<HfAdapter> {
        let adapter = HfAdapter::new(Rc::clone(model), self.build()?, seed);
        let adapter = match self.prefill {
            PrefillArg::Dense => adapter,
            PrefillArg::Sparse => adapter.with_sparse_prefill()?,
        };
        let adapter = if self.evict { adapter.with_eviction()? } else { adapter };
        Ok(match &self.kernel {
            Some(kernel) => adapter.with_kernel(Arc::clone(kernel)),
            None => adapter,
        })
    }

    /// The maskers and the kernel; `None` for dense.
    pub(crate) fn build(&self) -> anyhow::Result<Option<ResearchAttention>> {
        let build = |config| {
            ResearchAttention::from_config(config).with_context(|| format!("attention {}", self.name))
        };
        self.config.as_ref().map(build).transpose()
    }
}

/// Reads `--attention`; `default` where it is absent. All files are read and checked before any work begins.
pub(crate) fn named(
    app: &App,
    args: &AttentionArgs,
    default: &[&str],
) -> anyhow::Result<Vec<NamedAttention>> {
    let names: Vec<&str> = match args.attention.as_slice() {
        [] => default.to_vec(),
        names => names.iter().map(String::as_str).collect(),
    };
    let kernel = args.kernel.as_deref().map(|name| app.kernels.get(name)).transpose();
    let kernel = kernel.map_err(|error| UsageError(format!("--kernel: {error}")))?;
    let attentions: Vec<NamedAttention> = names
        .into_iter()
        .map(|name| one(&app.maskers, name, args, kernel.clone()))
        .collect::<anyhow::Result<_>>()?;
    for (name, assignment) in args.set.iter().map(|set| addressed(set)) {
        if let Some(name) = name.filter(|&name| attentions.iter().all(|attention| attention.name != name)) {
            bail!(UsageError(format!("--set {name}:{assignment}: --attention does not name {name}")));
        }
    }
    if args.evict && attentions.iter().all(|attention| attention.config.is_none()) {
        bail!(UsageError(
            "--evict with --attention dense alone: dense attention reads every key again; add one of sinks and a window, such \
             as streaming_llm, or leave out --evict"
                .to_owned()
        ));
    }
    let mut seen = HashSet::new();
    for attention in &attentions {
        if let Some(built) = attention.build()? {
            if attention.prefill == PrefillArg::Sparse
                && let Err(error) = built.for_prefill()
            {
                bail!(UsageError(format!("--prefill sparse with --attention {}: {error}", attention.name)));
            }
            if attention.evict
                && let Err(error) = built.kept_keys()
            {
                bail!(UsageError(format!(
                    "--evict with --attention {}: {error}; leave out --evict",
                    attention.name
                )));
            }
        }
        if !seen.insert(&attention.name) {
            bail!(UsageError(format!(
                "--attention names {:?} twice; each needs its own result folder",
                attention.name
            )));
        }
    }
    Ok(attentions)
}

fn one(
    maskers: &MaskerRegistry,
    name: &str,
    args: &AttentionArgs,
    kernel: Option<Arc<dyn Kernel>>,
) -> anyhow::Result<NamedAttention> {
    if name == "dense" {
        let prefill = args.prefill;
        return Ok(NamedAttention { name: name.to_owned(), config: None, prefill, evict: false, kernel });
    }
    let path = Path::new(name);
    let assignments = |name: &str| -> Vec<&str> {
        let of_this = |(owner, _): &(Option<&str>, &str)| owner.is_none_or(|owner| owner == name);
        args.set.iter().map(|set| addressed(set)).filter(of_this).map(|(_, assignment)| assignment).collect()
    };
    let (name, config) = match path.extension().and_then(OsStr::to_str) {
        Some("json" | "toml") => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let config = from_file(maskers, path)?.with(&assignments(&stem));
            (stem, config)
        }
        _ if name == "streaming_llm" => {
            let config = AttentionConfig::streaming_llm(args.sink_size, args.local_window);
            (name.to_owned(), config.with(&assignments(name)))
        }
        _ => (name.to_owned(), AttentionConfig::preset_in(maskers, name, &assignments(name))),
    };
    match config {
        Ok(config) => {
            let AttentionArgs { prefill, evict, .. } = *args;
            Ok(NamedAttention { name, config: Some(config), prefill, evict, kernel })
        }
        Err(Error::NoPreset { known, .. }) => bail!(UsageError(format!(
            "--attention {name:?}: there is dense, {}, or a file that ends in .json or .toml",
            known.join(", ")
        ))),
        Err(error) => bail!(UsageError(format!("--attention {name}: {error}"))),
    }
}

/// `quest:page_size=32` as the attention that is meant and the assignment.
fn addressed(set: &str) -> (Option<&str>, &str) {
    match set.split_once([':', '=']) {
        Some((name, assignment)) if set[name.len()..].starts_with(':') => (Some(name), assignment),
        _ => (None, set),
    }
}

fn from_file(maskers: &MaskerRegistry, path: &Path) -> anyhow::Result<AttentionConfig> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let config = if path.extension().is_some_and(|extension| extension == "toml") {
        from_toml(maskers, &text).map_err(anyhow::Error::from)
    } else {
        from_json(maskers, &text).map_err(anyhow::Error::from)
    };
    config.with_context(|| path.display().to_string())
}

fn from_toml(maskers: &MaskerRegistry, text: &str) -> Result<AttentionConfig, toml::de::Error> {
    AttentionConfig::read(maskers, toml::de::Deserializer::parse(text)?)
}

fn from_json(maskers: &MaskerRegistry, text: &str) -> serde_json::Result<AttentionConfig> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let config = AttentionConfig::read(maskers, &mut deserializer)?;
    deserializer.end()?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::addressed;

    #[test]
    fn an_assignment_may_be_for_one_attention() {
        assert_eq!(addressed("quest:page_size=32"), (Some("quest"), "page_size=32"));
        assert_eq!(addressed("sink.size=1%"), (None, "sink.size=1%"));
        assert_eq!(addressed("hat_weight_file=C:/weights"), (None, "hat_weight_file=C:/weights"));
    }
}
