//! A server for tests, with the part of the hub's API that a download uses, and with the faults that a network has.

#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "only tests use it"
)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use sha1::{Digest, Sha1};
use sha2::Sha256;

/// How the server answers for one path.
#[derive(Debug)]
pub struct File {
    path: String,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// What goes wrong, one for each time that the content is asked for.
    faults: VecDeque<Fault>,
    /// The same for when its headers are asked for.
    faults_of_head: VecDeque<Fault>,
    ranges: bool,
}

/// What goes wrong with one answer.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The connection ends after so many bytes of the content.
    Cut(usize),
    /// Nothing comes after so many bytes of the content, and the connection stays.
    Stall(usize),
    /// Another status, without content.
    Status(u16),
    /// The content is not what it should be, but as long.
    Damage,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// What git calls a blob with this content.
pub fn git_sha1(body: &str) -> String {
    hex(&Sha1::new_with_prefix(format!("blob {}\0", body.len())).chain_update(body).finalize())
}

/// SHA-256 in hexadecimal, which names large files.
pub fn sha256(body: &str) -> String {
    hex(&Sha256::digest(body))
}

impl File {
    fn new(path: &str, status: u16, headers: Vec<(&'static str, String)>, body: &str) -> Self {
        let (faults, faults_of_head) = (VecDeque::new(), VecDeque::new());
        Self { path: path.into(), status, headers, body: body.into(), faults, faults_of_head, ranges: true }
    }

    /// A small file, which the hub holds itself.
    pub fn plain(path: &str, commit: &str, body: &str) -> Self {
        let headers = vec![("ETag", format!("\"{}\"", git_sha1(body))), ("X-Repo-Commit", commit.into())];
        Self::new(path, 200, headers, body)
    }

    /// A large file, which the hub keeps in another place, of which it knows hash and size. `HOST` in `to` is the
    /// server.
    pub fn elsewhere(path: &str, commit: &str, to: &str, body: &str) -> Self {
        let headers = vec![
            ("Location", to.into()),
            ("X-Repo-Commit", commit.into()),
            ("X-Linked-Etag", format!("\"{}\"", sha256(body))),
            ("X-Linked-Size", body.len().to_string()),
        ];
        Self::new(path, 302, headers, "See elsewhere")
    }

    /// The other place: it knows nothing of repositories.
    pub fn storage(path: &str, body: &str) -> Self {
        Self::new(path, 200, vec![("ETag", "\"of-the-storage\"".into())], body)
    }

    /// A bare redirect, as for a repository that has another name now.
    pub fn moved(path: &str, to: &str) -> Self {
        Self::new(path, 307, vec![("Location", to.into())], "")
    }

    /// A file that the repository does not have.
    pub fn missing(path: &str, commit: &str) -> Self {
        let mut file = Self::refused(path, 404, Some("EntryNotFound"));
        file.headers.push(("X-Repo-Commit", commit.into()));
        file
    }

    /// A refusal, with the code that the hub gives for it.
    pub fn refused(path: &str, status: u16, code: Option<&str>) -> Self {
        let headers = code.map(|code| ("X-Error-Code", code.to_owned())).into_iter().collect();
        Self::new(path, status, headers, "")
    }

    /// The same with one header replaced.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value.into()));
        self
    }

    /// The next answers with content have these faults.
    pub fn faults(mut self, faults: &[Fault]) -> Self {
        self.faults.extend(faults);
        self
    }

    /// The next answers with headers only have these faults.
    pub fn faults_of_head(mut self, faults: &[Fault]) -> Self {
        self.faults_of_head.extend(faults);
        self
    }

    /// A server that knows no ranges.
    pub fn without_ranges(mut self) -> Self {
        self.ranges = false;
        self
    }

    /// The answer to a request. `from` is the first byte that it asks for. True where the connection must stay open.
    fn answer(&mut self, method: &str, host: &str, from: Option<usize>) -> (Vec<u8>, bool) {
        let mut status = self.status;
        let mut headers = self.headers.clone();
        let mut body = self.body.clone();
        let mut end = None;
        let mut stall = false;
        let faults = if method == "HEAD" { &mut self.faults_of_head } else { &mut self.faults };
        match faults.pop_front() {
            Some(Fault::Cut(bytes)) => end = Some(bytes),
            Some(Fault::Stall(bytes)) => (end, stall) = (Some(bytes), true),
            Some(Fault::Status(other)) => (status, body) = (other, String::new()),
            Some(Fault::Damage) => body = body.replace('a', "z"),
            None => {}
        }
        if let (200, Some(from), true) = (status, from, self.ranges) {
            let len = body.len();
            if from >= len {
                (status, body) = (416, String::new());
                headers.push(("Content-Range", format!("bytes */{len}")));
            } else {
                headers.push(("Content-Range", format!("bytes {from}-{}/{len}", len - 1)));
                (status, body) = (206, body[from..].to_owned());
            }
        }
        headers.push(("Content-Length", body.len().to_string()));
        let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.extend([name, ": ", &value.replace("HOST", host), "\r\n"]);
        }
        body.truncate(if method == "HEAD" { 0 } else { end.unwrap_or(body.len()) });
        (format!("{head}\r\n{body}").into_bytes(), stall)
    }
}

/// A running server. Dropping it without [`Server::stop`] leaves its thread waiting.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    thread: JoinHandle<()>,
    requests: Receiver<String>,
}

impl Server {
    /// Serves `files` on a free port.
    pub fn start(files: Vec<File>) -> Self {
        Self::start_on(Self::bind(), files)
    }

    /// An address for a server that others must know before it starts.
    pub fn bind() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    /// Serves `files` on `listener`.
    pub fn start_on(listener: TcpListener, mut files: Vec<File>) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let thread = std::thread::spawn(move || {
            let mut held = vec![];
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                match serve(&stream, &mut files, &sender) {
                    None => break,
                    Some(true) => held.push(stream),
                    Some(false) => {}
                }
            }
        });
        Self { address, thread, requests }
    }

    /// `http://host:port`.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests since the last call, each as it was written, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.requests.try_iter().collect()
    }

    /// Stops listening; the requests since the last time that somebody asked for them.
    pub fn stop(self) -> Vec<String> {
        TcpStream::connect(self.address).unwrap().write_all(b"STOP / HTTP/1.1\r\n\r\n").unwrap();
        self.thread.join().unwrap();
        self.requests.iter().collect()
    }
}

/// Answers one request. `None` at the one that ends the server, true where the connection must stay open.
fn serve(mut stream: &TcpStream, files: &mut [File], requests: &Sender<String>) -> Option<bool> {
    let lines: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let Some((method, rest)) = lines.first().and_then(|line| line.split_once(' ')) else {
        return Some(false);
    };
    if method == "STOP" {
        return None;
    }
    let path = rest.split(' ').next().unwrap_or_default();
    let header = |name: &str| {
        let mut lines = lines.iter().filter_map(|line| line.split_once(": "));
        lines.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    };
    let from = header("range").map(|range| {
        let from = range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-'));
        from.and_then(|from| from.parse().ok()).expect("a range to the end")
    });
    // The receiver may be gone: nobody wants to know.
    let _ = requests.send(lines.join("\n").to_ascii_lowercase());
    let host = header("host").unwrap_or_default();
    let (answer, stall) = match files.iter_mut().find(|file| file.path == path) {
        Some(file) => file.answer(method, host, from),
        None => File::refused(path, 400, None).answer(method, host, None),
    };
    // A client that has read enough may have gone.
    let _ = stream.write_all(&answer);
    Some(stall)
}
