//! A file that is one JSON array of objects.

use std::path::Path;

use serde_json::{Map, Value};

use super::{ReadError, Row};

/// The objects of the array that `text` is, which comes from `file`. They are numbered from 1.
///
/// # Errors
///
/// [`ReadError::JsonArray`] where it is something else, [`ReadError::NoRows`] where it is empty.
pub fn json_array<'a>(text: &str, file: &'a Path) -> Result<Vec<Row<'a>>, ReadError> {
    let objects: Vec<Map<String, Value>> = serde_json::from_str(text)
        .map_err(|source| ReadError::JsonArray { file: file.to_owned(), source })?;
    if objects.is_empty() {
        return Err(ReadError::NoRows { file: file.to_owned() });
    }
    let rows = objects.into_iter().zip(1..);
    Ok(rows.map(|(fields, number)| Row::from_json(fields, file, number)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_from_one() {
        let rows = json_array(r#"[{"a": "x"}, {"a": 1}]"#, Path::new("data.json")).unwrap();
        assert_eq!(rows[0].text("a").unwrap(), "x");
        let error = rows[1].text("a").unwrap_err().to_string();
        assert_eq!(error, "data.json: row 2, field a: expected a text, found the number 1");
    }

    #[test]
    fn what_is_no_array_of_objects_is_told() {
        let error = |text| json_array(text, Path::new("data.json")).unwrap_err().to_string();
        for text in ["{}", "[1]", "[{}", "{}\n{}"] {
            let error = error(text);
            assert!(error.starts_with("data.json: expected a JSON array of objects: "), "{error}");
        }
        assert_eq!(error("[]"), "data.json: the file has no rows");
    }
}
