//! What retentions keep of a context with the default model in f32, and the answers that follow: for `reference/kvpress_keys.py`.
//!
//! Reads a request as JSON from the standard input, and writes a line of JSON for each of its cases.

#![expect(clippy::print_stdout, reason = "prints its result")]

use sah_adapter::{Network, RepeatTokens, Retained};
use sah_attention::{AttentionPolicy, RetentionConfig, RetentionRegistry};
use sah_tests::default_model;
use serde::Deserialize;
use serde_json::{Value, json};
use tch::{Device, Kind};

#[derive(Deserialize)]
struct Asked {
    context: Vec<u32>,
    /// Read token by token: where layers differ in length, kvpress lets tokens of a question see later ones.
    question: Vec<u32>,
    /// Asks for the context, asks for a later part of it, and ends the question.
    repeat: [Vec<u32>; 3],
    answer_tokens: usize,
    /// Retentions, each as a `config.json` has it.
    cases: Vec<Value>,
}

fn main() -> anyhow::Result<()> {
    let Asked { context, question, repeat: [first, later, suffix], answer_tokens, cases } =
        serde_json::from_reader(std::io::stdin())?;
    let repeat = RepeatTokens { prefix: 0, first, later, suffix };
    let model = Network::load(&default_model(), Device::Cpu, Kind::Float)?;
    for case in cases {
        let retention = RetentionConfig::read(&RetentionRegistry::builtin(), case)?.build()?;
        let room = question.len() + answer_tokens;
        let Retained { mut sequence, kept } = model.retained_sequence(&context, &retention, &repeat, room)?;
        let mut feed = |token: u32| sequence.feed(&[token], &mut AttentionPolicy::dense());
        let mut logits = Vec::new();
        for &token in &question {
            logits = feed(token)?;
        }
        let mut answer = Vec::new();
        for _ in 0..answer_tokens {
            let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or_default();
            answer.push(best);
            logits = feed(best as u32)?;
        }
        println!("{}", json!({"kept": kept, "answer": answer}));
    }
    Ok(())
}
