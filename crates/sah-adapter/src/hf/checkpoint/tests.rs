//! Whole checkpoints: small ones made here, and the built-in default model where it has been fetched.

use serde_json::json;
use tch::{Device, Kind};

use super::*;

/// The default model, where `cargo xtask setup` puts it.
fn default_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf")
}

#[test]
#[ignore = "needs the default model (cargo xtask setup)"]
fn the_default_model_opens() {
    let checkpoint = Checkpoint::open(&ModelSource::Gguf(default_model())).unwrap();
    assert_eq!(checkpoint.eos_token_ids, [2]);
    assert_eq!(checkpoint.tokenizer.bos_to_prepend(), None);
    assert_eq!(checkpoint.config["head_dim"], json!(64));
    assert_eq!(
        checkpoint.tokenizer.encode("<|im_start|>user\n2024<|im_end|>").unwrap(),
        [1, 4093, 198, 34, 32, 34, 36, 2]
    );
    let (before, after) = checkpoint.chat_template.as_ref().unwrap().split("Context.\n", "What?").unwrap();
    assert!(
        before.starts_with("<|im_start|>system\n") && before.ends_with("<|im_start|>user\nContext.\n"),
        "{before}"
    );
    assert_eq!(after, "What?<|im_end|>\n<|im_start|>assistant\n");
    let root = checkpoint.weights.root(Device::Cpu, Kind::Float);
    let embeddings = root.pp("model.embed_tokens").tensor("weight", &[49152, 576]).unwrap();
    assert_eq!(embeddings.size(), [49152, 576]);
}
