//! One row, read back: its haystack's units, its answers, and where they stand.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, bail, ensure};
use sah_bench_core::{Sample, TokenCount, Value};

use super::questions::{DOCUMENTS, PARAGRAPHS, about, article_of};
use super::statistics::Statistics;

/// What a needle begins with, and what stands between it and its key.
const NEEDLE: &str = "One of the ";
const KEY: &str = " kept under ";
/// Depths at which needles are hidden in a text.
const DEPTHS: usize = 40;

pub(super) struct Row {
    pub(super) sample: Sample,
    pub(super) seed: u64,
    pub(super) length: usize,
    /// As the row itself says.
    pub(super) used: usize,
    answers: Vec<String>,
}

/// How a task's haystack is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hay {
    /// Words of a text.
    Text,
    /// Lines that are all the same.
    Noise,
    /// Lines like the needle.
    Needles,
    /// Lines that are all the same, with statements among them.
    Chain,
    /// A numbered list.
    List,
    /// Code words.
    Code,
    Documents,
}

/// A sentence with a key and a value.
struct Needle<'a> {
    start: usize,
    end: usize,
    key: &'a str,
    value: &'a str,
}

impl Row {
    pub(super) fn new(sample: Sample, seed: u64) -> anyhow::Result<Self> {
        let [Value::TextList(answers), Value::Integer(length), Value::Integer(used)] = &sample.extra[..]
        else {
            bail!("{:?}", sample.extra)
        };
        let (length, used) = (usize::try_from(*length)?, usize::try_from(*used)?);
        Ok(Self { answers: answers.clone(), sample, seed, length, used })
    }

    pub(super) fn task(&self) -> &str {
        &self.sample.task
    }

    fn hay(&self) -> Hay {
        match self.task() {
            "niah_single_1" => Hay::Noise,
            "niah_multikey_2" | "niah_multikey_3" => Hay::Needles,
            "vt" => Hay::Chain,
            "cwe" => Hay::List,
            "fwe" => Hay::Code,
            "qa_1" | "qa_2" => Hay::Documents,
            _ => Hay::Text,
        }
    }

    /// The haystack with what is hidden in it, without instructions and worked examples.
    fn body(&self) -> anyhow::Result<&str> {
        let context = &self.sample.context;
        let body = match self.hay() {
            Hay::Chain => context.rsplit_once("Follow them.\n\n").map(|(_, body)| body),
            Hay::Documents => context.split_once("\n\n").map(|(_, body)| body),
            Hay::List | Hay::Code => context.trim_end().rsplit_once('\n').map(|(_, body)| body),
            Hay::Text | Hay::Noise | Hay::Needles => context.split_once('\n').map(|(_, body)| body),
        };
        Ok(body.context("no haystack")?.trim_end())
    }

    /// The units of the haystack.
    pub(super) fn units(&self) -> anyhow::Result<Vec<&str>> {
        let body = self.body()?;
        Ok(match self.hay() {
            Hay::Text | Hay::Code => body.split(' ').collect(),
            Hay::List => body.split(' ').skip(1).step_by(2).collect(),
            Hay::Noise | Hay::Needles | Hay::Chain => body.lines().collect(),
            Hay::Documents => body.split("\n\n").map(document).collect::<Result<_, _>>()?,
        })
    }

    /// The context with `unit` in its haystack beside all that is there.
    fn with(&self, unit: &str) -> anyhow::Result<String> {
        let context = self.sample.context.trim_end();
        let end = &self.sample.context[context.len()..];
        Ok(match self.hay() {
            Hay::Text | Hay::Code => format!("{context} {unit}{end}"),
            Hay::List => {
                let list = self.body()?.split(' ').count() / 2;
                let times = if self.length < 4096 { 1 } else { 3 };
                let more = (1..=times).map(|number| format!("{}. {unit}", list + number));
                let more: Vec<String> = more.collect();
                format!("{context} {}{end}", more.join(" "))
            }
            Hay::Noise | Hay::Needles | Hay::Chain => format!("{context}\n{unit}{end}"),
            Hay::Documents => {
                let number = self.body()?.split("\n\n").count() + 1;
                format!("{context}\n\nDocument {number}:\n{unit}{end}")
            }
        })
    }

    /// It takes as many tokens as it says, no more than its length, and more with `unit`, the largest of its task.
    pub(super) fn check_budget(&self, tokens: &dyn TokenCount, unit: &str) -> anyhow::Result<()> {
        let Sample { context, question, answer_prefix, max_new_tokens, .. } = &self.sample;
        let room = tokens.answer_room(*max_new_tokens);
        let used = tokens.count_prompt(context, question, answer_prefix)? + room;
        ensure!(used == self.used, "it takes {used} tokens and says {}", self.used);
        ensure!(used <= self.length, "{used} tokens");
        let more = tokens.count_prompt(&self.with(unit)?, question, answer_prefix)? + room;
        ensure!(more > self.length, "{used} tokens, {more} with {unit:?}");
        Ok(())
    }

    /// Its answers are what its question asks for, and the context has them.
    pub(super) fn check_answers(&self) -> anyhow::Result<()> {
        let distinct: HashSet<&String> = self.answers.iter().collect();
        ensure!(distinct.len() == self.answers.len(), "answers {:?}", self.answers);
        match self.hay() {
            Hay::Text | Hay::Noise | Hay::Needles => self.check_needles(),
            Hay::Chain => self.check_chain(),
            Hay::List => self.check_list(),
            Hay::Code => self.check_code(),
            Hay::Documents => self.check_documents(),
        }
    }

    fn needles(&self) -> anyhow::Result<Vec<Needle<'_>>> {
        let body = self.body()?;
        let mut needles = Vec::new();
        for (start, _) in body.match_indices(NEEDLE) {
            let (_, rest) = body[start..].split_once(KEY).context("a needle without a key")?;
            let (key, rest) = rest.split_once(" is ").context("a needle without a value")?;
            let (value, rest) = rest.split_once('.').context("a needle without an end")?;
            needles.push(Needle { start, end: body.len() - rest.len(), key, value });
        }
        Ok(needles)
    }

    /// The keys that are asked for.
    fn queries(&self) -> anyhow::Result<Vec<&str>> {
        let (_, queries) = self.sample.question.split_once(KEY.trim_start()).context("no question")?;
        let (queries, _) = queries.split_once(", as the text").context("no end of the question")?;
        ensure!(self.sample.answer_prefix.contains(queries), "the prefix has other keys");
        Ok(queries.split(", ").map(|key| key.trim_start_matches("and ")).collect())
    }

    fn check_needles(&self) -> anyhow::Result<()> {
        // Keys, values of each, keys that are asked for.
        let (keys, values, asked) = match self.task() {
            "niah_multikey_1" => (4, 1, 1),
            "niah_multivalue" => (1, 4, 1),
            "niah_multiquery" => (4, 1, 4),
            _ => (1, 1, 1),
        };
        let (needles, queries) = (self.needles()?, self.queries()?);
        ensure!(queries.len() == asked && self.answers.len() == asked * values, "{queries:?}");
        if self.hay() == Hay::Needles {
            ensure!(needles.len() == self.body()?.lines().count(), "{} lines like the needle", needles.len());
        } else {
            ensure!(needles.len() == keys * values, "{} needles", needles.len());
        }
        // The values of each key in the order in which keys are asked for; those of one key in any.
        for (key, expected) in queries.iter().zip(self.answers.chunks(values)) {
            let found: HashSet<&str> =
                needles.iter().filter(|needle| needle.key == *key).map(|needle| needle.value).collect();
            ensure!(found == expected.iter().map(String::as_str).collect(), "{key}: {found:?}");
        }
        let uuid_keys = self.task() == "niah_multikey_3";
        let uuid_values = uuid_keys || self.task() == "niah_single_3";
        for Needle { key, value, .. } in &needles {
            ensure!(if uuid_keys { is_uuid(key) } else { is_pair(key) }, "key {key}");
            ensure!(if uuid_values { is_uuid(value) } else { is_number(value) }, "value {value}");
        }
        Ok(())
    }

    fn check_chain(&self) -> anyhow::Result<()> {
        let (_, number) = self.sample.question.split_once("the number ").context("no number")?;
        let number = number.split(' ').next().unwrap_or_default();
        ensure!((10_000..=99_998).contains(&number.parse::<u32>()?), "{number}");
        let mut held = number;
        let mut names = Vec::new();
        for line in self.body()?.lines() {
            if let Some(statement) = line.strip_prefix("LET ") {
                let (name, given) = statement.split_once(" = ").context("no statement")?;
                ensure!(given == held, "{line} does not follow on {held}");
                held = name;
                names.push(name);
            }
        }
        ensure!(names == self.answers && names.len() == 5, "{names:?}");
        ensure!(names.iter().all(|name| name.len() == 5 && name.bytes().all(|c| c.is_ascii_uppercase())));
        // The worked example is another chain.
        let (example, _) = self.sample.context.rsplit_once("Follow them.\n\n").context("no example")?;
        ensure!(example.contains("12345") && names.iter().all(|name| !example.contains(name)), "example");
        Ok(())
    }

    fn counts(&self) -> anyhow::Result<HashMap<&str, usize>> {
        let mut counts = HashMap::new();
        for word in self.units()? {
            *counts.entry(word).or_default() += 1;
        }
        Ok(counts)
    }

    fn check_list(&self) -> anyhow::Result<()> {
        let (common, other) = match self.length {
            4096.. => (30, 3),
            1024.. => (6, 1),
            _ => (4, 1),
        };
        let counts = self.counts()?;
        ensure!(self.answers.len() == 10, "{:?}", self.answers);
        for (word, count) in counts {
            let expected = if self.answers.iter().any(|answer| answer == word) { common } else { other };
            ensure!(count == expected, "{word} occurs {count} times, not {expected}");
        }
        let numbers = self.body()?.split(' ').step_by(2).zip(1..);
        for (written, number) in numbers {
            ensure!(written == format!("{number}."), "{written} is number {number}");
        }
        Ok(())
    }

    fn check_code(&self) -> anyhow::Result<()> {
        let mut counts: Vec<(&str, usize)> = self.counts()?.into_iter().collect();
        counts.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
        let vocabulary = (self.length - self.sample.max_new_tokens) / 50;
        ensure!(counts.len() <= vocabulary.max(5), "{} words of {vocabulary}", counts.len());
        ensure!(counts[0].0 == "...", "{} occurs most", counts[0].0);
        ensure!(counts[1..4].iter().map(|(word, _)| *word).eq(&self.answers), "{:?}", &counts[..4]);
        ensure!(counts[1].1 > counts[2].1 && counts[3].1 > counts[4].1, "{:?}", &counts[..5]);
        // floor(t / rank^2) for some t, or for some words what the next t gives.
        let fits = |t: usize| {
            counts
                .iter()
                .zip(1..)
                .all(|((_, count), rank)| (t / (rank * rank)..=(t + 1) / (rank * rank)).contains(count))
        };
        ensure!(fits(counts[0].1) || fits(counts[0].1 - 1), "counts {:?}", &counts[..5]);
        let words = counts[1..]
            .iter()
            .all(|(word, _)| word.len() == 6 && word.bytes().all(|c| c.is_ascii_lowercase()));
        ensure!(words, "words of six letters");
        Ok(())
    }

    fn check_documents(&self) -> anyhow::Result<()> {
        let (towns, own) = (self.towns()?, self.own_documents()?);
        let distinct: HashSet<usize> = towns.iter().copied().collect();
        ensure!(distinct.len() == towns.len(), "a document twice");
        ensure!(own.iter().all(|town| distinct.contains(town)), "its own documents are missing");
        for (text, town) in self.units()?.iter().zip(&towns) {
            ensure!(text.contains(&about(*town)), "{text}");
        }
        ensure!(about(own[0]).contains(&self.answers[0]), "{:?}", self.answers);
        if self.task() == "qa_1" {
            // As annotators wrote it, each once.
            ensure!(
                self.answers.len() == 2 && self.answers[1].ends_with(&self.answers[0]),
                "{:?}",
                self.answers
            );
            let near = towns.iter().filter(|town| article_of(**town) == article_of(own[0])).count();
            ensure!(near == towns.len().min(PARAGRAPHS), "{near} paragraphs of the same article");
        }
        Ok(())
    }

    /// Which towns its documents are about, in their order.
    fn towns(&self) -> anyhow::Result<Vec<usize>> {
        self.units()?.iter().map(|text| town(text)).collect()
    }

    /// The documents that belong to the question: the first has the answer.
    fn own_documents(&self) -> anyhow::Result<Vec<usize>> {
        let asked = town(&self.sample.question)?;
        Ok(if self.task() == "qa_1" { vec![asked] } else { (asked..asked + DOCUMENTS).collect() })
    }

    /// Puts what is drawn evenly into `statistics`.
    pub(super) fn count(&self, statistics: &mut Statistics) -> anyhow::Result<()> {
        let body = self.body()?;
        match self.hay() {
            Hay::Text => {
                let depths = self.depths()?;
                for depth in depths.into_iter().flatten() {
                    statistics.add("depths of needles in texts", depth, DEPTHS);
                }
            }
            Hay::Noise | Hay::Needles => {
                let (asked, needles) = (self.queries()?[0], self.needles()?);
                let needle = needles.iter().find(|needle| needle.key == asked).context("no needle")?;
                let place = body[..needle.start].matches('\n').count();
                tenth(statistics, "places of needles among lines", place, body.lines().count() - 1);
            }
            Hay::Chain => {
                let lines: Vec<&str> = body.lines().collect();
                for (place, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("LET ")) {
                    tenth(statistics, "places of statements among lines", place, lines.len());
                }
            }
            Hay::Documents => {
                let (towns, own) = (self.towns()?, self.own_documents()?[0]);
                let place = towns.iter().position(|town| *town == own).context("no document")?;
                tenth(statistics, "places of the document with the answer", place, towns.len());
            }
            Hay::List | Hay::Code => {}
        }
        for number in self.answers.iter().filter(|answer| is_number(answer)) {
            statistics.add("first digits of numbers", usize::from(number.as_bytes()[0] - b'1'), 9);
        }
        Ok(())
    }

    /// Which of the depths its needles have, where the text has sentences enough to tell them apart.
    fn depths(&self) -> anyhow::Result<Option<Vec<usize>>> {
        let body = self.body()?;
        let (mut before, mut places, mut end) = (0, Vec::new(), 0);
        for needle in self.needles()? {
            before += sentences(&body[end..needle.start]);
            places.push(before);
            end = needle.end;
        }
        let all = before + sentences(&body[end..]);
        let mut depths: Vec<usize> = Vec::new();
        for place in places {
            let first = depths.last().map_or(0, |depth| depth + 1);
            let percent = |depth: usize| (100.0 * depth as f64 / (DEPTHS - 1) as f64).round() as usize;
            let depth = (first..DEPTHS).find(|&depth| all * percent(depth) / 100 == place);
            depths.push(
                depth.with_context(|| format!("a needle before sentence {place} of {all}, at no depth"))?,
            );
        }
        Ok((all >= 100).then_some(depths))
    }
}

/// Which tenth of `places` a place is in. Fewer places are too few for that.
fn tenth(statistics: &mut Statistics, name: &'static str, place: usize, places: usize) {
    const PLACES: usize = 200;
    if places >= PLACES {
        statistics.add(name, 10 * place / places, 10);
    }
}

/// Sentences of a text, the last of which may have no end.
fn sentences(text: &str) -> usize {
    let mut words = text.split_whitespace().peekable();
    let mut count = 0;
    while let Some(word) = words.next() {
        count += usize::from(word.ends_with(['.', '!', '?']) || words.peek().is_none());
    }
    count
}

/// A document without its number.
fn document(text: &str) -> anyhow::Result<&str> {
    let (number, text) = text.split_once(":\n").context("a document without a number")?;
    ensure!(number.starts_with("Document "), "{number}");
    Ok(text)
}

/// The town that a document or a question is about.
fn town(text: &str) -> anyhow::Result<usize> {
    let (_, rest) = text.split_once("Town ").context("no town")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Ok(rest[..digits].parse()?)
}

/// Two words with a hyphen.
fn is_pair(text: &str) -> bool {
    text.split('-').count() == 2 && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'-')
}

/// 1,000,000 to 9,999,999.
fn is_number(text: &str) -> bool {
    text.len() == 7 && text.bytes().all(|c| c.is_ascii_digit()) && !text.starts_with('0')
}

/// A UUID of version 4.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.concat().bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}
