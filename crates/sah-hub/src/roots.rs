//! Which authorities are trusted to vouch for an HTTPS server.

use std::path::PathBuf;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::Error;

/// Variables that name a file of certificates, the first that is set counts: those of Python's requests, and OpenSSL's.
const VARIABLES: [&str; 3] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];

/// Those in the file that the environment names; Mozilla's where it names none.
pub(crate) fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<RootCerts, Error> {
    let named = VARIABLES.iter().find_map(|&variable| Some((variable, get(variable)?)));
    let Some((variable, path)) = named else { return Ok(RootCerts::WebPki) };
    let path = PathBuf::from(path);
    let pem = std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(Error::Environment {
            variable,
            problem: format!("{} has no certificate in PEM form", path.display()),
            remedy: "name a file of the authorities to trust, or unset it for Mozilla's".into(),
        });
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<RootCerts, Error> {
        from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn certificates_come_from_the_first_file_that_is_named() {
        assert!(matches!(read(&[]).unwrap(), RootCerts::WebPki));
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let (two, none) = (file("two.pem", &certificate.repeat(2)), file("none.pem", "nothing"));
        let both = [("SSL_CERT_FILE", none.as_str()), ("REQUESTS_CA_BUNDLE", two.as_str())];
        let RootCerts::Specific(found) = read(&both).unwrap() else { panic!("the file is not used") };
        assert_eq!(found.len(), 2);
        let error = read(&both[..1]).unwrap_err().to_string();
        assert!(
            error.starts_with("SSL_CERT_FILE: ") && error.contains("none.pem has no certificate"),
            "{error}"
        );
        let error = read(&[("CURL_CA_BUNDLE", "/no/such.pem")]).unwrap_err().to_string();
        assert!(error.contains("/no/such.pem"), "{error}");
    }
}
