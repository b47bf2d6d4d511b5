//! What the environment says about the hub.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sah_message::split_login;
use ureq::tls::RootCerts;

use crate::Error;
use crate::roots;

/// Where the hub is, where its cache lies, and how to speak to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Without a slash at the end, and without user and password.
    pub(crate) endpoint: String,
    pub(crate) cache: PathBuf,
    pub(crate) token: Option<Token>,
    pub(crate) offline: bool,
    /// Who may vouch for the hub.
    pub(crate) roots: RootCerts,
    pub(crate) patience: Patience,
}

/// How long to wait, and how often to try again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a name to be resolved, and for a connection to be made.
    pub(crate) connect: Duration,
    /// For the headers of an answer.
    pub(crate) answer: Duration,
    /// For the next bytes of a transfer.
    pub(crate) stall: Duration,
    /// Failures in a row, without a new byte between them, after which the hub is given up.
    pub(crate) failures: u32,
    /// Wait after the first failure; it doubles with each.
    pub(crate) pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            failures: 5,
            pause: Duration::from_millis(500),
        }
    }
}

impl Patience {
    /// The wait after so many failures in a row.
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        const LONGEST: Duration = Duration::from_secs(8);
        (self.pause * 2_u32.saturating_pow(failures.saturating_sub(1).min(16))).min(LONGEST)
    }
}

/// What gives access: an access token, or the user and password in the address of a mirror. No log may show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Bearer(String),
    /// `user:password`.
    Login(String),
}

impl Token {
    /// The value of the header `Authorization`.
    pub(crate) fn authorization(&self) -> String {
        match self {
            Self::Bearer(token) => format!("Bearer {token}"),
            Self::Login(login) => format!("Basic {}", BASE64.encode(login)),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Settings {
    /// The settings of this process's environment.
    ///
    /// # Errors
    ///
    /// [`Error::Environment`] where a variable has an impossible value, [`Error::Read`] where a file that one names cannot be
    /// read.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Settings::from_env`], with the environment as a function. An empty variable counts as none.
    ///
    /// # Errors
    ///
    /// As [`Settings::from_env`].
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let get = |name: &str| get(name).filter(|value| !value.is_empty());
        let user_home = std::env::home_dir();
        // As a shell would have done, had the value not been quoted.
        let folder = |value: String| match (value.strip_prefix("~/"), &user_home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(value),
        };
        let home = get("HF_HOME").map(folder).or_else(|| {
            let caches = get("XDG_CACHE_HOME").map(folder);
            Some(caches.or_else(|| Some(user_home.as_ref()?.join(".cache")))?.join("huggingface"))
        });
        let home = home.ok_or_else(|| Error::Environment {
            variable: "HF_HOME",
            problem: "not set, and there is no home folder to put the hub's cache into".into(),
            remedy: "set HF_HOME to a folder".into(),
        })?;
        let cache = get("HF_HUB_CACHE").or_else(|| get("HUGGINGFACE_HUB_CACHE"));
        let token = if get("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some_and(|value| is_true(&value)) {
            String::new()
        } else {
            let file = get("HF_TOKEN_PATH").map_or_else(|| home.join("token"), folder);
            let variable = get("HF_TOKEN").or_else(|| get("HUGGING_FACE_HUB_TOKEN"));
            variable.map_or_else(|| token_in(&file), Ok)?
        };
        let offline = get("HF_HUB_OFFLINE").or_else(|| get("TRANSFORMERS_OFFLINE"));
        let seconds = |name: &str, usual: Duration| {
            get(name).and_then(|value| value.parse().ok()).map_or(usual, Duration::from_secs)
        };
        let usual = Patience::default();
        let (endpoint, login) = endpoint(get("HF_ENDPOINT"))?;
        // As in Python, the login of an address counts more.
        let token = login.map_or_else(|| checked(token.as_str()), |login| Ok(Some(login)))?;
        Ok(Self {
            endpoint,
            cache: cache.map_or_else(|| home.join("hub"), folder),
            token,
            offline: offline.is_some_and(|value| is_true(&value)),
            roots: roots::from_variables(get)?,
            patience: Patience {
                answer: seconds("HF_HUB_ETAG_TIMEOUT", usual.answer),
                stall: seconds("HF_HUB_DOWNLOAD_TIMEOUT", usual.stall),
                ..usual
            },
        })
    }
}

/// What Python takes for yes.
fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

/// The address of the hub, and the user and password that stood in it.
fn endpoint(variable: Option<String>) -> Result<(String, Option<Token>), Error> {
    let endpoint = variable.unwrap_or_else(|| "https://huggingface.co".into());
    let error = |problem| Error::Environment {
        variable: "HF_ENDPOINT",
        problem,
        remedy: "write it as https://HOST, or with a login as https://USER:PASSWORD@HOST".into(),
    };
    let scheme = ["http://", "https://"].into_iter().find(|scheme| endpoint.starts_with(scheme));
    let Some(scheme) = scheme else {
        // What stands before an at sign may be a password.
        let shown = endpoint.rsplit('@').next().unwrap_or_default();
        return Err(error(format!("`{shown}` is no address")));
    };
    let (login, host) = split_login(&endpoint[scheme.len()..]);
    let login = login.map(|login| decoded(login).ok_or_else(|| error("its login is not UTF-8".into())));
    Ok((format!("{scheme}{}", host.trim_end_matches('/')), login.transpose()?.map(Token::Login)))
}

/// `text` with the bytes that `%40` and the like stand for.
fn decoded(text: &str) -> Option<String> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// The text of a token file; empty where there is none.
fn token_in(file: &Path) -> Result<String, Error> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Read { path: file.to_owned(), source: error })
        }
        text => Ok(text.unwrap_or_default()),
    }
}

/// A token that can stand in a header.
fn checked(text: &str) -> Result<Option<Token>, Error> {
    let text = text.trim();
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Error::Environment {
            variable: "HF_TOKEN",
            problem: "the access token, or the token file, holds something that is no token".into(),
            remedy: "set it to the text that starts with hf_, and nothing else".into(),
        });
    }
    Ok((!text.is_empty()).then(|| Token::Bearer(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_read(variables: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn read(variables: &[(&str, &str)]) -> Settings {
        try_read(variables).unwrap()
    }

    fn token(variables: &[(&str, &str)]) -> Option<String> {
        read(variables).token.map(|token| token.authorization())
    }

    #[test]
    fn the_cache_lies_where_python_has_it() {
        let cache = |variables: &[(&str, &str)]| read(variables).cache;
        assert_eq!(cache(&[("HF_HOME", "/h")]), Path::new("/h/hub"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "/c")]), Path::new("/c"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("HUGGINGFACE_HUB_CACHE", "/old")]), Path::new("/old"));
        assert_eq!(cache(&[("HF_HOME", "/h"), ("HF_HUB_CACHE", "")]), Path::new("/h/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/x")]), Path::new("/x/huggingface/hub"));
        let home = std::env::home_dir().unwrap();
        assert_eq!(cache(&[]), home.join(".cache/huggingface/hub"));
        assert_eq!(cache(&[("HF_HOME", "~/models")]), home.join("models/hub"));
    }

    #[test]
    fn endpoint_and_offline_are_read_as_python_reads_them() {
        let plain = read(&[("HF_HOME", "/h")]);
        assert_eq!(plain.endpoint, "https://huggingface.co");
        assert!(!plain.offline);
        assert_eq!(read(&[("HF_ENDPOINT", "https://m/")]).endpoint, "https://m");
        let error = try_read(&[("HF_ENDPOINT", "hf-mirror.com")]).unwrap_err().to_string();
        assert!(
            error.starts_with("HF_ENDPOINT: `hf-mirror.com` is no address; write it as https://HOST"),
            "{error}"
        );
        for yes in ["1", "on", "YES", "true"] {
            assert!(read(&[("HF_HUB_OFFLINE", yes)]).offline, "{yes}");
        }
        assert!(read(&[("TRANSFORMERS_OFFLINE", "1")]).offline);
        assert!(!read(&[("HF_HUB_OFFLINE", "0")]).offline);
        let patience = read(&[("HF_HUB_DOWNLOAD_TIMEOUT", "90"), ("HF_HUB_ETAG_TIMEOUT", "x")]).patience;
        assert_eq!((patience.stall.as_secs(), patience.answer.as_secs()), (90, 10));
    }

    #[test]
    fn the_login_of_an_address_is_kept_apart_from_it() {
        let home = tempfile::tempdir().unwrap();
        let home = ("HF_HOME", home.path().to_str().unwrap());
        // The value is that of Python's `requests`.
        let address = "https://Aladdin:open%20sesame@127.0.0.1:9/mirror/";
        let settings = read(&[home, ("HF_ENDPOINT", address), ("HF_TOKEN", "t")]);
        assert_eq!(settings.endpoint, "https://127.0.0.1:9/mirror");
        assert_eq!(settings.token.as_ref().unwrap().authorization(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{settings:?}").contains("sesame"), "{settings:?}");
        // Written without a scheme, or with signs that should have been encoded.
        let error = try_read(&[home, ("HF_ENDPOINT", "user:secret@host")]).unwrap_err().to_string();
        assert!(error.contains("`host` is no address") && !error.contains("secret"), "{error}");
        for address in ["https://user:sec/ret@host", "https://user:sec#ret@host", "https://user:sec@ret@host"]
        {
            assert_eq!(read(&[home, ("HF_ENDPOINT", address)]).endpoint, "https://host", "{address}");
        }
    }

    #[test]
    fn the_token_comes_from_the_variable_or_from_the_file() {
        let home = tempfile::tempdir().unwrap();
        let (file, other) = (home.path().join("token"), home.path().join("other"));
        let home = ("HF_HOME", home.path().to_str().unwrap());
        assert_eq!(token(&[home]), None);
        std::fs::write(&file, "from-file\n").unwrap();
        std::fs::write(&other, "from-other").unwrap();
        let path = ("HF_TOKEN_PATH", other.to_str().unwrap());
        assert_eq!(token(&[home]).as_deref(), Some("Bearer from-file"));
        assert_eq!(token(&[home, path]).as_deref(), Some("Bearer from-other"));
        let variable = ("HF_TOKEN", " from-variable ");
        assert_eq!(token(&[home, path, variable]).as_deref(), Some("Bearer from-variable"));
        assert_eq!(token(&[home, variable, ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        // A page saved in place of a token would break the request's header.
        std::fs::write(&file, "<html>\nnot logged in").unwrap();
        let error = try_read(&[home]).unwrap_err().to_string();
        assert!(error.starts_with("HF_TOKEN: ") && !error.contains("html"), "{error}");
        assert!(!format!("{:?}", read(&[variable])).contains("from-variable"));
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let patience = Patience { pause: Duration::from_secs(1), ..Patience::default() };
        assert_eq!([1, 2, 3, 9].map(|n| patience.pause_after(n).as_secs()), [1, 2, 4, 8]);
    }
}
