//! The years.

/// The problems of a year, AIME I and II.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edition {
    /// 2024.
    Aime2024,
    /// 2025.
    Aime2025,
}

impl Edition {
    /// The name of the benchmark, of its only subset, and of the config of the hub's data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aime2024 => "aime2024",
            Self::Aime2025 => "aime2025",
        }
    }

    /// The data set on the hub: the problems with their prompts.
    #[must_use]
    pub const fn hub_id(self) -> &'static str {
        match self {
            Self::Aime2024 => "xAlg-AI/att-hub-aime2024",
            Self::Aime2025 => "xAlg-AI/att-hub-aime2025",
        }
    }
}
