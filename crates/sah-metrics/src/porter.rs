//! Porter's stemmer.

/// Words that have no regular stem, and their stems.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

const STEP_2: [(&str, &str); 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: [(&str, &str); 7] = [
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

const STEP_4: [&str; 19] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
];

/// The stem of a word in small letters, as `PorterStemmer` of NLTK 3.8.1 finds it by default: Porter's algorithm with the changes
/// of NLTK, such as `dies` and `died` having the stem `die`.
///
/// ```
/// use sah_metrics::porter_stem;
///
/// assert_eq!(["Hopping", "relational", "dies"].map(porter_stem), ["hop", "relat", "die"]);
/// ```
#[must_use]
pub fn porter_stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    let stem = word.to_lowercase();
    if word.chars().count() <= 2 {
        return stem;
    }
    let stem = plural(stem);
    let stem = past_or_participle(stem);
    let stem = final_y(stem);
    let stem = step_2(stem);
    let stem = step_3(stem);
    let stem = step_4(stem);
    final_double_l(final_e(stem))
}

/// Step 1a.
fn plural(word: String) -> String {
    if word.ends_with("ies") {
        let end = if word.chars().count() == 4 { "ie" } else { "i" };
        return cut(&word, "ies").to_owned() + end;
    }
    if word.ends_with("sses") {
        return cut(&word, "es").to_owned();
    }
    if word.ends_with('s') && !word.ends_with("ss") { cut(&word, "s").to_owned() } else { word }
}

/// Step 1b.
fn past_or_participle(word: String) -> String {
    if word.ends_with("ied") {
        let end = if word.chars().count() == 4 { "ie" } else { "i" };
        return cut(&word, "ied").to_owned() + end;
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return if measure(stem) > 0 { cut(&word, "d").to_owned() } else { word };
    }
    let has_vowel = |stem: &&str| letters(stem).contains(&Letter::Vowel);
    let stem = ["ed", "ing"].into_iter().find_map(|suffix| word.strip_suffix(suffix).filter(has_vowel));
    let Some(stem) = stem else { return word };
    if ["at", "bl", "iz"].iter().any(|end| stem.ends_with(end)) {
        return stem.to_owned() + "e";
    }
    let ends_in_lsz = stem.ends_with(['l', 's', 'z']);
    if let Some(doubled) = doubled_consonant(stem) {
        let double = if ends_in_lsz { stem } else { &stem[..stem.len() - doubled.len_utf8()] };
        return double.to_owned();
    }
    // NLTK writes the rule before as one for the suffix `*d`, so that it takes words that end so, too.
    if let Some(rest) = stem.strip_suffix("*d") {
        return rest.to_owned() + "d";
    }
    let is_short = measure(stem) == 1 && ends_short(stem);
    stem.to_owned() + if is_short { "e" } else { "" }
}

/// Step 1c.
fn final_y(word: String) -> String {
    match word.strip_suffix('y') {
        Some(stem)
            if stem.chars().count() > 1 && letters(stem).last().copied() == Some(Letter::Consonant) =>
        {
            stem.to_owned() + "i"
        }
        _ => word,
    }
}

fn step_2(word: String) -> String {
    if let Some(stem) = word.strip_suffix("alli").filter(|stem| measure(stem) > 0) {
        return step_2(stem.to_owned() + "al");
    }
    if STEP_2.iter().all(|(suffix, _)| !word.ends_with(suffix)) && word.ends_with("logi") {
        let stem = cut(&word, "i");
        return if measure(cut(&word, "ogi")) > 0 { stem.to_owned() } else { word };
    }
    replaced(word, &STEP_2)
}

fn step_3(word: String) -> String {
    replaced(word, &STEP_3)
}

fn step_4(word: String) -> String {
    let Some(suffix) = STEP_4.iter().find(|suffix| word.ends_with(*suffix)) else { return word };
    let stem = cut(&word, suffix);
    let is_fit = *suffix != "ion" || stem.ends_with(['s', 't']);
    if measure(stem) > 1 && is_fit { stem.to_owned() } else { word }
}

/// Step 5a.
fn final_e(word: String) -> String {
    let is_superfluous = |stem: &&str| match measure(stem) {
        0 => false,
        1 => !ends_short(stem),
        _ => true,
    };
    match word.strip_suffix('e').filter(is_superfluous) {
        Some(stem) => stem.to_owned(),
        None => word,
    }
}

/// Step 5b.
fn final_double_l(word: String) -> String {
    match word.strip_suffix('l') {
        Some(stem) if stem.ends_with('l') && measure(stem) > 1 => stem.to_owned(),
        _ => word,
    }
}

/// Replaces the first suffix that `word` has, if enough is left before it.
fn replaced(word: String, rules: &[(&str, &str)]) -> String {
    let Some((suffix, new)) = rules.iter().find(|(suffix, _)| word.ends_with(suffix)) else { return word };
    let stem = cut(&word, suffix);
    if measure(stem) > 0 { stem.to_owned() + new } else { word }
}

/// `word` without its end.
fn cut<'a>(word: &'a str, suffix: &str) -> &'a str {
    word.strip_suffix(suffix).unwrap_or(word)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Vowel,
    Consonant,
}

/// What each letter is: `y` is a vowel after a consonant, and everything but a, e, i, o, u and y a consonant.
fn letters(word: &str) -> Vec<Letter> {
    let mut letters = Vec::new();
    for letter in word.chars() {
        let before = letters.last().copied();
        letters.push(match letter {
            'a' | 'e' | 'i' | 'o' | 'u' => Letter::Vowel,
            'y' if before == Some(Letter::Consonant) => Letter::Vowel,
            _ => Letter::Consonant,
        });
    }
    letters
}

/// Porter's measure: how often a consonant follows a vowel.
fn measure(word: &str) -> usize {
    letters(word).windows(2).filter(|pair| *pair == [Letter::Vowel, Letter::Consonant]).count()
}

/// The last letter, where it is a consonant that stands there twice.
fn doubled_consonant(word: &str) -> Option<char> {
    let mut backwards = word.chars().rev();
    let last = backwards.next()?;
    let is_doubled = backwards.next() == Some(last) && letters(word).last() == Some(&Letter::Consonant);
    is_doubled.then_some(last)
}

/// Whether it ends in a consonant, a vowel and a consonant other than w, x and y, or is a vowel and a consonant.
fn ends_short(word: &str) -> bool {
    use Letter::{Consonant, Vowel};
    match letters(word).as_slice() {
        [Vowel, Consonant] => true,
        [.., Consonant, Vowel, Consonant] => !word.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::porter_stem;

    /// Examples of Porter's paper, and what NLTK changes.
    #[test]
    fn words_have_the_stems_of_the_paper_and_of_nltk() {
        for (word, stem) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("ties", "tie"),
            ("cats", "cat"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("sing", "sing"),
            ("sized", "size"),
            ("fizzed", "fizz"),
            ("filing", "file"),
            ("happy", "happi"),
            ("enjoy", "enjoy"),
            ("radically", "radic"),
            ("theology", "theolog"),
            ("hopefulness", "hope"),
            ("adoption", "adopt"),
            ("controlling", "control"),
            ("rate", "rate"),
            ("dying", "die"),
            ("Dying", "dy"),
            ("AS", "as"),
            ("", ""),
            ("naïvely", "naïv"),
        ] {
            assert_eq!(porter_stem(word), stem, "{word}");
        }
    }
}
