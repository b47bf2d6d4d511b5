//! Text of any script in ASCII, as the Python package Unidecode 1.4.0 has it.

use std::cmp::Ordering;

/// `unidecode(text)` of a text in lower case.
///
/// The tables are those of the crate deunicode, which come from the same source and know more. What they have differently in Latin, Greek and
/// Cyrillic letters, in punctuation, symbols, kana and full-width forms is put right here. Elsewhere some differences remain: of the
/// 20,992 most common Chinese characters 310 are read otherwise, as are mathematical Greek, Hebrew, and scripts
/// that Unidecode leaves out.
///
/// ```
/// assert_eq!(sah_metrics::unidecode("saint-élie, 北京"), "saint-elie, Bei Jing ");
/// ```
#[must_use]
pub fn unidecode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else if let Some((_, ascii)) = REPLACED.iter().find(|(replaced, _)| *replaced == c) {
            out.push_str(ascii);
        } else if !is_dropped(c) {
            out.push_str(deunicode::deunicode_char(c).unwrap_or_default());
        }
    }
    out
}

fn is_dropped(c: char) -> bool {
    // Beyond the first plane Unidecode knows mathematical letters alone.
    if c > '\u{ffff}' {
        return !('\u{1d400}'..='\u{1d7ff}').contains(&c);
    }
    let place = |&(first, last): &(char, char)| {
        if last < c {
            Ordering::Less
        } else if first > c {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    };
    DROPPED.binary_search_by(place).is_ok()
}

/// What Unidecode has no letters for and deunicode has, from the first of a range to its last.
const DROPPED: [(char, char); 79] = [
    ('\u{242}', '\u{242}'),
    ('\u{2e5}', '\u{2eb}'),
    ('\u{2ef}', '\u{2ff}'),
    ('\u{371}', '\u{373}'),
    ('\u{377}', '\u{37d}'),
    ('\u{384}', '\u{385}'),
    ('\u{3d9}', '\u{3d9}'),
    ('\u{3f5}', '\u{3fc}'),
    ('\u{483}', '\u{487}'),
    ('\u{48b}', '\u{48b}'),
    ('\u{4c6}', '\u{4c6}'),
    ('\u{4ca}', '\u{4ca}'),
    ('\u{4ce}', '\u{4cf}'),
    ('\u{4f7}', '\u{4f7}'),
    ('\u{4fb}', '\u{52f}'),
    ('\u{1e9c}', '\u{1e9d}'),
    ('\u{1e9f}', '\u{1e9f}'),
    ('\u{1efb}', '\u{1eff}'),
    ('\u{204f}', '\u{2051}'),
    ('\u{2054}', '\u{2056}'),
    ('\u{2058}', '\u{205e}'),
    ('\u{2094}', '\u{2094}'),
    ('\u{20c0}', '\u{20c0}'),
    ('\u{2104}', '\u{2104}'),
    ('\u{2107}', '\u{2108}'),
    ('\u{210f}', '\u{210f}'),
    ('\u{2114}', '\u{2114}'),
    ('\u{2118}', '\u{2118}'),
    ('\u{211e}', '\u{211e}'),
    ('\u{2125}', '\u{2125}'),
    ('\u{2127}', '\u{2127}'),
    ('\u{2129}', '\u{2129}'),
    ('\u{2135}', '\u{2138}'),
    ('\u{213a}', '\u{213a}'),
    ('\u{213c}', '\u{2144}'),
    ('\u{214a}', '\u{214c}'),
    ('\u{214f}', '\u{214f}'),
    ('\u{2184}', '\u{2188}'),
    ('\u{218a}', '\u{218b}'),
    ('\u{21f4}', '\u{2211}'),
    ('\u{2213}', '\u{2214}'),
    ('\u{2218}', '\u{2222}'),
    ('\u{2224}', '\u{2234}'),
    ('\u{2238}', '\u{223b}'),
    ('\u{223d}', '\u{2263}'),
    ('\u{2268}', '\u{2302}'),
    ('\u{2304}', '\u{2328}'),
    ('\u{232b}', '\u{244a}'),
    ('\u{2596}', '\u{259f}'),
    ('\u{25f8}', '\u{2653}'),
    ('\u{2668}', '\u{266e}'),
    ('\u{2670}', '\u{2730}'),
    ('\u{2732}', '\u{2757}'),
    ('\u{2759}', '\u{275b}'),
    ('\u{2761}', '\u{2761}'),
    ('\u{2763}', '\u{27e5}'),
    ('\u{27e7}', '\u{27e7}'),
    ('\u{27ea}', '\u{27ff}'),
    ('\u{2900}', '\u{2981}'),
    ('\u{2985}', '\u{2a73}'),
    ('\u{2a77}', '\u{2bff}'),
    ('\u{3035}', '\u{3035}'),
    ('\u{303b}', '\u{303f}'),
    ('\u{3095}', '\u{309c}'),
    ('\u{309f}', '\u{309f}'),
    ('\u{30ff}', '\u{30ff}'),
    ('\u{312d}', '\u{312f}'),
    ('\u{3173}', '\u{3173}'),
    ('\u{3190}', '\u{319f}'),
    ('\u{31b8}', '\u{31ff}'),
    ('\u{321d}', '\u{321e}'),
    ('\u{3244}', '\u{3250}'),
    ('\u{327c}', '\u{327e}'),
    ('\u{32ff}', '\u{32ff}'),
    ('\u{fe10}', '\u{fe19}'),
    ('\u{fe45}', '\u{fe4f}'),
    ('\u{fe70}', '\u{fefc}'),
    ('\u{ff5f}', '\u{ff60}'),
    ('\u{fffc}', '\u{fffd}'),
];

/// What the two read differently.
#[rustfmt::skip]
const REPLACED: &[(char, &str)] = &[
    ('¼', " 1/4"), ('½', " 1/2"), ('¾', " 3/4"), ('ŋ', "ng"), ('ẛ', "S"), ('⁊', "&"), ('⁒', "%"),
    ('₴', "UAH"), ('₵', "C|"), ('₶', "L"), ('₺', "L"), ('₼', "m"), ('₽', "R"), ('₾', "l"), ('℀', " a/c "),
    ('℁', " a/s "), ('℃', "degC"), ('℅', " c/o "), ('℆', " c/u "), ('℉', "degF"), ('№', "No. "),
    ('℗', "(p)"), ('℟', "R/"), ('℠', "(sm)"), ('™', "(tm)"), ('℣', "V/"), ('ℹ', "i"), ('ⅎ', "F"),
    ('⅐', " 1/7 "), ('⅑', " 1/9 "), ('⅒', " 1/10 "), ('↉', " 0/3 "), ('〉', "> "), ('◖', "*"), ('◗', "*"),
    ('◢', "*"), ('◣', "*"), ('◤', "*"), ('◥', "*"), ('◴', "#"), ('◵', "#"), ('◶', "#"), ('◷', "#"),
    ('♠', "spades"), ('♡', "hearts"), ('♢', "diamonds"), ('♣', "clubs"), ('♤', "spades"), ('♥', "hearts"),
    ('♦', "diamonds"), ('♧', "clubs"), ('❟', ","), ('❠', ",,"), ('⟩', "> "), ('⦄', "} "), ('⩴', "::="),
    ('し', "shi"), ('ち', "chi"), ('っ', "tsu"), ('つ', "tsu"), ('シ', "shi"), ('チ', "chi"), ('ッ', "tsu"),
    ('ツ', "tsu"), ('・', "*"), ('ー', "-"), ('㌙', "gram ton"), ('㍱', "hPa"), ('㍸', "dm^2"), ('㍹', "dm^3"),
    ('㎌', "uF"), ('㎍', "ug"), ('㎕', "ul"), ('㎣', "mm^3"), ('㎲', "us"), ('㎶', "uV"), ('㎼', "uW"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_become_ascii_and_symbols_go() {
        for (text, ascii) in [
            ("plain text", "plain text"),
            ("żółć größe œuvre ñ", "zolc grosse oeuvre n"),
            ("“quotes” – and…", "\"quotes\" - and..."),
            ("2½ ∈ ℝ 😀", "2 1/2  R "),
            ("москва αθήνα", "moskva athena"),
        ] {
            assert_eq!(unidecode(text), ascii, "{text}");
        }
    }

    #[test]
    fn ranges_are_in_order() {
        assert!(DROPPED.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert!(DROPPED.iter().all(|(first, last)| first <= last));
    }
}
