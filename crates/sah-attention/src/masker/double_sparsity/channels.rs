//! Which channels of queries and keys matter most, from a file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// The projection by whose outputs channels were ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSelection {
    /// The keys.
    KProj,
    /// The queries.
    QProj,
    /// The products of both.
    #[default]
    QkProj,
}

impl fmt::Display for ChannelSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KProj => "k_proj",
            Self::QProj => "q_proj",
            Self::QkProj => "qk_proj",
        })
    }
}

/// Channels of every head of every layer, the most important first.
///
/// The file is the authors' JSON: an object with an entry `model.layers.{L}.self_attn.{k_proj|q_proj|qk_proj}` for each
/// layer and ranking, a list with a list of channel numbers for each head. Heads are query heads, or key/value heads, for
/// which all query heads of the group then share their channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedChannels {
    path: PathBuf,
    selection: ChannelSelection,
    /// By entry.
    heads: BTreeMap<String, Vec<Vec<i64>>>,
}

impl SortedChannels {
    /// Reads the entries for `selection`; those of other rankings are not looked at.
    pub fn read(path: &Path, selection: ChannelSelection) -> Result<Self> {
        let fail = |place: &str, problem: String| Error::File {
            path: path.to_owned(),
            place: place.to_owned(),
            problem,
        };
        let text = std::fs::read(path).map_err(|error| fail("file", error.to_string()))?;
        let value: Value =
            serde_json::from_slice(&text).map_err(|error| fail("file", format!("must be JSON: {error}")))?;
        let Value::Object(entries) = value else {
            return Err(fail("file", "must contain a JSON object, with an entry for each layer".to_owned()));
        };
        let ending = format!(".{selection}");
        let mut heads = BTreeMap::new();
        for (entry, lists) in entries.into_iter().filter(|(entry, _)| entry.ends_with(&ending)) {
            let lists: Vec<Vec<i64>> = serde_json::from_value(lists)
                .map_err(|error| fail(&entry, format!("must be a list of lists of integers: {error}")))?;
            if lists.is_empty() {
                return Err(fail(&entry, "must have a list for each head, has none".to_owned()));
            }
            for (head, channels) in lists.iter().enumerate() {
                let mut sorted = channels.clone();
                sorted.sort_unstable();
                let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
                if let Some(channel) =
                    twice.map(|pair| pair[0]).or(sorted.first().copied().filter(|&first| first < 0))
                {
                    let problem = format!("head {head}: channel {channel} is negative or occurs twice");
                    return Err(fail(&entry, problem));
                }
            }
            heads.insert(entry, lists);
        }
        if heads.is_empty() {
            return Err(fail("file", format!("has no entry that ends in `{ending}`")));
        }
        Ok(Self { path: path.to_owned(), selection, heads })
    }

    /// The `count` first channels of every head of `layer`, `[heads][count]`, for `heads` query heads over `kv_heads` and
    /// vectors of `head_dim` elements.
    pub(super) fn first(
        &self,
        layer: usize,
        count: usize,
        (heads, kv_heads, head_dim): (usize, usize, usize),
    ) -> Result<Vec<Vec<i64>>> {
        let entry = entry(layer, self.selection);
        let fail = |problem| Error::File { path: self.path.clone(), place: entry.clone(), problem };
        let lists = self.heads.get(&entry).ok_or_else(|| fail("is not there".to_owned()))?;
        if lists.len() != heads && lists.len() != kv_heads {
            let problem =
                format!("must have {heads} or {kv_heads} lists for the model's heads, has {}", lists.len());
            return Err(fail(problem));
        }
        let first = |(head, channels): (usize, &Vec<i64>)| {
            let Some(first) = channels.get(..count) else {
                return Err(fail(format!("head {head} must have {count} channels, has {}", channels.len())));
            };
            match first.iter().find(|&&channel| channel >= head_dim as i64) {
                None => Ok(first.to_vec()),
                Some(channel) => Err(fail(format!("head {head}: channel {channel} is not below {head_dim}"))),
            }
        };
        lists.iter().enumerate().map(first).collect()
    }
}

/// Where the file has the channels of `layer`.
fn entry(layer: usize, selection: ChannelSelection) -> String {
    format!("model.layers.{layer}.self_attn.{selection}")
}

/// Writes a file with the channels of every head, the most important first, for each layer and ranking.
pub(crate) fn write(
    path: &Path,
    rankings: impl IntoIterator<Item = (usize, ChannelSelection, Vec<Vec<i64>>)>,
) -> Result<()> {
    let entries: serde_json::Map<String, Value> = rankings
        .into_iter()
        .map(|(layer, selection, heads)| (entry(layer, selection), heads.into()))
        .collect();
    std::fs::write(path, Value::Object(entries).to_string() + "\n").map_err(|error| Error::File {
        path: path.to_owned(),
        place: "file".to_owned(),
        problem: format!("cannot be written: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SortedChannels> {
        let file = std::env::temp_dir().join(format!(
            "channels-{}-{:?}.json",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&file, text).unwrap();
        let channels = SortedChannels::read(&file, ChannelSelection::QkProj);
        std::fs::remove_file(&file).unwrap();
        channels
    }

    #[test]
    fn files_are_checked() {
        let check = |text: &str, part: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("{", "file: must be JSON");
        check("[]", "file: must contain a JSON object");
        check("{}", "file: has no entry that ends in `.qk_proj`");
        check(r#"{"model.layers.0.self_attn.k_proj": [[0]]}"#, "has no entry that ends in `.qk_proj`");
        let entry = |lists: &str| format!(r#"{{"model.layers.0.self_attn.qk_proj": {lists}}}"#);
        check(&entry("3"), "model.layers.0.self_attn.qk_proj: must be a list of lists of integers");
        check(&entry(r#"[["a"]]"#), "must be a list of lists of integers");
        check(&entry("[]"), "must have a list for each head");
        check(&entry("[[2, 1, 2]]"), "head 0: channel 2 is negative or occurs twice");
        check(&entry("[[2], [-1]]"), "head 1: channel -1 is negative or occurs twice");
        let missing = SortedChannels::read(Path::new("no/such.json"), ChannelSelection::KProj).unwrap_err();
        assert!(missing.to_string().starts_with("no/such.json: file: "), "{missing}");
    }

    #[test]
    fn layers_are_checked_against_the_model() {
        let channels =
            read(r#"{"model.layers.3.self_attn.qk_proj": [[5, 1, 0], [2, 3, 7]], "other": 1}"#).unwrap();
        assert_eq!(channels.first(3, 2, (4, 2, 6)).unwrap(), [[5, 1], [2, 3]]);
        let check = |layer, count, dims, part: &str| {
            let error = channels.first(layer, count, dims).unwrap_err().to_string();
            assert!(error.ends_with(part), "{error}");
        };
        check(2, 2, (4, 2, 6), "model.layers.2.self_attn.qk_proj: is not there");
        check(3, 2, (4, 4, 6), "must have 4 or 4 lists for the model's heads, has 2");
        check(3, 4, (4, 2, 6), "head 0 must have 4 channels, has 3");
        check(3, 3, (4, 2, 6), "head 1: channel 7 is not below 6");
    }
}
