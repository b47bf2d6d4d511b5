//! What kinds of questions there are.

use sah_bench_core::data::{ReadError, Row};

/// How hard a question is, by what people made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Difficulty {
    /// `easy`.
    Easy,
    /// `hard`.
    Hard,
}

/// How long its text is: below 32,000 words, below 128,000, or longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// `short`.
    Short,
    /// `medium`.
    Medium,
    /// `long`.
    Long,
}

impl Difficulty {
    /// Both, in the official order.
    pub const ALL: [Self; 2] = [Self::Easy, Self::Hard];

    /// The word in the data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Hard => "hard",
        }
    }

    /// That of a word in the data.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

impl Length {
    /// All, in the official order.
    pub const ALL: [Self; 3] = [Self::Short, Self::Medium, Self::Long];

    /// The word in the data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Medium => "medium",
            Self::Long => "long",
        }
    }

    /// That of a word in the data.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// What `find` makes of a field of a row; its error says what was `expected`.
pub(crate) fn known<T>(
    row: &Row<'_>,
    field: &'static str,
    expected: &str,
    find: impl Fn(&str) -> Option<T>,
) -> Result<T, ReadError> {
    let text = row.text(field)?;
    find(text).ok_or_else(|| row.wrong(field, expected, format!("{text:?}")))
}
