//! How a question is asked.

/// A subset: all questions, asked in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subset {
    /// For the answer at once.
    ZeroShot,
    /// For thoughts, and then the answer.
    ChainOfThought,
}

impl Subset {
    /// Both, in the order in which they run.
    pub const ALL: [Self; 2] = [Self::ZeroShot, Self::ChainOfThought];
    /// Their names.
    pub const NAMES: [&str; 2] = [Self::ZeroShot.name(), Self::ChainOfThought.name()];

    /// The config of the hub's data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZeroShot => "0shot",
            Self::ChainOfThought => "cot",
        }
    }

    /// The subset of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subset| subset.name() == name)
    }

    /// New tokens that the authors allow, for thoughts where there are any.
    #[must_use]
    pub const fn authors_limit(self) -> usize {
        match self {
            Self::ZeroShot => 128,
            Self::ChainOfThought => 1024,
        }
    }

    /// The authors' file of its prompt.
    pub(crate) const fn prompt_file(self) -> &'static str {
        match self {
            Self::ZeroShot => "0shot.txt",
            Self::ChainOfThought => "0shot_cot.txt",
        }
    }
}
