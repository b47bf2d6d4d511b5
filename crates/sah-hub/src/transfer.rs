//! Downloads a file's content into the cache, over connections that may break.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use ureq::http::StatusCode;

use crate::cache::broken;
use crate::http::{Client, Failure, Retry, header};
use crate::{HubProblem, Progress};

/// Content to download.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) url: &'a str,
    /// The file's name, as progress is told of it.
    pub(crate) name: &'a str,
    pub(crate) size: u64,
}

/// Downloads `content` into the file `to`, after what the file already holds.
///
/// A connection that breaks or stalls is resumed where it stopped. Each new byte resets the count of failures, so a slow
/// line finishes and a dead one is given up.
pub(crate) fn download(
    client: &Client,
    content: &Content<'_>,
    to: &Path,
    progress: &mut dyn Progress,
) -> Result<(), HubProblem> {
    let cache = |error: std::io::Error| broken(to, &error);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(to).map_err(cache)?;
    let mut done = file.metadata().map_err(cache)?.len();
    if done > content.size {
        file.set_len(0).map_err(cache)?;
        done = 0;
    }
    progress.begin(content.name, content.size, done);
    let mut furthest = done;
    let mut failures = 0;
    while done < content.size {
        let mut attempt = Attempt { client, content, to, file: &mut file, done, progress: &mut *progress };
        let result = attempt.run();
        done = attempt.done;
        let Err(failure) = result else { continue };
        if done > furthest {
            furthest = done;
            failures = 0;
        }
        failures += 1;
        let (reason, wait) = match failure {
            // The hub answered a moment ago, so a connection that fails now is worth another try.
            Failure { problem: HubProblem::Unreachable { reason }, .. } => (reason, None),
            Failure { problem, retry: Retry::After(wait) } => (problem.to_string(), wait),
            Failure { problem, retry: Retry::No } => return Err(problem),
        };
        if failures > client.patience.failures {
            return Err(HubProblem::Interrupted { done, size: content.size, reason });
        }
        tracing::debug!(file = content.name, done, reason, "resumed");
        std::thread::sleep(wait.unwrap_or(client.patience.pause_after(failures)));
    }
    file.sync_all().map_err(cache)
}

/// One connection's part of a download.
struct Attempt<'a> {
    client: &'a Client,
    content: &'a Content<'a>,
    to: &'a Path,
    file: &'a mut File,
    /// Bytes of the content that are in the file.
    done: u64,
    progress: &'a mut dyn Progress,
}

impl Attempt<'_> {
    /// Downloads the rest, or as much of it as arrives.
    fn run(&mut self) -> Result<(), Failure> {
        let response = self.client.get(self.content.url, self.done)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                let range = header(response.headers(), "content-range").unwrap_or("nothing");
                if parse_range(range) != Some((self.done, self.content.size)) {
                    let expected = format!("bytes {}-/{}", self.done, self.content.size);
                    self.restart()?;
                    let reason = format!("the answer to a range is {range}, expected {expected}");
                    return Err(interrupted(reason));
                }
            }
            // The server does not do ranges: the whole content comes.
            StatusCode::OK if self.done > 0 => self.restart()?,
            StatusCode::OK => {}
            // What is in the file is no beginning of this content.
            StatusCode::RANGE_NOT_SATISFIABLE => {
                self.restart()?;
                return Err(interrupted("the range is refused (416)".into()));
            }
            _ => return Err(Failure { problem: self.client.refusal(&response), retry: Retry::No }),
        }
        self.file.seek(SeekFrom::Start(self.done)).map_err(|error| self.cache(&error))?;
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 18];
        while self.done < self.content.size {
            let room = buffer.len().min((self.content.size - self.done) as usize);
            let count = match body.read(&mut buffer[..room]) {
                Ok(0) => return Err(interrupted("the connection ended".into())),
                Ok(count) => count,
                Err(error) => return Err(interrupted(error.to_string())),
            };
            self.file.write_all(&buffer[..count]).map_err(|error| self.cache(&error))?;
            self.done += count as u64;
            self.progress.advance(count as u64);
        }
        Ok(())
    }

    /// Throws away what there is.
    fn restart(&mut self) -> Result<(), Failure> {
        self.file.set_len(0).map_err(|error| self.cache(&error))?;
        self.done = 0;
        self.progress.begin(self.content.name, self.content.size, 0);
        Ok(())
    }

    fn cache(&self, error: &std::io::Error) -> Failure {
        Failure { problem: broken(self.to, error), retry: Retry::No }
    }
}

fn interrupted(reason: String) -> Failure {
    Failure { problem: HubProblem::Unreachable { reason }, retry: Retry::After(None) }
}

/// First byte and whole size in `bytes FIRST-LAST/SIZE`.
fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::parse_range;

    #[test]
    fn the_answer_to_a_range_is_read() {
        assert_eq!(parse_range("bytes 5-9/10"), Some((5, 10)));
        for bad in ["", "nothing", "bytes */10", "bytes 5-9/*", "bytes 5-9"] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
    }
}
