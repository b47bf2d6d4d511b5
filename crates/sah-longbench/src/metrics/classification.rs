//! Classification by the names of classes in the answer.

/// One over the number of classes that `prediction` names, if `reference` is one of them; otherwise 0.
///
/// A class that is a part of the reference's own name is taken off the list, for it is named whenever the reference
/// is. The official scorer does so while it walks over the list: what moves into the place of a class taken off is
/// not looked at. This is kept.
#[must_use]
pub fn classification(prediction: &str, reference: &str, classes: &[String]) -> f64 {
    let mut named: Vec<&str> =
        classes.iter().map(String::as_str).filter(|class| prediction.contains(class)).collect();
    let mut next = 0;
    while let Some(&class) = named.get(next) {
        next += 1;
        if class != reference && reference.contains(class) {
            // By value, as Python's `list.remove`: the first of equal names goes.
            if let Some(first) = named.iter().position(|&other| other == class) {
                named.remove(first);
            }
        }
    }
    if named.contains(&reference) { 1.0 / named.len() as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::classification;

    fn score(prediction: &str, reference: &str, classes: &[&str]) -> f64 {
        let classes: Vec<_> = classes.iter().map(|&class| class.to_owned()).collect();
        classification(prediction, reference, &classes)
    }

    #[test]
    fn the_score_is_shared_by_all_classes_named() {
        let classes = ["Food", "Animal", "Sport", "City"];
        for (prediction, reference, expected) in [
            ("Animal", "Animal", 1.0),
            ("Type: Animal.", "Animal", 1.0),
            ("Animal or Sport", "Animal", 0.5),
            ("Food, Animal, Sport, City", "City", 0.25),
            ("Food", "Animal", 0.0),
            ("animal", "Animal", 0.0),
            ("", "Animal", 0.0),
        ] {
            assert_eq!(score(prediction, reference, &classes), expected, "{prediction:?}");
        }
    }

    #[test]
    fn parts_of_the_reference_are_dropped_but_not_what_follows_them() {
        // Only the first of two neighbours is dropped, so three remain of the four.
        assert_eq!(score("city name of x", "city name", &["city", "name", "city name", "x"]), 1.0 / 3.0);
        assert_eq!(score("city name", "city name", &["city", "city name"]), 1.0);
    }
}
