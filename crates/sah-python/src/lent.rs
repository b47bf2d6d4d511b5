//! References that Python may use as long as a call of Rust lasts.

use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

/// A reference, until what it was lent for ends.
pub(crate) struct Lent<T: ?Sized>(Rc<Cell<Option<NonNull<T>>>>);

/// What `work` makes of `lent`, which is taken back afterwards, however that ends.
///
/// # Safety
///
/// Nobody else may use what `lent` points to meanwhile, and that must last as long.
pub(crate) unsafe fn lend<T: ?Sized, R>(lent: NonNull<T>, work: impl FnOnce(Lent<T>) -> R) -> R {
    let taken_back = Lent(Rc::new(Cell::new(Some(lent))));
    work(Lent(Rc::clone(&taken_back.0)))
}

impl<T: ?Sized> Lent<T> {
    /// What `work` makes of it; `None` where it was taken back, or is in use.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut lent = self.0.take()?;
        // SAFETY: it points to what was lent, which nobody else uses: the cell is empty meanwhile.
        let made = work(unsafe { lent.as_mut() });
        self.0.set(Some(lent));
        Some(made)
    }
}

impl<T: ?Sized> Drop for Lent<T> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

impl<T: ?Sized> std::fmt::Debug for Lent<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lent").field(&self.0.get()).finish()
    }
}
