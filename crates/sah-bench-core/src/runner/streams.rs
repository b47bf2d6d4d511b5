//! The random numbers of a row, wherever it stands in a run.

use sha2::{Digest as _, Sha256};

/// A number that belongs to these texts: the beginning of their SHA-256.
pub(super) fn stream(texts: [&str; 4]) -> u64 {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    }
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hasher.finalize()[..8]);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::stream;

    #[test]
    fn texts_have_a_number_of_their_own() {
        assert_eq!(stream(["a", "b", "c", "d"]), stream(["a", "b", "c", "d"]));
        for other in [["a", "b", "c", "e"], ["ab", "", "c", "d"], ["b", "a", "c", "d"], ["", "", "", ""]] {
            assert_ne!(stream(["a", "b", "c", "d"]), stream(other));
        }
    }
}
