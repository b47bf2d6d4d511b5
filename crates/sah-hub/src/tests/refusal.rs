//! Refusals, hubs that are not there, and names that lead elsewhere.

use std::net::TcpListener;
use std::time::Instant;

use super::*;

#[test]
fn a_refusal_says_why_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let at = |path: &str| format!("/org/name/resolve/main/{path}");
    let server = Server::start(vec![
        File::refused(&at("hidden"), 401, Some("RepoNotFound")),
        File::refused(&at("gated"), 403, Some("GatedRepo")).header("X-Error-Message", "Accept the terms"),
        File::refused(&at("forbidden"), 403, None),
        File::refused(&at("bad-token"), 401, None).header("X-Error-Message", "Invalid credentials"),
        File::refused(&at("gone"), 404, Some("RepoNotFound")),
        File::refused("/org/name/resolve/v9/x", 404, Some("RevisionNotFound")),
        File::missing(&at("missing"), COMMIT),
        File::refused(&at("busy"), 429, None).header("Retry-After", "3600"),
        File::refused(&at("broken"), 500, None),
        File::refused(&at("odd"), 418, None),
    ]);
    let page = format!("{}/org/name", server.address());
    let anonymous = settings(home.path(), &server.address(), &[]);
    let known = settings(home.path(), &server.address(), &[("HF_TOKEN", "secret")]);
    let asking = format!("ask for access on {page}");
    for (settings, revision, path, expected) in [
        (
            &anonymous,
            None,
            "hidden",
            ["no such repository (401), or a private one; check the name", "set HF_TOKEN"],
        ),
        (&known, None, "hidden", ["refuses access (401)", "HF_TOKEN, or the token file) is valid"]),
        (&anonymous, None, "gated", ["must be asked for (403: Accept the terms)", &asking]),
        (&known, None, "gated", [&asking, "wait until it is granted"]),
        (&anonymous, None, "forbidden", ["refuses access (403)", "HF_TOKEN"]),
        (&known, None, "bad-token", ["(401: Invalid credentials)", "is valid and may read"]),
        (&known, None, "gone", ["no such repository (404)", "check the name"]),
        (&anonymous, Some("v9"), "x", ["(v9): no such revision (404)", "a branch, a tag or a full commit"]),
        (&anonymous, None, "missing", ["the repository has no such file", "check the name and the revision"]),
        (&anonymous, None, "busy", ["too many requests (429)", "wait some minutes"]),
        (&anonymous, None, "broken", ["status 500", "HF_ENDPOINT to a mirror"]),
        (&anonymous, None, "odd", ["status 418", "a local folder or a GGUF file"]),
    ] {
        let text = problem(model(settings, revision).fetch(path, &mut ()));
        for words in expected {
            assert!(text.contains(words), "{words:?} is not in {text:?}");
        }
        assert!(text.contains(&format!("{path} of org/name")) && text.contains(&server.address()), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    // Trouble is asked about again, a refusal is not, nor is what would take an hour.
    let requests = server.stop();
    let asked = |path: &str| requests.iter().filter(|line| line.contains(&format!("/{path} http"))).count();
    assert_eq!([asked("broken"), asked("gone"), asked("busy")], [3, 1, 1]);
}

#[test]
fn trouble_that_passes_goes_unnoticed() {
    let home = tempfile::tempdir().unwrap();
    let path = "/org/name/resolve/main/config.json";
    let at_commit = format!("/org/name/resolve/{COMMIT}/config.json");
    let faults = [Fault::Status(503), Fault::Status(429)];
    let server = Server::start(vec![
        File::plain(path, COMMIT, "{}").faults_of_head(&faults),
        File::plain(&at_commit, COMMIT, "{}").faults(&faults),
    ]);
    let settings = settings(home.path(), &server.address(), &[]);
    assert_eq!(content(&settings, "config.json").unwrap(), "{}");
    assert_eq!(server.stop().len(), 6);
}

#[test]
fn a_hub_that_is_not_there_is_reported_within_seconds() {
    let home = tempfile::tempdir().unwrap();
    // A port that was free a moment ago, and a name that never resolves.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for endpoint in [format!("http://{free}"), "http://hub.invalid".into()] {
        let started = Instant::now();
        let text = problem(content(&settings(home.path(), &endpoint, &[]), "config.json"));
        assert!(started.elapsed().as_secs() < 15, "{text}");
        assert!(text.contains("cannot be reached") && text.contains("HF_ENDPOINT to a mirror"), "{text}");
        assert!(text.contains("a local folder or a GGUF file"), "{text}");
    }
}

#[test]
fn a_hub_that_takes_the_connection_and_is_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let home = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let text = problem(content(&settings(home.path(), &endpoint, &[]), "config.json"));
    assert!(text.contains("cannot be reached (timeout"), "{text}");
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn what_is_no_hub_is_told_from_a_hub() {
    let home = tempfile::tempdir().unwrap();
    let at = |path: &str| format!("/org/name/resolve/main/{path}");
    let commit = "../../../../tmp";
    let server = Server::start(vec![
        // The page of a proxy; a commit and a tag that would lead out of the cache; circles; other protocols.
        File::storage(&at("page"), "<html>"),
        File::plain(&at("commit"), commit, "{}"),
        File::plain(&at("tag"), COMMIT, "{}").header("ETag", "\"../../x\""),
        File::moved(&at("circle"), &at("circle")),
        File::moved(&at("file"), "file:///etc/passwd"),
    ]);
    let settings = settings(home.path(), &server.address(), &[]);
    for (path, expected) in [
        ("page", "no valid X-Repo-Commit"),
        ("commit", "no valid X-Repo-Commit"),
        ("tag", "no valid ETag"),
        ("circle", "more than 10 redirects"),
        ("file", "a redirect to file:///etc/passwd"),
    ] {
        let text = problem(content(&settings, path));
        assert!(text.contains("the answer is not a hub's") && text.contains(expected), "{text}");
        assert!(text.contains("check HF_ENDPOINT and the proxy"), "{text}");
    }
    server.stop();
}

#[test]
fn names_never_lead_out_of_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let settings = settings(home.path(), "http://127.0.0.1:9", &[]);
    let open = |name: &str, revision: Option<&str>| {
        problem(Repository::with_settings(settings.clone(), RepoKind::Model, name, revision))
    };
    for name in ["../x", "a/b/c", "/etc", "a/", ""] {
        assert!(open(name, None).contains("is no name of a repository"), "{name}");
    }
    for revision in ["../x", "/etc", "", "refs/../../x"] {
        assert!(open("org/name", Some(revision)).contains("is no revision"), "{revision}");
    }
    let text = problem(content(&settings, "../../../x"));
    assert!(text.contains("is no path in a repository"), "{text}");
}
