//! Which tokens are the context's, and that together they are those of the text.

use std::path::Path;

use super::{Rest, Texts, Tokenisation, Tokens};
use crate::hf::control::MarkedText;
use crate::hf::{Tokenizer, json};
use crate::weights::gguf::Gguf;

/// Texts without marks.
fn texts(context: &str, rests: &[&str]) -> Texts {
    let plain = |text: &str| MarkedText::of(text.to_owned(), None);
    let rests =
        rests.iter().map(|rest| Rest { text: plain(rest), asked: MarkedText::default(), across: None });
    Texts { context: plain(context), rests: rests.collect() }
}

fn split(context: &[u32], prompts: &[&[u32]]) -> (Vec<u32>, usize, Vec<Vec<u32>>) {
    let prompts = prompts.iter().map(|prompt| prompt.to_vec()).collect();
    let Tokens { context, border, questions } = Tokens::of_prompts(context, prompts);
    (context, border, questions)
}

#[test]
fn the_context_is_what_all_prompts_and_the_context_alone_begin_with() {
    // The second question joins the context's last token.
    let (context, border, questions) = split(&[1, 2, 3, 4], &[&[1, 2, 3, 4, 5], &[1, 2, 3, 9, 5]]);
    assert_eq!((context, border, questions), (vec![1, 2, 3], 1, vec![vec![4, 5], vec![9, 5]]));
}

#[test]
fn what_questions_begin_with_alike_is_no_context() {
    let (context, border, questions) = split(&[1, 2], &[&[1, 2, 7, 8], &[1, 2, 7, 9]]);
    assert_eq!((context, border, questions), (vec![1, 2], 0, vec![vec![7, 8], vec![7, 9]]));
}

#[test]
fn a_question_without_a_text_reads_the_last_token_again() {
    assert_eq!(split(&[1, 2], &[&[1, 2]]), (vec![1], 1, vec![vec![2]]));
    assert_eq!(split(&[], &[&[]]), (vec![], 0, vec![vec![]]));
    assert_eq!(split(&[1, 2], &[]), (vec![1, 2], 0, vec![]));
}

/// The texts of the tokenizers' goldens, whose tokens are those of transformers, cut anywhere.
#[test]
fn a_whole_prompt_has_the_tokens_of_its_text_wherever_the_border_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    for kind in ["smollm", "llama-bpe", "gpt-4o", "spm", "gemma"] {
        let gguf = Gguf::open(&folder.join(format!("tokenizer-{kind}.gguf"))).unwrap();
        let tokenizer = Tokenizer::from_gguf(&gguf).unwrap();
        let goldens = json::read(&folder.join(format!("tokenizer-{kind}.json"))).unwrap();
        let mut joined = false;
        for golden in goldens.as_array().unwrap() {
            let text = golden["text"].as_str().unwrap();
            let mut ids: Vec<u32> = serde_json::from_value(golden["ids"].clone()).unwrap();
            // A text that begins with it gets no second one.
            let bos = tokenizer.bos_to_prepend().filter(|bos| ids.first() != Some(bos));
            ids.splice(..0, bos);
            for (at, _) in text.char_indices() {
                let (context, rest) = text.split_at(at);
                let texts = texts(context, &[rest, &format!("b{rest}")]);
                let Tokens { context, border, questions } =
                    texts.tokens(&tokenizer, Tokenisation::Whole).unwrap();
                assert_eq!([&context[..], &questions[0]].concat(), ids, "{kind} {text:?} at {at}");
                joined |= border > 0;
            }
        }
        assert!(joined, "{kind}: no border is inside a token");
    }
}

#[test]
fn apart_a_tokenizer_that_begins_texts_with_a_space_puts_one_into_the_prompt() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tokenizer-spm.gguf");
    let tokenizer = Tokenizer::from_gguf(&Gguf::open(&path).unwrap()).unwrap();
    let texts = texts("the ca", &["t sat"]);
    let prompt = |how| {
        let Tokens { context, questions, .. } = texts.tokens(&tokenizer, how).unwrap();
        [&context[..], &questions[0]].concat()
    };
    let encode_prompt = |text: &str| tokenizer.encode_prompt(&MarkedText::of(text.to_owned(), None)).unwrap();
    assert_eq!(prompt(Tokenisation::Whole), encode_prompt("the cat sat"));
    let apart = [encode_prompt("the ca"), tokenizer.encode("t sat").unwrap()].concat();
    assert_eq!(prompt(Tokenisation::Apart), apart);
    assert_ne!(prompt(Tokenisation::Whole), apart);
}
