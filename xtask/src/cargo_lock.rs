//! Cargo's locks: a quiet cargo that waits for another one says nothing.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::Result;
use crate::process::run;
use crate::runner::target_folder;

/// After this time without a word, what goes on is said.
const SILENCE: Duration = Duration::from_secs(3);

/// Runs a quiet build of the release profile. Where that takes long it says so on standard error, and whether it waits for
/// another cargo.
pub(crate) fn build_quietly(build: &mut Command) -> Result<()> {
    // Asked before the build has a lock of its own.
    let what = match held() {
        Some(lock) => format!("waiting for another cargo, which holds {}", lock.display()),
        None => "building; this may take some minutes".to_owned(),
    };
    let (done, end) = mpsc::channel::<()>();
    thread::spawn(move || {
        if end.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{what}");
        }
    });
    let result = run(build);
    drop(done);
    result
}

/// The lock of the build folder or of the package cache, where another process holds it.
fn held() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let build = target_folder().join("release/.cargo-lock");
    let locks = [Some(build), home.map(|home| home.join(".package-cache"))];
    locks.into_iter().flatten().find(|lock| is_held(lock))
}

fn is_held(lock: &Path) -> bool {
    // What cannot be opened or locked is left to cargo.
    File::open(lock).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::is_held;

    #[test]
    fn a_lock_is_held_while_another_has_it() {
        let lock = std::env::temp_dir().join(format!("xtask-lock-{}", std::process::id()));
        assert!(!is_held(&lock), "there is none");
        let file = File::create(&lock).unwrap();
        assert!(!is_held(&lock));
        file.lock().unwrap();
        assert!(is_held(&lock));
        file.unlock().unwrap();
        assert!(!is_held(&lock));
        std::fs::remove_file(&lock).unwrap();
    }
}
