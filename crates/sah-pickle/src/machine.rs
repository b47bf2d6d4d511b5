//! The stack machine.
//!
//! Instructions as in Python's `pickletools`, those that picklers write in protocols 2 to 5 for plain data and tensors.

use std::collections::HashMap;

use crate::globals::Global;
use crate::legacy;
use crate::value::{Objects, Place, Storage, TensorEntry, Value};
use crate::{Problem, Result};

/// Instructions of all pickles in a file. A tensor takes about 40 of them.
const MAX_STEPS: usize = 1 << 22;

/// What is left of the work that a file may ask for.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Instructions.
    steps: usize,
    /// Bytes of storages inside a pickle; the file has no more, and each is read once.
    inside: usize,
}

impl Budget {
    pub(crate) fn of(file: &[u8]) -> Self {
        Self { steps: MAX_STEPS, inside: file.len() }
    }

    fn step(&mut self) -> Result<()> {
        self.steps = self.steps.checked_sub(1).ok_or(Problem::TooMuch)?;
        Ok(())
    }

    fn storage(&mut self, bytes: &[u8]) -> Result<()> {
        self.inside = self.inside.checked_sub(bytes.len()).ok_or(Problem::TooMuch)?;
        Ok(())
    }
}

/// Where a pickle has the storages of its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storages {
    /// As bytes in it: a pickle of its own each, which has them beside it.
    Inside,
    /// Beside it.
    Beside,
}

/// Runs the pickle that begins at byte `start`. Gives its object and where the next byte is.
pub(crate) fn run<'a>(
    bytes: &'a [u8],
    start: usize,
    storages: Storages,
    budget: &mut Budget,
) -> Result<(Value<'a>, Objects<'a>, usize)> {
    let mut machine = Machine {
        bytes,
        storages,
        at: start,
        begin: start,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        objects: Objects::default(),
    };
    loop {
        budget.step()?;
        machine.begin = machine.at;
        let [code] = *machine.take_array()?;
        if code == b'.' {
            return Ok((machine.pop()?, machine.objects, machine.at));
        }
        machine.step(code, budget)?;
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    storages: Storages,
    /// The next byte.
    at: usize,
    /// Where the present instruction began.
    begin: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    objects: Objects<'a>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, code: u8, budget: &mut Budget) -> Result<()> {
        match code {
            // PROTO, FRAME: nothing follows from them.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self.number::<1>()?,
            b'M' => self.number::<2>()?,
            b'J' => {
                let number = i32::from_le_bytes(*self.take_array()?);
                self.push(Value::Int(number.into()));
            }
            0x8a => self.long()?,
            b'G' => {
                self.take(8)?;
                self.push(Value::Float);
            }
            0x8c => self.text::<1>()?,
            b'X' => self.text::<4>()?,
            0x8d => self.text::<8>()?,
            b'C' => self.binary::<1>()?,
            b'B' => self.binary::<4>()?,
            0x8e => self.binary::<8>()?,
            b')' | b']' => self.sequence(Vec::new()),
            0x85..=0x87 => {
                let first = self.stack.len().checked_sub(usize::from(code - 0x84));
                let first = first.filter(|&first| first >= self.floor());
                let items = self.stack.split_off(first.ok_or_else(|| self.fail("the stack is empty"))?);
                self.sequence(items);
            }
            b't' => {
                let items = self.pop_mark()?;
                self.sequence(items);
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.extend(items)?;
            }
            b'}' => self.dict(),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.update(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.update(&items)?;
            }
            b'q' => self.put::<1>()?,
            b'r' => self.put::<4>()?,
            0x94 => self.memoize(self.memo.len() as u32)?,
            b'h' => self.get::<1>()?,
            b'j' => self.get::<4>()?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (module, name) else {
                    return Err(self.fail("a class or function must have a name"));
                };
                self.global(module, name)?;
            }
            b'R' => self.call(budget)?,
            b'b' => self.build()?,
            b'Q' => self.persistent()?,
            other => return Err(self.fail(format!("instruction {other:#04x} is not one that weights need"))),
        }
        Ok(())
    }

    fn fail(&self, problem: impl Into<String>) -> Problem {
        Problem::Instruction { at: self.begin, problem: problem.into() }
    }

    // The file ---------------------------------------------------------------------------------------------------

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.fail("the file ends within the pickle"))?;
        self.at += count;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let taken = self.take(N)?;
        Ok(taken.first_chunk().expect("N bytes were taken"))
    }

    /// An unsigned number of N bytes.
    fn unsigned<const N: usize>(&mut self) -> Result<u64> {
        let mut all = [0; 8];
        all[..N].copy_from_slice(self.take_array::<N>()?);
        Ok(u64::from_le_bytes(all))
    }

    fn counted<const N: usize>(&mut self) -> Result<&'a [u8]> {
        let count = self.unsigned::<N>()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.fail("the file ends within the pickle"))?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| self.fail("a name must be UTF-8"))
    }

    // The stack --------------------------------------------------------------------------------------------------

    /// The height below which nothing may be taken: that of the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or_default()
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        if self.stack.len() <= self.floor() {
            return Err(self.fail("the stack is empty"));
        }
        Ok(self.stack.pop().expect("it is higher than the floor"))
    }

    fn top(&self) -> Result<Value<'a>> {
        let above = &self.stack[self.floor()..];
        above.last().copied().ok_or_else(|| self.fail("the stack is empty"))
    }

    fn pop_mark(&mut self) -> Result<Vec<Value<'a>>> {
        let mark = self.marks.pop().ok_or_else(|| self.fail("there is no mark on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    // Plain data -------------------------------------------------------------------------------------------------

    fn number<const N: usize>(&mut self) -> Result<()> {
        let number = self.unsigned::<N>()?;
        self.push(Value::Int(number as i64));
        Ok(())
    }

    /// A signed number of up to 8 bytes.
    fn long(&mut self) -> Result<()> {
        let bytes = self.counted::<1>()?;
        if bytes.len() > 8 {
            return Err(self.fail(format!("a number of {} bytes", bytes.len())));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut all = [if negative { 0xff } else { 0 }; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(all)));
        Ok(())
    }

    fn text<const N: usize>(&mut self) -> Result<()> {
        let bytes = self.counted::<N>()?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.fail("a text must be UTF-8"))?;
        self.push(Value::Text(text));
        Ok(())
    }

    fn binary<const N: usize>(&mut self) -> Result<()> {
        let bytes = self.counted::<N>()?;
        self.push(Value::Bytes(bytes));
        Ok(())
    }

    fn sequence(&mut self, items: Vec<Value<'a>>) {
        self.objects.sequences.push(items);
        self.push(Value::Sequence(self.objects.sequences.len() - 1));
    }

    fn dict(&mut self) {
        self.objects.dicts.push(Vec::new());
        self.push(Value::Dict(self.objects.dicts.len() - 1));
    }

    fn extend(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        match self.top()? {
            Value::Sequence(at) => self.objects.sequences[at].extend(items),
            other => return Err(self.fail(format!("cannot append to {}", other.kind()))),
        }
        Ok(())
    }

    fn update(&mut self, items: &[Value<'a>]) -> Result<()> {
        let (pairs, rest) = items.as_chunks::<2>();
        match self.top()? {
            Value::Dict(at) if rest.is_empty() => {
                self.objects.dicts[at].extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            other => return Err(self.fail(format!("cannot set {} items of {}", items.len(), other.kind()))),
        }
        Ok(())
    }

    fn memoize(&mut self, number: u32) -> Result<()> {
        let value = self.top()?;
        self.memo.insert(number, value);
        Ok(())
    }

    fn put<const N: usize>(&mut self) -> Result<()> {
        let number = self.unsigned::<N>()?;
        self.memoize(number as u32)
    }

    fn get<const N: usize>(&mut self) -> Result<()> {
        let number = self.unsigned::<N>()?;
        let value = self.memo.get(&(number as u32)).copied();
        let value = value.ok_or_else(|| self.fail(format!("nothing was remembered as {number}")))?;
        self.push(value);
        Ok(())
    }

    // What stands for classes and functions ----------------------------------------------------------------------

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let global = Global::find(module, name).ok_or_else(|| Problem::Forbidden {
            module: module.to_owned(),
            name: name.to_owned(),
            at: self.begin,
        })?;
        self.push(Value::Global(global));
        Ok(())
    }

    fn call(&mut self, budget: &mut Budget) -> Result<()> {
        let arguments = self.pop()?;
        let Value::Sequence(arguments) = arguments else {
            return Err(self.fail(format!("arguments must be a tuple, got {}", arguments.kind())));
        };
        let called = self.pop()?;
        let result = match (called, self.objects.sequences[arguments].as_slice()) {
            (Value::Global(Global::OrderedDict), []) => {
                self.dict();
                return Ok(());
            }
            (Value::Global(Global::LoadFromBytes), &[Value::Bytes(bytes)])
                if self.storages == Storages::Inside =>
            {
                budget.storage(bytes)?;
                let storage = legacy::storage(bytes, budget)?;
                self.objects.storages.push(storage);
                Value::Storage(self.objects.storages.len() - 1)
            }
            (
                Value::Global(Global::RebuildTensor),
                &[Value::Storage(storage), offset, shape, strides, _, _, ..],
            ) => {
                let entry = TensorEntry {
                    storage,
                    offset: self.length(offset)?,
                    shape: self.lengths(shape)?,
                    strides: self.lengths(strides)?,
                };
                self.objects.tensors.push(entry);
                Value::Tensor(self.objects.tensors.len() - 1)
            }
            (Value::Global(Global::RebuildParameter), &[tensor @ Value::Tensor(_), ..]) => tensor,
            (called, arguments) => {
                let kinds: Vec<_> = arguments.iter().take(8).map(|argument| argument.kind()).collect();
                let called = match called {
                    Value::Global(global) => format!("{global:?}"),
                    other => other.kind().to_owned(),
                };
                return Err(self.fail(format!("cannot call {called} with ({})", kinds.join(", "))));
            }
        };
        self.push(result);
        Ok(())
    }

    fn length(&self, value: Value<'a>) -> Result<usize> {
        match value {
            Value::Int(number) if number >= 0 => Ok(number as usize),
            other => Err(self.fail(format!("a size must be an int from 0 on, got {}", other.kind()))),
        }
    }

    /// The sizes or strides of a tensor.
    fn lengths(&self, value: Value<'a>) -> Result<Vec<usize>> {
        match value {
            // One list may serve many tensors, so it must be short.
            Value::Sequence(at) if self.objects.sequences[at].len() <= 8 => {
                self.objects.sequences[at].iter().map(|&size| self.length(size)).collect()
            }
            other => Err(self.fail(format!("sizes must be a tuple of at most 8, got {}", other.kind()))),
        }
    }

    /// Attributes of a dict (`_metadata` of a state dict), which are not looked at.
    fn build(&mut self) -> Result<()> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) => Ok(()),
            other => Err(self.fail(format!("cannot set attributes of {}", other.kind()))),
        }
    }

    /// A storage that lies beside the pickle: `("storage", class, key, device, elements)`, and `None` in the older form.
    fn persistent(&mut self) -> Result<()> {
        let id = self.pop()?;
        if self.storages == Storages::Beside
            && let Value::Sequence(at) = id
            && let &[
                Value::Text("storage"),
                Value::Global(Global::Storage(element)),
                Value::Text(key),
                _,
                _,
                ref view @ ..,
            ] = self.objects.sequences[at].as_slice()
        {
            // Before 0.4 a storage could be a part of another one: which part, stands here.
            if !matches!(view, [] | [Value::None]) {
                return Err(self.fail("a storage within another one, as PyTorch had before 0.4"));
            }
            self.objects.storages.push(Storage { element, place: Place::Named(key) });
            self.push(Value::Storage(self.objects.storages.len() - 1));
            return Ok(());
        }
        Err(self.fail("only storages lie beside a pickle, and none beside a plain one"))
    }
}
