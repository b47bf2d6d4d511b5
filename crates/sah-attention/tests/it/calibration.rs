//! Channel statistics against plain loops, and the file that is written from them.

use sah_attention::{
    AttentionInputs, AttentionPolicy, ChannelSelection, ChannelStatistics, DoubleSparsityConfig,
    DoubleSparsityMasker, Error, Mask, Masker as _, RequestState, Size, SortedChannels,
};
use tch::{Device, Kind, Tensor};

use crate::seeded::seeded;

on_devices!(means_are_those_of_a_plain_loop, a_written_file_is_what_the_masker_reads);

const SELECTIONS: [ChannelSelection; 3] =
    [ChannelSelection::KProj, ChannelSelection::QProj, ChannelSelection::QkProj];
const DIM: usize = 6;

fn random(seed: i64, sizes: [i64; 4], device: Device) -> Tensor {
    seeded(seed, || Tensor::randn(sizes, (Kind::Float, Device::Cpu)).to_device(device))
}

fn observe(statistics: &mut ChannelStatistics, layer: usize, queries: &Tensor, keys: &Tensor) {
    let inputs = AttentionInputs::new(queries, keys, keys, 0.4).unwrap();
    AttentionPolicy::dense().observed(statistics).attend(layer, &inputs).unwrap();
}

/// `[B][heads][N][D]`
fn vectors(tensor: &Tensor) -> Vec<Vec<Vec<Vec<f64>>>> {
    let at = |index: [i64; 4]| tensor.double_value(&index);
    let [b, h, n, d] = tensor.size()[..] else { panic!("{tensor:?}") };
    let row = |b, h, n| (0..d).map(|d| at([b, h, n, d])).collect();
    (0..b).map(|b| (0..h).map(|h| (0..n).map(|n| row(b, h, n)).collect()).collect()).collect()
}

fn means_are_those_of_a_plain_loop(device: Device) {
    let (heads, kv_heads, group) = (4, 2, 2);
    let keys = random(5, [2, 2, 9, DIM as i64], device);
    let queries = random(6, [2, 4, 9, DIM as i64], device);
    let mut statistics = ChannelStatistics::default();
    // The same tokens in two pieces, the second after the first; another layer beside.
    observe(&mut statistics, 3, &queries.narrow(2, 0, 4), &keys.narrow(2, 0, 4));
    observe(&mut statistics, 1, &queries, &(&keys * 2.0));
    observe(&mut statistics, 3, &queries.narrow(2, 4, 5), &keys);
    assert_eq!(statistics.layers(), 2);

    let (q, k) = (vectors(&queries), vectors(&keys));
    let mean = |value: &dyn Fn(usize, usize) -> f64| {
        let all = (0..2).flat_map(|b| (0..9).map(move |n| (b, n)));
        all.map(|(b, n)| value(b, n)).sum::<f64>() / 18.0
    };
    for (selection, lists) in SELECTIONS.into_iter().zip([kv_heads, heads, heads]) {
        let found = statistics.means(3, selection).unwrap();
        assert_eq!(found.len(), lists);
        for (h, found) in found.iter().enumerate() {
            assert_eq!(found.len(), DIM);
            for (d, found) in found.iter().enumerate() {
                let expected = mean(&|b, n| match selection {
                    ChannelSelection::KProj => k[b][h][n][d].abs(),
                    ChannelSelection::QProj => q[b][h][n][d].abs(),
                    ChannelSelection::QkProj => (q[b][h][n][d] * k[b][h / group][n][d]).abs(),
                });
                assert!((found - expected).abs() < 1e-6, "{selection} {h} {d}: {found}, not {expected}");
            }
        }
    }
    assert!(statistics.means(0, ChannelSelection::KProj).is_none());
}

/// Channel 4 has large queries, channel 2 large keys, channel 5 both middling: each ranking begins with its own.
fn a_written_file_is_what_the_masker_reads(device: Device) {
    let scaled = |scale: [f32; DIM], heads: i64| {
        random(heads, [1, heads, 8, DIM as i64], device).sign() * Tensor::from_slice(&scale).to_device(device)
    };
    let queries = scaled([1.0, 1.1, 0.1, 1.2, 9.0, 6.0], 4);
    let keys = scaled([1.0, 1.1, 9.0, 1.2, 0.1, 6.0], 2);
    let mut statistics = ChannelStatistics::default();
    observe(&mut statistics, 0, &queries, &keys);
    observe(&mut statistics, 1, &queries, &keys);
    let folder = std::env::temp_dir().join(format!("sah-calibration-{}-{device:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("channels.json");
    statistics.write(&path, &SELECTIONS).unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file.as_object().unwrap().len(), 6);
    assert_eq!(
        file["model.layers.1.self_attn.k_proj"],
        serde_json::json!([[2, 5, 3, 1, 0, 4], [2, 5, 3, 1, 0, 4]])
    );
    assert_eq!(file["model.layers.0.self_attn.q_proj"][3], serde_json::json!([4, 5, 3, 1, 0, 2]));
    assert_eq!(file["model.layers.0.self_attn.qk_proj"].as_array().unwrap().len(), 4);
    assert_eq!(file["model.layers.0.self_attn.qk_proj"][0][0], serde_json::json!(5));

    for channel_selection in SELECTIONS {
        let masker = DoubleSparsityMasker::new(&DoubleSparsityConfig {
            heavy_size: Size::Count(2),
            sorted_channel_file: path.clone(),
            group_factor: 3,
            label_bits: 16,
            channel_selection,
        })
        .unwrap();
        let row = queries.narrow(2, 7, 1);
        let inputs = AttentionInputs::new(&row, &keys, &keys, 0.4).unwrap();
        let empty = Mask::empty(inputs.dims().mask_shape());
        let mask = masker.select(&inputs, &mut RequestState::new(0).layer(1, 0), empty).unwrap();
        assert!((mask.to_dense(Device::Cpu).unwrap().sum(Kind::Float).double_value(&[]) - 8.0).abs() < 1e-9);
    }

    statistics.write(&path, &[ChannelSelection::QProj]).unwrap();
    let error = SortedChannels::read(&path, ChannelSelection::KProj).unwrap_err().to_string();
    assert!(error.contains("has no entry that ends in `.k_proj`"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn statistics_that_rank_nothing_are_an_error() {
    let path = std::env::temp_dir().join(format!("sah-calibration-{}-none.json", std::process::id()));
    let mut statistics = ChannelStatistics::default();
    let error = statistics.write(&path, &SELECTIONS).unwrap_err().to_string();
    assert!(error.contains("text must be at least one token"), "{error}");

    let x = Tensor::from_slice(&[1.0f32, f32::NAN]).view([1, 1, 1, 2]);
    observe(&mut statistics, 0, &x, &x);
    let error = statistics.write(&path, &SELECTIONS).unwrap_err().to_string();
    assert!(error.contains("finite numbers"), "{error}");
    assert!(!path.exists());

    // Another model.
    let x = Tensor::ones([1, 2, 1, 2], (Kind::Float, Device::Cpu));
    let inputs = AttentionInputs::new(&x, &x, &x, 1.0).unwrap();
    let error = AttentionPolicy::dense().observed(&mut statistics).attend(0, &inputs).unwrap_err();
    assert!(matches!(error, Error::MaskerInputs { .. }), "{error}");
}
