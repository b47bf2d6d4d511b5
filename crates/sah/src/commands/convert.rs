//! `cargo xtask convert`: published weights to the files that maskers read.

use sah_adapter::convert_hash_attention;
use sah_bench_core::replace_file;

use crate::args::HashAttentionArgs;
use crate::exit;
use crate::terminal::show;

/// Converts, and prints the masker that reads the file to standard output.
pub(crate) fn hash_attention(args: &HashAttentionArgs) -> anyhow::Result<u8> {
    let found =
        replace_file(&args.output, |output| anyhow::Ok(convert_hash_attention(&args.input, output)?))?;
    tracing::info!(
        "{} layers, {} heads, keys of {} elements, {} matrices a network, {} bits",
        found.layers,
        found.heads,
        found.head_dim,
        found.matrices,
        found.bits
    );
    if found.ignored > 0 {
        tracing::warn!("{} entries of the checkpoint belong to no network and were left out", found.ignored);
    }
    let mut masker = serde_json::json!({
        "type": "hash_attention_top_k",
        "heavy_size": {"fraction": 0.1},
        "hat_bits": found.bits,
        "hat_weight_file": args.output,
        "hat_mlp_layers": found.matrices,
    });
    if let Some(hidden) = found.hidden {
        tracing::warn!(
            "the file does not say what stands between the matrices; the published networks use silu"
        );
        masker["hat_mlp_hidden_size"] = hidden.into();
        masker["hat_mlp_activation"] = "silu".into();
    }
    show(format_args!("{masker}\n"))?;
    Ok(exit::DONE)
}
