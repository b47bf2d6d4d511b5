//! Reads texts and prints their tokens, for comparisons with other implementations:
//!
//! ```sh
//! echo '{"text": "Hello"}' | cargo xtask example tokens FOLDER|FILE.gguf
//! ```
//!
//! Standard input has a JSON object on each line, standard output the answer to it: `{"ids": [..]}` to `{"text": ".."}`,
//! `{"text": ".."}` to `{"ids": [..]}`, `{"prompt": ".."}` (null without a chat template) to `{"message": ".."}`. The first line
//! is about the tokenizer itself: `{"bos": 1}` (or null) and its remarks.

#![expect(clippy::print_stdout, reason = "prints its result")]

use std::io::{BufRead as _, stdin};

use anyhow::Context as _;
use sah_adapter::{ModelSource, ModelTokenizer};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let source = std::env::args().nth(1).context("a folder or a GGUF file is missing")?;
    let tokenizer = ModelTokenizer::open(&ModelSource::parse(&source)?)?;
    let remarks: Vec<String> = tokenizer.remarks().iter().map(ToString::to_string).collect();
    println!("{}", json!({"bos": tokenizer.bos(), "remarks": remarks}));
    for line in stdin().lock().lines() {
        let asked: Value = serde_json::from_str(&line?)?;
        let answer = if let Some(text) = asked["text"].as_str() {
            json!({"ids": tokenizer.encode(text)?})
        } else if let Some(message) = asked["message"].as_str() {
            json!({"prompt": tokenizer.prompt(message)?})
        } else {
            let ids: Vec<u32> = serde_json::from_value(asked["ids"].clone())?;
            json!({"text": tokenizer.decode(&ids)?})
        };
        println!("{answer}");
    }
    Ok(())
}
