//! The forms that can be read, and what each was compared with.

/// A quantised form of the matrices in safetensors files.
#[derive(Debug)]
#[non_exhaustive]
pub struct QuantisedForm {
    /// Its name in `quant_method` of a config's `quantization_config`.
    pub method: &'static str,
    /// What is read of it.
    pub about: &'static str,
    /// The library and its version whose expanded values are the same, bit for bit.
    pub verified_against: &'static str,
    /// Tiny checkpoints for which they were compared, folders of `tests/fixtures/quantised`.
    pub checkpoints: &'static [&'static str],
}

static FORMS: [QuantisedForm; 6] = [
    QuantisedForm {
        method: "fp8",
        about: "E4M3 with scales of blocks, as DeepSeek and Qwen publish it, or of tensors",
        verified_against: "transformers 5.24.0",
        checkpoints: &["fp8", "fp8-tensor"],
    },
    QuantisedForm {
        method: "compressed-tensors",
        about: "E4M3 and int8 by tensor, output, group or block; integers of 1 to 8 bits packed in words",
        verified_against: "compressed-tensors 0.20.1; with inputs in another order 0.18.0, the last that has them",
        checkpoints: &[
            "compressed-fp8-tensor",
            "compressed-fp8-channel",
            "compressed-fp8-block",
            "compressed-int8",
            "compressed-int8-zero-points",
            "compressed-int4",
            "compressed-int4-zero-points",
            "compressed-int4-channel",
            "compressed-int3",
            "compressed-int4-act-order",
            "compressed-int3-act-order",
            "compressed-int8-act-order",
        ],
    },
    QuantisedForm {
        method: "awq",
        about: "4 bits in groups, version gemm",
        verified_against: "AutoAWQ 0.2.9",
        checkpoints: &["awq"],
    },
    QuantisedForm {
        method: "gptq",
        about: "2, 3, 4 and 8 bits in groups, with and without act-order, formats gptq and gptq_v2",
        verified_against: "AutoGPTQ 0.7.1",
        checkpoints: &["gptq", "gptq-act-order", "gptq-v2", "gptq-whole", "gptq-3", "gptq-2"],
    },
    QuantisedForm {
        method: "bitsandbytes",
        about: "nf4 and fp4, with nested scales or not; int8",
        verified_against: "bitsandbytes 0.50.2",
        checkpoints: &["nf4", "nf4-nested", "fp4", "int8"],
    },
    QuantisedForm {
        method: "mxfp4",
        about: "the experts of gpt-oss",
        verified_against: "transformers 5.24.0",
        checkpoints: &["mxfp4"],
    },
];

/// Every quantised form that [`LoadedModel`](crate::LoadedModel) and [`Network`](crate::Network) expand.
#[must_use]
pub fn quantised_forms() -> &'static [QuantisedForm] {
    &FORMS
}
