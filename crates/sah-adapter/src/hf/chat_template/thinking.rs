//! Whether a chat template makes a model think before it answers, and what turns that on and off.
//!
//! Templates name their switch differently, and differ in what they do without it. Both are found out by rendering: a variable is
//! a switch where its two values give two prompts.

use serde_json::{Value, json};

use super::ChatTemplate;
use crate::engine::ThoughtMarks;
use crate::hf::Tokenizer;
use crate::{Error, ThoughtTags};

/// Whether a model is to think before it answers, where its chat template leaves the choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    /// It answers at once.
    #[default]
    Off,
    /// It thinks first.
    On,
}

/// How a model thinks before it answers, as its chat template has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThinkingMode {
    /// The template says nothing of it, or there is none.
    Unknown,
    /// The template has a switch, which is off.
    Off(ThinkingSwitch),
    /// The template has a switch, which is on.
    On(ThinkingSwitch),
    /// The template makes it think and has no switch.
    Always,
}

/// The variable of a chat template that decides whether the model thinks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThinkingSwitch {
    /// Its name.
    pub variable: String,
    /// Its value now.
    pub value: Value,
    /// Whether the model thinks where the variable is not given.
    pub by_default: bool,
}

impl ThinkingMode {
    /// Whether thoughts are to be expected before answers.
    #[must_use]
    pub fn thinks(&self) -> bool {
        matches!(self, Self::On(_) | Self::Always)
    }
}

/// Names of switches with their values for on and off: of Qwen3, GLM, SmolLM3, EXAONE and most others; of DeepSeek V3.1, Granite,
/// Hermes and Kimi; of Baichuan-M2; of Seed-OSS, a number of tokens.
fn switches() -> [(&'static str, Value, Value); 4] {
    [
        ("enable_thinking", json!(true), json!(false)),
        ("thinking", json!(true), json!(false)),
        ("thinking_mode", json!("on"), json!("off")),
        ("thinking_budget", json!(-1), json!(0)),
    ]
}

/// What is known of a model's thoughts.
#[derive(Clone, Debug)]
pub(crate) struct ModelThinking {
    pub(crate) mode: ThinkingMode,
    pub(crate) marks: ThoughtMarks,
}

impl ModelThinking {
    /// Sets the switch of `template`, if it has one and the user has not given it a value, and says how the model thinks.
    ///
    /// # Errors
    ///
    /// Where a model is to think whose template has no switch, or where the user's value for the switch says the contrary.
    pub(crate) fn set(
        template: Option<&mut ChatTemplate>,
        thinking: Thinking,
        tokenizer: &Tokenizer,
    ) -> Result<Self, Error> {
        let source = template.as_deref().map(ChatTemplate::source).unwrap_or_default();
        let tags = ThoughtTags::ALL.into_iter().find(|tags| source.contains(tags.close));
        let tags = tags.unwrap_or(ThoughtTags::THINK);
        let (open, close) = (tokenizer.tag(tags.open), tokenizer.tag(tags.close));
        let marks = ThoughtMarks { tags, open, close };
        let mode = match template {
            None => ThinkingMode::Unknown,
            Some(template) => match find_switch(template) {
                Some(switch) => template.turn(switch, thinking)?,
                None if always_thinks(template) => ThinkingMode::Always,
                None => ThinkingMode::Unknown,
            },
        };
        match mode {
            ThinkingMode::Unknown if thinking == Thinking::On => Err(Error::CannotThink),
            mode => Ok(Self { mode, marks }),
        }
    }

    /// Whether a prompt that ends in `text` has opened thoughts.
    pub(crate) fn is_opened_by(&self, text: &str) -> bool {
        text.trim_end().ends_with(self.marks.tags.open)
    }
}

impl ChatTemplate {
    /// How the model thinks, in words for people; `None` where the template says nothing of it.
    pub(crate) fn describe_thinking(&self) -> Option<String> {
        match find_switch(self) {
            Some(FoundSwitch { variable, by_default, .. }) => {
                let usually = if by_default { "thinks" } else { "does not think" };
                Some(format!(
                    "the model {usually} by default; `{variable}` turns it on and off, and is off here unless asked for"
                ))
            }
            None if always_thinks(self) => Some(
                "the model always thinks before it answers: the template has no switch for it".to_owned(),
            ),
            None => None,
        }
    }
}

/// A switch that was found.
struct FoundSwitch {
    variable: &'static str,
    on: Value,
    off: Value,
    /// The prompt with the switch off.
    without: String,
    by_default: bool,
}

impl ChatTemplate {
    /// A prompt with this value for one of its variables, or without any for it.
    fn render_with(&self, variable: &str, value: Option<&Value>) -> Result<String, Error> {
        let mut arguments = self.identity.arguments.clone();
        match value {
            Some(value) => arguments.insert(variable.to_owned(), value.clone()),
            None => arguments.remove(variable),
        };
        self.render_given("A question?", &arguments)
    }
}

/// The first variable whose two values give two prompts.
fn find_switch(template: &ChatTemplate) -> Option<FoundSwitch> {
    for (variable, on, off) in switches() {
        if !template.reads(variable) {
            continue;
        }
        let render = |value: Option<&Value>| template.render_with(variable, value);
        let (Ok(with), Ok(without)) = (render(Some(&on)), render(Some(&off))) else { continue };
        if with != without {
            let by_default = render(None).map_or(true, |text| text != without);
            return Some(FoundSwitch { variable, on, off, without, by_default });
        }
    }
    None
}

/// Whether a template without a switch makes the model think: it opens thoughts in the prompt, or cuts them out of earlier turns
/// and does not close them in the prompt.
fn always_thinks(template: &ChatTemplate) -> bool {
    let Ok(prompt) = template.render("A question?") else { return false };
    let prompt = prompt.trim_end();
    ThoughtTags::ALL.iter().any(|ThoughtTags { open, close }| {
        prompt.ends_with(open) || (template.source().contains(close) && !prompt.ends_with(close))
    })
}

impl ChatTemplate {
    /// Sets `switch` as asked for, unless the user has given the variable a value.
    fn turn(&mut self, switch: FoundSwitch, thinking: Thinking) -> Result<ThinkingMode, Error> {
        let FoundSwitch { variable, on, off, without, by_default } = switch;
        let given = self.identity.arguments.get(variable).cloned();
        let value = given.clone().unwrap_or(if thinking == Thinking::On { on } else { off });
        self.identity.arguments.insert(variable.to_owned(), value.clone());
        let thinks = self.render("A question?").map_or(true, |text| text != without);
        if given.is_some() && !thinks && thinking == Thinking::On {
            let problem = format!("is {value}, which keeps the model from thinking, and it is to think");
            return Err(Error::TemplateArgument { path: self.path.clone(), name: variable.into(), problem });
        }
        let switch = ThinkingSwitch { variable: variable.to_owned(), value, by_default };
        Ok(if thinks { ThinkingMode::On(switch) } else { ThinkingMode::Off(switch) })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{ModelThinking, Thinking, ThinkingMode};
    use crate::Error;
    use crate::hf::Tokenizer;
    use crate::hf::chat_template::ChatTemplate;
    use crate::hf::tokenizer::testing::byte_vocabulary;
    use crate::hf::tokenizer::{SpecialTokens, TokenizerFiles};

    fn template(source: &str) -> ChatTemplate {
        ChatTemplate::new(Path::new("t.jinja"), source, SpecialTokens::default()).unwrap()
    }

    /// A tokenizer of single bytes.
    fn bytes() -> Tokenizer {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let byte_level =
            json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let json = json!({"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "added_tokens": [],
            "pre_tokenizer": byte_level, "post_processor": null, "decoder": byte_level,
            "model": {"type": "BPE", "vocab": byte_vocabulary(), "merges": []}});
        std::fs::write(&path, json.to_string()).unwrap();
        Tokenizer::from_folder(folder.path(), &TokenizerFiles::default()).unwrap().0
    }

    /// What becomes of a template of this form, and the end of its prompt.
    fn set(source: &str, thinking: Thinking, given: Option<Value>) -> Result<(ModelThinking, String), Error> {
        let mut template = template(source);
        if let Some(value) = given {
            template.identity.arguments.insert("enable_thinking".to_owned(), value);
        }
        let thinking = ModelThinking::set(Some(&mut template), thinking, &bytes())?;
        Ok((thinking, template.render("q").unwrap()))
    }

    /// The forms of published templates, reduced: the variable, whether the model thinks by default, the source.
    const SWITCHED: [(&str, bool, &str); 8] = [
        // Qwen3.
        (
            "enable_thinking",
            true,
            "{{ messages[0].content }}{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}",
        ),
        // Qwen3.5: the prompt opens them.
        (
            "enable_thinking",
            true,
            "{{ messages[0].content }}{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n\
             {% else %}<think>\n{% endif %}",
        ),
        // SmolLM3.
        (
            "enable_thinking",
            true,
            "{% if enable_thinking is not defined %}{% set enable_thinking = true %}{% endif %}{{ messages[0].content }}\
             {% if not enable_thinking %}<think>\n\n</think>\n{% endif %}",
        ),
        // GLM-4.5.
        (
            "enable_thinking",
            true,
            "{{ messages[0].content }}{{ '/nothink' if (enable_thinking is defined and not enable_thinking) else '' }}",
        ),
        // EXAONE 4.
        (
            "enable_thinking",
            false,
            "{{ messages[0].content }}{% if enable_thinking is defined and enable_thinking is true %}<think>\n{% else %}\
             <think>\n\n</think>\n\n{% endif %}",
        ),
        // DeepSeek V3.1.
        (
            "thinking",
            false,
            "{% if not thinking is defined %}{% set thinking = false %}{% endif %}{{ messages[0].content }}\
             {% if thinking %}<think>{% else %}</think>{% endif %}",
        ),
        // Granite 3.3.
        ("thinking", false, "{% if thinking %}Think in <think></think>.{% endif %}{{ messages[0].content }}"),
        // Seed-OSS.
        (
            "thinking_budget",
            true,
            "{% if not thinking_budget is defined %}{% set thinking_budget = -1 %}{% endif %}{{ messages[0].content }}\
             {% if thinking_budget == 0 %}<seed:think>\n</seed:think>{% endif %}",
        ),
    ];

    #[test]
    fn switches_of_published_templates_are_found_and_set() {
        for (variable, by_default, source) in SWITCHED {
            let (off, off_prompt) = set(source, Thinking::Off, None).unwrap();
            let ThinkingMode::Off(switch) = &off.mode else { panic!("{source}: {:?}", off.mode) };
            assert_eq!((&*switch.variable, switch.by_default), (variable, by_default), "{source}");
            let (on, on_prompt) = set(source, Thinking::On, None).unwrap();
            assert!(on.mode.thinks() && !off.mode.thinks(), "{source}");
            assert_ne!(on_prompt, off_prompt);
            assert!(!off.is_opened_by(&off_prompt), "{source}");
        }
    }

    #[test]
    fn a_template_may_always_make_the_model_think() {
        for source in [
            "{{ messages[0].content }}<think>\n",
            "{% if x %}{{ x.split('</think>')[-1] }}{% endif %}{{ messages[0].content }}",
            "{% if x %}<|channel|>analysis<|message|>{{ x }}<|channel|>final<|message|>{% endif %}{{ messages[0].content }}",
        ] {
            for thinking in [Thinking::Off, Thinking::On] {
                let (found, _) = set(source, thinking, None).unwrap();
                assert_eq!(found.mode, ThinkingMode::Always, "{source}");
            }
        }
        let (opened, prompt) = set("{{ messages[0].content }}<think>\n", Thinking::Off, None).unwrap();
        assert!(opened.is_opened_by(&prompt));
    }

    #[test]
    fn a_template_that_knows_nothing_of_it_cannot_be_told_to() {
        for source in [
            "{{ messages[0].content }}",
            // Closed whatever is asked for.
            "{{ messages[0].content }}<think>\n\n</think>\n\n",
            // Mentioned, but without effect on a prompt.
            "{% if tools and enable_thinking %}x{% endif %}{{ messages[0].content }}",
        ] {
            assert_eq!(set(source, Thinking::Off, None).unwrap().0.mode, ThinkingMode::Unknown, "{source}");
            let error = set(source, Thinking::On, None).unwrap_err();
            assert!(matches!(error, Error::CannotThink), "{source}: {error}");
        }
    }

    #[test]
    fn a_value_that_the_user_gives_counts() {
        let source = SWITCHED[0].2;
        let (found, _) = set(source, Thinking::Off, Some(json!(true))).unwrap();
        assert!(found.mode.thinks(), "{:?}", found.mode);
        let (found, prompt) = set(source, Thinking::Off, Some(json!(false))).unwrap();
        assert!(!found.mode.thinks() && prompt.contains("</think>"));
        let error = set(source, Thinking::On, Some(json!(false))).unwrap_err().to_string();
        assert!(error.contains("enable_thinking") && error.contains("is false"), "{error}");
    }
}
