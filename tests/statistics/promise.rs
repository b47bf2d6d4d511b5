//! vAttention's promise: a denominator off by more than epsilon with probability at most delta.

use std::fmt::Write as _;

use crate::estimates::{most_of, shares_off};
use crate::heads::{Heads, preset};
use crate::unbiased::estimates;

const DRAWS: usize = 400;

/// As measured, layer by layer. The table is left in `target/tmp/adaptive_sampling.md`, for docs/maskers.
#[test]
fn adaptive_sampling_keeps_its_promise() {
    let layers = Heads::of_the_default_model();
    let mut table = String::new();
    for (epsilon, delta) in [(0.05, 0.1), (0.1, 0.1), (0.1, 0.2), (0.2, 0.2)] {
        let attention = preset("vattention", &[&format!("epsilon={epsilon}"), &format!("delta={delta}")]);
        for heads in &layers {
            let density = heads.select(&attention, 0).density().unwrap();
            write!(table, "\n{epsilon} {delta} layer {} density {density:.3}:", heads.layer).unwrap();
            for (truth, estimates) in estimates(heads, &attention, DRAWS as u64) {
                let [above, below] = shares_off(truth, &estimates, epsilon);
                write!(table, " {above:.3}/{below:.3}").unwrap();
            }
        }
        write!(table, "\nmost {}", most_of(delta, DRAWS)).unwrap();
    }
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/adaptive_sampling.md"), table).unwrap();
}
