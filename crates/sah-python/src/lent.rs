//! References that Python may use as long as a call of Rust lasts.

use std::cell::Cell;
use std::ptr::NonNull;

/// A reference, until it is taken back.
pub(crate) struct Lent<T: ?Sized>(Cell<Option<NonNull<T>>>);

impl<T: ?Sized> Lent<T> {
    /// Of a reference that ends when it is [taken back](Self::take_back).
    ///
    /// # Safety
    ///
    /// It must be taken back before what `lent` points to ends, and nobody else may use that meanwhile.
    pub(crate) unsafe fn new(lent: NonNull<T>) -> Self {
        Self(Cell::new(Some(lent)))
    }

    /// What `work` makes of it; `None` where it was taken back, or is in use.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut lent = self.0.take()?;
        // SAFETY: it points to what was lent, which nobody else uses: the cell is empty meanwhile.
        let made = work(unsafe { lent.as_mut() });
        self.0.set(Some(lent));
        Some(made)
    }

    pub(crate) fn take_back(&self) {
        self.0.set(None);
    }
}

impl<T: ?Sized> std::fmt::Debug for Lent<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lent").field(&self.0.get()).finish()
    }
}
