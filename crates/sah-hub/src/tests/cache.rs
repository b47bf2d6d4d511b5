//! What is in the cache, what is remembered, and the layout that Python shares.

use std::collections::BTreeMap;
use std::fs::OpenOptions;

use super::*;

const OTHER_COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

fn at(revision: &str, path: &str) -> String {
    format!("/org/name/resolve/{revision}/{path}")
}

/// A server whose `main` is at `commit`, with one file.
fn server(commit: &str, body: &str) -> Server {
    Server::start(vec![
        File::plain(&at("main", "config.json"), commit, body),
        File::plain(&at(commit, "config.json"), commit, body),
    ])
}

#[test]
fn a_file_is_downloaded_once() {
    let home = tempfile::tempdir().unwrap();
    let server = server(COMMIT, "{\"a\": 1}");
    let settings = settings(home.path(), &server.address(), &[]);
    let repository = model(&settings, None);
    assert_eq!(repository.commit(), None);
    let path = repository.fetch("config.json", &mut ()).unwrap();
    assert!(
        path.ends_with(format!("hub/models--org--name/snapshots/{COMMIT}/config.json")),
        "{}",
        path.display()
    );
    assert_eq!(repository.commit(), Some(COMMIT));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\": 1}");
    let asked: Vec<String> =
        server.requests().iter().filter_map(|request| request.split(' ').next().map(str::to_owned)).collect();
    assert_eq!(asked, ["head", "get"]);
    // Once the commit is known, what is here is not asked for again; a branch is, once.
    repository.fetch("config.json", &mut ()).unwrap();
    model(&settings, Some(COMMIT)).fetch("config.json", &mut ()).unwrap();
    assert_eq!(server.requests().len(), 0);
    model(&settings, None).fetch("config.json", &mut ()).unwrap();
    assert_eq!(server.stop().len(), 1);
}

#[test]
fn a_branch_that_has_moved_on_gives_its_new_commit_and_the_old_one_stays() {
    let home = tempfile::tempdir().unwrap();
    for (commit, body) in [(COMMIT, "old"), (OTHER_COMMIT, "new")] {
        let server = server(commit, body);
        let settings = settings(home.path(), &server.address(), &[]);
        assert_eq!(content(&settings, "config.json").unwrap(), body);
        let old = model(&settings, Some(COMMIT)).fetch("config.json", &mut ()).unwrap();
        assert_eq!(std::fs::read_to_string(old).unwrap(), "old");
        let known = std::fs::read_to_string(home.path().join("hub/models--org--name/refs/main")).unwrap();
        assert_eq!(known, commit);
        server.stop();
    }
}

#[test]
fn a_hub_out_of_reach_leaves_what_the_cache_has() {
    let home = tempfile::tempdir().unwrap();
    let server = server(COMMIT, "{}");
    let settings = settings(home.path(), &server.address(), &[]);
    content(&settings, "config.json").unwrap();
    server.stop();
    for revision in [None, Some(COMMIT)] {
        let repository = model(&settings, revision);
        assert!(repository.fetch("config.json", &mut ()).is_ok());
        assert_eq!(repository.commit(), Some(COMMIT));
        // Nobody knows whether there is one: not there for who can do without, an error for who cannot.
        assert!(repository.fetch_optional("chat_template.jinja", &mut ()).unwrap().is_none());
        assert_eq!(repository.size("chat_template.jinja").unwrap(), None);
        let text = problem(repository.fetch("model.safetensors", &mut ()));
        assert!(
            text.contains("model.safetensors of org/name") && text.contains("cannot be reached"),
            "{text}"
        );
    }
}

#[test]
fn a_hub_that_goes_away_between_two_files_is_an_error_for_either_kind() {
    let home = tempfile::tempdir().unwrap();
    let server = server(COMMIT, "{}");
    let settings = settings(home.path(), &server.address(), &[]);
    let repository = model(&settings, None);
    repository.fetch("config.json", &mut ()).unwrap();
    server.stop();
    // To go on without a chat template that may be there would change every answer.
    let text = problem(repository.fetch_optional("chat_template.jinja", &mut ()));
    assert!(text.contains("chat_template.jinja of org/name") && text.contains("cannot be reached"), "{text}");
}

#[test]
fn a_missing_file_is_remembered() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(vec![
        File::plain(&at("main", "config.json"), COMMIT, "{}"),
        File::plain(&at(COMMIT, "config.json"), COMMIT, "{}"),
        File::missing(&at(COMMIT, "a/b.json"), COMMIT),
    ]);
    let settings = settings(home.path(), &server.address(), &[]);
    let repository = model(&settings, None);
    repository.fetch("config.json", &mut ()).unwrap();
    assert!(repository.fetch_optional("a/b.json", &mut ()).unwrap().is_none());
    server.requests();
    assert!(repository.fetch_optional("a/b.json", &mut ()).unwrap().is_none());
    assert_eq!(server.stop().len(), 0);
    // Where Python notes it, too.
    assert!(home.path().join(format!("hub/models--org--name/.no_exist/{COMMIT}/a/b.json")).is_file());
}

#[test]
fn offline_uses_the_cache_alone() {
    let home = tempfile::tempdir().unwrap();
    let server = server(COMMIT, "{}");
    let offline = settings(home.path(), &server.address(), &[("HF_HUB_OFFLINE", "1")]);
    let text = problem(content(&offline, "config.json"));
    assert!(text.contains("not in the cache, and HF_HUB_OFFLINE is set; unset HF_HUB_OFFLINE"), "{text}");
    content(&settings(home.path(), &server.address(), &[]), "config.json").unwrap();
    server.requests();
    assert_eq!(content(&offline, "config.json").unwrap(), "{}");
    assert!(model(&offline, None).fetch_optional("generation_config.json", &mut ()).unwrap().is_none());
    assert_eq!(server.stop().len(), 0);
}

#[test]
fn the_size_of_a_file_is_known_without_fetching_it() {
    let home = tempfile::tempdir().unwrap();
    let body = text(1234);
    let server = Server::start(vec![
        File::elsewhere(&at("main", "w"), COMMIT, "http://HOST/storage", &body),
        File::missing(&at(COMMIT, "none"), COMMIT),
    ]);
    let repository = model(&settings(home.path(), &server.address(), &[]), None);
    assert_eq!(repository.size("w").unwrap(), Some(1234));
    assert_eq!(repository.size("none").unwrap(), None);
    assert!(server.stop().iter().all(|request| request.starts_with("head /org")));
}

#[test]
fn content_that_two_files_share_is_fetched_once() {
    let home = tempfile::tempdir().unwrap();
    let mut files = vec![];
    for name in ["a.json", "folder/b.json"] {
        files.push(File::plain(&at("main", name), COMMIT, "{}"));
        files.push(File::plain(&at(COMMIT, name), COMMIT, "{}"));
    }
    let server = Server::start(files);
    let settings = settings(home.path(), &server.address(), &[]);
    for name in ["a.json", "folder/b.json"] {
        assert_eq!(content(&settings, name).unwrap(), "{}");
    }
    let gets = server.stop().iter().filter(|request| request.starts_with("get")).count();
    assert_eq!(gets, 1);
}

#[test]
fn a_file_that_another_process_is_fetching_is_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let server = server(COMMIT, "{}");
    let settings = settings(home.path(), &server.address(), &[]);
    // Python's lock is the system's lock of this file.
    let path = home.path().join(format!("hub/.locks/models--org--name/{}.lock", git_sha1("{}")));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
    lock.lock().unwrap();
    let waiting = std::thread::spawn(move || content(&settings, "config.json").unwrap());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished());
    // Its holder deletes the file, as some versions do: the lock that is left is nobody's.
    std::fs::remove_file(&path).unwrap();
    drop(lock);
    assert_eq!(waiting.join().unwrap(), "{}");
    server.stop();
}

/// What the cache of Python looked like after a download: `tests/reference/hub_cache.py` wrote it.
fn python_cache() -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/hub_cache.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// All files below `folder`: a link as `-> target`, a file as its text.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_symlink() {
                entries.insert(name, format!("-> {}", std::fs::read_link(&path).unwrap().display()));
            } else if path.is_dir() {
                folders.push(path);
            } else {
                entries.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    entries
}

#[test]
fn a_download_leaves_the_same_cache_as_python_s() {
    let golden = python_cache();
    let commit = golden["commit"].as_str().unwrap();
    let mut files = vec![];
    for file in golden["served"].as_array().unwrap() {
        let text = |key: &str| file[key].as_str().unwrap();
        for revision in [golden["revision"].as_str().unwrap(), commit] {
            let path = format!("/tiny/model/resolve/{}/{}", revision.replace('/', "%2F"), text("path"));
            files.push(match file["content"].as_str() {
                None => File::missing(&path, commit),
                Some(body) if file["large"] == true => {
                    File::elsewhere(&path, commit, &format!("/storage/{}", sha256(body)), body)
                }
                Some(body) => File::plain(&path, commit, body),
            });
        }
        if let Some(body) = file["content"].as_str() {
            files.push(File::storage(&format!("/storage/{}", sha256(body)), body));
        }
    }
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(files);
    let settings = settings(home.path(), &server.address(), &[]);
    let revision = golden["revision"].as_str();
    let repository = Repository::with_settings(settings, RepoKind::Model, "tiny/model", revision).unwrap();
    for file in golden["served"].as_array().unwrap() {
        repository.fetch_optional(file["path"].as_str().unwrap(), &mut ()).unwrap();
    }
    server.stop();
    let expected: BTreeMap<String, String> = serde_json::from_value(golden["tree"].clone()).unwrap();
    assert_eq!(tree(&home.path().join("hub")), expected);
}

#[test]
fn what_python_has_fetched_is_found() {
    let golden = python_cache();
    let home = tempfile::tempdir().unwrap();
    for (name, entry) in golden["tree"].as_object().unwrap() {
        let (path, entry) = (home.path().join("hub").join(name), entry.as_str().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry.strip_prefix("-> ") {
            Some(target) => std::os::unix::fs::symlink(target, &path).unwrap(),
            None => std::fs::write(&path, entry).unwrap(),
        }
    }
    let offline = settings(home.path(), "http://127.0.0.1:9", &[("HF_HUB_OFFLINE", "1")]);
    for revision in [golden["revision"].as_str(), golden["commit"].as_str()] {
        let repository =
            Repository::with_settings(offline.clone(), RepoKind::Model, "tiny/model", revision).unwrap();
        for file in golden["served"].as_array().unwrap() {
            let found = repository.fetch_optional(file["path"].as_str().unwrap(), &mut ()).unwrap();
            let found = found.map(|path| std::fs::read_to_string(path).unwrap());
            assert_eq!(found.as_deref(), file["content"].as_str());
        }
        assert_eq!(repository.commit(), golden["commit"].as_str());
    }
}
