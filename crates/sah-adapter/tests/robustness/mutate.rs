//! Random changes to bytes, JSON and templates.

use serde_json::{Value, json};

/// Random numbers from a seed: `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True once in `times`.
    pub(crate) fn chance(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Numbers at which counts, lengths and signs go wrong.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// One to four changes among the first `within` bytes.
pub(crate) fn bytes(bytes: &mut Vec<u8>, within: usize, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let within = within.min(bytes.len());
        if within == 0 {
            return;
        }
        let at = random.below(within);
        let end = (at + 1 + random.below(16)).min(bytes.len());
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = random.below(within);
                bytes.splice(to..to, piece);
            }
            5 => {
                let count = random.below(64);
                let byte = random.next() as u8;
                bytes.splice(at..at, std::iter::repeat_n(byte, count));
            }
            // A count or a length.
            kind => {
                let width = if kind == 6 { 4 } else { 8 };
                let edge = random.choose(&EDGES).to_le_bytes();
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&edge[..end - at]);
            }
        }
    }
}

/// One to three changes: of the text, or of a value in it.
pub(crate) fn json(text: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let parsed = serde_json::from_slice::<Value>(text);
        match parsed {
            Ok(mut value) if !random.chance(4) => {
                change(&mut value, random, 0);
                *text = value.to_string().into_bytes();
            }
            _ => {
                let len = text.len();
                bytes(text, len, random);
            }
        }
    }
    if random.chance(40) {
        // Nested as deeply as a file of this size can be.
        *text = [vec![b'['; 50_000], vec![b']'; 50_000]].concat();
    }
}

/// Changes one value, chosen by walking down at random.
fn change(value: &mut Value, random: &mut Random, depth: usize) {
    let stop = depth > 0 && random.chance(4);
    match value {
        Value::Object(map) if !stop && !map.is_empty() => {
            let key = map.keys().nth(random.below(map.len())).unwrap().clone();
            match random.below(12) {
                0 => drop(map.remove(&key)),
                1 => {
                    let copied = map[&key].clone();
                    map.insert(format!("{key}x"), copied);
                }
                _ => change(&mut map[&key], random, depth + 1),
            }
        }
        Value::Array(list) if !stop && !list.is_empty() => {
            let at = random.below(list.len());
            match random.below(12) {
                0 => drop(list.remove(at)),
                1 => list.insert(at, list[at].clone()),
                _ => change(&mut list[at], random, depth + 1),
            }
        }
        other => *other = another(other, random),
    }
}

/// A value to stand in the place of `old`.
fn another(old: &Value, random: &mut Random) -> Value {
    let edge = *random.choose(&EDGES);
    match random.below(12) {
        0 => Value::Null,
        1 => json!(random.chance(2)),
        2 | 3 => json!(edge),
        4 => json!(-(edge as i64 / 2)),
        5 => json!(*random.choose(&[0.5, -1.0, 1e308, 1e-308, 3.4e38])),
        6 => json!(""),
        7 => json!("x".repeat(random.below(3000))),
        8 => json!([]),
        9 => json!({}),
        10 => json!([old.clone(), old.clone()]),
        _ => match old {
            Value::String(text) => json!(random.choose(&[
                format!("{text}{text}"),
                format!("../{text}"),
                text.chars().rev().collect(),
                "(".repeat(300),
                "(a*)*b|(?=".to_owned(),
                "{{ messages".to_owned(),
                "\u{0}ü漢".to_owned(),
            ])),
            Value::Number(_) => json!(edge),
            other => json!({ "type": other.clone() }),
        },
    }
}

/// A template of random pieces, some of which repeat and grow.
pub(crate) fn template(random: &mut Random) -> String {
    const PIECES: [&str; 44] = [
        "{{ messages[0].content }}",
        "{{ messages }}",
        "{% for m in messages %}",
        "{% for a in range(1000) %}",
        "{% for a in range(1000000000) %}",
        "{% for a in x %}",
        "{% endfor %}",
        "{% if x %}",
        "{% else %}",
        "{% endif %}",
        "{% set x = [x] %}",
        "{% set x = 'xxxxxxxx' %}",
        "{% set x = x ~ x %}",
        "{% set x = x * 1000 %}",
        "{% set ns = namespace(x='x') %}",
        "{% set ns.x = ns.x ~ ns.x %}",
        "{% set ns.x = [ns.x, ns.x] %}",
        "{% set ns.x = {'k': ns.x} %}",
        "{{ ns.x | tojson }}",
        "{{ ns.x }}",
        "{{ ns }}",
        "{% macro f(a) %}",
        "{% endmacro %}",
        "{{ f(1) }}",
        "{{ f(f) }}",
        "{{ x.split(x) }}",
        "{{ x.replace('', x) }}",
        "{{ x | indent(100000000) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ x | list | sort | unique | join(x) }}",
        "{{ x[::-1] }}",
        "{{ x[9223372036854775807:] }}",
        "{{ x[-9223372036854775808] }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ -9223372036854775808 // -1 }}",
        "{{ 2 ** 99999 }}",
        "{{ 1 % 0 }}",
        "{{ strftime_now('%%%-%Q%c%f' ~ x) }}",
        "{{ raise_exception(x) }}",
        "{% generation %}",
        "{% endgeneration %}",
        "{% raw %}",
        "{# ",
        "{{ x.zfill(1000000000) ~ x.center(100, 'é') ~ x.rsplit(none, 3) ~ x.partition('x') }}",
    ];
    let pieces: String = (0..=random.below(12)).map(|_| *random.choose(&PIECES)).collect();
    // Half of them keep the message, so that there is a prompt.
    if random.chance(2) { format!("{}{pieces}", PIECES[0]) } else { pieces }
}
