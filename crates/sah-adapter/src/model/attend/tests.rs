//! Attention over heads that keep different keys, at random, against the reference kernel, a head at a time.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sah_attention::{
    AttentionConfig, AttentionPolicy, AutoKernel, KvFormat, ReferenceKernel, RequestState, ResearchAttention,
};
use tch::{Kind, Tensor};

use super::{Attend, BatchRows, Heads, NewEntries, OneSequence, Scores, attend_entries};
use crate::cache::tests::shape;
use crate::cache::{Batch, KvCache, Slots};

const DIM: i64 = 16;
/// Room for the question and for slots.
const ROOM: usize = 40;

/// One case: sizes, and what is kept of each KV head.
#[derive(Debug)]
struct Case {
    kv_heads: i64,
    group: i64,
    read: i64,
    kept: Vec<Vec<usize>>,
    scores: Scores,
    format: KvFormat,
    seed: u64,
}

fn below(generator: &mut ChaCha8Rng, bound: usize) -> usize {
    (generator.next_u64() % bound as u64) as usize
}

impl Case {
    fn random(seed: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        let mut pick = |bound| below(&mut generator, bound);
        let (kv_heads, group, read) = (1 + pick(4) as i64, 1 + pick(3) as i64, 2 + pick(300) as i64);
        let all: Vec<usize> = (0..read as usize).collect();
        // No key, one, all, or some of a head; the same for all heads now and then.
        let even = pick(5) == 0;
        let mut kept = Vec::new();
        for head in 0..kv_heads {
            let share = pick(4);
            let of_head: Vec<usize> = match pick(5) {
                _ if even && head > 0 => Vec::clone(&kept[0]),
                0 => vec![],
                1 => vec![pick(read as usize)],
                2 => all.clone(),
                _ => all.iter().copied().filter(|_| pick(4) <= share).collect(),
            };
            kept.push(of_head);
        }
        let window = [None, None, Some(1 + pick(20)), Some(1 + pick(400))][pick(4)];
        let soft_cap = [None, Some(3.0)][pick(2)];
        let formats = [KvFormat::Plain(Kind::Float), KvFormat::Plain(Kind::BFloat16), KvFormat::Int8];
        let sinks = [None, Some(kv_heads * group)][pick(2)].map(|heads| {
            let scores: Vec<f32> = (0..heads).map(|_| pick(100) as f32 / 20.0 - 2.5).collect();
            Tensor::from_slice(&scores).view([heads, 1])
        });
        let scores = Scores { scale: 0.25, window, soft_cap, sinks };
        Self { kv_heads, group, read, kept, scores, format: formats[pick(3)], seed }
    }

    /// Numbers that depend on `which` and the case alone: libtorch's generator is shared by all threads.
    fn numbers(&self, which: u64, heads: i64, rows: i64) -> Tensor {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed ^ (which << 32));
        let mut number = || (generator.next_u32() as f32 / u32::MAX as f32 - 0.5) * 4.0;
        let numbers: Vec<f32> = (0..heads * rows * DIM).map(|_| number()).collect();
        Tensor::from_slice(&numbers).view([1, heads, rows, DIM])
    }

    fn queries(&self, which: u64, rows: i64) -> Tensor {
        self.numbers(which, self.kv_heads * self.group, rows)
    }

    /// Keys and values.
    fn rows(&self, which: u64, rows: i64) -> [Tensor; 2] {
        [1, 2].map(|side| self.numbers(which + side, self.kv_heads, rows))
    }

    fn heads(&self, which: u64, rows: i64) -> Heads {
        let [keys, values] = self.rows(which, rows);
        Heads { queries: self.queries(which, rows), entries: NewEntries::Own { keys, values } }
    }

    /// What a layer makes of the rows that reads the keys of the first one.
    fn of_first(&self, which: u64, rows: i64) -> Heads {
        Heads { queries: self.queries(which, rows), entries: NewEntries::OfLayer(0) }
    }

    /// What is left of the context, with room for more.
    fn cache(&self) -> KvCache {
        let mut cache = KvCache::new(&shape(1, self.kv_heads, DIM), self.read as usize, self.format).unwrap();
        let [keys, values] = self.rows(10, self.read);
        cache.append(0, &keys, &values).unwrap();
        cache.advance(self.read as usize);
        cache.compact(std::slice::from_ref(&self.kept), ROOM).unwrap()
    }

    /// The same as what a layer gives for `queries` of the rows appended last, by the reference kernel.
    fn expected(&self, cache: &KvCache, queries: &Tensor) -> Tensor {
        let rows = queries.size()[2] as usize;
        let entries = cache.entries(0, rows).unwrap();
        let mut attention = AttentionPolicy::Dense { kernel: &ReferenceKernel };
        attend_entries(&mut attention, 0, &self.scores, queries, &entries, &mut vec![]).unwrap()
    }

    fn check(&self, found: &Tensor, expected: &Tensor) {
        let error = (found - expected).abs().max().double_value(&[]);
        assert!(error < 2e-5, "{self:?}: {error}");
    }
}

#[test]
fn questions_read_what_each_head_keeps() {
    for seed in 0..150 {
        let case = Case::random(seed);
        let mut cache = case.cache();
        let mut read = 0;
        for rows in [1, 7, 1] {
            let (heads, other) = (case.heads(20 + read, rows), case.of_first(320 + read, rows));
            let mut attention = AttentionPolicy::Dense { kernel: &AutoKernel };
            let mut sequence =
                OneSequence { cache: &mut cache, attention: &mut attention, densities: vec![] };
            let found = sequence.attend(0, &case.scores, &heads).unwrap();
            let found_after = sequence.attend(1, &case.scores, &other).unwrap();
            case.check(&found, &case.expected(&cache, &heads.queries));
            case.check(&found_after, &case.expected(&cache, &other.queries));
            cache.advance(rows as usize);
            read += 3 * rows as u64;
        }
    }
}

#[test]
fn questions_beside_each_other_read_what_each_head_keeps() {
    for seed in 200..280 {
        let case = Case::random(seed);
        let (mut cache, mut alone) = (case.cache(), case.cache());
        // Questions of one, three and two tokens, and a new token of the last and the first.
        let lengths = [1, 3, 2];
        let mut slots = Slots::after(&mut cache, 3, 5).unwrap();
        for (slot, length) in lengths.into_iter().enumerate() {
            let [keys, values] = case.rows(30 + 10 * slot as u64, length);
            slots.cache().append(0, &keys, &values).unwrap();
            slots.cache().advance(length as usize);
            slots.take(slot).unwrap();
        }
        let numbers = [2, 0];
        let (heads, other) = (case.heads(90, 2), case.of_first(390, 2));
        let mut attentions = [(); 2].map(|()| AttentionPolicy::Dense { kernel: &AutoKernel });
        let mut rows = BatchRows {
            batch: &mut Batch::Slots(slots),
            numbers: &numbers,
            attentions: &mut attentions,
            densities: vec![vec![], vec![]],
        };
        let found = rows.attend(0, &case.scores, &heads).unwrap();
        let found_after = rows.attend(1, &case.scores, &other).unwrap();
        let [new_keys, new_values] = case.rows(90, 2);
        for (row, &slot) in numbers.iter().enumerate() {
            alone.truncate(case.read as usize);
            let [keys, values] = case.rows(30 + 10 * slot as u64, lengths[slot]);
            alone.append(0, &keys, &values).unwrap();
            alone.advance(lengths[slot] as usize);
            let of_row = |tensor: &Tensor| tensor.narrow(2, row as i64, 1);
            alone.append(0, &of_row(&new_keys), &of_row(&new_values)).unwrap();
            case.check(&of_row(&found), &case.expected(&alone, &of_row(&heads.queries)));
            case.check(&of_row(&found_after), &case.expected(&alone, &of_row(&other.queries)));
        }
    }
}

/// Sinks and a window by position, which each head finds among the keys that it keeps.
#[test]
fn maskers_select_from_what_each_head_keeps() {
    let config: AttentionConfig = serde_json::from_str(
        r#"{"maskers": [{"type": "sink", "size": 4}, {"type": "local", "size": 30}, {"type": "oracle_top_k", "heavy_size": 5}]}"#,
    )
    .unwrap();
    let attention = ResearchAttention::from_config(&config).unwrap();
    let reference = ResearchAttention::from_config(&config).unwrap();
    let reference = reference.with_kernel(std::sync::Arc::new(ReferenceKernel));
    for seed in 300..380 {
        let case = Case::random(seed);
        let attend = |attention: &ResearchAttention| {
            let (mut cache, mut state) = (case.cache(), RequestState::new(seed));
            let mut policy = AttentionPolicy::Sparse { attention, state: &mut state };
            let heads = case.heads(20, 3);
            let mut sequence = OneSequence { cache: &mut cache, attention: &mut policy, densities: vec![] };
            sequence.attend(0, &case.scores, &heads).unwrap()
        };
        case.check(&attend(&attention), &attend(&reference));
    }
}
