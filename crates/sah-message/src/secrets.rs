//! Texts without what gives access: logins in addresses, signatures in their queries, tokens.

use std::borrow::Cow;

/// Access tokens of a hub begin with it.
const TOKEN: &str = "hf_";
/// A shorter word after it is a name.
const TOKEN_LENGTH: usize = 20;

/// `text` without the user and password of its addresses (`https://user:password@host`), without their queries, which may be
/// signatures, and without access tokens (`hf_..`).
///
/// ```
/// use sah_message::without_secrets;
///
/// assert_eq!(
///     without_secrets("http://u:p@h:8/a: a redirect to https://cdn/x?sig=1"),
///     "http://h:8/a: a redirect to https://cdn/x?.."
/// );
/// ```
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    if text.contains("://") {
        shown = Cow::Owned(without_logins(text));
    }
    if shown.contains(TOKEN) {
        shown = Cow::Owned(without_tokens(&shown));
    }
    shown
}

fn without_logins(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        rest = &after[split_login(address(after)).0.map_or(0, |login| login.len() + 1)..];
        let part = address(rest);
        let part = &part[..part.find("://").unwrap_or(part.len())];
        if let Some(query) = part.find('?') {
            shown.push_str(&rest[..query]);
            shown.push_str("?..");
            rest = &rest[part.len()..];
        }
    }
    shown + rest
}

/// The address at the beginning of `text`: all that may stand in one, and in a password that nobody has encoded.
fn address(text: &str) -> &str {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '`' | '<' | '>' | '\\');
    &text[..text.find(is_end).unwrap_or(text.len())]
}

/// What follows `http://` as the user and password, if there are any, and the rest.
///
/// ```
/// use sah_message::split_login;
///
/// assert_eq!(split_login("user:password@host:80/path"), (Some("user:password"), "host:80/path"));
/// assert_eq!(split_login("host/@path"), (None, "host/@path"));
/// ```
#[must_use]
pub fn split_login(address: &str) -> (Option<&str>, &str) {
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let is_port = |port: &str| port.bytes().all(|digit| digit.is_ascii_digit());
    let end = match authority.rfind('@') {
        Some(at) => Some(at),
        // A slash or the like in the password.
        None => match authority.rsplit_once(':') {
            Some((host, port)) if !is_port(port) && !host.starts_with('[') => address.rfind('@'),
            _ => None,
        },
    };
    end.map_or((None, address), |at| (Some(&address[..at]), &address[at + 1..]))
}

fn without_tokens(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(TOKEN) {
        let (before, after) = rest.split_at(at + TOKEN.len());
        shown.push_str(before);
        let length = after.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(after.len());
        if length >= TOKEN_LENGTH {
            shown.push_str("..");
            rest = &after[length..];
        } else {
            rest = after;
        }
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn user_and_password_are_taken_out_of_addresses() {
        for (text, shown) in [
            ("https://user:secret@127.0.0.1:9", "https://127.0.0.1:9"),
            ("hub http://me@h: no answer", "hub http://h: no answer"),
            ("{\"url\":\"https://u:p@h/x\"}", "{\"url\":\"https://h/x\"}"),
            ("https://u:p)'w@h/a and socks5://a:b@proxy:1", "https://h/a and socks5://proxy:1"),
            ("http://a:b@one,http://c:d@two", "http://one,http://two"),
            // What should have been encoded.
            ("https://u:p@ss@h/x", "https://h/x"),
            ("https://u:p/w@h/x", "https://h/x"),
            ("https://u:p#w@h/x", "https://h/x"),
            ("https://u:p?w@h/x", "https://h/x"),
        ] {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }

    #[test]
    fn queries_and_tokens_are_not_shown() {
        let token = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345678";
        assert_eq!(without_secrets(&format!("HF_TOKEN {token}.")), "HF_TOKEN hf_...");
        assert_eq!(without_secrets("to https://s3/x?X-Sig=a&b=c, twice"), "to https://s3/x?.. twice");
        assert_eq!(without_secrets("http://a?b=c http://d:e@f?g"), "http://a?.. http://f?..");
    }

    #[test]
    fn what_has_no_secret_stays_as_it_is() {
        for text in [
            "https://huggingface.co/org/name@main",
            "http://[::1]:8000/a@b",
            "http://h:80/x@y",
            "me@host and hf_hub_download",
            "why? because",
            "a://",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
