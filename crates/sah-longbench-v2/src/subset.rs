//! How a question is asked.

/// A subset: all questions, asked in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subset {
    /// For the answer at once.
    ZeroShot,
    /// For a reasoning, and then, without the text, for the answer.
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

    /// New tokens that the authors allow, for the reasoning where there is one.
    #[must_use]
    pub const fn authors_limit(self) -> usize {
        match self {
            Self::ZeroShot => 128,
            Self::ChainOfThought => 1024,
        }
    }

    /// New tokens that the authors allow an answer.
    pub(crate) const ANSWER_LIMIT: usize = Self::ZeroShot.authors_limit();

    /// The authors' file of the prompt that asks for the answer after a reasoning.
    pub(crate) const ANSWER_PROMPT_FILE: &str = "0shot_cot_ans.txt";

    /// The authors' file of its prompt.
    pub(crate) const fn prompt_file(self) -> &'static str {
        match self {
            Self::ZeroShot => "0shot.txt",
            Self::ChainOfThought => "0shot_cot.txt",
        }
    }
}
