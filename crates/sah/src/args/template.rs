//! What a user says about a model's chat template.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use sah_adapter::{ChatTemplateOptions, Thinking};
use serde_json::Value;

use crate::usage::UsageError;

/// Values for variables of a chat template.
#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    /// Give a variable of the chat template a value: `reasoning_effort=low`, `enable_thinking=false`. JSON, or a text that is no
    /// JSON. Give it several times for several variables; `doctor MODEL` names those that the template reads
    #[arg(long, value_name = "NAME=JSON")]
    pub(crate) template_arg: Vec<TemplateArg>,

    /// Whether a model thinks before it answers, where its chat template has a switch for that (`enable_thinking` and the like).
    /// `on` gives its thoughts room of their own and leaves answer prefixes out. Thoughts are never scored
    #[arg(long, value_enum, default_value = "off")]
    pub(crate) thinking: ThinkingArg,

    /// With `--thinking on`: at most N tokens of thoughts, beside the limit on the answer; 1024 by default. Thoughts that need
    /// more are cut off, and their answer is empty
    #[arg(long, value_name = "N")]
    pub(crate) thinking_tokens: Option<NonZeroUsize>,
}

/// `--thinking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThinkingArg {
    Off,
    On,
}

/// Tokens of thoughts where nobody says how many.
const THINKING_TOKENS: usize = 1024;

impl TemplateArgs {
    /// These values, with a template of the user's own if there is one.
    pub(crate) fn options(&self, file: Option<PathBuf>) -> Result<ChatTemplateOptions, UsageError> {
        let thinking = match self.thinking {
            ThinkingArg::Off => Thinking::Off,
            ThinkingArg::On => Thinking::On,
        };
        let mut options = ChatTemplateOptions { file, thinking, ..ChatTemplateOptions::default() };
        for TemplateArg { name, value } in &self.template_arg {
            if options.arguments.insert(name.clone(), value.clone()).is_some() {
                return Err(UsageError(format!("--template-arg {name} is given twice")));
            }
        }
        Ok(options)
    }

    /// The room for thoughts beside the limit on the answer.
    pub(crate) fn thinking_tokens(&self) -> Result<usize, UsageError> {
        match (self.thinking, self.thinking_tokens) {
            (ThinkingArg::On, tokens) => Ok(tokens.map_or(THINKING_TOKENS, NonZeroUsize::get)),
            (ThinkingArg::Off, None) => Ok(0),
            (ThinkingArg::Off, Some(_)) => {
                let text = "--thinking-tokens has no effect without --thinking on";
                Err(UsageError(text.to_owned()))
            }
        }
    }

    /// The first option that says something of a chat template.
    pub(crate) fn first_option(&self) -> Option<String> {
        if let Some(TemplateArg { name, .. }) = self.template_arg.first() {
            return Some(format!("--template-arg {name}"));
        }
        (self.thinking == ThinkingArg::On).then(|| "--thinking on".to_owned())
    }
}

/// `--template-arg NAME=JSON`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TemplateArg {
    name: String,
    value: Value,
}

impl FromStr for TemplateArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=JSON")?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if !name.chars().all(is_word) || !name.starts_with(|c: char| is_word(c) && !c.is_numeric()) {
            return Err(format!("{name:?} is no name of a variable"));
        }
        Ok(Self { name: name.to_owned(), value: value_of(value)? })
    }
}

/// JSON, or a text that cannot be meant as JSON.
fn value_of(text: &str) -> Result<Value, String> {
    let error = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(json) =
        [("True", "true"), ("False", "false"), ("None", "null")].iter().find(|(python, _)| *python == text)
    {
        return Err(format!("{text} is Python; in JSON it is {}", json.1));
    }
    if text.trim_start().starts_with(['{', '[', '"', '\'']) || text.is_empty() {
        return Err(format!("{text:?} is no JSON: {error}"));
    }
    Ok(Value::from(text))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use serde_json::{Value, json};

    use super::{TemplateArg, TemplateArgs, ThinkingArg};

    fn value(text: &str) -> Result<Value, String> {
        text.parse().map(|TemplateArg { value, .. }| value)
    }

    #[test]
    fn a_value_is_json_or_a_text_that_is_none() {
        assert_eq!(value("a=false"), Ok(json!(false)));
        assert_eq!(value("a=[1, {\"b\": null}]"), Ok(json!([1, {"b": null}])));
        assert_eq!(value("a=low"), Ok(json!("low")));
        assert_eq!(value("a=26 Jul 2024"), Ok(json!("26 Jul 2024")));
        assert_eq!(value("a=\"x=1\""), Ok(json!("x=1")));
        for (text, expected) in [
            ("a", "NAME=JSON"),
            ("=1", "no name"),
            ("1a=1", "no name"),
            ("a b=1", "no name"),
            ("a=False", "in JSON it is false"),
            ("a=[1,", "no JSON"),
            ("a='x'", "no JSON"),
            ("a=", "no JSON"),
        ] {
            let error = value(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn each_variable_has_one_value() {
        let args = |texts: &[&str]| TemplateArgs {
            template_arg: texts.iter().map(|text| text.parse().unwrap()).collect(),
            thinking: ThinkingArg::Off,
            thinking_tokens: None,
        };
        let options = args(&["b=1", "a=2"]).options(Some("t".into())).unwrap();
        assert_eq!(json!(options.arguments).to_string(), r#"{"b":1,"a":2}"#);
        assert_eq!(options.file, Some("t".into()));
        assert!(args(&["a=1", "a=1"]).options(None).unwrap_err().to_string().contains("given twice"));
    }

    #[test]
    fn thoughts_have_room_only_where_the_model_is_to_think() {
        let tokens = |thinking, tokens: Option<usize>| {
            let thinking_tokens = tokens.and_then(NonZeroUsize::new);
            TemplateArgs { template_arg: Vec::new(), thinking, thinking_tokens }.thinking_tokens().ok()
        };
        assert_eq!(tokens(ThinkingArg::Off, None), Some(0));
        assert_eq!(tokens(ThinkingArg::On, None), Some(1024));
        assert_eq!(tokens(ThinkingArg::On, Some(9)), Some(9));
        assert_eq!(tokens(ThinkingArg::Off, Some(9)), None);
    }
}
