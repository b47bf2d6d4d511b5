//! Lower layers that keep everything.

use serde::{Deserialize, Serialize};

use super::{Budget, LayerBudgets, RetentionInfo, RetentionRule, Rule};
use crate::error::Result;
use crate::masker::FieldInfo;

/// Leaves the first layers whole. The others keep what was asked for, so that more stays in the mean.
///
#[doc = include_str!("../../docs/retentions/first_layers_whole.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstLayersWhole {
    /// How many.
    pub count: usize,
}

impl RetentionRule for FirstLayersWhole {
    const INFO: RetentionInfo = RetentionInfo {
        name: "first_layers_whole",
        about: "the first layers keep everything",
        fields: &[FieldInfo::required("count", "a count from 0")],
        source: "the authors of Knorm skip two layers, arXiv 2406.11430",
        cost: "none",
        memory: "none",
        looks_at: "nothing",
    };

    fn build(&self) -> Result<Rule> {
        Ok(Rule::layers(*self))
    }
}

impl LayerBudgets for FirstLayersWhole {
    fn name(&self) -> &'static str {
        Self::INFO.name
    }

    fn counts(&self, budget: Budget, n: usize, layers: usize, _: usize) -> Vec<usize> {
        (0..layers).map(|layer| if layer < self.count { n } else { budget.keys(n) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_layers_keep_all_keys() {
        let counts = |count| FirstLayersWhole { count }.counts(Budget::Keys(10), 30, 3, 0);
        assert_eq!([counts(0), counts(2), counts(9)], [[10, 10, 10], [30, 30, 10], [30; 3]]);
    }
}
