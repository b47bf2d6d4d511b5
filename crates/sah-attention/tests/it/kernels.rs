//! The sparse kernel against the oracle, and the oracle against a loop over numbers.

use sah_attention::{
    AttentionInputs, AutoKernel, Error, FusedKernel, GatherKernel, IndexList, Kernel, Mask, MaskShape, Reads,
    ReferenceKernel, RowRanges, Selection, TiledKernel,
};
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, Tensors, difference, random_mask, random_shape};

/// Bound in `Float`, for standard normal inputs and weights of 0.001 and more.
const FLOAT: f64 = 1e-5;
/// Bounds in half precision against the oracle in `Float` on the same rounded inputs: outputs up to about 4 in size, rounded to
/// 8 (or 11) bits of precision (half a unit is 2^-8 of 4), and weights that may be rounded once before they meet the values.
const HALVES: [(Kind, f64); 2] = [(Kind::BFloat16, 0.04), (Kind::Half, 0.005)];

/// Those that are tested against the oracle.
pub(crate) const KERNELS: [&dyn Kernel; 4] = [&GatherKernel, &FusedKernel, &TiledKernel, &AutoKernel];

/// What `kernel` gives; `None` where it refuses, which it may do only with inputs or masks that are left to another kernel.
pub(crate) fn attend(
    kernel: &dyn Kernel,
    inputs: &AttentionInputs<'_>,
    mask: &Mask,
) -> Option<Result<Tensor, Error>> {
    let reads = Reads::Mask(mask);
    let result = kernel.attend(inputs, reads);
    if !matches!(result, Err(Error::KernelInputs { .. })) {
        return Some(result);
    }
    let chosen = AutoKernel.chosen(inputs, reads).unwrap().unwrap().name();
    let has_list = matches!(
        mask.selection(),
        Selection::Sparse(sparse) if sparse.list().is_some() || sparse.pages().is_some()
    );
    assert!(
        match kernel.name() {
            "fused" => chosen == "gather",
            "tiled" => chosen == "gather" || has_list,
            _ => false,
        },
        "{} refuses what {chosen} computes",
        kernel.name()
    );
    None
}

on_devices!(
    equals_the_oracle,
    equals_the_oracle_in_half_precision,
    equals_the_oracle_in_double,
    reads_any_strides,
    long_blocks_of_rows,
    a_selection_far_below_the_maximum_is_finite,
    order_in_a_list_does_not_matter,
    empty_rows_are_errors,
    masks_must_fit,
);

fn equals_the_oracle(device: Device) {
    for seed in 0..1200 {
        let mut random = Random::new(seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let d = random.choose(&[16, 64]);
        let dv = if random.within(0..4) == 0 { 24 } else { d };
        let tensors = Tensors::new(shape, kv_heads, d, dv, seed, device).with_sinks(&mut random);
        let mask = random_mask(shape, form, &mut random, device);
        let want = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap();
        for kernel in KERNELS {
            let Some(got) = attend(kernel, &tensors.inputs(), &mask) else { continue };
            let got = got.unwrap();
            let (error, name) = (difference(&got, &want), kernel.name());
            assert!(
                error < FLOAT,
                "{name}, seed {seed}, {form:?}, {shape}, {kv_heads} heads of {d}: {error}"
            );
        }
    }
}

fn equals_the_oracle_in_half_precision(device: Device) {
    for seed in 0..120 {
        let mut random = Random::new(1000 + seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let form = Form::ALL[seed as usize % Form::ALL.len()];
        let mask = random_mask(shape, form, &mut random, device);
        for (kind, bound) in HALVES {
            let tensors =
                Tensors::new(shape, kv_heads, 64, 64, seed, device).with_sinks(&mut random).to_kind(kind);
            let want =
                ReferenceKernel.attend(&tensors.to_kind(Kind::Float).inputs(), Reads::Mask(&mask)).unwrap();
            for kernel in KERNELS {
                let Some(got) = attend(kernel, &tensors.inputs(), &mask) else { continue };
                let got = got.unwrap();
                assert_eq!(got.kind(), kind);
                let (error, name) = (difference(&got, &want), kernel.name());
                assert!(
                    error < bound,
                    "{name}, {kind:?}, seed {seed}, {form:?}, {shape}, {kv_heads} heads: {error}"
                );
            }
        }
    }
}

fn equals_the_oracle_in_double(device: Device) {
    for seed in 0..Form::ALL.len() as u64 {
        let mut random = Random::new(2000 + seed);
        let (shape, kv_heads) = random_shape(&mut random);
        let tensors =
            Tensors::new(shape, kv_heads, 16, 16, seed, device).with_sinks(&mut random).to_kind(Kind::Double);
        let mask = random_mask(shape, Form::ALL[seed as usize], &mut random, device);
        let want = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap();
        for kernel in KERNELS {
            let Some(got) = attend(kernel, &tensors.inputs(), &mask) else { continue };
            let got = got.unwrap();
            assert_eq!((got.kind(), want.kind()), (Kind::Double, Kind::Double));
            assert!(difference(&got, &want) < FLOAT);
        }
    }
}

/// Caches by head, by token, with a row length that is no multiple of the width, and transposed.
fn reads_any_strides(device: Device) {
    let shape = MaskShape { batch: 2, heads: 6, queries: 3, keys: 40 };
    let tensors = Tensors::new(shape, 2, 16, 16, 1, device);
    let layouts: [fn(&Tensor) -> Tensor; 4] = [
        |cache| cache.contiguous(),
        |cache| cache.transpose(1, 2).contiguous().transpose(1, 2),
        |cache| cache.constant_pad_nd([0, 3]).narrow(3, 0, 16),
        |cache| cache.transpose(2, 3).contiguous().transpose(2, 3),
    ];
    for form in Form::ALL {
        let mask = random_mask(shape, form, &mut Random::new(7), device);
        let want = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap();
        for (number, layout) in layouts.iter().enumerate() {
            let laid_out = Tensors {
                queries: layout(&tensors.queries),
                keys: layout(&tensors.keys),
                values: layout(&tensors.values),
                scale: tensors.scale,
                sinks: None,
            };
            for kernel in KERNELS {
                let Some(got) = attend(kernel, &laid_out.inputs(), &mask) else { continue };
                let got = got.unwrap();
                assert!(difference(&got, &want) < FLOAT, "{}, {form:?}, layout {number}", kernel.name());
            }
        }
    }
}

/// More rows than one block or task, for everything, for ranges and for lists.
fn long_blocks_of_rows(device: Device) {
    let shape = MaskShape { batch: 1, heads: 4, queries: 300, keys: 420 };
    for form in [
        Form::Full,
        Form::Ranges,
        Form::Weighted,
        Form::RangesAndList,
        Form::RangesAndPages,
        Form::Blocks,
        Form::RangesAndBlocks,
    ] {
        let tensors = Tensors::new(shape, 2, 64, 64, 2, device).with_sinks(&mut Random::new(form as u64 + 1));
        let mask = random_mask(shape, form, &mut Random::new(11), device);
        let want = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap();
        for kernel in KERNELS {
            let Some(got) = attend(kernel, &tensors.inputs(), &mask) else { continue };
            let got = got.unwrap();
            assert!(difference(&got, &want) < FLOAT, "{}, {form:?}", kernel.name());
        }
    }
}

/// The best key scores 200 above the selected ones: a maximum over all keys would make every weight 0 and the output NaN.
fn a_selection_far_below_the_maximum_is_finite(device: Device) {
    let options = (Kind::Float, device);
    let queries = Tensor::ones([1, 1, 1, 4], options);
    let keys = Tensor::zeros([1, 1, 3, 4], options);
    let _ = keys.narrow(2, 0, 1).fill_(50.0);
    let values = Tensor::from_slice(&[9f32, 1.0, 3.0])
        .view([1, 1, 3, 1])
        .expand([1, 1, 3, 4], false)
        .to_device(device);
    let tensors = Tensors { queries, keys, values, scale: 1.0, sinks: None };
    let shape = MaskShape { batch: 1, heads: 1, queries: 1, keys: 3 };
    let range = Mask::from_ranges(shape, RowRanges::from_fn(1, 3, |_| 1..3).unwrap()).unwrap();
    let indices = Tensor::from_slice(&[1i64, 2]).view([1, 1, 1, 2]).to_device(device);
    let list = Mask::from_indices(shape, IndexList::new(indices, None).unwrap()).unwrap();
    for mask in [range, list] {
        for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
            let Some(output) = attend(kernel, &tensors.inputs(), &mask) else { continue };
            let output = output.unwrap();
            assert!((output.double_value(&[0, 0, 0, 0]) - 2.0).abs() < 1e-6, "{}", kernel.name());
        }
    }
}

fn order_in_a_list_does_not_matter(device: Device) {
    let shape = MaskShape { batch: 1, heads: 4, queries: 5, keys: 50 };
    let tensors = Tensors::new(shape, 2, 16, 16, 3, device);
    let mut random = Random::new(3);
    let (mut indices, mut probabilities) = (vec![], vec![]);
    for _ in 0..shape.heads * shape.queries {
        // A random step through all 50 keys; key 0 is among them, so that every row reads something.
        let step = random.choose(&[3, 7, 9, 11]);
        indices.extend((0..30).map(|n| (n * step) as i64 % 50));
        probabilities.extend((0..30).map(|_| random.unit()));
    }
    let size = [1, 4, 5, 30];
    let indices = Tensor::from_slice(&indices).view(size).to_device(device);
    let probabilities = Tensor::from_slice(&probabilities).view(size).to_device(device);
    let attend = |order: &Tensor| {
        let list = IndexList::new(indices.index_select(3, order), Some(probabilities.index_select(3, order)))
            .unwrap();
        GatherKernel
            .attend(&tensors.inputs(), Reads::Mask(&Mask::from_indices(shape, list).unwrap()))
            .unwrap()
    };
    let forwards = attend(&Tensor::arange(30, (Kind::Int64, device)));
    let backwards = attend(&Tensor::arange_start_step(29, -1, -1, (Kind::Int64, device)));
    assert!(difference(&forwards, &backwards) < FLOAT);
}

fn empty_rows_are_errors(device: Device) {
    let shape = MaskShape { batch: 2, heads: 4, queries: 3, keys: 5 };
    let tensors = Tensors::new(shape, 2, 16, 16, 4, device);
    // Rows stand at positions 2, 3, 4; row 1 has only the key after it.
    let ranges = || RowRanges::from_rows(5, [vec![0..1], vec![4..5], vec![1..3]]).unwrap();
    let mut indices = vec![-1i64; 2 * 4 * 3];
    let at = |batch: usize, head: usize, query: usize| (batch * 4 + head) * 3 + query;
    for batch in 0..2 {
        for head in 0..4 {
            indices[at(batch, head, 1)] = 3;
        }
    }
    let list = |indices: &[i64]| {
        let indices = Tensor::from_slice(indices).view([2, 4, 3, 1]).to_device(device);
        Mask::from_indices(shape, IndexList::new(indices, None).unwrap()).unwrap()
    };
    let from_ranges = || Mask::from_ranges(shape, ranges()).unwrap();
    let check = |mask: &Mask, expected: &str| {
        for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
            let Some(result) = attend(kernel, &tensors.inputs(), mask) else { continue };
            let error = result.unwrap_err();
            assert!(matches!(error, Error::EmptySelection { layer: None, .. }));
            let text = format!("nothing is selected for {expected}; ");
            assert!(error.to_string().starts_with(&text), "{}: {error}", kernel.name());
        }
    };
    check(&Mask::empty(shape), "query row 0 of head 0, batch entry 0");
    check(&from_ranges(), "query row 1 of head 0, batch entry 0");
    check(&list(&indices), "query row 0 of head 0, batch entry 0");
    check(&list(&[-1; 24]), "query row 0 of head 0, batch entry 0");
    let both = from_ranges().merge(list(&indices)).unwrap();
    assert!(
        GatherKernel.attend(&tensors.inputs(), Reads::Mask(&both)).is_ok(),
        "the list fills the empty row"
    );
    indices[at(1, 2, 1)] = -1;
    check(&from_ranges().merge(list(&indices)).unwrap(), "query row 1 of head 2, batch entry 1");
}

fn masks_must_fit(device: Device) {
    let shape = MaskShape { batch: 1, heads: 2, queries: 1, keys: 5 };
    let tensors = Tensors::new(shape, 2, 16, 16, 5, device);
    for kernel in KERNELS.into_iter().chain([&ReferenceKernel as &dyn Kernel]) {
        let error = kernel
            .attend(&tensors.inputs(), Reads::Mask(&Mask::full(MaskShape { keys: 6, ..shape })))
            .unwrap_err();
        assert_eq!(error.to_string(), "mask shape [1, 2, 1, 6] does not match [1, 2, 1, 5]");
    }
}

/// The oracle itself, against the definition written out for single numbers.
#[test]
fn the_oracle_follows_the_definition() {
    let shape = MaskShape { batch: 1, heads: 4, queries: 3, keys: 6 };
    let tensors = Tensors::new(shape, 2, 16, 16, 6, Device::Cpu);
    let mask = random_mask(shape, Form::RangesAndWeighted, &mut Random::new(6), Device::Cpu);
    let weights = mask.to_dense(Device::Cpu).unwrap();
    let output = ReferenceKernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap();
    for h in 0..4 {
        for i in 0..3 {
            let (mut numerator, mut denominator) = ([0f64; 16], 0f64);
            for j in 0..=3 + i {
                let weight = weights.double_value(&[0, h, i, j]);
                if weight == 0.0 {
                    continue;
                }
                let dot = |d: i64| {
                    tensors.queries.double_value(&[0, h, i, d]) * tensors.keys.double_value(&[0, h / 2, j, d])
                };
                let term = ((0..16).map(dot).sum::<f64>() * tensors.scale).exp() / weight;
                denominator += term;
                for (d, sum) in numerator.iter_mut().enumerate() {
                    *sum += term * tensors.values.double_value(&[0, h / 2, j, d as i64]);
                }
            }
            for (d, sum) in numerator.iter().enumerate() {
                let got = output.double_value(&[0, h, i, d as i64]);
                assert!(
                    (got - sum / denominator).abs() < 1e-5,
                    "head {h}, row {i}: {got} {}",
                    sum / denominator
                );
            }
        }
    }
}
