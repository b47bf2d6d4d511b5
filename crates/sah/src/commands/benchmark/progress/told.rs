//! A run that another program called: shown as any other, and told to that program.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Listener, Message, Screen};
use crate::caller::{Caller, Progress, Step};

/// Shows what it hears, and tells a caller of it, who may end the run.
pub(in super::super) struct Told<'a> {
    pub(in super::super) screen: &'a mut dyn Screen,
    pub(in super::super) caller: &'a dyn Caller,
    /// The names of the parts of the plan.
    pub(in super::super) names: Vec<String>,
    pub(in super::super) stop: &'a AtomicBool,
}

impl Listener for Told<'_> {
    fn hear(&mut self, cell: usize, message: Message) {
        let step = match &message {
            Message::Started { task, rows_done, rows_total, .. } => {
                Step::Begins { task, rows_done: *rows_done, rows_total: *rows_total }
            }
            Message::Read { tokens, of } => Step::Reads { tokens: *tokens, of: *of },
            Message::Generated { tokens } => Step::Answers { tokens: *tokens },
            Message::Finished { task, rows_done, rows_total, error, .. } => {
                let error = error.as_deref();
                Step::Ends { task, rows_done: *rows_done, rows_total: *rows_total, error }
            }
            Message::Warned(_) | Message::Failed(_) => Step::Other,
        };
        if self.caller.hear(&Progress { attention: &self.names[cell], step }) {
            self.stop.store(true, Ordering::Relaxed);
        }
        self.screen.hear(cell, message);
    }
}

impl Screen for Told<'_> {
    fn line(&self, line: &str) {
        self.screen.line(line);
    }

    fn leave(&mut self, cell: usize) {
        self.screen.leave(cell);
    }
}
