//! `y = x W^T + b`, the product that most of a model consists of.

use sah_tensor::product::MAX_ROWS;
use sah_tensor::torch::{Matrix, as_kind};
use tch::{Device, Kind, Tensor};
use tracing::trace_span;

use crate::Error;
use crate::weights::{Orientation, WeightPath};

/// A linear map, with or without bias.
#[derive(Debug)]
pub(super) struct Linear {
    /// `[out, in]`; several, one above another, where parts of it are kept in different forms.
    weights: Vec<Matrix>,
    /// `[out]`.
    bias: Option<Tensor>,
}

impl Linear {
    /// The map of a weight `[out, in]`.
    pub(super) fn new(weight: Matrix) -> Self {
        Self { weights: vec![weight], bias: None }
    }

    /// One or several projections of the same input, by name and number of outputs, stacked: their outputs stand one after
    /// another. Each has a tensor `weight`, and one `bias` where `bias`.
    pub(super) fn load(
        path: &WeightPath<'_>,
        parts: &[(&str, i64)],
        inputs: i64,
        bias: bool,
    ) -> Result<Self, Error> {
        let parts: Vec<_> = parts.iter().map(|(name, outputs)| (path.pp(name), *outputs)).collect();
        Self::load_parts(&parts, inputs, bias, Orientation::Outputs)
    }

    /// A projection with bias whose weight is stored as `[in, out]`.
    pub(super) fn load_conv1d(path: &WeightPath<'_>, inputs: i64, outputs: i64) -> Result<Self, Error> {
        Self::load_parts(&[(path.clone(), outputs)], inputs, true, Orientation::Inputs)
    }

    /// The same of outputs every second of which is one of the second half.
    pub(super) fn load_by_turns(path: &WeightPath<'_>, inputs: i64, outputs: i64) -> Result<Self, Error> {
        Self::load_parts(&[(path.clone(), outputs)], inputs, true, Orientation::InputsByTurns)
    }

    /// The projection without bias that a place is, with its number of outputs.
    pub(super) fn load_whole(part: (WeightPath<'_>, i64), inputs: i64) -> Result<Self, Error> {
        Self::load_parts(&[part], inputs, false, Orientation::Outputs)
    }

    fn load_parts(
        parts: &[(WeightPath<'_>, i64)],
        inputs: i64,
        bias: bool,
        orientation: Orientation,
    ) -> Result<Self, Error> {
        let weights = WeightPath::matrices(parts, inputs, orientation)?;
        let bias_of = |(path, outputs): &(WeightPath<'_>, i64)| {
            let stored = path.tensor("bias", &[*outputs])?;
            if orientation != Orientation::InputsByTurns {
                return Ok(stored);
            }
            let halves = [0, 1].map(|first| stored.f_slice(0, first, None, 2));
            let [first, second] = halves;
            Ok::<_, Error>(Tensor::f_cat(&[first?, second?], 0)?)
        };
        let biases: Vec<Tensor> = parts.iter().filter(|_| bias).map(bias_of).collect::<Result<_, _>>()?;
        let bias = if bias { Some(Tensor::f_cat(&biases, 0)?) } else { None };
        Ok(Self { weights, bias })
    }

    /// Where it is.
    pub(super) fn device(&self) -> Device {
        self.weights[0].device()
    }

    /// Number of outputs.
    pub(super) fn outputs(&self) -> i64 {
        self.weights.iter().map(Matrix::outputs).sum()
    }

    /// Number of inputs.
    pub(super) fn inputs(&self) -> i64 {
        self.weights[0].inputs()
    }

    /// Bytes of the weights in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.weights.iter().map(Matrix::bytes).sum()
    }

    /// Number of weights.
    fn values(&self) -> i64 {
        self.weights.iter().map(|weight| weight.outputs() * weight.inputs()).sum()
    }

    /// The weights, `[out, in]` of `kind`: those themselves where they are one tensor of this kind.
    pub(super) fn expanded(&self, kind: Kind) -> Result<Tensor, Error> {
        if let [weight] = self.weights.as_slice() {
            return Ok(weight.expanded(kind)?);
        }
        let parts = self.weights.iter().map(|weight| weight.expanded(kind));
        Ok(Tensor::f_cat(&parts.collect::<Result<Vec<_>, _>>()?, 0)?)
    }

    /// `x`: `[1, Q, in]`. Gives `[1, Q, out]`.
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, Error> {
        let rows = x.size()[1];
        let _span = trace_span!("product", rows, values = self.values(), bytes = self.bytes()).entered();
        if x.device() == Device::Cpu && self.weights.iter().all(Matrix::has_own_product) {
            return self.forward_packed(x);
        }
        let product = |weight: &Matrix, bias| -> Result<Tensor, Error> {
            Ok(x.f_linear(&weight.expanded(x.kind())?, bias)?)
        };
        if let [weight] = self.weights.as_slice() {
            return product(weight, self.bias.as_ref());
        }
        let outputs: Vec<Tensor> =
            self.weights.iter().map(|weight| product(weight, None)).collect::<Result<_, _>>()?;
        let output = Tensor::f_cat(&outputs, 2)?;
        match &self.bias {
            Some(bias) => Ok(output.f_add(bias)?),
            None => Ok(output),
        }
    }

    /// `maps`, which are alike, of one row each: of row `i` of `x`, `[1, n, in]`, or of its only one. Gives `[1, n, out]`. All are read
    /// at once where they can be.
    pub(super) fn forward_each(maps: &[&Self], x: &Tensor) -> Result<Tensor, Error> {
        let rows = x.size()[1];
        let Some(weights) = maps
            .iter()
            .map(|map| map.readable())
            .collect::<Option<Vec<_>>>()
            .filter(|_| x.device() == Device::Cpu)
        else {
            let row = |number: i64| x.f_narrow(1, number.min(rows - 1), 1);
            let each = maps.iter().enumerate().map(|(number, map)| map.forward(&row(number as i64)?));
            return Ok(Tensor::f_cat(&each.collect::<Result<Vec<_>, _>>()?, 1)?);
        };
        let inputs = as_kind(x, Kind::Float)?.f_squeeze_dim(0)?.f_contiguous()?;
        let mut output = Matrix::multiply_each(&weights, &inputs)?;
        let biases: Vec<&Tensor> = maps.iter().filter_map(|map| map.bias.as_ref()).collect();
        if !biases.is_empty() {
            output = output.f_add_(&Tensor::f_stack(&biases, 0)?)?;
        }
        Ok(as_kind(&output.f_unsqueeze(0)?, x.kind())?)
    }

    /// Its matrix, where it is one and we have a product for it.
    fn readable(&self) -> Option<&Matrix> {
        match self.weights.as_slice() {
            [weight] if weight.has_own_product() => Some(weight),
            _ => None,
        }
    }

    /// By our own products.
    fn forward_packed(&self, x: &Tensor) -> Result<Tensor, Error> {
        // A bias is added before sums are rounded.
        let kind = if self.bias.is_some() { Kind::Float } else { x.kind() };
        let many_in_bf16 = x.kind() == Kind::BFloat16 && x.size()[1] > MAX_ROWS as i64;
        let in_bf16 =
            if many_in_bf16 { Matrix::multiply_bf16(&self.weights, &x.f_contiguous()?, kind)? } else { None };
        let mut output = match in_bf16 {
            Some(output) => output,
            None => Matrix::multiply(&self.weights, &as_kind(x, Kind::Float)?.f_contiguous()?)?,
        };
        if let Some(bias) = &self.bias {
            output = output.f_add_(bias)?;
        }
        Ok(as_kind(&output, x.kind())?)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
    use tch::{Kind, Tensor};

    use super::{Linear, Matrix};

    /// The same numbers in every run, of a variance near 1: libtorch's generator is shared by all threads.
    fn random(generator: &mut ChaCha8Rng, size: &[i64], kind: Kind) -> Tensor {
        let mut number = || (generator.next_u32() as f32 / u32::MAX as f32 - 0.5) * 3.4;
        let numbers: Vec<f32> = (0..size.iter().product()).map(|_: i64| number()).collect();
        Tensor::from_slice(&numbers).view(size).to_kind(kind)
    }

    /// One to more rows than we multiply ourselves, beside sums in f64.
    fn check(rows: &Tensor, weights: &[Tensor], bias: Option<Tensor>, bound: f64) {
        let kind = rows.kind();
        let doubles: Vec<Tensor> = weights.iter().map(|weight| weight.to_kind(Kind::Double)).collect();
        let exact_bias = bias.as_ref().map(|bias| bias.to_kind(Kind::Double));
        let exact = rows.to_kind(Kind::Double).linear(&Tensor::cat(&doubles, 0), exact_bias.as_ref());
        let weights = weights.iter().map(|weight| Matrix::packed(weight.copy()).unwrap()).collect();
        let linear = Linear { weights, bias };
        for (first, count) in [(0, 1), (3, 1), (1, 2), (0, 3), (2, 8), (1, 9), (2, 16), (1, 17), (0, 18)] {
            let found = linear.forward(&rows.narrow(1, first, count)).unwrap();
            assert_eq!((found.kind(), found.size()), (kind, vec![1, count, linear.outputs()]));
            let expected = exact.narrow(1, first, count);
            assert!(
                found.to_kind(Kind::Double).allclose(&expected, bound, bound, false),
                "{linear:?} on {kind:?}: rows {first} and {count} more"
            );
        }
    }

    #[test]
    fn every_number_of_rows_gives_the_same_product() {
        let mut generator = ChaCha8Rng::seed_from_u64(1);
        let mut random = |size: &[i64], kind| random(&mut generator, size, kind);
        // The error of one rounding to the kind of the activations; sums are in f32, but for libtorch's in bf16 and f16.
        for (kind, bound) in [(Kind::Float, 2e-5), (Kind::Half, 6e-3), (Kind::BFloat16, 0.1)] {
            for kept in [Kind::Float, Kind::Half, Kind::BFloat16] {
                // Expanding f32 weights to the kind of the activations rounds them.
                for (inputs, biased) in [(96, false), (95, false), (96, true)] {
                    let bias = biased.then(|| random(&[64], kind));
                    check(&random(&[1, 18, inputs], kind), &[random(&[64, inputs], kept)], bias, bound);
                }
                let parts = [random(&[40, 96], kept), random(&[24, 96], Kind::BFloat16)];
                check(&random(&[1, 18, 96], kind), &parts, Some(random(&[64], kind)), bound);
            }
        }
    }
}
