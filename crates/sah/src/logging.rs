//! What is said beside the result: through `tracing`, to standard error, past the progress bars.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use anyhow::Context as _;
use indicatif::MultiProgress;
use sah_bench_core::check_writable;
use sah_message::without_secrets;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _};

use crate::args::{LogFormatArg, MessageArgs};
use crate::usage::UsageError;

/// This program. The names of its crates begin with it, too: a trace has the spans of all.
const PROGRAM: &str = "sah";

/// Standard error, and the bars that stand there while a run goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    /// Hidden where standard error is no terminal.
    pub(crate) bars: MultiProgress,
}

/// What says things as `args` ask, once it is installed. What a trace still holds is written when the guard is dropped.
pub(crate) fn start(
    args: &MessageArgs,
    console: &Console,
) -> anyhow::Result<(impl Subscriber + Send + Sync + use<>, Option<FlushGuard>)> {
    let filter = filter(args.quiet, std::env::var(EnvFilter::DEFAULT_ENV).ok().as_deref())?;
    let lines = tracing_subscriber::fmt::layer().with_writer(console.clone()).with_ansi(false);
    let lines = match args.log_format {
        LogFormatArg::Text => lines.event_format(Sentences).boxed(),
        LogFormatArg::Json => lines.json().boxed(),
    };
    let (trace, guard) = match &args.trace {
        None => (None, None),
        Some(path) => {
            check_writable(path).context("--trace")?;
            let file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
            let (layer, guard) = ChromeLayerBuilder::new().writer(file).include_args(true).build();
            (Some(layer.with_filter(Targets::new().with_target(PROGRAM, Level::TRACE))), Some(guard))
        }
    };
    Ok((tracing_subscriber::registry().with(lines.with_filter(filter)).with(trace), guard))
}

/// What is said: of `RUST_LOG` where that is set, unless the command line asks for quiet.
fn filter(quiet: bool, variable: Option<&str>) -> Result<EnvFilter, UsageError> {
    match variable.filter(|text| !text.is_empty()) {
        _ if quiet => Ok(EnvFilter::new("error")),
        None => Ok(EnvFilter::new("warn,sah=info")),
        Some(text) => EnvFilter::try_new(text).map_err(|error| {
            UsageError(format!("{}={text}: {error}; write such as warn,sah=debug", EnvFilter::DEFAULT_ENV))
        }),
    }
}

/// A line as it is assembled.
#[derive(Debug)]
pub(crate) struct Line {
    bars: MultiProgress,
    bytes: Vec<u8>,
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { bars: self.bars.clone(), bytes: Vec::new() }
    }
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Whoever reads it may pass it on.
        let text = String::from_utf8_lossy(&self.bytes);
        let text = without_secrets(&text);
        // Nobody is left to be told that standard error is closed.
        let _ = self.bars.suspend(|| io::stderr().write_all(text.as_bytes()));
    }
}

/// A sentence for people: what this program says is one, and its fields are for others; of libraries the fields are shown, too.
#[derive(Debug)]
struct Sentences;

impl<S, N> FormatEvent<S, N> for Sentences
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        match *metadata.level() {
            Level::ERROR => write!(writer, "error: ")?,
            Level::WARN => write!(writer, "warning: ")?,
            Level::INFO => {}
            Level::DEBUG => write!(writer, "debug: ")?,
            Level::TRACE => write!(writer, "trace: ")?,
        }
        if metadata.target().split("::").next() == Some(PROGRAM) {
            let mut message = Message(String::new());
            event.record(&mut message);
            return writeln!(writer, "{}", message.0);
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The field `message` alone.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn quiet_counts_more_than_the_variable() {
        let filtered = |quiet, variable| filter(quiet, variable).map(|filter| filter.to_string());
        assert_eq!(filtered(true, Some("debug")).unwrap(), "error");
        assert_eq!(filtered(false, Some("debug")).unwrap(), "debug");
        assert_eq!(filtered(false, Some("")).unwrap(), filtered(false, None).unwrap());
        let error = filtered(false, Some("sah=loud")).unwrap_err().to_string();
        assert!(error.starts_with("RUST_LOG=sah=loud: "), "{error}");
    }
}
