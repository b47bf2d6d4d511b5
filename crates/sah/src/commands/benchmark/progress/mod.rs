//! How far a run is: from whoever answers rows to whoever shows it, in this process or from one to another.

mod clock;
mod display;
mod message;
mod observer;
mod told;

use std::io::Write as _;

pub(super) use self::clock::{Pace, clock};
pub(super) use self::display::Display;
pub(super) use self::message::{FromWorker, Message};
pub(super) use self::observer::Observer;
pub(super) use self::told::Told;

/// Hears how far cells are, by their places in the plan.
pub(super) trait Listener {
    /// `message` comes from the cell `cell`.
    fn hear(&mut self, cell: usize, message: Message);
}

/// A listener that shows what it hears.
pub(super) trait Screen: Listener {
    /// Shows a line that a process printed.
    fn line(&self, line: &str);

    /// Nobody works on the cell any more.
    fn leave(&mut self, cell: usize);
}

/// Hands everything on to the process that started this one, a line of JSON on standard output for each message.
#[derive(Debug)]
pub(super) struct ToParent;

impl Listener for ToParent {
    fn hear(&mut self, cell: usize, message: Message) {
        let line = serde_json::to_string(&FromWorker { cell, message }).expect("a message is plain data");
        // Where the parent is gone, so is what it would have shown; the end of its pipe ends this process.
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}
