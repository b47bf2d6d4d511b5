//! Prompt templates: a text with `{field}` where a row's texts go; `{{` and `}}` stand for braces.
//!
//! A request has three parts, which concatenated give exactly the filled template:
//!
//! - the context: everything up to the end of the last `{context}`;
//! - the answer prefix: of the text after the last field the last line that is not blank, and what follows it;
//! - the question: what is between the two.
//!
//! So of `Read this.\n{context}\n\nQuestion: {input}\n\nAnswer:` the question is `\n\nQuestion: …\n\n` and the answer
//! prefix `Answer:`. Where nothing follows the last field the answer prefix is empty; a template whose only field is the
//! context has the same instruction as every row's question; a field ahead of `{context}` is a part of the context.

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    context: Vec<Piece>,
    question: Vec<Piece>,
    answer_prefix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A field by its place among those that there may be.
    Field(usize),
}

/// A row's texts in the three parts of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledTemplate {
    /// The long text.
    pub context: String,
    /// The question about it.
    pub question: String,
    /// How the answer begins.
    pub answer_prefix: String,
}

impl Template {
    /// Parses a template with some of `fields`, the first of which is the context.
    ///
    /// ```
    /// use sah_bench_core::data::Template;
    ///
    /// let template = Template::parse("{context}\n\nQ: {input}\nA:", &["context", "input"])?;
    /// let filled = template.fill(&["A text.", "Why?"]);
    /// assert_eq!((&*filled.context, &*filled.question, &*filled.answer_prefix), ("A text.", "\n\nQ: Why?\n", "A:"));
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words: a field that there is not, no context, a brace alone.
    pub fn parse(template: &str, fields: &[&str]) -> Result<Self, String> {
        let mut context = pieces(template, fields)?;
        let end = context
            .iter()
            .rposition(|piece| *piece == Piece::Field(0))
            .ok_or_else(|| format!("there is no {{{}}} in it", fields.first().unwrap_or(&"context")))?;
        let mut question = context.split_off(end + 1);
        let mut answer_prefix = String::new();
        if let Some(Piece::Text(text)) = question.last_mut() {
            answer_prefix = text.split_off(last_line(text));
        }
        Ok(Self { context, question, answer_prefix })
    }

    /// Whether it has the field at this place of those that there may be.
    #[must_use]
    pub fn has(&self, field: usize) -> bool {
        self.context.iter().chain(&self.question).any(|piece| *piece == Piece::Field(field))
    }

    /// With the texts of a row, in the order of the fields.
    ///
    /// # Panics
    ///
    /// Where there are fewer texts than fields.
    #[must_use]
    pub fn fill(&self, texts: &[&str]) -> FilledTemplate {
        FilledTemplate {
            context: fill(&self.context, texts),
            question: fill(&self.question, texts),
            answer_prefix: self.answer_prefix.clone(),
        }
    }
}

fn fill(pieces: &[Piece], texts: &[&str]) -> String {
    let texts: Vec<&str> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Field(field) => texts[*field],
        })
        .collect();
    texts.concat()
}

/// Where the last line that is not blank begins; the end of a text that has none.
fn last_line(text: &str) -> usize {
    let end = text.trim_end().len();
    if end == 0 { text.len() } else { text[..end].rfind('\n').map_or(0, |line_feed| line_feed + 1) }
}

/// Texts and fields in turn; neighbouring texts are one.
fn pieces(template: &str, fields: &[&str]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            text.push_str(&rest[..1]);
            rest = after;
            continue;
        }
        let (placeholder, after) = rest
            .strip_prefix('{')
            .and_then(|rest| rest.split_once('}'))
            .ok_or("a single brace in it; write {{ or }} for a brace of the text")?;
        let known = fields.iter().position(|&field| field == placeholder);
        let piece = Piece::Field(known.ok_or_else(|| {
            let known: Vec<String> = fields.iter().map(|field| format!("{{{field}}}")).collect();
            format!("expected {}, found {{{placeholder}}}", known.join(" or "))
        })?);
        if !text.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut text)));
        }
        pieces.push(piece);
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 2] = ["context", "input"];

    /// Context, question and answer prefix of a template filled with CCC and III.
    fn parts(template: &str) -> [String; 3] {
        let filled = Template::parse(template, &FIELDS).unwrap().fill(&["CCC", "III"]);
        [filled.context, filled.question, filled.answer_prefix]
    }

    #[test]
    fn templates_fall_into_three_parts() {
        for (template, expected) in [
            ("Read.\n{context}\n\nQ: {input}\n\nA:", ["Read.\nCCC", "\n\nQ: III\n\n", "A:"]),
            ("{context}\n\n{input}", ["CCC", "\n\nIII", ""]),
            (
                "{context}\n{input}\n\nSay a number.\n\nIt is: ",
                ["CCC", "\nIII\n\nSay a number.\n\n", "It is: "],
            ),
            ("Code:\n{context}{input}Next line:\n", ["Code:\nCCC", "III", "Next line:\n"]),
            // No input.
            ("{context}\n\nSum it up.\n\nSummary:", ["CCC", "\n\nSum it up.\n\n", "Summary:"]),
            ("Code:\n{context}Next line:\n", ["Code:\nCCC", "", "Next line:\n"]),
            ("{context}", ["CCC", "", ""]),
            ("{context}\n\n", ["CCC", "\n\n", ""]),
            // Input ahead of the context, or on both sides, and a context that comes twice.
            ("Q: {input}\n{context}\nA:", ["Q: III\nCCC", "\n", "A:"]),
            ("{input}{context}{input}", ["IIICCC", "III", ""]),
            ("{context}\n{context}\n{input}?", ["CCC\nCCC", "\nIII", "?"]),
            ("{{x}} {context} }}{{{input}\n{{}}", ["{x} CCC", " }{III\n", "{}"]),
        ] {
            assert_eq!(parts(template), expected, "{template:?}");
        }
    }

    #[test]
    fn texts_of_a_row_are_no_templates() {
        let filled = Template::parse("{context}|{input}", &FIELDS).unwrap().fill(&["{input}", "{{}}"]);
        assert_eq!((filled.context.as_str(), filled.question.as_str()), ("{input}", "|{{}}"));
    }

    #[test]
    fn faulty_templates_are_refused() {
        for (template, problem) in [
            ("{input}", "no {context}"),
            ("{context} {question}", "found {question}"),
            ("{context} {", "single brace"),
            ("{context} }", "single brace"),
            ("{context} {}", "found {}"),
        ] {
            let error = Template::parse(template, &FIELDS).unwrap_err();
            assert!(error.contains(problem), "{template:?}: {error}");
        }
    }
}
