//! Addresses: of a file on the hub, and of where a redirect leads.

use std::fmt::Write as _;

use hf_hub::Repo;

/// Where the hub has the file `path` of `repo` at `revision`.
pub(crate) fn of_file(endpoint: &str, repo: &Repo, revision: &str, path: &str) -> String {
    format!("{endpoint}/{}/resolve/{}/{}", repo.url(), encoded(revision, false), encoded(path, true))
}

/// `text` as a part of an address.
fn encoded(text: &str, keep_slash: bool) -> String {
    text.bytes().fold(String::new(), |mut address, byte| {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        if plain || (keep_slash && byte == b'/') {
            address.push(char::from(byte));
        } else {
            let _ = write!(address, "%{byte:02X}");
        }
        address
    })
}

/// Scheme, host and port: `https://host:port`, as it is written.
pub(crate) fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let len = url[host..].find(['/', '?', '#']).unwrap_or(url.len() - host);
    &url[..host + len]
}

/// Where `location`, the header of an answer from `url`, leads to. `None` where that is no address on the web.
pub(crate) fn redirected(url: &str, location: &str) -> Option<String> {
    let is_web = |text: &str| text.starts_with("http://") || text.starts_with("https://");
    if is_web(location) {
        Some(location.to_owned())
    } else if location.starts_with("//") {
        let scheme = url.split_once("//")?.0;
        Some(format!("{scheme}{location}"))
    } else if location.starts_with('/') {
        Some(format!("{}{location}", origin(url)))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_hub_reads_them() {
        let address = |repo: Repo, revision: &str, path: &str| of_file("http://h", &repo, revision, path);
        let model = || Repo::model("org/name".into());
        assert_eq!(address(model(), "main", "a/b.json"), "http://h/org/name/resolve/main/a/b.json");
        assert_eq!(address(model(), "refs/pr/1", "x"), "http://h/org/name/resolve/refs%2Fpr%2F1/x");
        assert_eq!(address(model(), "main", "a b?#ü"), "http://h/org/name/resolve/main/a%20b%3F%23%C3%BC");
        let dataset = Repo::dataset("org/name".into());
        assert_eq!(address(dataset, "v1", "x"), "http://h/datasets/org/name/resolve/v1/x");
    }

    #[test]
    fn redirects_are_followed_from_where_they_are_given() {
        let from = |location: &str| redirected("https://h:8/a/b?c", location);
        assert_eq!(from("/x?y").as_deref(), Some("https://h:8/x?y"));
        assert_eq!(from("http://o/x").as_deref(), Some("http://o/x"));
        assert_eq!(from("//o/x").as_deref(), Some("https://o/x"));
        assert_eq!(from("ftp://o/x"), None);
        assert_eq!(from("file:///etc/passwd"), None);
    }

    #[test]
    fn another_scheme_host_or_port_is_another_origin() {
        assert_eq!(origin("https://h:8/a?b"), "https://h:8");
        assert_eq!(origin("http://h?x=/"), "http://h");
        assert_eq!(origin("http://h"), "http://h");
        for other in ["https://h/", "http://h:81/", "http://h.evil/", "http://h@evil/", "http://H/"] {
            assert_ne!(origin(other), origin("http://h/"), "{other}");
        }
    }
}
