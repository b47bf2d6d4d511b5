//! Requests to the hub: redirects, the access token, and what a refusal means.

use std::io;
use std::time::Duration;

use sah_message::without_secrets;
use ureq::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Timeout};

use crate::HubProblem;
use crate::address::{origin, redirected};
use crate::settings::{Patience, Settings, Token};

const MAX_REDIRECTS: usize = 10;

/// The longest wait that a hub may ask for with `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Speaks to one hub.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    token: Option<Token>,
    pub(crate) patience: Patience,
}

/// One request that came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: HubProblem,
    pub(crate) retry: Retry,
}

/// Whether the same request may work if it is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    No,
    /// After the usual pause, or after what the hub asks for.
    After(Option<Duration>),
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Self {
        let patience = settings.patience;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // Each step is looked at: what it says about the file, and whether the token may go on.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.answer))
            .timeout_per_read(Some(patience.stall))
            .timeout_per_write(Some(patience.stall))
            .tls_config(TlsConfig::builder().root_certs(settings.roots.clone()).build())
            .user_agent(concat!("sah-hub/", env!("CARGO_PKG_VERSION")))
            // The size and the hash are those of the file as it is.
            .accept_encoding("identity")
            .build()
            .into();
        Self { agent, token: settings.token.clone(), patience }
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// The headers for `url` and for where it leads to, one set for each step, up to the first step for which
    /// `enough` holds. Tries again where that may help.
    ///
    /// # Errors
    ///
    /// What kept an answer from coming. A refusal is an answer: its status is that of the last step.
    pub(crate) fn head(
        &self,
        url: &str,
        enough: impl Fn(&[Response<Body>]) -> bool,
    ) -> Result<Vec<Response<Body>>, HubProblem> {
        // Each costs an answer's time: three in all, so that a silent hub is given up within half a minute.
        const TRIES: u32 = 3;
        let mut failures = 0;
        loop {
            let failure = match self.steps(&Method::HEAD, url, 0, &enough) {
                Ok(steps) => match steps.last().and_then(trouble) {
                    Some(failure) => failure,
                    None => return Ok(steps),
                },
                Err(failure) => failure,
            };
            failures += 1;
            match failure.retry {
                Retry::After(wait) if failures < TRIES => {
                    std::thread::sleep(wait.unwrap_or(self.patience.pause_after(failures)));
                }
                _ => return Err(failure.problem),
            }
        }
    }

    /// The content of `url` from byte `from` on, after all redirects.
    pub(crate) fn get(&self, url: &str, from: u64) -> Result<Response<Body>, Failure> {
        let last = self.steps(&Method::GET, url, from, |_| false)?.pop();
        let last = last.ok_or_else(|| Failure::not_a_hub("no answer".into()))?;
        trouble(&last).map_or(Ok(last), Err)
    }

    /// Follows redirects from `url`. The token goes to the hub alone: once a step has led to another scheme, host or
    /// port, no later one gets it.
    fn steps(
        &self,
        method: &Method,
        url: &str,
        from: u64,
        enough: impl Fn(&[Response<Body>]) -> bool,
    ) -> Result<Vec<Response<Body>>, Failure> {
        let mut url = url.to_owned();
        let mut at_home = true;
        let mut steps = vec![];
        while steps.len() <= MAX_REDIRECTS {
            let mut request = Request::builder().method(method).uri(&url);
            if let (true, Some(token)) = (at_home, &self.token) {
                request = request.header("Authorization", secret(&token.authorization())?);
            }
            if from > 0 {
                request = request.header("Range", format!("bytes={from}-"));
            }
            let request = request.body(()).map_err(|error| Failure::not_a_hub(error.to_string()))?;
            let response = self.agent.run(request).map_err(|error| Failure::of(&error))?;
            let follow = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let to = header(response.headers(), "location").map(str::to_owned);
            steps.push(response);
            if !follow || enough(&steps) {
                return Ok(steps);
            }
            let next = to.as_deref().and_then(|to| redirected(&url, to));
            let next = next.ok_or_else(|| {
                let to = to.unwrap_or_else(|| "nowhere".into());
                // It may be signed.
                Failure::not_a_hub(format!("a redirect to {}", without_secrets(&to)))
            })?;
            at_home &= origin(&next) == origin(&url);
            url = next;
        }
        Err(Failure::not_a_hub(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// What a status that is neither a success nor a redirect means.
    pub(crate) fn refusal(&self, response: &Response<Body>) -> HubProblem {
        let with_token = self.has_token();
        let headers = response.headers();
        let status = response.status().as_u16();
        // One line of it, of a length that a terminal can show.
        let message = header(headers, "x-error-message").map(|text| text.chars().take(200).collect());
        match (status, header(headers, "x-error-code")) {
            (401 | 403, Some("GatedRepo")) => HubProblem::Gated { status, with_token, message },
            (404, Some("RevisionNotFound")) => HubProblem::NoSuchRevision,
            (404, Some("EntryNotFound")) => HubProblem::NoSuchFile,
            // To somebody it does not know, the hub says 401 for a name that does not exist.
            (401, _) if !with_token => HubProblem::NoSuchRepository { status, with_token },
            (404, _) => HubProblem::NoSuchRepository { status, with_token },
            (401 | 403, _) => HubProblem::Refused { status, with_token, message },
            _ => HubProblem::Status { status },
        }
    }
}

/// A status that says that the hub is busy or in trouble.
fn trouble(response: &Response<Body>) -> Option<Failure> {
    let status = response.status();
    let problem = match status {
        StatusCode::TOO_MANY_REQUESTS => HubProblem::RateLimited,
        StatusCode::REQUEST_TIMEOUT => HubProblem::Status { status: status.as_u16() },
        _ if status.is_server_error() => HubProblem::Status { status: status.as_u16() },
        _ => return None,
    };
    let asked = header(response.headers(), "retry-after").and_then(|text| text.parse().ok());
    let retry = match asked.map(Duration::from_secs) {
        Some(wait) if wait > LONGEST_WAIT => Retry::No,
        wait => Retry::After(wait),
    };
    Some(Failure { problem, retry })
}

impl Failure {
    fn not_a_hub(what: String) -> Self {
        Self { problem: HubProblem::NotAHub { what }, retry: Retry::No }
    }

    fn of(error: &ureq::Error) -> Self {
        let retry = match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Retry::No,
            ureq::Error::Timeout(_) => Retry::After(None),
            // Refused by the system or the address: no sooner there for being asked twice.
            ureq::Error::Io(error) if error.kind() != io::ErrorKind::ConnectionRefused => Retry::After(None),
            _ => Retry::No,
        };
        let reason = without_secrets(&error.to_string()).into_owned();
        Self { problem: HubProblem::Unreachable { reason }, retry }
    }
}

/// The value of a header that no log shows.
fn secret(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|error| Failure::not_a_hub(error.to_string()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A header's value, where it is there and text.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
