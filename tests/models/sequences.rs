//! Sparse attention, and prompts in pieces.

use sah_adapter::families;
use sah_attention::{AttentionConfig, AttentionPolicy, RequestState, ResearchAttention, Size};
use sah_tests::tiny;

use crate::load;

/// In every architecture: a selection of everything is dense attention, and a small one reads less.
#[test]
fn every_architecture_runs_with_sparse_attention() {
    let prompt: Vec<u32> = (0..40).map(|id| id * 7 % 96).collect();
    for name in families().iter().flat_map(|family| family.checkpoints) {
        let network = load(&tiny::folder(name)).unwrap();
        let run = |window: Option<usize>| {
            let mut sequence = network.sequence(prompt.len()).unwrap();
            sequence.feed(&prompt[..30], &mut AttentionPolicy::Dense).unwrap();
            let Some(window) = window else {
                return sequence.feed(&prompt[30..], &mut AttentionPolicy::Dense).unwrap();
            };
            let config = AttentionConfig::streaming_llm(Size::Count(2), Size::Count(window));
            let attention = ResearchAttention::from_config(&config).unwrap();
            let mut state = RequestState::new(0);
            let mut policy = AttentionPolicy::Sparse { attention: &attention, state: &mut state };
            sequence.feed(&prompt[30..], &mut policy).unwrap()
        };
        let far = |left: &[f32], right: &[f32]| {
            left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
        };
        let dense = run(None);
        assert!(far(&run(Some(40)), &dense) < 1e-5, "{name}");
        assert!(far(&run(Some(3)), &dense) > 1e-3, "{name}");
    }
}

/// A prompt in pieces that was announced is a prompt in one piece, also where rotary embeddings depend on its length.
#[test]
fn an_announced_prompt_may_come_in_pieces() {
    let prompt: Vec<u32> = (0..40).map(|id| id * 7 % 96).collect();
    for (name, depends) in [("llama", false), ("llama-dynamic", true), ("phi3-longrope", true)] {
        let network = load(&tiny::folder(name)).unwrap();
        let whole = network.sequence(40).unwrap().feed(&prompt, &mut AttentionPolicy::Dense).unwrap();
        let far_in_pieces = |announced: bool| {
            let mut sequence = network.sequence(40).unwrap();
            if announced {
                sequence.expect(40);
            }
            sequence.feed(&prompt[..20], &mut AttentionPolicy::Dense).unwrap();
            let logits = sequence.feed(&prompt[20..], &mut AttentionPolicy::Dense).unwrap();
            logits.iter().zip(&whole).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
        };
        assert!(far_in_pieces(true) < 1e-5, "{name}");
        assert_eq!(far_in_pieces(false) > 1e-3, depends, "{name}: as in transformers' forward pass");
    }
}
