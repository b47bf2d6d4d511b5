//! Cutting a rendered conversation, what a template may cost, and goldens from transformers.

use serde_json::json;

use super::*;

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
        template(&PLAIN.replace("m.content", content)).split("con text", "question").unwrap_err().to_string()
    };
    assert!(problem("''").contains("leaves the user's message out"));
    assert!(problem("m.content | upper").contains("leaves the user's message out or changes it"));
    assert!(problem("m.content ~ m.content").contains("repeats the user's message 2 times"));
    assert!(problem("m.content ~ (m.content | length)").contains("changes the user's message depending on"));
}

#[test]
fn a_template_that_does_not_end_is_stopped() {
    for endless in [
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(x='x') %}{% for a in range(1000) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{{ 'x' * 1000000000 }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ range(100000000) | list }}",
        "{{ ('x' * 100000).replace('', 'x' * 100000) }}",
        "{{ {'a': 1} | tojson(indent=1000000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'x' | indent(1000000000, true) }}",
        "{{ 'x\\nx' * 1000 | indent(1000000) }}",
    ] {
        let error = template(endless).render("x").unwrap_err().to_string();
        assert!(error.starts_with("chat template of t.json: "), "{endless}: {error}");
    }
}

/// Values nested as deeply as the budget allows must not overflow the stack when they are written, compared or dropped.
#[test]
fn nested_values_do_no_harm() {
    let nested =
        "{% set ns = namespace(x=[]) %}{% for a in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}";
    for end in
        ["", "{{ ns.x | tojson }}", "{{ ns.x }}", "{{ ns.x == [ns.x] }}", "{{ ns.x | string | length }}"]
    {
        let _ = template(&format!("{nested}{end}")).render("x");
    }
}

#[test]
fn a_long_message_is_no_endless_template() {
    let message = "word ".repeat(1 << 18);
    let busy = PLAIN.replace("m.content", "(m.content | trim).split('</think>')[-1].strip()");
    let (before, after) = template(&busy).split(&message, "What?").unwrap();
    assert_eq!(before.len() + after.len(), message.len() + "<s>[user]What?</s>[assistant]".len());
}

fn with(source: &str, arguments: &serde_json::Value) -> Result<ChatTemplate, Error> {
    let options = ChatTemplateOptions {
        arguments: arguments.as_object().unwrap().clone(),
        ..ChatTemplateOptions::default()
    };
    let chosen = options.choose(&SpecialTokens::default(), || Ok(Some(template(source))));
    chosen.map(Option::unwrap)
}

#[test]
fn arguments_are_variables_of_the_template() {
    let source = "{{ effort | default('none') }},{{ tools | length if tools else 0 }},{{ bos_token }}";
    let rendered = |arguments| with(source, &arguments).unwrap().render("x").unwrap();
    assert_eq!(rendered(json!({})), "none,0,<s>");
    // Like keyword arguments of `apply_chat_template`, they stand before the special tokens of the tokenizer.
    assert_eq!(rendered(json!({"effort": ["low"], "tools": [1, 2], "bos_token": "B"})), "['low'],2,B");
    let sorted = with("{{ a | tojson }}", &json!({"a": {"z": 1.0, "b": null}})).unwrap();
    assert_eq!(sorted.render("").unwrap(), r#"{"z": 1.0, "b": null}"#);
}

#[test]
fn an_argument_that_the_template_does_not_read_is_an_error() {
    let problem = |source: &str, name: &str| with(source, &json!({ name: 1 })).unwrap_err().to_string();
    let error = problem("{{ style }}{{ mood }}{{ messages }}{{ bos_token }}{{ range(1) }}", "effort");
    assert!(error.contains("`effort` is not read by it; what it reads: mood, style"), "{error}");
    assert!(problem("{{ messages }}", "effort").contains("nothing else can be given"));
    assert!(problem("{{ messages }}", "messages").contains("given by each request"));
    let options = ChatTemplateOptions {
        arguments: json!({"effort": 1}).as_object().unwrap().clone(),
        ..ChatTemplateOptions::default()
    };
    let error = options.choose(&SpecialTokens::default(), || Ok(None)).unwrap_err().to_string();
    assert_eq!(error, "argument `effort` is for a chat template, and the model has none");
}

#[test]
fn a_template_of_the_user_s_own_is_used_instead_of_the_model_s() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.jinja");
    std::fs::write(&path, "{{ eos_token }}{{ messages[0].content }}").unwrap();
    let options = ChatTemplateOptions { file: Some(path.clone()), ..ChatTemplateOptions::default() };
    let special = SpecialTokens::new([("eos_token".into(), "</s>".into())]);
    // The model's own is not even read: it may be what is wrong.
    let own = || Err(failed(Path::new("own.jinja"), "broken".into()));
    let template = options.choose(&special, own).unwrap().unwrap();
    assert_eq!(template.render("x").unwrap(), "</s>x");
    assert_eq!(template.identity.file, path.display().to_string());
    assert_eq!(template.identity.sha256, digest_text("{{ eos_token }}{{ messages[0].content }}"));
    std::fs::remove_file(&path).unwrap();
    let error = options.choose(&special, || Ok(None)).unwrap_err().to_string();
    assert!(error.contains("mine.jinja: cannot be read"), "{error}");
}

#[test]
fn a_template_may_refuse_a_conversation_in_its_own_words() {
    let template = template("{{ raise_exception('system first') }}");
    let error = template.render("x").unwrap_err().to_string();
    assert!(error.contains("t.json") && error.contains("system first"), "{error}");
}

#[test]
fn special_tokens_without_a_role_are_a_list_where_there_are_some() {
    let render = |special: SpecialTokens| {
        let source = "{{ additional_special_tokens is defined }}{{ additional_special_tokens }}";
        ChatTemplate::new(Path::new("t.json"), source, special).unwrap().render("").unwrap()
    };
    let some = SpecialTokens { additional: vec!["<a>".into()], ..SpecialTokens::default() };
    assert_eq!(render(some), "True['<a>']");
    assert_eq!(render(SpecialTokens::default()), "False");
}

/// The goldens are what transformers renders, see `tests/reference/templates.py`; null is an error there.
#[test]
fn templates_render_as_in_transformers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/chat_templates.json");
    for golden in crate::hf::json::read(&path).unwrap().as_array().unwrap() {
        let text = |key: &str| golden[key].as_str().unwrap();
        let (source, user) = (text("source"), text("user"));
        let special =
            SpecialTokens::new([("bos_token".into(), "<s>".into()), ("eos_token".into(), "</s>".into())]);
        let rendered = ChatTemplate::new(Path::new("t.json"), source, special)
            .and_then(|template| template.render(user));
        match golden["rendered"].as_str() {
            Some(expected) => {
                assert_eq!(
                    rendered.map_err(|e| e.to_string()).as_deref(),
                    Ok(expected),
                    "{source} of {user:?}"
                );
            }
            None => assert!(rendered.is_err(), "{source}"),
        }
    }
}

/// How what Jinja2 makes of a template and what is made of it here compare.
#[derive(Debug, Default)]
struct Comparison {
    equal: usize,
    /// Errors of Jinja2 that are errors here.
    errors: usize,
    /// Texts of Jinja2 that are errors here, which is allowed.
    refused: Vec<String>,
    /// Another text, or one where Jinja2 has an error.
    different: Vec<String>,
}

impl Comparison {
    fn add(&mut self, source: &str, expected: &serde_json::Value) {
        let special = [("bos_token".into(), "<s>".into()), ("eos_token".into(), "</s>".into())];
        let rendered = ChatTemplate::new(Path::new("t.json"), source, SpecialTokens::new(special))
            .map_err(|error| error.to_string())
            .and_then(|template| {
                let values = template.values("Hello World", &template.identity.arguments);
                template.program.render(values, FUEL).map_err(|error| chain(&error))
            });
        self.compare(source, expected, rendered);
    }

    fn compare(&mut self, source: &str, expected: &serde_json::Value, rendered: Result<String, String>) {
        match (expected.as_str(), rendered) {
            (Some(expected), Ok(text)) if expected == text => self.equal += 1,
            (Some(_), Err(error)) => self.refused.push(format!("{source}: {error}")),
            (None, Err(_)) => self.errors += 1,
            (_, Ok(text)) => self.different.push(format!("{source}: {text:?} instead of {expected}")),
        }
    }
}

/// The goldens are what Jinja2 makes of each, see `tests/reference/jinja_expressions.py`. Equal, or an error; never another
/// text.
#[test]
fn expressions_are_those_of_jinja() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/jinja_expressions.json");
    let golden = crate::hf::json::read(&path).unwrap();
    let array = |value: &serde_json::Value| value.as_array().unwrap().clone();
    let mut all = Comparison::default();
    for row in array(&golden["expressions"]) {
        let (group, construct) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
        for (value, expected) in array(&golden["values"][group]).iter().zip(array(&row[2])) {
            let value = format!("({})", value.as_str().unwrap());
            all.add(&format!("{{{{ {} }}}}", construct.replace('@', &value)), &expected);
        }
    }
    for row in array(&golden["templates"]) {
        all.add(row[0].as_str().unwrap(), &row[1]);
    }
    if let Ok(path) = std::env::var("SAH_JINJA_DIFFERENCES") {
        std::fs::write(path, format!("{:#?}", (&all.different, &all.refused))).unwrap();
    }
    let Comparison { equal, errors, refused, different } = &all;
    assert!(
        different.is_empty(),
        "{} of {} differ: {different:#?}",
        different.len(),
        equal + errors + refused.len()
    );
    assert!(equal + errors > 20_000, "{equal} equal, {errors} errors");
    assert!(refused.len() * 15 < *equal, "{} refused: {refused:#?}", refused.len());
}

/// Templates that models are published with, see `tests/reference/published_templates.py`.
#[test]
#[ignore = "needs published templates (tests/reference/published_templates.py)"]
fn published_templates_render_as_in_transformers() {
    let path = std::env::var("SAH_PUBLISHED_TEMPLATES").expect("SAH_PUBLISHED_TEMPLATES names the file");
    let mut all = Comparison::default();
    for template in crate::hf::json::read(Path::new(&path)).unwrap().as_array().unwrap() {
        let (name, source) = (template["name"].as_str().unwrap(), template["source"].as_str().unwrap());
        let program = Program::new(source).map_err(|error| chain(&error));
        for case in template["cases"].as_array().into_iter().flatten() {
            let context = case["context"].as_object().unwrap().iter();
            let context = Value::from_pairs(context.map(|(name, value)| (name.as_str(), from_json(value))));
            let rendered = match &program {
                Ok(program) => program.render(context, FUEL).map_err(|error| chain(&error)),
                Err(error) => Err(error.clone()),
            };
            all.compare(&format!("{name} of {}", case["context"]), &case["text"], rendered);
        }
    }
    let Comparison { equal, errors, refused, different } = &all;
    assert!(different.is_empty() && refused.is_empty(), "{different:#?} {refused:#?}");
    assert!(*equal > 0, "no prompts, {errors} errors");
}
