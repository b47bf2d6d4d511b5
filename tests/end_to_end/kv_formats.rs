//! The default model with keys and values in other formats than f32, on rows of the bundled sample.

use sah_attention::{KiviBits, KvFormat};
use sah_tests::kv_formats::{measure, samples};
use tch::Kind;

#[test]
fn other_formats_of_the_cache_change_logits_little() {
    let mut rows: Vec<_> = samples().unwrap().into_iter().step_by(9).collect();
    for row in &mut rows {
        row.max_new_tokens = row.max_new_tokens.min(12);
    }
    let kivi = |bits| KvFormat::Kivi { bits, plain: Kind::Float };
    let bounds = [
        (KvFormat::Plain(Kind::BFloat16), 0.25, 0.04),
        (KvFormat::Int8, 1.5, 0.2),
        (kivi(KiviBits::Four), 3.0, 0.5),
        (kivi(KiviBits::Two), 12.0, 2.5),
    ];
    let found = measure(&rows, &bounds.map(|(format, _, _)| format)).unwrap();
    for (difference, (format, largest, mean)) in found.iter().zip(bounds) {
        assert_eq!((difference.format, difference.prompts), (format, rows.len()));
        assert!(difference.largest > 0.0, "{difference:?}: it is another cache");
        assert!(difference.largest < largest && difference.mean < mean, "{difference:?}");
    }
}
