//! A small seeded generator, so that the sample never changes with a library's version.

/// `SplitMix64` (Steele, Lea, Flood 2014): 64 bits of state, passes the usual statistical tests.
pub(crate) struct Rng(u64);

impl Rng {
    /// A generator whose stream depends on `name` only (FNV-1a hash of its bytes).
    pub(crate) fn named(name: &str) -> Self {
        let hash = |state: u64, byte: u8| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, hash))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `low..=high`.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + (self.next() % u64::from(high - low + 1)) as u32
    }

    /// One of `items`.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.between(0, items.len() as u32 - 1) as usize]
    }

    /// Puts `items` in random order (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.between(0, last as u32) as usize);
        }
    }

    /// A shuffled deck of `items`.
    pub(crate) fn deck<T: Copy>(&mut self, items: &[T]) -> Deck<T> {
        let mut cards = items.to_vec();
        self.shuffle(&mut cards);
        Deck(cards)
    }
}

/// Items to draw without repetition.
pub(crate) struct Deck<T>(Vec<T>);

impl<T> Deck<T> {
    /// The next item. The lists of this program are long enough for what it draws.
    pub(crate) fn draw(&mut self) -> T {
        self.0.pop().expect("a deck that is long enough")
    }

    /// The next `count` items.
    pub(crate) fn draw_many(&mut self, count: usize) -> Vec<T> {
        (0..count).map(|_| self.draw()).collect()
    }
}
