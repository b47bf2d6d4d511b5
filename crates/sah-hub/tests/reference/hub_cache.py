"""Shows that the hub's cache is shared with Python's huggingface_hub, and writes `hub_cache.json` beside it.

    cargo xtask bless hub-cache

The environment is that of `tests/reference/venv.sh`. No network.

A small server on this machine speaks the part of the hub's API that a download uses. Python and `fetch` each fill a
cache from it; both caches must be the same, each side must find the other's without a network, and each must finish
what the other left unfinished. Then `fetch` does it over HTTPS, with a certificate made for it, and refuses one that
nobody vouches for. `--write` then writes what Python's cache looks like: the tests in
`src/tests/cache.rs` compare with that.
"""

import argparse
import hashlib
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]

COMMIT = "5f0c9b1d2e3a4f5061728394a5b6c7d8e9f0a1b2"
REPO = "tiny/model"
REVISION = "refs/pr/1"

# Path, content (None: the repository does not have it), whether the hub keeps it elsewhere.
FILES = [
    ("config.json", '{"model_type": "llama"}\n', False),
    ("tokenizer.json", '{"version": "1.0"}\n', False),
    ("tokenizer_config.json", None, False),
    ("original/params.json", '{"dim": 8}\n', False),
    # The same content under another name.
    ("copy.json", '{"dim": 8}\n', False),
    ("model.safetensors", "not weights, but large enough to be cut in two. " * 40, True),
]


def git_sha1(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


class Hub(http.server.BaseHTTPRequestHandler):
    """One repository, and the storage that its large files are in."""

    protocol_version = "HTTP/1.1"
    asked = []
    # The next transfer of a large file ends after so many bytes.
    cut = None

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(send_body=False)

    def do_GET(self):
        self.answer(send_body=True)

    def answer(self, send_body: bool):
        Hub.asked.append((self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        for revision in (REVISION.replace("/", "%2F"), COMMIT):
            prefix = f"/{REPO}/resolve/{revision}/"
            if self.path.startswith(prefix):
                return self.file(self.path.removeprefix(prefix), send_body)
        for _, content, large in FILES:
            if large and self.path == "/storage/" + hashlib.sha256(content.encode()).hexdigest():
                return self.content(content.encode(), {"ETag": '"storage"'}, send_body)
        self.reply(404, {"X-Error-Code": "RepoNotFound"}, b"", send_body)

    def file(self, path: str, send_body: bool):
        content, large = next(((c, l) for p, c, l in FILES if p == path), (None, False))
        commit = {"X-Repo-Commit": COMMIT}
        if content is None:
            return self.reply(404, {"X-Error-Code": "EntryNotFound", **commit}, b"", send_body)
        body = content.encode()
        if not large:
            return self.content(body, {"ETag": f'"{git_sha1(body)}"', **commit}, send_body)
        digest = hashlib.sha256(body).hexdigest()
        linked = {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(body))}
        # By another name of the same machine: another host, to which no token must go.
        storage = f"http://localhost:{self.server.server_address[1]}/storage/{digest}"
        self.reply(302, {"Location": storage, **linked, **commit}, b"", send_body)

    def content(self, body: bytes, headers: dict, send_body: bool):
        first = self.headers.get("Range")
        if first is None:
            return self.reply(200, headers, body, send_body)
        first = int(first.removeprefix("bytes=").split("-")[0])
        headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
        self.reply(206, headers, body[first:], send_body)

    def reply(self, status: int, headers: dict, body: bytes, send_body: bool):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if send_body:
            cut, Hub.cut = (Hub.cut, None) if self.path.startswith("/storage/") else (None, Hub.cut)
            self.wfile.write(body[:cut])
            if cut is not None:
                self.close_connection = True


def python_fetch(home: pathlib.Path, endpoint: str, *more: str) -> subprocess.CompletedProcess:
    """Fetches every file with huggingface_hub, in a process of its own: it reads the environment at import."""
    code = """
import json, sys
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
repo, revision, *files = sys.argv[1:]
# It writes whole chunks only, of 10 MB otherwise.
constants.DOWNLOAD_CHUNK_SIZE = 100
for file in files:
    try:
        print(hf_hub_download(repo, file, revision=revision))
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        pass
"""
    command = [sys.executable, "-c", code, REPO, REVISION, *(more or (path for path, _, _ in FILES))]
    return run(command, home, endpoint)


def our_fetch(program: pathlib.Path, home: pathlib.Path, endpoint: str, *more: str) -> subprocess.CompletedProcess:
    files = more or [path for path, _, _ in FILES]
    return run([program, "--revision", REVISION, REPO, *files], home, endpoint)


def run(command, home, endpoint, **more):
    environment = {
        "PATH": os.environ["PATH"],
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint or "http://127.0.0.1:9",
        "HF_HUB_OFFLINE": "" if endpoint else "1",
        "HF_TOKEN": "hf_secret",
        # The hub of this script answers at once or not at all.
        "HF_HUB_DOWNLOAD_TIMEOUT": "2",
        **more,
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def tree(home: pathlib.Path) -> dict:
    """Every file of the cache: a link as `-> target`, a file as its text."""
    entries = {}
    hub = home / "hub"
    for path in sorted(hub.rglob("*")):
        name = str(path.relative_to(hub))
        if path.is_symlink():
            entries[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            entries[name] = path.read_text()
    return entries


def check(what: str, right: bool, detail=""):
    print(("ok      " if right else "FAILED  ") + what)
    if not right:
        sys.exit(f"{what}: {detail}")


def content_of(done: subprocess.CompletedProcess) -> list:
    return [pathlib.Path(line).read_text() for line in done.stdout.split("\n") if line]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--fetch", type=pathlib.Path, default=ROOT / "target/release/examples/fetch")
    arguments.add_argument("--write", action="store_true")
    arguments = arguments.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    expected = [content for _, content, _ in FILES if content is not None]
    large = next(path for path, _, is_large in FILES if is_large)
    size = len(dict((p, c) for p, c, _ in FILES)[large])

    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = pathlib.Path(folder) / "theirs", pathlib.Path(folder) / "ours"
        done = python_fetch(theirs, endpoint)
        check("Python fetches", content_of(done) == expected, done.stderr)
        Hub.asked.clear()
        done = our_fetch(arguments.fetch, ours, endpoint)
        check("we fetch the same", content_of(done) == expected, done.stderr)
        leaked = [asked for asked in Hub.asked if asked[1].startswith("/storage/") and asked[3]]
        check("the token stays at home", not leaked, leaked)
        golden = tree(theirs)
        check("both caches are the same", tree(ours) == golden, json.dumps([tree(ours), golden], indent=1))

        done = our_fetch(arguments.fetch, theirs, None)
        check("we find what Python fetched, without a network", content_of(done) == expected, done.stderr)
        present = [path for path, content, _ in FILES if content is not None]
        done = python_fetch(ours, None, *present)
        check("Python finds what we fetched, without a network", content_of(done) == expected, done.stderr)

        # What Python leaves when it is stopped in the middle, and what we leave.
        for name, first, second in [
            ("we finish what Python began", "theirs", lambda home: our_fetch(arguments.fetch, home, endpoint, large)),
            ("Python finishes what we began", "ours", lambda home: python_fetch(home, endpoint, large)),
        ]:
            home = pathlib.Path(folder) / f"begun-by-{first}"
            digest = hashlib.sha256(dict((p, c) for p, c, _ in FILES)[large].encode()).hexdigest()
            begin(home, endpoint, first, arguments.fetch, large)
            incomplete = home / "hub/models--tiny--model/blobs" / f"{digest}.incomplete"
            check(f"{first}: unfinished where it should be", incomplete.stat().st_size == 1000, list(home.rglob("*")))
            Hub.asked.clear()
            done = second(home)
            check(name, [len(text) for text in content_of(done)] == [size], done.stderr)
            ranges = [asked[2] for asked in Hub.asked if asked[0] == "GET" and asked[1].startswith("/storage/")]
            check(f"{name}, from where it stopped", ranges == ["bytes=1000-"], ranges)

        over_https(pathlib.Path(folder), arguments.fetch, expected)

    if arguments.write:
        import huggingface_hub

        served = [{"path": path, "content": content, "large": large} for path, content, large in FILES]
        written = {
            "written_by": f"hub_cache.py with huggingface_hub {huggingface_hub.__version__}",
            "commit": COMMIT,
            "revision": REVISION,
            "served": served,
            "tree": golden,
        }
        (HERE / "hub_cache.json").write_text(json.dumps(written, indent=1) + "\n")
        print(f"written to {HERE / 'hub_cache.json'}")


def over_https(folder: pathlib.Path, program: pathlib.Path, expected: list):
    """The same hub behind TLS, with and without trust in its certificate. Small files only."""
    authority, authority_key, certificate, key = (
        folder / name for name in ("authority.pem", "authority-key.pem", "certificate.pem", "key.pem")
    )
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    make = [*openssl, "-subj", "/CN=authority", "-keyout", authority_key, "-out", authority]
    subprocess.run(make, check=True, capture_output=True)
    make = [*openssl, "-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
    make += ["-CA", authority, "-CAkey", authority_key]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run(make, check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"https://127.0.0.1:{server.server_address[1]}"
    small = [path for path, content, large in FILES if content is not None and not large]
    command = [program, "--revision", REVISION, REPO, *small]
    done = run(command, folder / "trusted", endpoint, SSL_CERT_FILE=str(authority))
    texts = [text for text in expected if len(text) < 100]
    check("we fetch over HTTPS", content_of(done) == texts, done.stderr)
    done = run(command, folder / "distrusted", endpoint)
    refused = done.returncode == 1 and "certificate" in done.stderr
    check("a certificate that nobody vouches for is refused", refused, done.stderr)


def begin(home: pathlib.Path, endpoint: str, who: str, program: pathlib.Path, large: str):
    """Lets `who` fetch the large file and stops the process after 1000 bytes of it."""
    Hub.cut = 1000
    stopped = threading.Event()

    def stop_after_cut(handler_reply=Hub.reply):
        def reply(self, status, headers, body, send_body):
            # Once the file was cut, the hub is gone: whoever fetches must give up.
            if stopped.is_set():
                self.close_connection = True
                self.connection.close()
                return
            was = Hub.cut
            handler_reply(self, status, headers, body, send_body)
            if was is not None and Hub.cut is None:
                stopped.set()

        return reply

    original, Hub.reply = Hub.reply, stop_after_cut()
    try:
        done = python_fetch(home, endpoint, large) if who == "theirs" else our_fetch(program, home, endpoint, large)
        check(f"{who}: gives up on a hub that is gone", done.returncode != 0, done.stdout)
    finally:
        Hub.reply = original


if __name__ == "__main__":
    main()
