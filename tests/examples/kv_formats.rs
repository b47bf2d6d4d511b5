//! Answers the rows of the bundled LongBench sample by the default model with keys and values in f32, bf16, int8, int4 and int2,
//! and prints how far the logits of the first new token are from those in f32:
//!
//! ```sh
//! cargo xtask example kv_formats
//! ```

#![expect(clippy::print_stdout, reason = "prints its result")]

use sah_attention::{KiviBits, KvFormat};
use sah_tests::kv_formats::{Difference, measure, samples};
use tch::Kind;

fn main() -> anyhow::Result<()> {
    println!(
        "| cache | largest difference | mean difference | same first token | same text |\n|---|---|---|---|---|"
    );
    let kivi = |bits| KvFormat::Kivi { bits, plain: Kind::Float };
    let formats =
        [KvFormat::Plain(Kind::BFloat16), KvFormat::Int8, kivi(KiviBits::Four), kivi(KiviBits::Two)];
    for difference in measure(&samples()?, &formats)? {
        let Difference { format, largest, mean, same_first, same_text, prompts } = difference;
        println!(
            "| {format} | {largest:.4} | {mean:.4} | {same_first} of {prompts} | {same_text} of {prompts} |"
        );
    }
    Ok(())
}
