//! The attentions that the command line names.

mod retention;
mod settings;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use sah_adapter::{HfAdapter, LoadedModel, RetentionSees};
use sah_attention::{
    AttentionConfig, DoubleSparsityConfig, Error, FlexPrefillConfig, HashAttentionConfig, HashSource, Kernel,
    LocalConfig, MInferenceConfig, MaskerRegistry, OracleTopKBlocksConfig, OracleTopKConfig,
    OracleTopPConfig, QuestConfig, ResearchAttention, SinkConfig, TriShapeConfig, XAttentionConfig,
};
use sah_bench_core::data::read_text;
use sah_message::{meant, nearest};

use self::retention::NamedRetention;
use self::settings::Settings;
use crate::App;
use crate::args::{AttentionArgs, PrefillArg, QuestionArg, SeesArg};
use crate::plan_file::toml_problem;
use crate::usage::UsageError;

/// Reads every key, and has no configuration.
const DENSE: &str = "dense";
/// The preset that has flags of its own.
const STREAMING_LLM: &str = "streaming_llm";

/// An attention and the name of its result folder.
#[derive(Clone, Debug)]
pub(crate) struct NamedAttention {
    pub(crate) name: String,
    /// `None` is dense.
    pub(crate) config: Option<AttentionConfig>,
    /// How contexts are read.
    pub(crate) prefill: Prefill,
    /// Whether questions are read densely; never with dense attention, which does nothing else.
    pub(crate) dense_questions: bool,
    /// Whether keys that it never reads again are evicted; never with dense attention.
    pub(crate) evict: bool,
    /// Which keys of contexts stay; `None` where all do.
    pub(crate) retention: Option<NamedRetention>,
    /// The kernel of all attention; `None` for the one that fits.
    pub(crate) kernel: Option<Arc<dyn Kernel>>,
}

/// How contexts are read.
#[derive(Clone, Debug)]
pub(crate) enum Prefill {
    Dense,
    /// As new tokens attend.
    Sparse,
    /// With maskers of their own.
    Named {
        name: String,
        config: AttentionConfig,
    },
}

impl Prefill {
    /// As `config.json` has it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Dense => "dense",
            Self::Sparse => "sparse",
            Self::Named { name, .. } => name,
        }
    }

    /// The maskers, where they are not those of new tokens.
    pub(crate) fn config(&self) -> Option<&AttentionConfig> {
        if let Self::Named { config, .. } = self { Some(config) } else { None }
    }

    fn build(&self) -> anyhow::Result<Option<ResearchAttention>> {
        let Self::Named { name, config } = self else { return Ok(None) };
        let built = ResearchAttention::from_config(config);
        Ok(Some(built.with_context(|| format!("--prefill {name}"))?))
    }
}

impl NamedAttention {
    /// `model` with this attention.
    pub(crate) fn adapter(&self, model: &Rc<LoadedModel>, seed: u64) -> anyhow::Result<HfAdapter> {
        let adapter = HfAdapter::new(Rc::clone(model), self.build()?, seed);
        let adapter = match &self.prefill {
            Prefill::Dense => adapter,
            Prefill::Sparse => adapter.with_sparse_prefill()?,
            Prefill::Named { .. } => match self.prefill.build()? {
                Some(attention) => adapter.with_prefill(&attention)?,
                None => adapter,
            },
        };
        let adapter = if self.dense_questions { adapter.with_dense_questions()? } else { adapter };
        let adapter = if self.evict { adapter.with_eviction()? } else { adapter };
        let adapter = match &self.retention {
            Some(retention) => adapter.with_retention(retention.config.build()?, retention.sees)?,
            None => adapter,
        };
        Ok(match &self.kernel {
            Some(kernel) => adapter.with_kernel(Arc::clone(kernel)),
            None => adapter,
        })
    }

    /// Whether it may draw random numbers: every masker may that is not known not to, and so may every rule of a retention.
    pub(crate) fn may_draw(&self) -> bool {
        if self.retention.as_ref().is_some_and(|retention| retention.config.may_draw()) {
            return true;
        }
        let configs = self.config.iter().chain(self.prefill.config());
        let maskers = configs.flat_map(|config| &config.maskers);
        maskers.into_iter().any(|masker| {
            masker.get::<SinkConfig>().is_none()
                && masker.get::<LocalConfig>().is_none()
                && masker.get::<OracleTopKConfig>().is_none()
                && masker.get::<OracleTopPConfig>().is_none()
                && masker.get::<QuestConfig>().is_none()
                && masker.get::<TriShapeConfig>().is_none()
                && masker.get::<OracleTopKBlocksConfig>().is_none()
                && masker.get::<XAttentionConfig>().is_none()
                && masker.get::<FlexPrefillConfig>().is_none()
                && masker.get::<MInferenceConfig>().is_none()
                && masker.get::<DoubleSparsityConfig>().is_none()
                && masker.get::<HashAttentionConfig>().is_none_or(|hash| hash.weights == HashSource::Random)
        })
    }

    /// Whether its retention drops keys while answers grow.
    pub(crate) fn drops_while_growing(&self) -> bool {
        self.retention.as_ref().is_some_and(|retention| retention.config.every.is_some())
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
    let mut settings = Settings::new(args);
    let prefill = prefill(app, &args.prefill, &mut settings)?;
    let attentions: Vec<NamedAttention> = names
        .into_iter()
        .map(|name| one(app, name, args, &mut settings, (&prefill, kernel.clone())))
        .collect::<anyhow::Result<_>>()?;
    let retentions: Vec<Option<NamedRetention>> = args
        .retention
        .iter()
        .map(|name| retention::one(app, name, &mut settings))
        .collect::<anyhow::Result<_>>()?;
    settings.check_used(&attentions, &retentions, &prefill)?;
    check_dense(args, &attentions)?;
    let attentions = with_retentions(args, attentions, &retentions)?;
    let mut seen = HashSet::new();
    for attention in &attentions {
        check(attention)?;
        if !seen.insert(&attention.name) {
            bail!(UsageError(format!(
                "--attention and --retention give {:?} twice; each needs its own result folder",
                attention.name
            )));
        }
    }
    Ok(attentions)
}

/// Each of `attentions` with each of `retentions`.
fn with_retentions(
    args: &AttentionArgs,
    attentions: Vec<NamedAttention>,
    retentions: &[Option<NamedRetention>],
) -> Result<Vec<NamedAttention>, UsageError> {
    if args.retention_sees == SeesArg::Question && retentions.iter().all(Option::is_none) {
        let text = "--retention-sees question has no effect: there is no --retention that drops keys; add one, such as snapkv";
        return Err(UsageError(text.to_owned()));
    }
    if retentions.is_empty() {
        return Ok(attentions);
    }
    let sees = match args.retention_sees {
        SeesArg::Context => RetentionSees::Context,
        SeesArg::Question => RetentionSees::Question,
    };
    let names: Vec<&str> = args.retention.iter().map(String::as_str).collect();
    if retentions.iter().all(Option::is_none) {
        let text = "--retention none alone has no effect: nothing is dropped; name another one beside it, or leave it out";
        return Err(UsageError(text.to_owned()));
    }
    let prefill = format!("--prefill {}", args.prefill.name());
    for (is_given, flag) in [(args.prefill != PrefillArg::Dense, prefill.as_str()), (args.evict, "--evict")] {
        if is_given {
            let names = names.join(",");
            let text = format!(
                "{flag} with --retention {names}: a retention chooses among all keys of a context; leave out one"
            );
            return Err(UsageError(text));
        }
    }
    let with = |attention: NamedAttention| {
        retentions.iter().map(move |retention| match retention {
            None => attention.clone(),
            Some(of) => {
                let name = format!("{}+{}", attention.name, of.name);
                let retention = Some(NamedRetention { sees, ..of.clone() });
                NamedAttention { name, retention, ..attention.clone() }
            }
        })
    };
    Ok(attentions.into_iter().flat_map(with).collect())
}

/// Refuses what dense attention alone cannot do.
fn check_dense(args: &AttentionArgs, attentions: &[NamedAttention]) -> Result<(), UsageError> {
    if attentions.iter().any(|attention| attention.config.is_some()) {
        return Ok(());
    }
    let sinks_and_window = "add one of sinks and a window, such as streaming_llm";
    if args.evict {
        return Err(UsageError(format!(
            "--evict with --attention dense alone: dense attention reads every key again; {sinks_and_window}, or leave out \
             --evict"
        )));
    }
    if args.question_attention == QuestionArg::Dense {
        let text = "--question-attention dense with --attention dense alone has no effect: questions are dense anyway; add a sparse \
                    attention, or leave it out";
        return Err(UsageError(text.to_owned()));
    }
    if args.prefill == PrefillArg::Sparse {
        return Err(UsageError(format!(
            "--prefill sparse with --attention dense alone has no effect: there is nothing to read contexts sparsely with; \
             {sinks_and_window}, or leave out --prefill"
        )));
    }
    Ok(())
}

/// Refuses what the maskers of an attention cannot do.
fn check(attention: &NamedAttention) -> anyhow::Result<()> {
    if let Some(prefill) = attention.prefill.build()?
        && let Err(error) = prefill.for_prefill()
    {
        bail!(UsageError(format!("--prefill {}: {error}", attention.prefill.name())));
    }
    let Some(built) = attention.build()? else { return Ok(()) };
    if let Some(masker) = built.maskers().iter().find(|masker| masker.is_for_prefill_alone()) {
        let (name, masker) = (&attention.name, masker.name());
        let text = format!(
            "--attention {name}: `{masker}` goes by many rows of a context, and new tokens come one by one; name it with --prefill, and \
             with --attention what new tokens read"
        );
        bail!(UsageError(text));
    }
    if matches!(attention.prefill, Prefill::Sparse)
        && let Err(error) = built.for_prefill()
    {
        bail!(UsageError(format!("--prefill sparse with --attention {}: {error}", attention.name)));
    }
    if attention.evict && attention.dense_questions {
        let text = "--evict with --question-attention dense: a dense question reads every key of the context again; leave out one of \
                    the two";
        bail!(UsageError(text.to_owned()));
    }
    if attention.evict
        && let Err(error) = built.kept_keys()
    {
        bail!(UsageError(format!("--evict with --attention {}: {error}; leave out --evict", attention.name)));
    }
    Ok(())
}

fn one(
    app: &App,
    name: &str,
    args: &AttentionArgs,
    settings: &mut Settings,
    (prefill, kernel): (&Prefill, Option<Arc<dyn Kernel>>),
) -> anyhow::Result<NamedAttention> {
    let prefill = prefill.clone();
    if name == DENSE {
        let name = name.to_owned();
        return Ok(NamedAttention {
            name,
            config: None,
            prefill,
            dense_questions: false,
            evict: false,
            retention: None,
            kernel,
        });
    }
    let fields = |stem: &str| settings.of(stem, name == STREAMING_LLM);
    let (name, config) = read(app, "--attention", name, &[DENSE], fields)?;
    let AttentionArgs { evict, question_attention, .. } = *args;
    let dense_questions = question_attention == QuestionArg::Dense;
    let config = Some(config);
    Ok(NamedAttention { name, config, prefill, dense_questions, evict, retention: None, kernel })
}

/// What `--prefill` names.
fn prefill(app: &App, arg: &PrefillArg, settings: &mut Settings) -> anyhow::Result<Prefill> {
    match arg {
        PrefillArg::Dense => Ok(Prefill::Dense),
        PrefillArg::Sparse => Ok(Prefill::Sparse),
        PrefillArg::Named(name) => {
            let fields = |stem: &str| settings.of_prefill(stem);
            let (name, config) = read(app, "--prefill", name, &[DENSE, "sparse"], fields)?;
            Ok(Prefill::Named { name, config })
        }
    }
}

/// The attention `name` of `flag`, which has the names `own` beside those of presets, and its name without the folder and the ending of a file;
/// `fields` are set for that name.
fn read(
    app: &App,
    flag: &str,
    name: &str,
    own: &[&'static str],
    fields: impl FnOnce(&str) -> Vec<String>,
) -> anyhow::Result<(String, AttentionConfig)> {
    let path = Path::new(name);
    let is_file = matches!(path.extension().and_then(OsStr::to_str), Some("json" | "toml"));
    let of_program = app.attentions.iter().find(|attention| attention.0 == name);
    let (name, config) = if let Some((name, config)) = of_program {
        (name.clone(), Ok(config.clone()))
    } else if let Some((folder, config)) = app.attention_names.and_then(|read| read(name)) {
        let config = AttentionConfig::read(&app.maskers, config);
        (folder, Ok(config.map_err(|error| UsageError(format!("{flag} {name}: {error}")))?))
    } else if is_file {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let config = from_file(&app.maskers, path)?.with(&fields(&stem));
        (stem, config)
    } else {
        (name.to_owned(), AttentionConfig::preset_in(&app.maskers, name, &fields(name)))
    };
    match config {
        Ok(config) => Ok((name, config)),
        Err(Error::NoPreset { known, .. }) => {
            let known = own.iter().copied().chain(known).collect::<Vec<_>>();
            bail!(unknown(flag, &name, &known))
        }
        Err(error) => bail!(UsageError(format!("{flag} {name}: {error}"))),
    }
}

/// `flag` names neither one of `known` nor a file.
fn unknown(flag: &str, name: &str, known: &[&str]) -> UsageError {
    let known = known.iter().copied();
    UsageError(match nearest(name, known.clone()).as_slice() {
        [] => {
            let known = known.collect::<Vec<_>>().join(", ");
            format!("{flag} {name:?}: there is {known}, or a file that ends in .json or .toml")
        }
        _ => format!("{flag} {name:?}: {}", meant(name, known)),
    })
}

fn from_file(maskers: &MaskerRegistry, path: &Path) -> anyhow::Result<AttentionConfig> {
    let text = read_text(path)?;
    let config = if path.extension().is_some_and(|extension| extension == "toml") {
        from_toml(maskers, &text).map_err(|error| anyhow!(toml_problem(&error, &text)))
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
