//! Invented names of people, towns and rivers.

use super::rng::{Deck, Rng};

pub(crate) const FIRST: [&str; 20] = [
    "Ada", "Bruno", "Celia", "Dario", "Edith", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Leon",
    "Marta", "Nils", "Olga", "Pavel", "Rosa", "Stefan", "Tilda", "Viktor",
];

const LAST: [&str; 18] = [
    "Almquist",
    "Barrow",
    "Castell",
    "Dunmore",
    "Eklund",
    "Fenwick",
    "Garrido",
    "Holloway",
    "Ivarsen",
    "Jarrett",
    "Lindner",
    "Marlow",
    "Norling",
    "Okafor",
    "Pemberton",
    "Rosewall",
    "Sandoval",
    "Thorne",
];

const TOWNS: [&str; 14] = [
    "Brackwater",
    "Coldhaven",
    "Dunmarsh",
    "Elderford",
    "Fallowick",
    "Glenmoor",
    "Harrowmere",
    "Ironvale",
    "Larkstead",
    "Mossbridge",
    "Oakhollow",
    "Redmarsh",
    "Saltwick",
    "Thornmere",
];

const RIVERS: [&str; 8] = ["Avel", "Brune", "Corran", "Dorle", "Farrow", "Greyling", "Hallen", "Merrow"];

/// Names to draw, each at most once in a document.
pub(crate) struct Names {
    first: Deck<&'static str>,
    last: Deck<&'static str>,
    towns: Deck<&'static str>,
    rivers: Deck<&'static str>,
}

impl Names {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            first: rng.deck(&FIRST),
            last: rng.deck(&LAST),
            towns: rng.deck(&TOWNS),
            rivers: rng.deck(&RIVERS),
        }
    }

    pub(crate) fn first(&mut self) -> &'static str {
        self.first.draw()
    }

    pub(crate) fn last(&mut self) -> &'static str {
        self.last.draw()
    }

    /// First and last name.
    pub(crate) fn person(&mut self) -> String {
        format!("{} {}", self.first.draw(), self.last.draw())
    }

    pub(crate) fn town(&mut self) -> &'static str {
        self.towns.draw()
    }

    pub(crate) fn river(&mut self) -> &'static str {
        self.rivers.draw()
    }
}
