//! Content on its way: redirects, connections that break or stand still, damage.

use std::time::Instant;

use super::*;

const WEIGHTS: &str = "/org/name/resolve/main/model.safetensors";

/// `WEIGHTS` at the commit, from where the content is fetched.
const AT_COMMIT: &str = "/org/name/resolve/0123456789abcdef0123456789abcdef01234567/model.safetensors";

/// The same answer for the branch and for the commit.
fn weights(body: &str, faults: &[Fault]) -> Vec<File> {
    vec![File::plain(WEIGHTS, COMMIT, body), File::plain(AT_COMMIT, COMMIT, body).faults(faults)]
}

/// The ranges of the requests for content, `None` for one without.
fn ranges(requests: &[String]) -> Vec<Option<String>> {
    let range = |request: &String| {
        request.lines().find_map(|line| line.strip_prefix("range: bytes=")).map(str::to_owned)
    };
    requests.iter().filter(|request| request.starts_with("get")).map(range).collect()
}

#[test]
fn a_large_file_comes_from_another_server_which_never_sees_the_token() {
    let home = tempfile::tempdir().unwrap();
    let body = text(100_000);
    let storage = Server::start(vec![File::storage("/bucket/a?signature=x%2Fy", &body)]);
    let to = format!("{}/bucket/a?signature=x%2Fy", storage.address());
    let hub = Server::start(vec![
        File::elsewhere(WEIGHTS, COMMIT, &to, &body),
        File::elsewhere(AT_COMMIT, COMMIT, &to, &body),
    ]);
    let settings = settings(home.path(), &hub.address(), &[("HF_TOKEN", "secret")]);
    let path = model(&settings, None).fetch("model.safetensors", &mut ()).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), body);
    // Named by the hub's hash, not by what the storage calls it.
    assert!(std::fs::read_link(&path).unwrap().ends_with(format!("blobs/{}", sha256(&body))));
    let (at_hub, at_storage) = (hub.stop(), storage.stop());
    assert!(at_hub.iter().all(|request| request.contains("authorization: bearer secret")), "{at_hub:?}");
    assert_eq!(at_storage.len(), 1);
    assert!(!at_storage[0].contains("authorization") && !at_storage[0].contains("secret"), "{at_storage:?}");
}

#[test]
fn the_token_does_not_come_back_after_a_redirect_to_another_server() {
    let home = tempfile::tempdir().unwrap();
    let body = text(100);
    let (hub, storage) = (Server::bind(), Server::bind());
    let away = format!("http://{}/away", storage.local_addr().unwrap());
    let back = format!("http://{}/back", hub.local_addr().unwrap());
    let hub = Server::start_on(
        hub,
        vec![
            File::plain(WEIGHTS, COMMIT, &body),
            File::moved(AT_COMMIT, &away),
            File::plain("/back", COMMIT, &body),
        ],
    );
    let storage = Server::start_on(storage, vec![File::moved("/away", &back)]);
    let settings = settings(home.path(), &hub.address(), &[("HF_TOKEN", "secret")]);
    assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
    let with_token = |requests: Vec<String>| -> Vec<bool> {
        requests.iter().map(|request| request.contains("bearer secret")).collect()
    };
    assert_eq!(with_token(storage.stop()), [false]);
    assert_eq!(with_token(hub.stop()), [true, true, false]);
}

#[test]
fn a_repository_that_was_renamed_is_found_under_its_new_name_with_the_token() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str, revision: &str| format!("/org/{name}/resolve/{revision}/config.json");
    let server = Server::start(vec![
        File::moved(&at("name", "main"), &at("new", "main")),
        File::plain(&at("new", "main"), COMMIT, "{}"),
        File::moved(&at("name", COMMIT), &at("new", COMMIT)),
        File::plain(&at("new", COMMIT), COMMIT, "{}"),
    ]);
    let settings = settings(home.path(), &server.address(), &[("HF_TOKEN", "secret")]);
    assert_eq!(content(&settings, "config.json").unwrap(), "{}");
    assert!(server.stop().iter().all(|request| request.contains("bearer secret")));
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_stopped() {
    let home = tempfile::tempdir().unwrap();
    let body = text(50_000);
    // More often than the patience lasts, but with new bytes each time.
    let faults = [Fault::Cut(20_000), Fault::Cut(10_000), Fault::Cut(5), Fault::Status(503), Fault::Cut(7)];
    let server = Server::start(weights(&body, &faults));
    let settings = settings(home.path(), &server.address(), &[]);
    assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
    let from = |from: u32| Some(format!("{from}-"));
    assert_eq!(
        ranges(&server.stop()),
        [None, from(20_000), from(30_000), from(30_005), from(30_005), from(30_012)]
    );
}

#[test]
fn what_came_is_kept_for_the_next_run() {
    let home = tempfile::tempdir().unwrap();
    let body = text(50_000);
    let server = Server::start(weights(&body, &[Fault::Cut(20_000), Fault::Cut(0), Fault::Cut(0)]));
    let settings = settings(home.path(), &server.address(), &[]);
    let error = problem(content(&settings, "model.safetensors"));
    assert!(error.contains("the transfer ended at 20000 of 50000 bytes"), "{error}");
    assert!(error.contains("run it again: it goes on where it stopped"), "{error}");
    let name = git_sha1(&body);
    let incomplete = home.path().join(format!("hub/models--org--name/blobs/{name}.incomplete"));
    assert_eq!(std::fs::read_to_string(&incomplete).unwrap(), body[..20_000]);
    server.requests();
    assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
    assert_eq!(ranges(&server.stop()), [Some("20000-".to_owned())]);
    assert!(!incomplete.exists());
}

#[test]
fn a_server_that_stands_still_is_left_and_asked_again() {
    let home = tempfile::tempdir().unwrap();
    let body = text(50_000);
    let server = Server::start(weights(&body, &[Fault::Stall(30_000)]));
    let settings = settings(home.path(), &server.address(), &[]);
    let started = Instant::now();
    assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
    assert!(started.elapsed() >= settings.patience.stall && started.elapsed() < Duration::from_secs(10));
    assert_eq!(ranges(&server.stop()), [None, Some("30000-".to_owned())]);

    // Silent for good: given up after as many tries as the patience has.
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(weights(&body, &[Fault::Stall(0); 3]));
    let settings = super::settings(home.path(), &server.address(), &[]);
    let error = problem(content(&settings, "model.safetensors"));
    assert!(error.contains("the transfer ended at 0 of 50000 bytes (timeout"), "{error}");
    assert_eq!(ranges(&server.stop()).len(), 3);
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let home = tempfile::tempdir().unwrap();
    let body = text(50_000);
    let server = Server::start(vec![
        File::plain(WEIGHTS, COMMIT, &body),
        File::plain(AT_COMMIT, COMMIT, &body).without_ranges().faults(&[Fault::Cut(20_000)]),
    ]);
    let settings = settings(home.path(), &server.address(), &[]);
    assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
    assert_eq!(ranges(&server.stop()), [None, Some("20000-".to_owned())]);
}

#[test]
fn damage_is_found_and_thrown_away() {
    let home = tempfile::tempdir().unwrap();
    let body = text(5000);
    let server = Server::start(weights(&body, &[Fault::Damage]));
    let settings = settings(home.path(), &server.address(), &[]);
    let error = problem(content(&settings, "model.safetensors"));
    let expected = git_sha1(&body);
    assert!(error.contains("what came is damaged: git blob sha1 is "), "{error}");
    assert!(error.contains(&format!("the hub says {expected}")), "{error}");
    let blobs: Vec<_> = std::fs::read_dir(home.path().join("hub/models--org--name/blobs")).unwrap().collect();
    assert!(blobs.is_empty(), "{blobs:?}");
    assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
}

#[test]
fn what_an_earlier_run_left_is_not_trusted() {
    let body = text(5000);
    let zeros = "0".repeat(9000);
    for (left, requests) in [
        // The right length, the wrong content; too long; a wrong beginning.
        (&zeros[..5000], vec![None]),
        (&zeros, vec![None]),
        (&zeros[..100], vec![Some("100-".to_owned()), None]),
    ] {
        let home = tempfile::tempdir().unwrap();
        let blobs = home.path().join("hub/models--org--name/blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join(format!("{}.incomplete", git_sha1(&body))), left).unwrap();
        let server = Server::start(weights(&body, &[]));
        let settings = settings(home.path(), &server.address(), &[]);
        assert_eq!(content(&settings, "model.safetensors").unwrap(), body);
        assert_eq!(ranges(&server.stop()), requests, "{} bytes", left.len());
    }
}

#[test]
fn progress_is_told_from_the_first_byte_to_the_last() {
    #[derive(Default)]
    struct Log(Vec<String>);
    impl Progress for Log {
        fn begin(&mut self, file: &str, size: u64, done: u64) {
            self.0.push(format!("{file} {done}/{size}"));
        }

        fn advance(&mut self, bytes: u64) {
            let sum = self.0.last().and_then(|last| last.parse::<u64>().ok());
            match sum {
                Some(sum) => *self.0.last_mut().unwrap() = (sum + bytes).to_string(),
                None => self.0.push(bytes.to_string()),
            }
        }

        fn finish(&mut self) {
            self.0.push("whole".into());
        }
    }
    let home = tempfile::tempdir().unwrap();
    let body = text(50_000);
    let server = Server::start(weights(&body, &[Fault::Cut(20_000)]));
    let settings = settings(home.path(), &server.address(), &[]);
    let mut log = Log::default();
    model(&settings, None).fetch("model.safetensors", &mut log).unwrap();
    assert_eq!(log.0, ["model.safetensors 0/50000", "50000", "whole"]);
    // What is here already is not mentioned.
    let mut log = Log::default();
    model(&settings, None).fetch("model.safetensors", &mut log).unwrap();
    assert_eq!(log.0, [""; 0]);
}

#[test]
fn an_empty_file_is_a_file() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(weights("", &[]));
    let settings = settings(home.path(), &server.address(), &[]);
    assert_eq!(content(&settings, "model.safetensors").unwrap(), "");
    server.stop();
}
