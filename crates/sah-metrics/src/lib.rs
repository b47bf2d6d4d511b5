//! Text metrics for benchmarks: text in, number out.
//!
//! # Overview
//!
//! - [`qa_f1`] and [`qa_f1_zh`] compare short answers word by word; [`token_f1`] does the same with any tokens,
//!   [`char_f1_zh`] with characters, [`qa_f1_unidecode`] with words in ASCII.
//! - [`rouge_n`], [`rouge_l`] and [`rouge_l_zh`] compare summaries as the package `rouge` does, [`rouge_score`] as the package of
//!   that name; [`bleu`] and [`meteor`] as NLTK does, the latter with [`porter_stem`] and the synonyms of a [`WordNet`].
//! - [`stated_choice`] and [`final_integer`] find the answer in a text: the option of four, the integer of a solution.
//! - [`cloze_matches`] counts gaps filled right, [`percentage_similarity`] and [`concordance_index`] say how near a figure or an
//!   order comes.
//! - [`fuzz_ratio`] and [`matching_ratio`] compare texts character by character, such as lines of code.
//! - [`string_match_all`] and [`string_match_part`] look for references in an answer.
//! - [`normalise_answer`] and [`chinese_words`] prepare texts, [`python`] has what Python does to them, and [`literal`] reads
//!   Python's literals without running anything.
//!
//! Every figure is, digit for digit, that of the Python package which published scores were made with. The prediction comes
//! first, then the reference; figures go from 0 to 1 unless their function says otherwise.
//!
//! ```
//! use sah_metrics::{fuzz_ratio, qa_f1};
//!
//! // "it is eiffel tower" against "eiffel tower": 2 of 4 words are right, and all of the reference is there.
//! assert_eq!(qa_f1("It is the Eiffel Tower.", "Eiffel Tower"), 2.0 / 3.0);
//! assert_eq!(fuzz_ratio("let total = 0;", "let sum = 0;"), 69);
//! ```

#![cfg_attr(test, expect(clippy::float_cmp, reason = "figures are those of Python in every digit"))]

mod bleu;
mod cloze;
mod f1;
mod final_integer;
mod fuzz;
mod lcs;
pub mod literal;
mod meteor;
mod porter;
pub mod python;
mod qa_f1;
mod rouge;
pub mod rouge_score;
mod segment;
mod sequence_matcher;
mod similarity;
mod stated_choice;
mod string_match;
mod unidecode;
mod wordnet;

pub use bleu::bleu;
pub use cloze::{ClozeMatches, cloze_matches};
pub use f1::token_f1;
pub use final_integer::{FinalInteger, final_integer};
pub use fuzz::fuzz_ratio;
pub use meteor::meteor;
pub use porter::porter_stem;
pub use qa_f1::{char_f1_zh, normalise_answer, qa_f1, qa_f1_unidecode, qa_f1_zh};
pub use rouge::{Rouge, rouge_l, rouge_l_figures, rouge_l_zh, rouge_n};
pub use segment::chinese_words;
pub use sequence_matcher::matching_ratio;
pub use similarity::{concordance_index, percentage_similarity};
pub use stated_choice::stated_choice;
pub use string_match::{string_match_all, string_match_part};
pub use unidecode::unidecode;
pub use wordnet::{WordNet, WordNetError};
