//! Dot products of tiles: AMX-BF16.
//!
//! A tile register has 16 rows of 64 bytes. A panel of weights is as the processor wants it: 16 words of two columns for 16 outputs are a tile.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

use super::{Inputs, Output, write};
use crate::cpu::Instructions;
use crate::lines::Lines;
use crate::product::panels::{PANEL, Panels};

/// Rows of inputs that are multiplied at once: two tiles.
pub(super) const HEIGHT: usize = 32;

/// Columns of a tile of inputs.
pub(super) const COLUMNS: usize = 32;

/// Rows of a tile, and the numbers of 32 bits in one.
const TILE: usize = 16;

/// Whether the processor has them, and the system lets us.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| Instructions::Bf16Tiles.are_allowed() && has_instructions() && may_use_tiles())
}

fn has_instructions() -> bool {
    const BF16: u32 = 1 << 22;
    const TILES: u32 = 1 << 24;
    // Leaf 7 has the features; leaf 0 says that it is there.
    let last = __cpuid_count(0, 0).eax;
    last >= 7 && __cpuid_count(7, 0).edx & (BF16 | TILES) == BF16 | TILES
}

/// Asks Linux for room for tiles in the state of a thread (Documentation/arch/x86/xstate.rst).
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "a system call")]
fn may_use_tiles() -> bool {
    const REQUEST: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: it takes two numbers, and changes nothing but what threads may use.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn may_use_tiles() -> bool {
    false
}

/// Row by row: `[tiles, HEIGHT, words]`.
pub(super) fn arrange(x: &[u32], words: usize) -> Inputs {
    let stride = words * HEIGHT;
    let mut all = Lines::<u32>::zeros((x.len() / words).div_ceil(HEIGHT) * stride);
    all.as_mut_slice()[..x.len()].copy_from_slice(x);
    Inputs { words: all, stride }
}

/// What the processor is told of its tiles: eight of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    first_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    first_row: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The sums of 32 rows of inputs with two panels: `[32, 32]`.
#[repr(align(64))]
struct Sums([[f32; 2 * PANEL]; HEIGHT]);

pub(super) fn multiply<O: Output>(
    weights: &dyn Panels,
    first: usize,
    x: &Inputs,
    first_tile: usize,
    outputs: &mut [&mut [O]],
) {
    let panels = outputs[0].len().div_ceil(PANEL);
    let columns = weights.columns();
    let length = columns / 2 * PANEL;
    let mut scratch = Lines::<u32>::zeros(2 * length);
    let mut sums = Sums([[0.0; 2 * PANEL]; HEIGHT]);
    for panel in (0..panels).step_by(2) {
        let (one, other) = scratch.as_mut_slice().split_at_mut(length);
        let one = weights.halves(first + panel, 0..columns, one);
        // The second of an odd number of panels is the first once more, whose sums nobody wants.
        let other =
            if panel + 1 < panels { weights.halves(first + panel + 1, 0..columns, other) } else { one };
        let tiles = x.words.as_slice()[first_tile * x.stride..].chunks_exact(x.stride);
        for (tile, outputs) in tiles.zip(outputs.chunks_mut(HEIGHT)) {
            multiply_tiles(tile, [one, other], &mut sums);
            for (outputs, sums) in outputs.iter_mut().zip(&sums.0) {
                write(&mut outputs[panel * PANEL..], sums);
            }
        }
    }
}

/// The sums of two tiles of inputs, `[HEIGHT, words]`, with two panels, `[words, 16]`.
#[expect(unsafe_code, reason = "the compiler has no such instructions")]
fn multiply_tiles(x: &[u32], [one, other]: [&[u32]; 2], sums: &mut Sums) {
    let (width, steps) = (x.len() / HEIGHT, one.len() / (TILE * TILE));
    assert!(
        steps > 0 && one.len() == steps * TILE * TILE && other.len() == one.len(),
        "panels of whole tiles of one length"
    );
    assert_eq!(width, steps * TILE, "rows of inputs and panels do not fit");
    // SAFETY: the processor has these instructions and the system allows them: `product::multiply_bf16` asked `is_available`. All that is read is `steps` tiles
    // each of rows 0 to 15 and 16 to 31 of `x` and of both panels, which are that long; what is written is `sums`. The tile
    // registers are free before and after.
    unsafe {
        asm!(
            "ldtilecfg [{configuration}]",
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{upper} + {stride}]",
            "tileloadd tmm6, [{one} + {line}]",
            "tileloadd tmm5, [{lower} + {stride}]",
            "tileloadd tmm7, [{other} + {line}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {upper}, 64",
            "add {lower}, 64",
            "add {one}, 1024",
            "add {other}, 1024",
            "dec {steps}",
            "jnz 2b",
            "mov {line}, 128",
            "tilestored [{sums} + {line}], tmm0",
            "tilestored [{sums} + {line} + 64], tmm1",
            "add {sums}, 2048",
            "tilestored [{sums} + {line}], tmm2",
            "tilestored [{sums} + {line} + 64], tmm3",
            "tilerelease",
            configuration = in(reg) &raw const CONFIGURATION,
            upper = inout(reg) x.as_ptr() => _,
            lower = inout(reg) x[TILE * width..].as_ptr() => _,
            one = inout(reg) one.as_ptr() => _,
            other = inout(reg) other.as_ptr() => _,
            stride = in(reg) width * size_of::<u32>(),
            line = inout(reg) 64_usize => _,
            steps = inout(reg) steps => _,
            sums = inout(reg) sums.0.as_mut_ptr() => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
