//! A function of Python that the C++ code of pyo3-tch calls by a name which differs between its versions: that of the headers it was
//! compiled with, while the wheel is for all of them.

use std::ffi::{CStr, c_void};
use std::sync::OnceLock;

/// A function of Python without arguments: gives the thread's state, null where it does not hold the lock.
type Get = unsafe extern "C" fn() -> *mut c_void;

/// From 3.13 on, and before.
const NAMES: [&CStr; 2] = [c"PyThreadState_GetUnchecked", c"_PyThreadState_UncheckedGet"];

#[unsafe(no_mangle)]
extern "C" fn _PyThreadState_UncheckedGet() -> *mut c_void {
    get()
}

#[unsafe(no_mangle)]
extern "C" fn PyThreadState_GetUnchecked() -> *mut c_void {
    get()
}

fn get() -> *mut c_void {
    static FOUND: OnceLock<Get> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let found = NAMES.iter().find_map(|name| of_python(name));
        found.expect("Python 3.10 or later has one of the two")
    });
    // SAFETY: it is Python's, of this type.
    unsafe { found() }
}

/// The function `name` of the Python at work. This module's own of that name is not seen: it is loaded for itself alone.
fn of_python(name: &CStr) -> Option<Get> {
    // SAFETY: the name ends with a zero.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: both functions of Python have this type.
    (!found.is_null()).then(|| unsafe { std::mem::transmute::<*mut c_void, Get>(found) })
}
