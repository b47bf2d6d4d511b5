//! The card of a data set, its README.md: which files belong to a config.

use std::path::Path;

use yaml_rust2::{Yaml, YamlLoader};

use super::ReadError;

/// Its name in a data set.
pub(super) const CARD: &str = "README.md";

/// The paths of the files of a split of a config, some with `*`, as the block `configs:` of the card says; `None` where the card
/// has no such block. `text` is the card, which comes from `file`.
///
/// # Errors
///
/// [`ReadError::Card`] where the block cannot be read or has no such config or split.
pub(super) fn data_files(
    text: &str,
    file: &Path,
    config: &str,
    split: &str,
) -> Result<Option<Vec<String>>, ReadError> {
    let wrong = |problem: String| ReadError::Card { file: file.to_owned(), problem };
    let Some(block) = front_matter(text) else { return Ok(None) };
    let documents = YamlLoader::load_from_str(block).map_err(|error| wrong(error.to_string()))?;
    let Some(configs) = documents.first().and_then(|document| document["configs"].as_vec()) else {
        return Ok(None);
    };
    let names =
        |of: &[Yaml], key| of.iter().filter_map(|one| text_of(&one[key])).collect::<Vec<_>>().join(", ");
    let found = configs.iter().find(|one| text_of(&one["config_name"]).as_deref() == Some(config));
    let found = found
        .ok_or_else(|| wrong(format!("no config {config}; there is {}", names(configs, "config_name"))))?;
    let files = &found["data_files"];
    let Some(splits) = files.as_vec().filter(|list| list.iter().any(|one| !one["path"].is_badvalue())) else {
        // All files are one split, whatever it is called.
        let paths = paths_of(files).ok_or_else(|| wrong(format!("no data_files of config {config}")))?;
        return Ok(Some(paths));
    };
    let of_split = splits.iter().find(|one| text_of(&one["split"]).as_deref() == Some(split));
    let paths = of_split.and_then(|one| paths_of(&one["path"])).ok_or_else(|| {
        wrong(format!("config {config} has no split {split}; there is {}", names(splits, "split")))
    })?;
    Ok(Some(paths))
}

/// What stands between two lines of `---` at the beginning.
fn front_matter(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("---")?.trim_start_matches([' ', '\r']).strip_prefix('\n')?;
    rest.find("\n---").map(|end| &rest[..=end])
}

/// A path or a list of paths.
fn paths_of(value: &Yaml) -> Option<Vec<String>> {
    match value.as_vec() {
        Some(list) => list.iter().map(text_of).collect(),
        None => text_of(value).map(|path| vec![path]),
    }
}

/// A config may be called `4096`, with quotes or without.
fn text_of(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "---\nlicense: mit\nconfigs:\n- config_name: 4096\n  data_files:\n  - split: train\n    path: x/*\n  \
                        - split: test\n    path: 4096/test-*\n- config_name: lines\n  data_files: data/lines.jsonl\n- \
                        config_name: 'two'\n  data_files:\n  - split: test\n    path:\n    - a\n    - b\n---\n# Card\n---\n";

    fn of(text: &str, config: &str, split: &str) -> Result<Option<Vec<String>>, String> {
        data_files(text, Path::new("README.md"), config, split).map_err(|error| error.to_string())
    }

    #[test]
    fn a_card_says_which_files_are_a_split() {
        let paths = |config| of(TEXT, config, "test").unwrap().unwrap();
        assert_eq!(paths("4096"), ["4096/test-*"]);
        assert_eq!(paths("lines"), ["data/lines.jsonl"]);
        assert_eq!(paths("two"), ["a", "b"]);
        assert_eq!(of("# No block", "4096", "test"), Ok(None));
        assert_eq!(of("---\nlicense: mit\n---\n", "4096", "test"), Ok(None));
    }

    #[test]
    fn what_a_card_lacks_is_named() {
        let message = |config, split| of(TEXT, config, split).unwrap_err();
        assert_eq!(message("8192", "test"), "README.md: no config 8192; there is 4096, lines, two");
        assert_eq!(message("4096", "dev"), "README.md: config 4096 has no split dev; there is train, test");
        assert!(of("---\na: [\n---\n", "4096", "test").unwrap_err().starts_with("README.md: "));
    }
}
