//! Labels: texts whatever their type in the data, and options with their letters.

use sah_bench_core::data::{ReadError, Row};
use serde_json::Value;

const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

/// The texts in a field of a row of JSON: a text, a number by its digits, or a list of such, which may be nested.
pub(crate) fn json_label(row: &Row<'_>, field: &'static str) -> Result<Vec<String>, ReadError> {
    let mut texts = Vec::new();
    let value = row.json(field).unwrap_or(&Value::Null);
    if collect(value, &mut texts) {
        return Ok(texts);
    }
    Err(row.wrong(field, "a text, a number, or a list of such", shown(value)))
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string().chars().take(40).collect() }
}

fn collect(value: &Value, texts: &mut Vec<String>) -> bool {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(items) => return items.iter().all(|item| collect(item, texts)),
        Value::Null | Value::Bool(_) | Value::Object(_) => return false,
    }
    true
}

/// The right option's text and its letter, where `answer` is the one or the other.
pub(crate) fn with_letter(answer: &str, options: &[String]) -> Option<Vec<String>> {
    if options.len() != LETTERS.len() {
        return None;
    }
    let place = options.iter().position(|option| option == answer);
    let place = place.or_else(|| LETTERS.iter().position(|&letter| letter == answer))?;
    Some(vec![options[place].clone(), LETTERS[place].to_owned()])
}

/// The four options at the end of a question of the hub's copy, a line each: `A. ...` to `D. ...`. An option may go on over
/// several lines. `None` where they are not there.
pub(crate) fn options_of_question(question: &str) -> Option<Vec<String>> {
    let mut options = Vec::new();
    let mut rest = question;
    for letter in LETTERS.iter().rev() {
        let at = rest.rfind(&format!("\n{letter}. "))?;
        options.push(rest[at + 4..].to_owned());
        rest = &rest[..at];
    }
    options.reverse();
    Some(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_at_the_end_of_a_question() {
        let question = "Who?\nA. nobody knows\n\nOptions:\nA. Ann\nB. Bob\nthe elder\nC. \nD. D. Day";
        assert_eq!(options_of_question(question).unwrap(), ["Ann", "Bob\nthe elder", "", "D. Day"]);
        assert_eq!(options_of_question("A. x\nB. y\nC. z\nD. w"), None);
        assert_eq!(options_of_question("Who?\nA. x\nB. y\nC. z"), None);
    }

    #[test]
    fn an_answer_is_an_option_s_text_or_its_letter() {
        let options = ["x", "C", "z", "w"].map(str::to_owned);
        assert_eq!(with_letter("z", &options).unwrap(), ["z", "C"]);
        assert_eq!(with_letter("D", &options).unwrap(), ["w", "D"]);
        // An option that reads as a letter is itself.
        assert_eq!(with_letter("C", &options).unwrap(), ["C", "B"]);
        assert_eq!(with_letter("q", &options), None);
        assert_eq!(with_letter("A", &options[..3]), None);
    }
}
