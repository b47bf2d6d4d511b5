//! The base forms of a word.

use super::Part;

/// A list of endings and of what stands in their place in a base form.
type Endings = &'static [(&'static str, &'static str)];

/// Of nouns, verbs, adjectives and adverbs.
pub(super) const ENDINGS: [Endings; 4] = [
    &[
        ("s", ""),
        ("ses", "s"),
        ("ves", "f"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ],
    &[("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")],
    &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")],
    &[],
];

impl Part {
    /// The base forms of `word` that there are. Where endings have to be taken off, as few as lead to one.
    pub(super) fn base_forms(&self, word: &str) -> Vec<String> {
        let itself = || vec![word.to_owned()];
        if let Some(exceptions) = self.exceptions.get(word) {
            return self.known([itself(), exceptions.clone()].concat());
        }
        let mut forms = self.shortened(&itself());
        let mut known = self.known([itself(), forms.clone()].concat());
        while known.is_empty() && !forms.is_empty() {
            forms = self.shortened(&forms);
            known = self.known(forms.clone());
        }
        known
    }

    fn shortened(&self, forms: &[String]) -> Vec<String> {
        let mut shortened = Vec::new();
        for form in forms {
            let fits = |(ending, new): &(&str, &str)| Some(form.strip_suffix(ending)?.to_owned() + new);
            for form in self.endings.iter().filter_map(fits) {
                if !shortened.contains(&form) {
                    shortened.push(form);
                }
            }
        }
        shortened
    }

    fn known(&self, forms: Vec<String>) -> Vec<String> {
        forms.into_iter().filter(|form| self.meanings.contains_key(form)).collect()
    }
}
