//! `cargo xtask bench kernels`: attention alone, beside libtorch's and beside what must be read from memory.

mod contenders;
mod plot;
mod report;
mod setting;
mod timer;

use anyhow::{Context as _, ensure};
use tch::Device;

use self::report::{Line, Report, Table};
use self::setting::Setting;
use self::timer::Timer;
use crate::args::{DeviceArg, KernelsArgs};
use crate::exit;
use crate::terminal::show;
use crate::usage::UsageError;
use crate::{device, machine, versions};

/// Times every contender of every setting; prints a table for each model's heads and writes `kernels.json` and `kernels.svg`.
pub(crate) fn run(args: &KernelsArgs) -> anyhow::Result<u8> {
    let device = only_device(&args.device)?;
    let threads = tch::get_num_threads();
    let _no_grad = tch::no_grad_guard();
    tch::manual_seed(0);
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    let bandwidth = (device == Device::Cpu).then(|| machine::memory_bandwidth(threads as usize));
    let mut timer = Timer::new(&args.out.join("criterion"), args.seconds);
    let mut report = Report {
        device: device::names(&device.into()),
        dtype: args.dtype.name().to_owned(),
        threads,
        memory_bandwidth: bandwidth,
        versions: [versions::SAH.to_owned(), versions::libtorch().unwrap_or_default()],
        tables: Vec::new(),
    };
    let element = args.dtype.kind().elt_size_in_bytes();
    for &heads in &args.heads {
        let phases = [1, args.chunk as usize];
        for rows in if args.chunk > 1 { &phases[..] } else { &phases[..1] } {
            let mut table = Table::new(heads, *rows);
            for &keys in &args.keys {
                let setting = Setting { heads, keys: keys as usize, rows: *rows };
                let tensors = setting.tensors(args.dtype.kind(), device)?;
                let mut lines = Vec::new();
                for mut contender in contenders::contenders(setting, &tensors, &args.density)? {
                    let time =
                        timer.time(&setting.name(), &file_name(&contender.name), &mut contender.work)?;
                    // Many rows multiply more than they read.
                    let share = contender.share.filter(|_| *rows == 1);
                    let bytes = share.map(|share| share * setting.cache_bytes(element));
                    lines.push(Line::new(contender.name, contender.role, time, bytes.zip(bandwidth)));
                }
                table.add(setting.keys, lines);
            }
            show(format_args!("{}\n\n", table.text(&report)))?;
            report.tables.push(table);
        }
    }
    report.write(&args.out)?;
    show(format_args!("{}\nresults in {}\n", report.machine(), args.out.display()))?;
    Ok(exit::DONE)
}

/// The one device that is measured.
fn only_device(argument: &DeviceArg) -> anyhow::Result<Device> {
    let placement = argument.placement()?;
    let mut devices = placement.devices();
    let first = devices.next().context("no device")?;
    ensure!(devices.next().is_none(), UsageError("--device: name one device".to_owned()));
    Ok(first)
}

/// A contender's name as the name of a folder.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
