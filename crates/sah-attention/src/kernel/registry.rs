//! Kernels by name.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::kernel::{AutoKernel, FusedKernel, GatherKernel, Kernel, ReferenceKernel, TiledKernel};

/// Kernels by name: those of this crate, and what others register.
///
/// ```
/// use sah_attention::KernelRegistry;
///
/// let registry = KernelRegistry::builtin();
/// assert_eq!(registry.names().collect::<Vec<_>>(), ["auto", "reference", "fused", "tiled", "gather"]);
/// assert_eq!(registry.get("gather")?.name(), "gather");
/// assert!(registry.get("none").unwrap_err().to_string().contains("auto, reference, fused"));
/// # Ok::<(), sah_attention::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct KernelRegistry {
    kernels: Vec<Arc<dyn Kernel>>,
}

impl Default for KernelRegistry {
    fn default() -> Self {
        Self::builtin()
    }
}

impl KernelRegistry {
    /// The kernels of this crate; `auto` chooses between the others.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            kernels: vec![
                Arc::new(AutoKernel),
                Arc::new(ReferenceKernel),
                Arc::new(FusedKernel),
                Arc::new(TiledKernel),
                Arc::new(GatherKernel),
            ],
        }
    }

    /// With one more kernel. A name that is taken is [`Error::NameTaken`].
    pub fn with_kernel(mut self, kernel: impl Kernel + 'static) -> Result<Self> {
        if self.names().any(|name| name == kernel.name()) {
            return Err(Error::NameTaken { name: kernel.name() });
        }
        self.kernels.push(Arc::new(kernel));
        Ok(self)
    }

    /// The kernel `name`; [`Error::NoKernel`] where there is none.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Kernel>> {
        let found = self.kernels.iter().find(|kernel| kernel.name() == name).cloned();
        found.ok_or_else(|| Error::NoKernel { name: name.to_owned(), known: self.names().collect() })
    }

    /// Names of the kernels, in the order in which they were registered.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kernels.iter().map(|kernel| kernel.name())
    }
}
