//! Tells a listener what the runner does.

use std::time::{Duration, Instant};

use sah_bench_core::{GroupFinished, GroupStarted, RunObserver};
use sah_request::{NewToken, RequestObserver};

use super::{Listener, Message};

/// Nobody reads faster.
const OFTEN: Duration = Duration::from_millis(100);

/// Tells `listener` how far one cell is.
pub(in super::super) struct Observer<'a> {
    listener: &'a mut dyn Listener,
    cell: usize,
    /// Tokens of the context at work.
    generated: usize,
    /// When the last message about a part of a row went out.
    told: Instant,
}

impl<'a> Observer<'a> {
    pub(in super::super) fn new(listener: &'a mut dyn Listener, cell: usize) -> Self {
        Self { listener, cell, generated: 0, told: Instant::now() }
    }

    fn tell(&mut self, message: Message) {
        self.listener.hear(self.cell, message);
        self.told = Instant::now();
    }
}

impl RequestObserver for Observer<'_> {
    fn context_read(&mut self, read: usize, tokens: usize) {
        if read == tokens || self.told.elapsed() >= OFTEN {
            self.tell(Message::Read { tokens: read, of: tokens });
        }
    }

    fn token(&mut self, _: NewToken<'_>) {
        self.generated += 1;
        if self.told.elapsed() >= OFTEN {
            self.tell(Message::Generated { tokens: self.generated });
        }
    }
}

impl RunObserver for Observer<'_> {
    fn group_started(&mut self, group: &GroupStarted<'_>) {
        self.generated = 0;
        self.tell(Message::Started {
            task: group.task.to_owned(),
            rows_done: group.rows_done,
            rows_total: group.rows_total,
            at_most: group.new_tokens_limit,
        });
    }

    fn group_finished(&mut self, group: &GroupFinished<'_>) {
        self.tell(Message::Finished {
            task: group.task.to_owned(),
            rows: group.rows,
            rows_done: group.rows_done,
            rows_total: group.rows_total,
            context_tokens: group.context_tokens,
            generated_tokens: group.generated_tokens,
            seconds: group.elapsed.as_secs_f64(),
            error: group.error.map(str::to_owned),
        });
    }
}
