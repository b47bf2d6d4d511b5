//! What a choice looks at.

/// The scores of the keys of one layer, and what a [`Refinement`](super::Refinement) knows of each.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerScores {
    layer: usize,
    heads: Vec<Vec<f32>>,
    /// Empty without a refinement.
    factors: Vec<Vec<f32>>,
}

/// `[Hkv][n]`, none of them NaN.
impl From<Vec<Vec<f32>>> for LayerScores {
    fn from(heads: Vec<Vec<f32>>) -> Self {
        Self { layer: 0, heads, factors: Vec::new() }
    }
}

impl LayerScores {
    /// The same of layer `layer`, from 0.
    #[must_use]
    pub fn of_layer(self, layer: usize) -> Self {
        Self { layer, ..self }
    }

    /// The same with what a refinement knows, `[Hkv][n]`.
    #[must_use]
    pub fn with_factors(self, factors: Vec<Vec<f32>>) -> Self {
        Self { factors, ..self }
    }

    /// Number of the layer in the model, from 0.
    #[must_use]
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// The scores of the keys of each head, `[Hkv][n]`.
    #[must_use]
    pub fn heads(&self) -> &Vec<Vec<f32>> {
        &self.heads
    }

    /// What a refinement knows of them, `[Hkv][n]`; empty without one.
    #[must_use]
    pub fn factors(&self) -> &[Vec<f32>] {
        &self.factors
    }
}
