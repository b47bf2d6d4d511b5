//! Matching blocks of two texts, as `difflib.SequenceMatcher` of Python finds them with its default settings.

use std::collections::HashMap;

/// Texts of this many elements and more have their popular elements ignored.
const AUTOJUNK_FROM: usize = 200;

/// Twice the number of matching characters over the number of all, from 0 to 1; 1 for two empty texts: the `ratio` of Python's
/// `difflib.SequenceMatcher(None, a, b)`.
///
/// The longest block that both have (the earliest in `a`, then in `b`) is taken, then the longest ones before and after
/// it, and so on. Where `b` has 200 characters or more, those that make up more than 1 % of it are popular: no block
/// begins with one, blocks only extend over them.
#[must_use]
pub fn matching_ratio(a: &str, b: &str) -> f64 {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let all = a.len() + b.len();
    if all == 0 {
        return 1.0;
    }
    2.0 * matching(&a, &b) as f64 / all as f64
}

/// The number of elements in matching blocks.
fn matching(a: &[char], b: &[char]) -> usize {
    let places = places(b);
    let mut finder = Finder { a, b, places: &places, lengths: vec![0; b.len()], next: vec![0; b.len()] };
    let mut matching = 0;
    let mut open = vec![(Span { start: 0, end: a.len() }, Span { start: 0, end: b.len() })];
    while let Some((in_a, in_b)) = open.pop() {
        let block = finder.longest(in_a, in_b);
        if block.size > 0 {
            matching += block.size;
            open.push((Span { end: block.a, ..in_a }, Span { end: block.b, ..in_b }));
            open.push((
                Span { start: block.a + block.size, ..in_a },
                Span { start: block.b + block.size, ..in_b },
            ));
        }
    }
    matching
}

/// Where each element of `b` stands, in ascending order, without the popular ones.
fn places(b: &[char]) -> HashMap<char, Vec<usize>> {
    let mut places: HashMap<char, Vec<usize>> = HashMap::new();
    for (j, &c) in b.iter().enumerate() {
        places.entry(c).or_default().push(j);
    }
    if b.len() >= AUTOJUNK_FROM {
        let most = b.len() / 100 + 1;
        places.retain(|_, at| at.len() <= most);
    }
    places
}

#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

struct Block {
    a: usize,
    b: usize,
    size: usize,
}

struct Finder<'a> {
    a: &'a [char],
    b: &'a [char],
    places: &'a HashMap<char, Vec<usize>>,
    /// Length of the block that ends at the current element of `a` and at each element of `b`. All 0 between calls.
    lengths: Vec<usize>,
    /// The same for the next element of `a`.
    next: Vec<usize>,
}

impl Finder<'_> {
    /// The longest block within the spans; of several the one that starts first in `a`, then in `b`.
    fn longest(&mut self, in_a: Span, in_b: Span) -> Block {
        let mut best = Block { a: in_a.start, b: in_b.start, size: 0 };
        let places = self.places;
        let mut previous: &[usize] = &[];
        for i in in_a.start..in_a.end {
            let here = places.get(&self.a[i]).map_or(&[][..], |at| {
                let from = at.partition_point(|&j| j < in_b.start);
                let to = at.partition_point(|&j| j < in_b.end);
                &at[from..to]
            });
            for &j in here {
                let size = if j > 0 { self.lengths[j - 1] + 1 } else { 1 };
                self.next[j] = size;
                if size > best.size {
                    best = Block { a: i + 1 - size, b: j + 1 - size, size };
                }
            }
            for &j in previous {
                self.lengths[j] = 0;
            }
            std::mem::swap(&mut self.lengths, &mut self.next);
            previous = here;
        }
        for &j in previous {
            self.lengths[j] = 0;
        }
        self.extend(&mut best, in_a, in_b);
        best
    }

    /// Extends a block over popular elements at both ends.
    fn extend(&self, block: &mut Block, in_a: Span, in_b: Span) {
        while block.a > in_a.start && block.b > in_b.start && self.a[block.a - 1] == self.b[block.b - 1] {
            block.a -= 1;
            block.b -= 1;
            block.size += 1;
        }
        while block.a + block.size < in_a.end
            && block.b + block.size < in_b.end
            && self.a[block.a + block.size] == self.b[block.b + block.size]
        {
            block.size += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matching_ratio;

    fn check(a: &str, b: &str, expected: f64) {
        assert_eq!(matching_ratio(a, b), expected, "{a:?} against {b:?}");
    }

    /// The expected figures are those of Python's `SequenceMatcher(None, a, b).ratio()`.
    #[test]
    fn ratios_are_those_of_python() {
        check("", "", 1.0);
        check("abc", "", 0.0);
        check("abcd", "bcde", 0.75);
        check(
            "private Thread currentThread;",
            "private volatile Thread currentThread;",
            0.865_671_641_791_044_7,
        );
        check("北京市", "北京", 0.8);
    }

    #[test]
    fn the_order_of_the_texts_matters() {
        check("tide", "diet", 0.25);
        check("diet", "tide", 0.5);
    }

    #[test]
    fn popular_elements_start_no_block() {
        // 200 times the same element: it is popular, and found only where both texts begin with it.
        check("baaa", &format!("c{}", "a".repeat(200)), 0.0);
        check("aaaa", &"a".repeat(200), 8.0 / 204.0);
        check("baaa", &format!("c{}", "a".repeat(198)), 6.0 / 203.0);
        // A rare element starts a block, which then extends over popular ones on both sides.
        let b = format!("{}x{}", "a".repeat(150), "a".repeat(150));
        check("aaxaa", &b, 10.0 / 306.0);
    }
}
