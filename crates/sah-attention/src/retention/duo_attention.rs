//! Heads that need the whole text, and heads that need its two ends.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Budget, KeyChoice, LayerScores, RetentionInfo, RetentionRule, Rule};
use crate::error::{Error, Result};
use crate::masker::FieldInfo;

/// Keeps all keys of heads that retrieve, and the first and the last keys of the others.
///
#[doc = include_str!("../../docs/retentions/duo_attention.md")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct DuoAttention {
    /// The authors' `full_attention_heads.tsv`.
    pub pattern_file: PathBuf,
    /// First keys that every head keeps.
    pub sinks: usize,
    /// Last keys that every head keeps.
    pub recent: usize,
}

/// What a configuration may contain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    pattern_file: PathBuf,
    sinks: Option<usize>,
    recent: Option<usize>,
}

/// What a pattern's `config.json` is read for.
#[derive(Debug, Serialize, Deserialize)]
struct Sizes {
    sink_size: usize,
    recent_size: usize,
}

/// The file of sizes, beside that of heads.
const SIZES: &str = "config.json";

impl TryFrom<Fields> for DuoAttention {
    type Error = Error;

    /// With the sizes of the pattern where there are no others.
    fn try_from(fields: Fields) -> Result<Self> {
        let Fields { pattern_file, sinks, recent } = fields;
        if let (Some(sinks), Some(recent)) = (sinks, recent) {
            return Ok(Self { pattern_file, sinks, recent });
        }
        let sizes = pattern_file.with_file_name(SIZES);
        let Sizes { sink_size, recent_size } =
            serde_json::from_str(&read(&sizes)?).map_err(|error| wrong(&sizes, "file", error.to_string()))?;
        let (sinks, recent) = (sinks.unwrap_or(sink_size), recent.unwrap_or(recent_size));
        Ok(Self { pattern_file, sinks, recent })
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| wrong(path, "file", error.to_string()))
}

fn wrong(path: &Path, place: &str, problem: String) -> Error {
    Error::File { path: path.to_owned(), place: place.to_owned(), problem }
}

/// How much each head retrieves.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadPattern {
    path: PathBuf,
    /// From 0 to 1, `[L][Hkv]`.
    scores: Vec<Vec<f64>>,
}

impl HeadPattern {
    /// Reads the authors' file: a line for each layer with a number for each KV head, separated by tabs.
    pub fn read(path: &Path) -> Result<Self> {
        let mut scores: Vec<Vec<f64>> = Vec::new();
        for (number, line) in read(path)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fail = |problem| wrong(path, &format!("line {}", number + 1), problem);
            let of_head = |text: &str| match text.trim().parse::<f64>() {
                Ok(score) if !score.is_nan() => Ok(score.clamp(0.0, 1.0)),
                _ => Err(fail(format!("{text:?} is not a number"))),
            };
            scores.push(line.split('\t').map(of_head).collect::<Result<Vec<f64>>>()?);
        }
        if scores.is_empty() {
            return Err(wrong(path, "file", "has no line".to_owned()));
        }
        Ok(Self { path: path.to_owned(), scores })
    }

    /// Writes scores `[L][Hkv]` and sizes as files of the authors' form: `path`, and `config.json` beside it.
    pub fn write(path: &Path, scores: &[Vec<f64>], sinks: usize, recent: usize) -> Result<()> {
        let line = |heads: &Vec<f64>| heads.iter().map(f64::to_string).collect::<Vec<_>>().join("\t") + "\n";
        let sizes = Sizes { sink_size: sinks, recent_size: recent };
        let sizes = format!("{}\n", serde_json::json!(sizes));
        let files =
            [(path.to_owned(), scores.iter().map(line).collect()), (path.with_file_name(SIZES), sizes)];
        for (path, text) in files {
            std::fs::write(&path, text).map_err(|error| wrong(&path, "file", error.to_string()))?;
        }
        Ok(())
    }

    /// Which heads keep their ends alone: the share `ratio` of all heads, rounded half to even, that retrieve least. Of equal
    /// ones the first.
    fn streaming(&self, ratio: f64) -> Vec<Vec<bool>> {
        let of_layer =
            |(layer, heads): (usize, &Vec<f64>)| (0..heads.len()).map(move |head| (layer, head)).collect();
        let mut order: Vec<(usize, usize)> =
            self.scores.iter().enumerate().flat_map::<Vec<_>, _>(of_layer).collect();
        let score = |&(layer, head): &(usize, usize)| self.scores[layer][head];
        order.sort_by(|one, other| score(one).total_cmp(&score(other)));
        let mut streaming: Vec<Vec<bool>> =
            self.scores.iter().map(|heads| vec![false; heads.len()]).collect();
        for &(layer, head) in &order[..(order.len() as f64 * ratio).round_ties_even() as usize] {
            streaming[layer][head] = true;
        }
        streaming
    }
}

/// The rule with its file read.
#[derive(Debug)]
struct Duo {
    pattern: HeadPattern,
    sinks: usize,
    recent: usize,
}

impl RetentionRule for DuoAttention {
    const INFO: RetentionInfo = RetentionInfo {
        name: "duo_attention",
        about: "heads that retrieve keep everything, the others the first and the last keys",
        fields: &[
            FieldInfo::required("pattern_file", "a file"),
            FieldInfo::optional("sinks", "a count from 0", "the pattern's"),
            FieldInfo::optional("recent", "a count from 0", "the pattern's"),
        ],
        source: "DuoAttention, arXiv 2410.10819",
        cost: "none",
        memory: "none",
        looks_at: "nothing",
    };

    fn build(&self) -> Result<Rule> {
        let pattern = HeadPattern::read(&self.pattern_file)?;
        Ok(Rule::choice(Duo { pattern, sinks: self.sinks, recent: self.recent }))
    }
}

impl KeyChoice for Duo {
    fn name(&self) -> &'static str {
        DuoAttention::INFO.name
    }

    fn needs_scores(&self) -> bool {
        false
    }

    fn check(&self, kv_heads: &[usize]) -> Result<()> {
        let found: Vec<usize> = self.pattern.scores.iter().map(Vec::len).collect();
        let problem = if found.len() == kv_heads.len() {
            let mut layers = found.iter().zip(kv_heads).enumerate();
            let Some((layer, (found, has))) = layers.find(|(_, (found, has))| found != has) else {
                return Ok(());
            };
            format!("has {found} key/value heads in layer {layer}, where the model has {has}")
        } else {
            format!("is of {} layers, where the model has {} with a cache", found.len(), kv_heads.len())
        };
        Err(wrong(&self.pattern.path, "file", problem))
    }

    fn choose(&self, layers: &[LayerScores], _: &[usize], budget: Budget) -> Vec<Vec<Vec<usize>>> {
        let Budget::Ratio(ratio) = budget else { unreachable!("a number of keys was refused") };
        let of_head = |(streams, scores): (bool, &Vec<f32>)| {
            let n = scores.len();
            let (sinks, recent) = (self.sinks.min(n), n.saturating_sub(self.recent));
            let middle = if streams { sinks..recent.max(sinks) } else { 0..0 };
            (0..n).filter(|key| !middle.contains(key)).collect()
        };
        let streaming = self.pattern.streaming(ratio);
        let of_layer = |layer: &LayerScores| {
            streaming[layer.layer()].iter().copied().zip(layer.heads()).map(of_head).collect()
        };
        layers.iter().map(of_layer).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule whose files have these lines, and sizes of 2 and 3.
    fn rule(name: &str, lines: &str) -> Result<(DuoAttention, HeadPattern)> {
        let folder = std::env::temp_dir().join(format!("sah-pattern-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("full_attention_heads.tsv");
        std::fs::write(&path, lines).unwrap();
        std::fs::write(folder.join(SIZES), r#"{"sink_size": 2, "recent_size": 3, "seed": 42}"#).unwrap();
        let fields = Fields { pattern_file: path.clone(), sinks: None, recent: None };
        let both = DuoAttention::try_from(fields).and_then(|rule| Ok((rule, HeadPattern::read(&path)?)));
        std::fs::remove_dir_all(&folder).unwrap();
        both
    }

    #[test]
    fn heads_that_retrieve_least_keep_their_ends() {
        let (rule, pattern) = rule("whole", "0.9\t0.1\n1.5\t-0.2\n").unwrap();
        assert_eq!((rule.sinks, rule.recent), (2, 3));
        let duo = Duo { pattern, sinks: rule.sinks, recent: rule.recent };
        assert_eq!(duo.pattern.scores, [[0.9, 0.1], [1.0, 0.0]]);
        let layers = [0, 1].map(|layer| LayerScores::from(vec![vec![0.0; 7]; 2]).of_layer(layer));
        let (all, ends): (Vec<usize>, Vec<usize>) = ((0..7).collect(), vec![0, 1, 4, 5, 6]);
        let choose = |ratio| duo.choose(&layers, &[7; 2], Budget::Ratio(ratio));
        assert_eq!(choose(0.25), [[all.clone(), all.clone()], [all.clone(), ends.clone()]]);
        assert_eq!(choose(0.5), [[all.clone(), ends.clone()], [all.clone(), ends.clone()]]);
        // 2.5 of 4 heads are two, half to even.
        assert_eq!(choose(0.625), choose(0.5));
        let short = LayerScores::from(vec![vec![0.0; 4]; 2]);
        assert_eq!(duo.choose(&[short], &[4], Budget::Ratio(0.9))[0][1], [0, 1, 2, 3], "the ends are all");
        assert!(duo.check(&[2, 2]).is_ok());
        let error = |kv_heads: &[usize]| duo.check(kv_heads).unwrap_err().to_string();
        assert!(error(&[2, 2, 2]).contains("of 2 layers"));
        assert!(error(&[2, 4]).contains("2 key/value heads in layer 1, where the model has 4"));
    }

    #[test]
    fn files_that_are_not_patterns_name_the_place() {
        for (lines, words) in [("0.1\tx\n", "line 1: \"x\" is not a number"), ("\n", "has no line")] {
            let error = rule("wrong", lines).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(HeadPattern::read(Path::new("nowhere")).unwrap_err().to_string().contains("nowhere: file"));
    }

    #[test]
    fn a_written_pattern_is_read_as_it_was() {
        let folder = std::env::temp_dir().join(format!("sah-pattern-{}-written", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("heads.tsv");
        let scores = vec![vec![0.1, 1.0 / 3.0], vec![0.0, 1.0]];
        HeadPattern::write(&path, &scores, 4, 64).unwrap();
        let fields = Fields { pattern_file: path.clone(), sinks: None, recent: Some(9) };
        let rule = DuoAttention::try_from(fields).unwrap();
        assert_eq!((rule.sinks, rule.recent), (4, 9));
        assert_eq!(HeadPattern::read(&path).unwrap().scores, scores);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
