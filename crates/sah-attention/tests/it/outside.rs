//! A masker and a kernel as another crate writes them: by public items alone, named in a configuration like the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sah_attention::toolkit::{GrowingTensor, Prefix, add_top_k, fold_queries, unfold_scores};
use sah_attention::{
    AttentionConfig, AttentionInputs, AttentionPolicy, Error, FieldInfo, FusedKernel, Kernel, KernelRegistry,
    LayerState, Mask, MaskShape, Masker, MaskerConfig, MaskerInfo, MaskerRegistry, MaskerState, Reads,
    ReferenceKernel, RequestState, ResearchAttention, Result, RowRanges, Selection, Size,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{Device, Kind, Tensor};

use crate::cases::{Form, Random, Tensors, difference, random_mask, random_shape};

on_devices!(the_masker_selects_by_its_rule, the_kernel_computes_what_the_reference_does);

const NAME: &str = "newest_and_sign_top_k";

/// The newest keys, and those whose signs agree most with the query's.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignConfig {
    newest: Size,
    heavy_size: Size,
}

impl MaskerConfig for SignConfig {
    const INFO: MaskerInfo = MaskerInfo {
        name: NAME,
        about: "the newest keys, and those whose signs agree most with the query's",
        fields: &[FieldInfo::size("newest"), FieldInfo::size("heavy_size")],
        source: "this test",
        cost: "K D additions",
        state: "D bytes, for each key/value head",
    };

    fn build(&self) -> Result<Box<dyn Masker>> {
        self.newest.validate("newest")?;
        self.heavy_size.validate("heavy_size")?;
        Ok(Box::new(SignMasker(*self)))
    }
}

#[derive(Debug)]
struct SignMasker(SignConfig);

/// Signs of the keys of a layer.
#[derive(Debug)]
struct Signs {
    prefix: Prefix,
    /// `[B, Hkv, D, K]` of `Int8`.
    signs: GrowingTensor,
}

impl MaskerState for Signs {
    fn fork(&self) -> Box<dyn MaskerState> {
        Box::new(Self { prefix: self.prefix.clone(), signs: self.signs.fork() })
    }

    fn truncate(&mut self, keys: usize) {
        if keys < self.prefix.keys() {
            self.signs.truncate(keys);
            self.prefix.set_keys(keys);
        }
    }

    fn bytes(&self) -> usize {
        self.signs.bytes()
    }
}

impl Masker for SignMasker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn select(
        &self,
        inputs: &AttentionInputs<'_>,
        state: &mut LayerState<'_>,
        previous: Mask,
    ) -> Result<Mask> {
        let dims = *inputs.dims();
        let state = state.get_or_try_insert_with(|| -> Result<Signs> {
            let signs =
                GrowingTensor::new(&[dims.batch, dims.kv_heads, dims.head_dim], Kind::Int8, inputs.device())?;
            Ok(Signs { prefix: Prefix::of(inputs), signs })
        })?;
        let new = state.prefix.new_keys(NAME, inputs)?;
        if !new.is_empty() {
            let signs = inputs.keys_in(new.clone())?.f_sign()?.f_transpose(-2, -1)?.f_to_kind(Kind::Int8)?;
            state.signs.write(new.start, &signs)?;
            state.prefix.set_keys(new.end);
        }
        let newest = self.0.newest.of(dims.keys);
        let ranges = RowRanges::from_fn(dims.queries, dims.keys, |row| {
            let end = inputs.visible().row(row).end;
            end.saturating_sub(newest)..end
        })?;
        let mask = previous.merge(Mask::from_ranges(dims.mask_shape(), ranges)?)?;
        let signs = state.signs.view()?.f_to_kind(Kind::Float)?;
        add_top_k(inputs, mask, self.0.heavy_size.of(dims.keys), |rows| {
            let queries = fold_queries(inputs, rows.start, rows.len())?.f_sign()?.f_to_kind(Kind::Float)?;
            unfold_scores(&dims, &queries.f_matmul(&signs)?, rows.len())
        })
    }
}

fn registry() -> MaskerRegistry {
    let template =
        json!({"maskers": [{"type": "sink", "size": 2}, {"type": NAME, "newest": 3, "heavy_size": 4}]});
    MaskerRegistry::builtin().with_masker::<SignConfig>().unwrap().with_preset("signs", template).unwrap()
}

/// Whether `mask` selects each key of each row, `[H][Q][K]` of one sequence.
fn selected(mask: &Mask) -> Vec<Vec<Vec<bool>>> {
    let MaskShape { heads, queries, keys, .. } = *mask.shape();
    let weights = mask.to_dense(Device::Cpu).unwrap();
    let is_on = |h, i, j| weights.double_value(&[0, h as i64, i as i64, j as i64]) > 0.0;
    let row = |h, i| (0..keys).map(|j| is_on(h, i, j)).collect();
    (0..heads).map(|h| (0..queries).map(|i| row(h, i)).collect()).collect()
}

/// Step by step on one state, against the rule written out.
fn the_masker_selects_by_its_rule(device: Device) {
    let config = AttentionConfig::preset_in(&registry(), "signs", &["heavy_size=5"]).unwrap();
    let attention = ResearchAttention::from_config(&config).unwrap();
    let shape = MaskShape { batch: 1, heads: 4, queries: 40, keys: 40 };
    let tensors = Tensors::new(shape, 2, 16, 16, 3, device);
    let mut state = RequestState::new(0);
    let check = |state: &mut RequestState, queries: usize, keys: usize| {
        let queries_of = tensors.queries.narrow(2, (keys - queries) as i64, queries as i64);
        let (cache, values) =
            (tensors.keys.narrow(2, 0, keys as i64), tensors.values.narrow(2, 0, keys as i64));
        let inputs = AttentionInputs::new(&queries_of, &cache, &values, 0.25).unwrap();
        let found = selected(&attention.select(&inputs, 0, state).unwrap());
        let sign = |tensor: &Tensor, h: usize, row: usize, d: usize| {
            tensor.double_value(&[0, h as i64, row as i64, d as i64]).signum()
        };
        for (h, rows) in found.iter().enumerate() {
            for (i, row) in rows.iter().enumerate() {
                let position = keys - queries + i;
                let agreement = |j: usize| -> f64 {
                    (0..16).map(|d| sign(&queries_of, h, i, d) * sign(&cache, h / 2, j, d)).sum()
                };
                let is_fixed = |j: usize| j < 2 || j + 3 > position;
                let mut free: Vec<usize> = (0..=position).filter(|&j| !is_fixed(j)).collect();
                let free_count = free.len();
                free.sort_by(|&a, &b| agreement(b).total_cmp(&agreement(a)));
                let taken: Vec<usize> = (0..=position).filter(|&j| row[j] && !is_fixed(j)).collect();
                assert_eq!(taken.len(), free_count.min(5), "head {h}, row {i} of {keys} keys");
                let mut found: Vec<f64> = taken.iter().map(|&j| agreement(j)).collect();
                found.sort_by(|a, b| b.total_cmp(a));
                let best: Vec<f64> = free.iter().take(5).map(|&j| agreement(j)).collect();
                assert_eq!(found, best, "head {h}, row {i} of {keys} keys");
                assert!((0..=position).filter(|&j| is_fixed(j)).all(|j| row[j]));
            }
        }
    };
    check(&mut state, 20, 20);
    check(&mut state, 1, 21);
    let mut fork = state.fork();
    check(&mut fork, 4, 33);
    check(&mut state, 1, 22);
    state.truncate(21);
    check(&mut state, 19, 40);
    assert!(state.bytes() >= 2 * 16 * 40);
}

#[test]
fn the_masker_is_named_in_files_like_any_other() {
    let registry = registry();
    assert_eq!(registry.infos().last().map(|info| info.name), Some(NAME));
    assert_eq!(registry.presets().last(), Some("signs"));
    let text = format!(
        r#"{{"maskers":[{{"type":"{NAME}","newest":{{"fraction":0.5}},"heavy_size":4}}],"dense_layers":1}}"#
    );
    let read = |text: &str| AttentionConfig::read(&registry, &mut serde_json::Deserializer::from_str(text));
    let config = read(&text).unwrap();
    assert_eq!(serde_json::to_string(&config).unwrap(), text);
    let changed = config.with(&["newest=7"]).unwrap();
    assert_eq!(changed.maskers[0].get::<SignConfig>().unwrap().newest, Size::Count(7));
    assert_ne!(changed, config);
    let error = |text: &str| read(text).unwrap_err().to_string();
    let one = |fields: &str| format!(r#"{{"maskers": [{{"type": "{NAME}", {fields}}}]}}"#);
    assert!(error(r#"{"maskers": [{"type": "newest"}]}"#).contains(&format!("minference, {NAME}")));
    assert!(error(&one(r#""newest": 3, "size": 4"#)).contains("has no field `size`; there is newest, "));
    assert!(error(&one(r#""newest": 0, "heavy_size": 4"#)).contains("size must be greater than 0"));
    assert!(serde_json::from_str::<AttentionConfig>(&text).is_err(), "it is not one of this crate's");
}

/// Attention written with loops over rows and heads, counting its calls.
#[derive(Debug, Default)]
struct Loops(AtomicUsize);

impl Loops {
    /// The keys of a row with their weights.
    fn keys(reads: Reads<'_>, inputs: &AttentionInputs<'_>, place: [usize; 3]) -> Result<Vec<(i64, f64)>> {
        let [_, _, row] = place;
        let seen = inputs.visible().row(row);
        let certain = |key: usize| (key as i64, 1.0);
        let mask = match reads {
            Reads::Mask(mask) => mask,
            Reads::Ranges(ranges) => {
                return Ok(ranges.row(row).iter().cloned().flatten().map(certain).collect());
            }
            _ => return Ok(seen.map(certain).collect()),
        };
        let Selection::Sparse(sparse) = mask.selection() else { return Ok(seen.map(certain).collect()) };
        let ranges = sparse.ranges().restrict(&inputs.visible());
        let mut keys: Vec<(i64, f64)> = ranges.row(row).iter().cloned().flatten().map(certain).collect();
        if let Some(list) = sparse.keys()? {
            let place = place.map(|at| at as i64);
            for at in 0..list.width() as i64 {
                let place = [place[0], place[1], place[2], at];
                let key = list.indices().int64_value(&place);
                if key >= 0 && seen.contains(&(key as usize)) {
                    keys.push((
                        key,
                        list.probabilities().map_or(1.0, |weights| weights.double_value(&place)),
                    ));
                }
            }
        }
        Ok(keys)
    }
}

impl Kernel for Loops {
    fn name(&self) -> &'static str {
        "loops"
    }

    fn attend(&self, inputs: &AttentionInputs<'_>, reads: Reads<'_>) -> Result<Tensor> {
        reads.check(inputs)?;
        if inputs.soft_cap().is_some() {
            let problem = "caps no scores".to_owned();
            return Err(Error::KernelInputs { kernel: self.name(), problem });
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        let dims = inputs.dims();
        let (keys, values) = (inputs.keys()?, inputs.values()?);
        let mut rows = Vec::new();
        for batch in 0..dims.batch {
            for head in 0..dims.heads {
                for row in 0..dims.queries {
                    let read = Self::keys(reads, inputs, [batch, head, row])?;
                    let (at, weights): (Vec<i64>, Vec<f64>) = read.into_iter().unzip();
                    let at = Tensor::from_slice(&at).to_device(inputs.device());
                    let of_head = |cache: &Tensor| {
                        let head = cache.get(batch as i64).get((head / dims.group()) as i64);
                        head.index_select(0, &at).to_kind(Kind::Double)
                    };
                    let query = inputs.queries().get(batch as i64).get(head as i64).get(row as i64);
                    let scores = of_head(&keys).matmul(&query.to_kind(Kind::Double)) * inputs.scale();
                    let bias = Tensor::from_slice(&weights).to_device(inputs.device()).log();
                    rows.push(of_head(&values).tr().matmul(&(scores - bias).softmax(-1, Kind::Double)));
                }
            }
        }
        let size = [dims.batch, dims.heads, dims.queries, dims.value_dim].map(|size| size as i64);
        Ok(Tensor::stack(&rows, 0).view(size).to_kind(inputs.kind()))
    }
}

fn the_kernel_computes_what_the_reference_does(device: Device) {
    for (seed, form) in Form::ALL.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        let (shape, kv_heads) = random_shape(&mut random);
        let tensors = Tensors::new(shape, kv_heads, 16, 16, seed as u64, device);
        let mask = random_mask(shape, form, &mut random, device);
        let [got, want] = [&Loops::default() as &dyn Kernel, &ReferenceKernel]
            .map(|kernel| kernel.attend(&tensors.inputs(), Reads::Mask(&mask)).unwrap());
        assert!(difference(&got, &want) < 1e-5, "{form:?}, {shape}");
    }
}

/// It computes everything: dense and sparse, and rows of several sequences.
#[test]
fn a_kernel_replaces_all_others() {
    let loops = Arc::new(Loops::default());
    let shape = MaskShape { batch: 1, heads: 4, queries: 3, keys: 30 };
    let tensors = Tensors::new(shape, 2, 16, 16, 3, Device::Cpu);
    let inputs = tensors.inputs();
    let attention =
        ResearchAttention::from_config(&AttentionConfig::preset_in(&registry(), "signs", &[""; 0]).unwrap());
    let attention = attention.unwrap().with_kernel(loops.clone());
    let sparse = attention.attend(&inputs, 0, &mut RequestState::new(0)).unwrap();
    assert_eq!((sparse.backend, loops.0.load(Ordering::Relaxed)), ("loops", 1));
    let mut dense = AttentionPolicy::Dense { kernel: &*loops };
    let dense = dense.reborrow().attend(0, &inputs).unwrap();
    let want = ReferenceKernel.attend(&inputs, Reads::All).unwrap();
    assert!(difference(&dense.output, &want) < 1e-5);
    assert_eq!(loops.0.load(Ordering::Relaxed), 2);
    let ranges = RowRanges::from_rows(30, [vec![0..4, 20..25], vec![29..30], vec![1..9]]).unwrap();
    let [got, want] = [&*loops as &dyn Kernel, &ReferenceKernel]
        .map(|kernel| kernel.attend(&inputs, Reads::Ranges(&ranges)).unwrap());
    assert!(difference(&got, &want) < 1e-5);

    let capped = inputs.with_soft_cap(Some(5.0)).unwrap();
    let error = attention.attend(&capped, 0, &mut RequestState::new(0)).unwrap_err().to_string();
    assert_eq!(error, "the kernel `loops` caps no scores");
}

#[test]
fn kernels_are_found_by_name_and_refuse_what_they_cannot_compute() {
    let registry = KernelRegistry::builtin().with_kernel(Loops::default()).unwrap();
    assert_eq!(registry.names().last(), Some("loops"));
    let taken = registry.clone().with_kernel(Loops::default()).unwrap_err();
    assert_eq!(taken.to_string(), "`loops` is registered already; choose another name");
    let error = registry.get("flash").unwrap_err().to_string();
    assert_eq!(error, "there is no kernel \"flash\"; there is auto, reference, fused, tiled, gather, loops");

    let shape = MaskShape { batch: 1, heads: 2, queries: 2, keys: 9 };
    let tensors = Tensors::new(shape, 2, 16, 16, 3, Device::Cpu);
    let double = tensors.to_kind(Kind::Double);
    let list = random_mask(shape, Form::List, &mut Random::new(1), Device::Cpu);
    let ranges = RowRanges::from_fn(2, 9, |row| 0..row + 1).unwrap();
    let refused = |kernel: &str, inputs: &AttentionInputs<'_>, reads| {
        let error = registry.get(kernel).unwrap().attend(inputs, reads).unwrap_err();
        assert!(matches!(error, Error::KernelInputs { .. }), "{error}");
        error.to_string()
    };
    for kernel in ["fused", "tiled"] {
        let text = refused(kernel, &double.inputs(), Reads::All);
        assert!(text.contains("here are Double queries and rows stored as Double on Cpu"), "{text}");
    }
    let text = refused("tiled", &tensors.inputs(), Reads::Mask(&list));
    assert_eq!(text, "the kernel `tiled` computes key ranges, not lists of keys or pages");
    let reads = Reads::Ranges(&ranges);
    let want = ReferenceKernel.attend(&tensors.inputs(), reads).unwrap();
    assert!(difference(&FusedKernel.attend(&tensors.inputs(), reads).unwrap(), &want) < 1e-5);
    for kernel in ["auto", "reference", "gather", "loops"] {
        let kernel = registry.get(kernel).unwrap();
        for (inputs, reads) in [
            (double.inputs(), Reads::All),
            (tensors.inputs(), Reads::Mask(&list)),
            (tensors.inputs(), Reads::Ranges(&ranges)),
        ] {
            let want = ReferenceKernel.attend(&inputs, reads).unwrap();
            assert!(difference(&kernel.attend(&inputs, reads).unwrap(), &want) < 1e-5, "{}", kernel.name());
        }
    }
}
