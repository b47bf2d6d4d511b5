//! Which of the processor's instructions are used.

use std::fmt;
use std::sync::OnceLock;

use pulp::Arch;

/// What of the processor may be used, each with all before it. The order is that of speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instructions {
    /// No vectors but those that the compiler makes.
    Baseline,
    /// AVX2 and fused multiply-adds.
    V3,
    /// AVX-512.
    V4,
    /// AVX512-BF16.
    Bf16Vectors,
    /// AMX-BF16: all that is known here.
    Bf16Tiles,
}

impl Instructions {
    /// The environment variable that forbids some, so that what other processors compute can be seen on this one.
    pub const VARIABLE: &'static str = "SAH_CPU";

    const ALL: [Self; 5] = [Self::Baseline, Self::V3, Self::V4, Self::Bf16Vectors, Self::Bf16Tiles];

    /// Those of a name: `x86-64`, `x86-v3`, `x86-v4`, `avx512-bf16`, `amx-bf16`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.to_string() == name)
    }

    /// Those that `SAH_CPU` allows: all where it is not set. Read once. `Err` has a value that is no name; all are then allowed.
    pub fn allowed() -> Result<Self, String> {
        static ALLOWED: OnceLock<Result<Instructions, String>> = OnceLock::new();
        let read = || match std::env::var(Self::VARIABLE) {
            Ok(name) => Self::named(&name).ok_or(name),
            Err(_) => Ok(Self::Bf16Tiles),
        };
        ALLOWED.get_or_init(read).clone()
    }

    /// Whether they may be used.
    pub(crate) fn are_allowed(self) -> bool {
        Self::allowed().map_or(true, |allowed| self <= allowed)
    }
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "x86-64",
            Self::V3 => "x86-v3",
            Self::V4 => "x86-v4",
            Self::Bf16Vectors => "avx512-bf16",
            Self::Bf16Tiles => "amx-bf16",
        })
    }
}

/// The widest vectors that the processor has and that are [allowed](Instructions::allowed).
#[must_use]
pub fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        if !Instructions::V4.are_allowed() {
            let v3 = pulp::x86::V3::try_new().filter(|_| Instructions::V3.are_allowed());
            return v3.map_or(Arch::Scalar, Arch::V3);
        }
        Arch::new()
    })
}

#[cfg(test)]
mod tests {
    use super::Instructions;

    #[test]
    fn every_name_means_what_it_is_printed_for() {
        for level in Instructions::ALL {
            assert_eq!(Instructions::named(&level.to_string()), Some(level));
        }
        assert_eq!(Instructions::named("x86-v5"), None);
        assert!(Instructions::V3 < Instructions::Bf16Vectors);
    }
}
