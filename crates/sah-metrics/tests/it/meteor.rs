//! METEOR, its stemmer and its synonyms against those of NLTK, from `tests/reference/meteor.py`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sah_metrics::{WordNet, WordNetError, meteor, porter_stem};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The part of WordNet that the golden's texts need.
const PART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/wordnet");
/// Where Debian's package `wordnet-base` puts all of it.
const WHOLE: &str = "/usr/share/wordnet";

#[derive(Deserialize)]
struct Golden {
    pairs: Vec<Pair>,
    stems: BTreeMap<String, String>,
    synonyms: BTreeMap<String, Vec<String>>,
    whole: String,
}

#[derive(Deserialize)]
struct Pair {
    prediction: Vec<String>,
    reference: Vec<String>,
    meteor: f64,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../reference/meteor.json")).unwrap()
}

#[test]
fn stems_are_those_of_nltk() {
    let stems = golden().stems;
    assert!(stems.len() > 2500);
    for (word, stem) in stems {
        assert_eq!(porter_stem(&word), stem, "{word}");
    }
}

#[test]
fn synonyms_are_those_of_nltk() {
    check_synonyms(&WordNet::open(Path::new(PART)).unwrap());
}

fn check_synonyms(wordnet: &WordNet) {
    for (word, expected) in golden().synonyms {
        assert_eq!(sorted_synonyms(wordnet, &word), expected, "{word}");
    }
}

fn sorted_synonyms<'a>(wordnet: &'a WordNet, word: &str) -> Vec<&'a str> {
    let mut synonyms: Vec<&str> = wordnet.synonyms(word).into_iter().collect();
    synonyms.sort_unstable();
    synonyms
}

#[test]
fn scores_are_those_of_nltk() {
    check_scores(&WordNet::open(Path::new(PART)).unwrap());
}

fn check_scores(wordnet: &WordNet) {
    let pairs = golden().pairs;
    assert!(pairs.iter().filter(|pair| pair.meteor > 0.0).count() > 40);
    for Pair { prediction, reference, meteor: expected } in pairs {
        assert_eq!(
            meteor(&prediction, &reference, wordnet),
            expected,
            "{prediction:?} against {reference:?}"
        );
    }
}

/// A hash of the synonyms of every fifth word, with inflections.
#[test]
#[ignore = "needs WordNet 3.0 in /usr/share/wordnet (Debian's wordnet-base)"]
fn the_whole_of_wordnet_is_read_as_nltk_reads_it() {
    let wordnet = WordNet::open(Path::new(WHOLE)).unwrap();
    check_synonyms(&wordnet);
    check_scores(&wordnet);
    let parts = ["noun", "verb", "adj", "adv"];
    let files =
        parts.map(|part| format!("index.{part}")).into_iter().chain(parts.map(|part| format!("{part}.exc")));
    let text: String = files.map(|file| fs::read_to_string(Path::new(WHOLE).join(file)).unwrap()).collect();
    let words = text.lines().filter(|line| !line.starts_with(' '));
    let mut digest = Sha256::new();
    for word in words.step_by(5).map(|line| line.split_whitespace().next().unwrap()) {
        for ending in ["", "s", "es", "ed", "ing", "er", "est"] {
            let form = format!("{word}{ending}");
            let line = [vec![form.as_str()], sorted_synonyms(&wordnet, &form)].concat().join(" ");
            digest.update(line + "\n");
        }
    }
    let hash = digest.finalize().iter().fold(String::new(), |mut hash, byte| {
        write!(hash, "{byte:02x}").unwrap();
        hash
    });
    assert_eq!(hash, golden().whole);
}

#[test]
fn a_wordnet_that_cannot_be_read_is_an_error_that_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let error = WordNet::open(folder.path()).unwrap_err();
    assert!(matches!(&error, WordNetError::Io { file, .. } if file.ends_with("data.noun")), "{error}");
    for file in WordNet::FILES {
        fs::copy(Path::new(PART).join(file), folder.path().join(file)).unwrap();
    }
    WordNet::open(folder.path()).unwrap();
    for (file, line, expected) in [
        ("data.verb", "00000000 00 v 01 go 0 000 |", "a meaning, beginning with its place in the file, 000"),
        ("data.verb", "go", "a meaning, beginning with its place"),
        ("index.adj", "good a 1 0 1 0 99999999", "the place of a meaning in data.adj, found 99999999"),
        ("index.adj", "good a 2 0 2 0 00000001", "a word, its part of speech, and the places"),
    ] {
        let path = folder.path().join(file);
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{before}{line}\n")).unwrap();
        let error = WordNet::open(folder.path()).unwrap_err().to_string();
        let number = before.lines().count() + 1;
        assert!(error.contains(&format!("{file}: line {number}: expected {expected}")), "{error}");
        fs::write(&path, before).unwrap();
    }
}
