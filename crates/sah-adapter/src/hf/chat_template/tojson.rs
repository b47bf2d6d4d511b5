//! `tojson` as transformers defines it: Python's `json.dumps` without escaping anything but what JSON must.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

/// The value as JSON. `indent` as in Python; other arguments of `json.dumps` are refused by name.
#[expect(clippy::needless_pass_by_value, reason = "the form that filters have")]
pub(super) fn tojson(value: &Value, indent: Option<usize>, arguments: Kwargs) -> Result<String, Error> {
    let indent = match indent {
        None => arguments.get::<Option<usize>>("indent")?,
        given => given,
    };
    // The values that transformers sets itself may be written out.
    let ensure_ascii = arguments.get::<Option<bool>>("ensure_ascii")?;
    arguments.assert_all_used()?;
    if ensure_ascii == Some(true) {
        return Err(Error::new(ErrorKind::InvalidOperation, "tojson: ensure_ascii=true is not supported"));
    }
    let mut text = String::new();
    write(value, indent, 0, &mut text)?;
    Ok(text)
}

fn write(value: &Value, indent: Option<usize>, depth: usize, text: &mut String) -> Result<(), Error> {
    match value.kind() {
        ValueKind::None => text.push_str("null"),
        ValueKind::Bool => text.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => text.push_str(&value.to_string()),
        ValueKind::String => quote(value.as_str().unwrap_or_default(), text),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| (None, item)).collect();
            write_items(['[', ']'], items, indent, depth, text)?;
        }
        ValueKind::Map => {
            let items = value
                .try_iter()?
                .map(|key| Ok((Some(key.clone()), value.get_item(&key)?)))
                .collect::<Result<_, Error>>()?;
            write_items(['{', '}'], items, indent, depth, text)?;
        }
        kind => {
            let message = format!("tojson: a value of kind {kind} has no JSON form");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    }
    Ok(())
}

fn write_items(
    [open, close]: [char; 2],
    items: Vec<(Option<Value>, Value)>,
    indent: Option<usize>,
    depth: usize,
    text: &mut String,
) -> Result<(), Error> {
    let new_line = |depth: usize, text: &mut String| {
        if let Some(width) = indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    text.push(open);
    let empty = items.is_empty();
    for (i, (key, value)) in items.into_iter().enumerate() {
        if i > 0 {
            text.push_str(if indent.is_some() { "," } else { ", " });
        }
        new_line(depth + 1, text);
        if let Some(key) = key {
            quote(&key.to_string(), text);
            text.push_str(": ");
        }
        write(&value, indent, depth + 1, text)?;
    }
    if !empty {
        new_line(depth, text);
    }
    text.push(close);
    Ok(())
}

fn quote(content: &str, text: &mut String) {
    // serde_json escapes what Python escapes with ensure_ascii=False, in the same way.
    text.push_str(&serde_json::Value::from(content).to_string());
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    fn render(expression: &str) -> String {
        let mut environment = Environment::new();
        environment.add_filter("tojson", super::tojson);
        environment
            .render_str(&format!("{{{{ {expression} }}}}"), ())
            .map_or_else(|e| e.to_string(), Into::into)
    }

    #[test]
    fn as_python_writes_it() {
        // Expected values are what `json.dumps(..., ensure_ascii=False)` gives.
        assert_eq!(
            render("{'a': [1, 2.5, true, none], 'b': '<ü\"\\n>'} | tojson"),
            r#"{"a": [1, 2.5, true, null], "b": "<ü\"\n>"}"#
        );
        assert_eq!(render("[] | tojson"), "[]");
        assert_eq!(render("{'a': [1, {}]} | tojson(indent=2)"), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}");
        assert!(render("1 | tojson(sort_keys=true)").contains("sort_keys"));
    }
}
