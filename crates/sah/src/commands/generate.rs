//! `cargo xtask generate`: one request.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::Context as _;
use sah_bench_core::data::{read_text, text};
use sah_report::visible;
use sah_request::{
    ContextStats, GenerationParams, NewToken, PromptForm, Question, Request, RequestLimits, RequestResponse,
    Thoughts,
};

use crate::App;
use crate::args::{GenerateArgs, PrefillArg};
use crate::attention::NamedAttention;
use crate::caller::AnswerListener;
use crate::exit;
use crate::terminal::show;
use crate::usage::UsageError;
use crate::{attention, generation_config, model, remedies, thinking};

/// Where none is given.
const SEED: u64 = 42;

/// Prints each answer to standard output and what it cost to standard error.
pub(crate) fn run(app: &App, args: &GenerateArgs) -> anyhow::Result<u8> {
    let context = args.context_file.as_deref().map(read_context).transpose()?;
    let mut terminal = Terminal { printer: Printer::default(), shown: Ok(()) };
    answer(app, args, context, &mut terminal)?;
    terminal.shown?;
    Ok(exit::DONE)
}

/// Answers the questions of `args` about `context` with each attention.
pub(crate) fn answer(
    app: &App,
    args: &GenerateArgs,
    context: Option<String>,
    listener: &mut dyn AnswerListener,
) -> anyhow::Result<()> {
    let attentions = attention::named(app, &args.attention, &["dense"])?;
    check_effects(args, context.is_some(), &attentions)?;
    let chat_template = args.template.options(args.chat_template.clone())?;
    let model = app.named_model(&args.model, chat_template)?;
    model::say_notes(&model);
    let request = Request {
        context: context.unwrap_or_default(),
        questions: args.question.iter().map(|text| Question::from(text.as_str())).collect(),
        answer_prefix: args.answer_prefix.clone(),
        form: if args.no_chat_template { PromptForm::Plain } else { PromptForm::Chat },
    };
    let seed = args.seed.unwrap_or(SEED);
    let generation = GenerationParams {
        thinking_tokens: args.template.thinking_tokens()?,
        ..args.sampling.generation(Some(args.answer_tokens), seed)
    };
    let of_thinking = thinking::warning(model.thinking(), &generation).filter(|_| !args.no_chat_template);
    let of_generation = generation_config::warnings(model.generation_config(), &args.sampling);
    for warning in of_thinking.into_iter().chain(of_generation) {
        tracing::warn!("{}", remedies::of_warning(&warning));
    }
    let limits = RequestLimits {
        max_context_length: args.max_context_length.map(|max| max as usize),
        truncation: args.truncation.map(Into::into).unwrap_or_default(),
        ignore_positions: false,
    };
    for attention in &attentions {
        let adapter = attention
            .adapter(&model, seed)?
            .with_special_tokens(args.special.special_tokens.into())
            .with_tokenisation(args.tokens.tokenise.into())
            .with_generation_config(args.sampling.generation_config.into());
        let name = &attention.name;
        let mut token = |new: NewToken<'_>| listener.token(name, new);
        let response = adapter.process_streaming(&request, &generation, &limits, &mut token)?;
        listener.answered(name, response);
    }
    Ok(())
}

/// Shows answers as they come, and what they cost.
struct Terminal {
    printer: Printer,
    /// Whether they could be shown.
    shown: anyhow::Result<()>,
}

impl AnswerListener for Terminal {
    fn token(&mut self, _: &str, token: NewToken<'_>) {
        let now = self.printer.print(token);
        self.shown = std::mem::replace(&mut self.shown, Ok(())).and(now);
    }

    fn answered(&mut self, attention: &str, response: RequestResponse) {
        self.printer = Printer::default();
        let ContextStats { tokens, border_tokens, prefill_seconds, kept, .. } = response.context;
        let border = match (border_tokens, response.answers.len()) {
            (0, _) => String::new(),
            (border, 1) => format!("; {border} at its end with the question"),
            (border, questions) => format!("; {border} at its end with each of {questions} questions"),
        };
        let kept = kept.map_or_else(String::new, |kept| format!("; {:.1} % of its keys kept", 100.0 * kept));
        tracing::info!(
            "{attention}: context of {tokens} tokens read in {prefill_seconds:.2} s{border}{kept}"
        );
        if response.context.special_tokens > 0 {
            let tokens = response.context.special_tokens;
            tracing::warn!(
                "the text of context and questions has {tokens} special tokens in it; {}",
                remedies::SPECIAL_TOKENS
            );
        }
        for answer in &response.answers {
            let stats = &answer.stats;
            tracing::info!(
                "  {} new tokens, first after {:.2} s, then {:.1} tokens/s; density {:.3}",
                stats.generated_tokens,
                stats.question_seconds,
                stats.decode_tokens_per_second().unwrap_or_default(),
                stats.density.unwrap_or(1.0)
            );
            if let Some(Thoughts { text, is_finished }) = &answer.thoughts {
                let end = if *is_finished { "" } else { ", without an end: the answer is unknown" };
                tracing::info!("  {} of them are thoughts{end}: {}", stats.thinking_tokens, visible(text));
            }
        }
    }
}

/// Refuses options that cannot change an answer.
fn check_effects(
    args: &GenerateArgs,
    has_context: bool,
    attentions: &[NamedAttention],
) -> Result<(), UsageError> {
    let none = |flag: &str, why: &str| Err(UsageError(format!("{flag} has no effect: {why}")));
    args.model.precision.check_eviction(args.attention.evict, attentions)?;
    if !has_context {
        if args.model.precision.packs() {
            let flag = format!("--kv-dtype {}", args.model.precision.kv_dtype());
            return none(&flag, "it packs contexts, and there is none without --context-file");
        }
        if args.max_context_length.is_some() {
            return none("--max-context-length", "there is no context without --context-file");
        }
        if args.attention.prefill != PrefillArg::Dense {
            let flag = format!("--prefill {}", args.attention.prefill.name());
            return none(&flag, "there is no context without --context-file");
        }
    }
    if args.truncation.is_some() && args.max_context_length.is_none() {
        return none("--truncation", "contexts are cut with --max-context-length only");
    }
    if let Some(seed) = args.seed
        && args.sampling.is_greedy()
        && !attentions.iter().any(NamedAttention::may_draw)
    {
        tracing::warn!("--seed {seed} changes nothing: decoding is greedy, and no attention draws anything");
    }
    Ok(())
}

/// Prints answers in the order of their questions, each from a line of its own: the first that is not at its end as it comes,
/// while the others wait.
#[derive(Debug, Default)]
struct Printer {
    /// The question whose answer is printed.
    question: usize,
    began: bool,
    /// Of the answers that wait, the text so far, and whether it is all.
    waiting: BTreeMap<usize, (String, bool)>,
}

impl Printer {
    fn print(&mut self, new: NewToken<'_>) -> anyhow::Result<()> {
        let (text, ended) = self.waiting.entry(new.question).or_default();
        if !new.is_thought {
            text.push_str(new.text);
        }
        *ended |= new.is_last;
        while let Some((text, ended)) = self.waiting.remove(&self.question) {
            // Answers of chat models often begin with a space or a line break.
            let text = if self.began { &text } else { text.trim_start() };
            self.began |= !text.is_empty();
            // A pipe gets the answer as it is; a terminal would obey its control characters.
            let text = if std::io::stdout().is_terminal() { visible(text) } else { text.into() };
            show(text)?;
            if !ended {
                break;
            }
            show("\n")?;
            self.question += 1;
            self.began = false;
        }
        Ok(())
    }
}

fn read_context(path: &Path) -> anyhow::Result<String> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("standard input")?;
        text(bytes, Path::new("standard input"))
    } else {
        read_text(path)
    };
    read.context("--context-file")
}
