//! The hub against a small server that speaks its API, and against none.

mod server;

use std::time::Instant;

use server::{File, Server};

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Settings as an environment with `HF_HOME` and `HF_ENDPOINT` gives them.
fn settings(home: &Path, endpoint: &str, more: &[(&str, &str)]) -> Settings {
    let more: Vec<(String, String)> = more.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Settings::from_variables(|name| match name {
        "HF_HOME" => Some(home.display().to_string()),
        "HF_ENDPOINT" => Some(endpoint.to_owned()),
        name => more.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
    })
    .unwrap()
}

fn find(settings: Settings, kind: RepoKind, revision: Option<&str>, path: &str) -> Result<Found, Error> {
    Wanted::new(settings, kind, "org/name", revision, path).find()
}

fn content(found: Result<Found, Error>) -> String {
    match found.unwrap() {
        Found::File(path) => std::fs::read_to_string(path).unwrap(),
        Found::NoSuchFile => "no such file".into(),
        Found::NotCached => "not cached".into(),
    }
}

fn problem(found: Result<Found, Error>) -> String {
    let Err(error) = found else { panic!("expected an error") };
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn a_file_is_downloaded_once_and_found_without_a_network_afterwards() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(vec![File::plain("/org/name/resolve/main/config.json", COMMIT, "{\"a\": 1}")]);
    let settings = settings(home.path(), &server.address(), &[]);
    let first = find(settings.clone(), RepoKind::Model, None, "config.json");
    let Ok(Found::File(path)) = &first else { panic!("{}", problem(first)) };
    assert!(
        path.ends_with(format!("hub/models--org--name/snapshots/{COMMIT}/config.json")),
        "{}",
        path.display()
    );
    assert_eq!(commit_of(path), Some(COMMIT));
    assert_eq!(content(first), "{\"a\": 1}");

    let requests = server.stop();
    assert!(!requests.is_empty());
    assert_eq!(content(find(settings.clone(), RepoKind::Model, None, "config.json")), "{\"a\": 1}");
    // The commit itself is a revision too, as in a cache that Python filled.
    assert_eq!(content(find(settings, RepoKind::Model, Some(COMMIT), "config.json")), "{\"a\": 1}");
}

#[test]
fn large_files_are_fetched_from_where_the_hub_redirects_to() {
    let home = tempfile::tempdir().unwrap();
    let content_of_file = "x".repeat(100_000);
    let to = ["http://HOST/storage/a", "/moved/b"];
    let server = Server::start(vec![
        File::redirect("/datasets/org/name/resolve/main/data/a", COMMIT, to[0], &content_of_file),
        File::redirect("/datasets/org/name/resolve/main/b", COMMIT, to[1], &content_of_file),
        File::plain("/storage/a", COMMIT, &content_of_file),
        File::plain("/moved/b", COMMIT, &content_of_file),
    ]);
    let settings = settings(home.path(), &server.address(), &[]);
    for path in ["data/a", "b"] {
        assert_eq!(content(find(settings.clone(), RepoKind::Dataset, None, path)), content_of_file);
    }
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let home = tempfile::tempdir().unwrap();
    let text: String = (0..50_000).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let path = "/org/name/resolve/main/model.safetensors";
    let server = Server::start(vec![File::plain(path, COMMIT, &text).cut_once_after(20_000)]);
    let settings = settings(home.path(), &server.address(), &[]);
    let find = || find(settings.clone(), RepoKind::Model, None, "model.safetensors");
    let error = problem(find());
    assert!(error.contains("the download failed") && error.contains("run it again"), "{error}");
    assert_eq!(content(find()), text);
    let last = server.stop().pop().unwrap().to_ascii_lowercase();
    assert!(last.contains("range: bytes=20000-"), "{last}");
}

#[test]
fn a_missing_file_is_remembered() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(vec![
        File::plain("/org/name/resolve/main/config.json", COMMIT, "{}"),
        File::missing("/org/name/resolve/main/chat_template.jinja", COMMIT),
    ]);
    let settings = settings(home.path(), &server.address(), &[]);
    let find = |path: &str| find(settings.clone(), RepoKind::Model, None, path);
    find("config.json").unwrap();
    assert_eq!(content(find("chat_template.jinja")), "no such file");
    server.stop();
    // Where Python notes it, too.
    let note = format!("hub/models--org--name/.no_exist/{COMMIT}/chat_template.jinja");
    assert!(home.path().join(note).is_file());
    assert_eq!(content(find("chat_template.jinja")), "no such file");
}

#[test]
fn a_refusal_says_why_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(vec![
        File::refused("/org/name/resolve/main/a", 401, None),
        File::refused("/org/name/resolve/main/b", 403, Some("GatedRepo")),
        File::refused("/org/name/resolve/main/c", 404, Some("RepoNotFound")),
        File::refused("/org/name/resolve/v9/d", 404, Some("RevisionNotFound")),
        File::refused("/org/name/resolve/main/e", 503, None),
    ]);
    let anonymous = settings(home.path(), &server.address(), &[]);
    let problem_of = |settings: &Settings, revision: Option<&str>, path: &str| {
        problem(find(settings.clone(), RepoKind::Model, revision, path))
    };
    for (revision, path, expected) in [
        (
            None,
            "a",
            "(401): no such repository, or a private one; check the name; if the repository is private",
        ),
        (None, "b", "must be asked for; check the name; if the repository is private or gated, set HF_TOKEN"),
        (None, "c", "no such repository (404)"),
        (Some("v9"), "d", "(v9): no such revision (404); check the revision"),
        (None, "e", "status 503"),
    ] {
        let text = problem_of(&anonymous, revision, path);
        assert!(text.contains(expected), "{text}");
        assert!(text.contains(&format!("{path} of org/name")) && text.contains(&server.address()), "{text}");
    }
    let known = settings(home.path(), &server.address(), &[("HF_TOKEN", "secret")]);
    let text = problem_of(&known, None, "b");
    assert!(
        text.contains("check that the access token (HF_TOKEN) is valid") && !text.contains("secret"),
        "{text}"
    );
    let requests = server.stop();
    assert!(requests.last().unwrap().to_ascii_lowercase().contains("authorization: bearer secret"));
}

#[test]
fn a_hub_that_is_not_there_is_reported_within_seconds() {
    let home = tempfile::tempdir().unwrap();
    // A port that was free a moment ago, and a name that never resolves.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for endpoint in [format!("http://{free}"), "http://hub.invalid".into()] {
        let started = Instant::now();
        let settings = settings(home.path(), &endpoint, &[]);
        let text = problem(find(settings, RepoKind::Model, None, "config.json"));
        assert!(started.elapsed().as_secs() < 15, "{text}");
        assert!(text.contains("cannot be reached") && text.contains("HF_ENDPOINT to a mirror"), "{text}");
        assert!(text.contains("a local folder or a GGUF file"), "{text}");
    }
}

#[test]
fn a_hub_that_takes_the_connection_and_is_silent_is_given_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let home = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let answer =
        request::ask_within(&settings(home.path(), &url, &[]), &url, std::time::Duration::from_millis(300));
    assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}");
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn offline_uses_the_cache_alone() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(vec![File::plain("/org/name/resolve/main/config.json", COMMIT, "{}")]);
    let offline = settings(home.path(), &server.address(), &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(content(find(offline.clone(), RepoKind::Model, None, "config.json")), "not cached");
    find(settings(home.path(), &server.address(), &[]), RepoKind::Model, None, "config.json").unwrap();
    let asked = server.stop().len();
    assert_eq!(content(find(offline, RepoKind::Model, None, "config.json")), "{}");
    assert!(asked > 0);
}

#[test]
fn the_environment_is_read_as_python_reads_it() {
    let read = |variables: &[(&str, &str)]| {
        Settings::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    };
    let plain = read(&[("HF_HOME", "/h")]);
    assert_eq!(plain.cache, PathBuf::from("/h/hub"));
    assert_eq!(plain.endpoint, "https://huggingface.co");
    assert!(!plain.offline && plain.token.is_none());
    assert_eq!(read(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")]).cache, PathBuf::from("/c"));
    assert_eq!(read(&[("HF_ENDPOINT", "https://m/")]).endpoint, "https://m");
    assert!(read(&[("HF_HUB_OFFLINE", "true")]).offline);
    assert!(!read(&[("HF_HUB_OFFLINE", "0")]).offline);
    assert_eq!(read(&[("XDG_CACHE_HOME", "/x")]).cache, PathBuf::from("/x/huggingface/hub"));
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("token"), "from-file\n").unwrap();
    let with_file = [("HF_HOME", home.path().to_str().unwrap()), ("HF_TOKEN", "from-variable")];
    assert_eq!(read(&with_file[..1]).token.as_deref(), Some("from-file"));
    assert_eq!(read(&with_file).token.as_deref(), Some("from-variable"));
}
