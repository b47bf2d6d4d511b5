//! What maskers remember: it grows, forks and is cut back with the cache, and never changes what is selected.

use sah_attention::{
    Activation, AttentionInputs, Error, MagicPigConfig, MagicPigMasker, Mask, Masker, PqCacheConfig,
    PqCacheMasker, PqMetric, QuestConfig, QuestMasker, RequestState, Size, SocketConfig, SocketMasker,
};
use tch::{Device, Kind, Tensor};

use crate::double_sparsity::{ChannelFile, random_lists};
use crate::hash_attention::{WeightFile, random_masker};
use crate::seeded::seeded;

on_devices!(state_follows_the_cache, state_of_another_request_is_an_error, threads_change_nothing);

/// Keys and values of 2 sequences and 2 key heads, queries of 4 heads, for 120 positions.
struct Text {
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
}

impl Text {
    fn new(seed: i64, kind: Kind, device: Device) -> Self {
        let tensor = |heads| {
            Tensor::randn([2, heads, 120, 16], (Kind::Float, Device::Cpu)).to_kind(kind).to_device(device)
        };
        seeded(seed, || Self { queries: tensor(4), keys: tensor(2), values: tensor(2) })
    }

    /// The first `common` positions of this text, then those of `other`.
    fn then(&self, common: i64, other: &Self) -> Self {
        let join = |one: &Tensor, two: &Tensor| {
            Tensor::cat(&[one.narrow(2, 0, common), two.narrow(2, common, 120 - common)], 2)
        };
        Self {
            queries: join(&self.queries, &other.queries),
            keys: join(&self.keys, &other.keys),
            values: join(&self.values, &other.values),
        }
    }

    /// What `masker` selects for the `rows` rows that end at position `keys`, as weights.
    fn select(&self, masker: &dyn Masker, state: &mut RequestState, rows: i64, keys: i64) -> Tensor {
        let queries = self.queries.narrow(2, keys - rows, rows);
        let (cache, values) = (self.keys.narrow(2, 0, keys), self.values.narrow(2, 0, keys));
        let inputs = AttentionInputs::new(&queries, &cache, &values, 0.25).unwrap();
        let empty = Mask::empty(inputs.dims().mask_shape());
        let mask = masker.select(&inputs, &mut state.layer(2, 0), empty).unwrap();
        assert!(!mask.is_full(), "{}: nothing is tested by a full mask", masker.name());
        mask.to_dense(Device::Cpu).unwrap()
    }
}

fn maskers() -> Vec<Box<dyn Masker>> {
    let quest = |page_size, label_bits| {
        Box::new(
            QuestMasker::new(QuestConfig { heavy_size: Size::Count(13), page_size, label_bits }).unwrap(),
        )
    };
    let sparsity = |name: &str, heads, label_bits| {
        let file = ChannelFile::new(
            &format!("growth-{name}-{:?}", std::thread::current().id()),
            &random_lists(heads, 16, 3),
            "qk_proj",
        );
        Box::new(file.masker(13, 4, label_bits))
    };
    let pq = |metric| {
        let config = PqCacheConfig {
            heavy_size: Size::Count(13),
            pq_group_factor: 4,
            pq_bits: 3,
            kmeans_iter: 5,
            init_offset: 2,
            metric,
        };
        Box::new(PqCacheMasker::new(config).unwrap())
    };
    let socket = |planes, tables| {
        let config = SocketConfig { heavy_size: Size::Count(13), planes, tables, tau: 0.3 };
        Box::new(SocketMasker::new(config).unwrap())
    };
    let magic_pig = |lsh_l, lsh_k| {
        let config = MagicPigConfig { lsh_l, lsh_k, center: true, seed: 42 };
        Box::new(MagicPigMasker::new(config).unwrap())
    };
    let networks = WeightFile::new(&format!("growth-{:?}", std::thread::current().id()), 4, &[12, 32]);
    vec![
        quest(4, 16),
        quest(7, 4),
        quest(1, 12),
        sparsity("query-heads", 4, 4),
        sparsity("key-heads", 2, 16),
        magic_pig(4, 5),
        magic_pig(6, 10),
        pq(PqMetric::Euclidean),
        pq(PqMetric::Ip),
        socket(4, 3),
        socket(9, 1),
        Box::new(random_masker(13, 40)),
        Box::new(networks.masker(13, 32, Activation::Gelu)),
    ]
}

/// All begin with the context of 60 keys: what is learned from it then stays.
fn state_follows_the_cache(device: Device) {
    for kind in [Kind::Float, Kind::BFloat16] {
        let (text, other) = (Text::new(1, kind, device), Text::new(2, kind, device));
        for masker in maskers() {
            check(&*masker, &text, &other);
        }
    }
}

fn check(masker: &dyn Masker, text: &Text, other: &Text) {
    let name = masker.name();
    let begun = |text: &Text| {
        let mut state = RequestState::new(7);
        let _ = text.select(masker, &mut state, 1, 61);
        state
    };
    let fresh = |text: &Text, rows, keys| text.select(masker, &mut begun(text), rows, keys);

    // Step by step, with a chunk in between, as in one go.
    let mut state = begun(text);
    for (rows, keys) in [(1, 62), (1, 63), (5, 68), (1, 69), (1, 69), (30, 99), (1, 100)] {
        assert!(
            text.select(masker, &mut state, rows, keys).equal(&fresh(text, rows, keys)),
            "{name}: {keys} keys"
        );
    }
    // Compact, and counted: at most a quarter more than right after one step.
    let mut once = begun(text);
    let _ = text.select(masker, &mut once, 1, 100);
    assert!(state.bytes() > 0 && state.bytes() <= once.bytes() * 5 / 4, "{name}: {} bytes", state.bytes());

    // A question on the same cache is cut off again, and another one follows.
    let second = text.then(61, other);
    state.truncate(61);
    for (rows, keys) in [(3, 64), (1, 65), (1, 90)] {
        assert!(
            second.select(masker, &mut state, rows, keys).equal(&fresh(&second, rows, keys)),
            "{name}: {keys} keys"
        );
    }
    // Forks go their own ways.
    let mut fork = state.fork();
    state.truncate(64);
    let third = second.then(64, text);
    assert!(third.select(masker, &mut state, 1, 91).equal(&fresh(&third, 1, 91)), "{name}: the parent");
    assert!(second.select(masker, &mut fork, 1, 91).equal(&fresh(&second, 1, 91)), "{name}: the fork");
    assert!(third.select(masker, &mut state, 2, 93).equal(&fresh(&third, 2, 93)), "{name}: the parent again");
    drop(fork);
    // Cut to before what it began with: nothing of it is left.
    state.truncate(40);
    let fourth = text.then(40, other);
    let mut early = RequestState::new(7);
    for (rows, keys) in [(1, 50), (1, 51), (4, 77)] {
        let want = fourth.select(masker, &mut early, rows, keys);
        assert!(
            fourth.select(masker, &mut state, rows, keys).equal(&want),
            "{name}: {keys} keys after a cut to 40"
        );
    }
    state.truncate(0);
    assert!(other.select(masker, &mut state, 1, 61).equal(&fresh(other, 1, 61)), "{name}: begun anew");
}

fn state_of_another_request_is_an_error(device: Device) {
    let text = Text::new(3, Kind::Float, device);
    for masker in maskers() {
        let mut state = RequestState::new(0);
        let _ = text.select(&*masker, &mut state, 1, 80);
        let mut error = |heads: i64, keys: i64| {
            let queries = text.queries.narrow(2, 0, 1).narrow(1, 0, heads);
            let (cache, values) = (text.keys.narrow(2, 0, keys), text.values.narrow(2, 0, keys));
            let inputs = AttentionInputs::new(&queries, &cache, &values, 0.25).unwrap();
            let empty = Mask::empty(inputs.dims().mask_shape());
            masker.select(&inputs, &mut state.layer(2, 0), empty).unwrap_err()
        };
        assert!(
            matches!(error(4, 79), Error::StateAhead { remembered: 80, keys: 79, .. }),
            "{}",
            masker.name()
        );
        assert!(matches!(error(2, 81), Error::StateMismatch { .. }), "{}", masker.name());
    }
}

/// One thread or three, in this crate's own loops.
fn threads_change_nothing(device: Device) {
    // Made once: other tests draw from the same generator at the same time.
    let text = Text::new(4, Kind::Float, device);
    let select = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let text = text.then(0, &text);
        pool.install(move || {
            let of = |masker: Box<dyn Masker>| text.select(&*masker, &mut RequestState::new(5), 6, 110);
            Tensor::stack(&maskers().into_iter().map(of).collect::<Vec<_>>(), 0)
        })
    };
    assert!(select(1).equal(&select(3)));
}
