//! Sparse attention, and prompts in pieces.

use sah_adapter::{Sequence, families};
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
            sequence.feed(&prompt[..30], &mut AttentionPolicy::dense()).unwrap();
            let Some(window) = window else {
                return sequence.feed(&prompt[30..], &mut AttentionPolicy::dense()).unwrap();
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

/// In every architecture, windows of layers and grouped heads included: what is evicted is never missed, whether the context
/// was read sparsely or densely, and a cache of 16 keys lasts for a sequence of 60.
#[test]
fn every_architecture_goes_on_without_evicted_keys() {
    let ids: Vec<u32> = (0..60).map(|id| id * 7 % 96).collect();
    let config = AttentionConfig::streaming_llm(Size::Count(2), Size::Count(5));
    let attention = ResearchAttention::from_config(&config).unwrap();
    let kept = attention.kept_keys().unwrap();
    for name in families().iter().flat_map(|family| family.checkpoints) {
        let network = load(&tiny::folder(name)).unwrap();
        for is_dense in [false, true] {
            let (mut whole, mut evicting) =
                (network.sequence(60).unwrap(), network.evicting_sequence(16, kept).unwrap());
            let mut state = RequestState::new(0);
            // The beginning, a question of several tokens, and one token after the other.
            let pieces = [9, 14, 20].into_iter().chain(21..=60);
            let mut start = 0;
            for end in pieces {
                let mut feed = |sequence: &mut Sequence<'_>| {
                    let mut policy = if is_dense && start == 0 {
                        AttentionPolicy::dense()
                    } else {
                        AttentionPolicy::Sparse { attention: &attention, state: &mut state }
                    };
                    sequence.feed(&ids[start..end], &mut policy).unwrap()
                };
                let (expected, found) = (feed(&mut whole), feed(&mut evicting));
                let far = expected.iter().zip(&found).map(|(left, right)| (left - right).abs());
                let far = far.fold(0.0, f32::max);
                assert!(far < 1e-5, "{name}, dense {is_dense}, {start}..{end}: {far}");
                assert_eq!(evicting.length(), end);
                start = end;
            }
        }
        let mut evicting = network.evicting_sequence(16, kept).unwrap();
        evicting.feed(&ids[..16], &mut AttentionPolicy::dense()).unwrap();
        let error = evicting.feed(&ids[16..17], &mut AttentionPolicy::dense()).unwrap_err().to_string();
        assert!(error.contains("dense attention needs keys of which 9 were evicted"), "{name}: {error}");
    }
}

/// A context read sparsely gives the same in one piece as in pieces of any length, and not what dense reading gives.
#[test]
fn a_context_read_sparsely_does_not_depend_on_its_pieces() {
    let ids: Vec<u32> = (0..60).map(|id| id * 7 % 96).collect();
    let config = AttentionConfig::streaming_llm(Size::Count(2), Size::Count(5));
    let attention = ResearchAttention::from_config(&config).unwrap().for_prefill().unwrap();
    for name in families().iter().flat_map(|family| family.checkpoints) {
        let network = load(&tiny::folder(name)).unwrap();
        let read = |piece: usize, attention: Option<&ResearchAttention>| {
            let mut sequence = network.sequence(60).unwrap();
            sequence.expect(60);
            let mut state = RequestState::new(0);
            let mut logits = vec![];
            for ids in ids.chunks(piece) {
                let mut policy = match attention {
                    None => AttentionPolicy::dense(),
                    Some(attention) => AttentionPolicy::Sparse { attention, state: &mut state },
                };
                logits = sequence.feed(ids, &mut policy).unwrap();
            }
            logits
        };
        let far = |left: &[f32], right: &[f32]| {
            left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
        };
        let whole = read(60, Some(&attention));
        for piece in [1, 7, 16, 59] {
            let error = far(&read(piece, Some(&attention)), &whole);
            // Layers with a memory sum in other blocks.
            let bound =
                if name.starts_with("qwen3-next") || name.starts_with("qwen3-5") { 5e-5 } else { 1e-5 };
            assert!(error < bound, "{name}, pieces of {piece}: {error}");
        }
        assert!(far(&read(60, None), &whole) > 1e-3, "{name}");
    }
}

/// A prompt in pieces that was announced is a prompt in one piece, also where rotary embeddings depend on its length.
#[test]
fn an_announced_prompt_may_come_in_pieces() {
    let prompt: Vec<u32> = (0..40).map(|id| id * 7 % 96).collect();
    for (name, depends) in [("llama", false), ("llama-dynamic", true), ("phi3-longrope", true)] {
        let network = load(&tiny::folder(name)).unwrap();
        let whole = network.sequence(40).unwrap().feed(&prompt, &mut AttentionPolicy::dense()).unwrap();
        let far_in_pieces = |announced: bool| {
            let mut sequence = network.sequence(40).unwrap();
            if announced {
                sequence.expect(40);
            }
            sequence.feed(&prompt[..20], &mut AttentionPolicy::dense()).unwrap();
            let logits = sequence.feed(&prompt[20..], &mut AttentionPolicy::dense()).unwrap();
            logits.iter().zip(&whole).map(|(left, right)| (left - right).abs()).fold(0.0, f32::max)
        };
        assert!(far_in_pieces(true) < 1e-5, "{name}");
        assert_eq!(far_in_pieces(false) > 1e-3, depends, "{name}: as in transformers' forward pass");
    }
}
