//! What a misspelt name may mean.

/// Names that are at least this similar (Jaro) are near. A letter too many, too few or another one is; another word is not.
const NEAR: f64 = 0.8;
/// No more are named.
const MOST: usize = 3;

/// What `name` may mean, as the end of a sentence: `did you mean x?`, or `there is x, y, z` where none of `known` is near.
///
/// ```
/// use sah_message::meant;
///
/// assert_eq!(meant("max_sample", ["max-samples", "seed"]), "did you mean max-samples?");
/// assert_eq!(meant("score", ["dense", "quest"]), "there is dense, quest");
/// ```
pub fn meant<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()).as_slice() {
        [] => format!("there is {}", known.join(", ")),
        [names @ .., last] if !names.is_empty() => format!("did you mean {} or {last}?", names.join(", ")),
        [only, ..] => format!("did you mean {only}?"),
    }
}

/// Those of `known` that are near to `name`, the nearest first, three at most. Capitals mean nothing, and `_` is `-`.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name = plain(name);
    let similarity = |known: &'a str| (strsim::jaro(&name, &plain(known)), known);
    let mut near: Vec<(f64, &str)> =
        known.into_iter().map(similarity).filter(|(similarity, _)| *similarity >= NEAR).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    near.into_iter().take(MOST).map(|(_, known)| known).collect()
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::{meant, nearest};

    #[test]
    fn a_misspelt_name_means_the_nearest() {
        let known = ["max-samples", "max-new-tokens", "max-context-length", "model", "micro-metrics", "seed"];
        for (name, meant) in [
            ("max_samples", "max-samples"),
            ("Model", "model"),
            ("modle", "model"),
            ("max-sample", "max-samples"),
            ("micrometrics", "micro-metrics"),
            ("sed", "seed"),
        ] {
            assert_eq!(nearest(name, known).first(), Some(&meant), "{name}");
        }
        assert!(nearest("attention", known).is_empty());
    }

    #[test]
    fn several_may_be_meant() {
        let known = ["qasper", "hotpotqa", "hotpotqa_e"];
        assert_eq!(meant("hotpot", known), "did you mean hotpotqa or hotpotqa_e?");
        assert_eq!(meant("ruler", known), "there is qasper, hotpotqa, hotpotqa_e");
        assert_eq!(nearest("abcde", ["abcdf", "abcdg", "abcdh", "abcdi"]).len(), 3);
    }
}
