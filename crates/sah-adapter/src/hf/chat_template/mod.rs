//! Chat templates: how a model wants a conversation written.

mod environment;
mod strftime;
mod tojson;

use std::path::{Path, PathBuf};

use minijinja::{Environment, Value, context};
use serde_json::Value as Json;

use super::tokenizer::SpecialTokens;
use crate::Error;

/// The name under which the environment holds the one template.
const NAME: &str = "chat_template";

/// A model's chat template, ready to render.
#[derive(Debug)]
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    special: SpecialTokens,
    /// Where it came from, for errors.
    path: PathBuf,
}

impl ChatTemplate {
    /// Parses a template.
    pub(crate) fn new(path: &Path, source: &str, special: SpecialTokens) -> Result<Self, Error> {
        let environment = environment::with_template(NAME, source)
            .map_err(|error| failed(path, format!("cannot be parsed: {error}")))?;
        Ok(Self { environment, special, path: path.to_owned() })
    }

    /// The template in the field `chat_template` of a configuration: a text, or a list of named texts of which
    /// `default` is taken.
    pub(crate) fn from_field(
        path: &Path,
        field: &Json,
        special: &SpecialTokens,
    ) -> Result<Option<Self>, Error> {
        let source = match field {
            Json::Null => return Ok(None),
            Json::String(source) => source,
            Json::Array(list) => {
                let default = list.iter().find(|entry| entry["name"] == "default");
                default.and_then(|entry| entry["template"].as_str()).ok_or_else(|| {
                    let names: Vec<&str> = list.iter().filter_map(|entry| entry["name"].as_str()).collect();
                    failed(path, format!("none is named `default`; the file has: {}", names.join(", ")))
                })?
            }
            other => {
                return Err(Error::Field {
                    path: path.to_owned(),
                    field: "chat_template".into(),
                    expected: "a text or a list of named templates".into(),
                    found: other.to_string().chars().take(60).collect(),
                });
            }
        };
        Self::new(path, source, special.clone()).map(Some)
    }

    /// One user message, and the header of the answer that is to follow.
    pub(crate) fn render(&self, user: &str) -> Result<String, Error> {
        let message = context! { role => "user", content => user };
        let special =
            self.special.by_name.iter().map(|(name, text)| (name.clone(), Value::from(text.clone())));
        let values = context! {
            messages => Value::from(vec![message]),
            add_generation_prompt => true,
            tools => Value::from(()),
            documents => Value::from(()),
            ..Value::from_pairs(special),
        };
        let template = self.environment.get_template(NAME);
        let rendered = template.and_then(|template| template.render(values));
        rendered.map_err(|error| failed(&self.path, format!("cannot be rendered: {}", chain(&error))))
    }

    /// Renders one user message of `context` followed by `question` and cuts the text where the context ends:
    /// what comes before the context with the context, and the question with what comes after it.
    ///
    /// The cut is found by rendering a second time with a marker between the two. It counts only if the marker
    /// comes out exactly once and the text around it is the one rendered without it. White space at the ends of the
    /// message may be trimmed by the template.
    ///
    /// # Errors
    ///
    /// [`Error::ChatTemplate`] where the template fails, or leaves out, repeats or changes the message.
    pub(crate) fn split(&self, context: &str, question: &str) -> Result<(String, String), Error> {
        let whole = self.render(&format!("{context}{question}"))?;
        let marker = marker(context, question);
        let cut = |context: &str, question: &str| -> Result<Option<(String, String)>, Error> {
            let rendered = self.render(&format!("{context}{marker}{question}"))?;
            let parts: Vec<&str> = rendered.split(&marker).collect();
            match parts[..] {
                [before, after] => {
                    let same = whole.strip_prefix(before) == Some(after);
                    Ok(same.then(|| (before.to_owned(), after.to_owned())))
                }
                [_] => Err(failed(&self.path, "leaves the user's message out or changes it".into())),
                _ => Err(failed(&self.path, format!("repeats the user's message {} times", parts.len() - 1))),
            }
        };
        if let Some(parts) = cut(context, question)? {
            return Ok(parts);
        }
        // With nothing on one side of the marker, the marker keeps white space from being at the end of the message.
        let (context, question) = if question.trim().is_empty() {
            (context.trim_end(), "")
        } else if context.trim().is_empty() {
            ("", question.trim_start())
        } else {
            (context, question)
        };
        cut(context, question)?
            .ok_or_else(|| failed(&self.path, "changes the user's message depending on what is in it".into()))
    }
}

/// A text that is in neither part, and that a template has no reason to change.
fn marker(context: &str, question: &str) -> String {
    let joined = format!("{context}{question}");
    let mut marker = String::from("contextEndsHere");
    // Each round makes it longer than the round before, so that the text runs out of it.
    while joined.contains(&marker) {
        marker.push_str("Here");
    }
    marker
}

fn failed(path: &Path, problem: String) -> Error {
    Error::ChatTemplate {
        path: path.to_owned(),
        problem,
        remedy: "run without a chat template, or give the model another one".into(),
    }
}

/// The messages of an error and of what caused it.
fn chain(error: &minijinja::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(source: &str) -> ChatTemplate {
        let special =
            SpecialTokens::new([("bos_token".into(), "<s>".into()), ("eos_token".into(), "</s>".into())]);
        ChatTemplate::new(Path::new("t.json"), source, special).unwrap()
    }

    const PLAIN: &str = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}\
                         {% if add_generation_prompt %}[assistant]{% endif %}";

    #[test]
    fn the_text_is_cut_where_the_context_ends() {
        let (before, after) = template(PLAIN).split("Some context.\n", "What?").unwrap();
        assert_eq!(before, "<s>[user]Some context.\n");
        assert_eq!(after, "What?</s>[assistant]");
    }

    #[test]
    fn a_template_that_trims_is_followed() {
        let trimming = template(&PLAIN.replace("m.content", "m.content | trim"));
        let split = |context: &str, question: &str| trimming.split(context, question).unwrap();
        assert_eq!(split(" c ", " q "), ("<s>[user]c ".into(), " q</s>[assistant]".into()));
        assert_eq!(split(" c ", ""), ("<s>[user]c".into(), "</s>[assistant]".into()));
        assert_eq!(split("", " q "), ("<s>[user]".into(), "q</s>[assistant]".into()));
        assert_eq!(split(" \n", " q"), ("<s>[user]".into(), "q</s>[assistant]".into()));
        assert_eq!(split("", ""), ("<s>[user]".into(), "</s>[assistant]".into()));
    }

    #[test]
    fn the_parts_always_make_up_what_is_rendered_without_a_marker() {
        for source in [
            PLAIN,
            &PLAIN.replace("m.content", "m.content | trim"),
            &PLAIN.replace("m.content", "m.content.strip()"),
        ] {
            let template = template(source);
            for context in ["", " ", "a", "contextEndsHere", "\u{a0}x\n\n"] {
                for question in ["", "\n", "b ", "contextEndsHereHere ", "ü"] {
                    let (before, after) = template.split(context, question).unwrap();
                    assert_eq!(before + &after, template.render(&format!("{context}{question}")).unwrap());
                }
            }
        }
    }

    #[test]
    fn a_template_that_does_more_than_trim_is_refused_with_what_it_did() {
        let problem = |content: &str| {
            template(&PLAIN.replace("m.content", content))
                .split("con text", "question")
                .unwrap_err()
                .to_string()
        };
        assert!(problem("''").contains("leaves the user's message out"));
        assert!(problem("m.content | upper").contains("leaves the user's message out or changes it"));
        assert!(problem("m.content ~ m.content").contains("repeats the user's message 2 times"));
        assert!(
            problem("m.content ~ (m.content | length)").contains("changes the user's message depending on")
        );
    }

    #[test]
    fn a_template_may_refuse_a_conversation_in_its_own_words() {
        let template = template("{{ raise_exception('system first') }}");
        let error = template.render("x").unwrap_err().to_string();
        assert!(error.contains("t.json") && error.contains("system first"), "{error}");
    }

    #[test]
    fn a_list_of_templates_has_a_default() {
        let special = SpecialTokens::default();
        let from = |field: &Json| ChatTemplate::from_field(Path::new("t.json"), field, &special);
        let list = json!([{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]);
        assert_eq!(from(&list).unwrap().unwrap().render("").unwrap(), "d");
        let error = from(&json!([{"name": "rag", "template": "r"}])).unwrap_err().to_string();
        assert!(error.contains("the file has: rag"), "{error}");
        assert!(from(&Json::Null).unwrap().is_none());
        assert!(from(&json!(3)).unwrap_err().to_string().contains("`chat_template`"));
        assert!(from(&json!("{% if %}")).unwrap_err().to_string().contains("cannot be parsed"));
    }

    /// The goldens are what transformers renders, see `tests/reference/templates.py`.
    #[test]
    fn templates_render_as_in_transformers() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/chat_templates.json");
        for golden in crate::hf::json::read(&path).unwrap().as_array().unwrap() {
            let text = |key: &str| golden[key].as_str().unwrap();
            let rendered = template(text("source")).render(text("user")).unwrap();
            assert_eq!(rendered, text("rendered"), "{} of {:?}", text("source"), text("user"));
        }
    }
}
