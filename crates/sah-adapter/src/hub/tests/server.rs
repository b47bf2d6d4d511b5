//! A server with the part of the hub's API that a download uses.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// How the server answers for one path.
pub(super) struct File {
    path: String,
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// The first time it is asked for in full, the connection ends after so many bytes.
    cut_once: Cell<Option<usize>>,
}

impl File {
    /// A file that the hub holds itself.
    pub(super) fn plain(path: &str, commit: &str, body: &str) -> Self {
        let headers = vec![("ETag", format!("\"etag-of-{}\"", body.len())), ("X-Repo-Commit", commit.into())];
        Self { path: path.into(), status: 200, headers, body: body.into(), cut_once: Cell::default() }
    }

    /// A file that the hub keeps in another place, of which it knows tag and size. `HOST` in `to` is the server.
    pub(super) fn redirect(path: &str, commit: &str, to: &str, body: &str) -> Self {
        let headers = vec![
            ("Location", to.into()),
            ("X-Repo-Commit", commit.into()),
            ("X-Linked-Etag", format!("\"linked-{}\"", body.len())),
            ("X-Linked-Size", body.len().to_string()),
        ];
        Self { path: path.into(), status: 302, headers, body: String::new(), cut_once: Cell::default() }
    }

    /// The file, with a connection that breaks once after `bytes` of it.
    pub(super) fn cut_once_after(self, bytes: usize) -> Self {
        self.cut_once.set(Some(bytes));
        self
    }

    pub(super) fn missing(path: &str, commit: &str) -> Self {
        let mut file = Self::refused(path, 404, Some("EntryNotFound"));
        file.headers.push(("X-Repo-Commit", commit.into()));
        file
    }

    pub(super) fn refused(path: &str, status: u16, code: Option<&str>) -> Self {
        let headers = code.map(|code| ("X-Error-Code", code.to_owned())).into_iter().collect();
        Self { path: path.into(), status, headers, body: String::new(), cut_once: Cell::default() }
    }

    /// The answer to a request, with the part of the body that it asks for.
    fn answer(&self, method: &str, host: &str, range: Option<(usize, Option<usize>)>) -> Vec<u8> {
        let len = self.body.len();
        let mut headers = self.headers.clone();
        let mut status = self.status;
        let mut body = self.body.as_str();
        if let (200, Some((from, to))) = (self.status, range) {
            let to = to.map_or(len, |to| (to + 1).min(len));
            body = &self.body[from.min(to)..to];
            headers.push(("Content-Range", format!("bytes {from}-{}/{len}", to.saturating_sub(1))));
            status = 206;
        }
        headers.push(("Content-Length", body.len().to_string()));
        let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += name;
            head += ": ";
            head += &value.replace("HOST", host);
            head += "\r\n";
        }
        let body = if method == "HEAD" { "" } else { body };
        let body = if body.len() > 1 { &body[..self.cut_once.take().unwrap_or(body.len())] } else { body };
        format!("{head}\r\n{body}").into_bytes()
    }
}

/// A running server; dropping it without [`Server::stop`] leaves its thread waiting.
pub(super) struct Server {
    address: SocketAddr,
    thread: JoinHandle<()>,
    requests: Receiver<String>,
}

impl Server {
    pub(super) fn start(files: Vec<File>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if !serve(&stream.unwrap(), &files, &sender) {
                    break;
                }
            }
        });
        Self { address, thread, requests }
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening; the requests that came, each as it was written.
    pub(super) fn stop(self) -> Vec<String> {
        TcpStream::connect(self.address).unwrap().write_all(b"STOP / HTTP/1.1\r\n\r\n").unwrap();
        self.thread.join().unwrap();
        self.requests.iter().collect()
    }
}

/// Answers one request; false at the one that ends the server.
fn serve(mut stream: &TcpStream, files: &[File], requests: &Sender<String>) -> bool {
    let lines: Vec<String> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let Some((method, rest)) = lines.first().and_then(|line| line.split_once(' ')) else { return true };
    if method == "STOP" {
        return false;
    }
    let path = rest.split(' ').next().unwrap_or_default();
    let host = lines.iter().find_map(|line| line.strip_prefix("host: ").or(line.strip_prefix("Host: ")));
    let host = host.unwrap_or_default();
    let range = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
        name.eq_ignore_ascii_case("range").then(|| (from.parse().unwrap(), to.parse().ok()))
    });
    requests.send(lines.join("\n")).unwrap();
    let answer = match files.iter().find(|file| file.path == path) {
        Some(file) => file.answer(method, host, range),
        None => File::refused(path, 500, None).answer(method, host, None),
    };
    // A client that has read enough may have gone.
    let _ = stream.write_all(&answer);
    true
}
