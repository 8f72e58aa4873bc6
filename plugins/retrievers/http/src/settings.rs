//! What the operator configures.

use std::time::Duration;

use psycache_plugin::{ConfigError, RetrieverConfig, Span};

use crate::target::{Target, Template};

/// Headers that say how a message is sent, which is not the operator's to say.
const OURS: [&str; 10] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What is sent where the operator does not say otherwise.
const USUAL: [(&str, &str); 2] = [("user-agent", "psycache"), ("accept", "*/*")];

/// The options. No `Debug`: the secrets would show.
pub(crate) struct Settings {
    pub(crate) url: Template,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_redirects: u32,
    pub(crate) ttl_from_cache_control: bool,
    /// Certificates in PEM, in place of those that the node's system trusts.
    pub(crate) authorities: Option<String>,
    headers: Vec<(String, String)>,
    /// Sent to the origin of `url` only.
    secret_headers: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn read(config: &RetrieverConfig) -> Result<Self, ConfigError> {
        let options = config.options();
        let url = Template::read(options.required("url")?)?;
        let given = options.below("header.");
        let ttl_from_cache_control = options.switch("ttl-from-cache-control", false)?;
        let connect_timeout_ms = options.parse("connect-timeout-ms", 5_000, 1..=3_600_000)?;
        let max_redirects = options.parse("max-redirects", 3, 0..=10)?;
        let authorities = options.text("ca").map(str::to_owned);
        options.finish()?;
        if authorities.is_some() && !url.origin.secure {
            return Err(ConfigError::invalid("ca", "it is for a `url` that begins with https"));
        }
        let mut taken = Vec::new();
        let secrets = config.secret_pairs.iter().map(|(name, value)| (&**name, &**value));
        let secret_headers = checked("", secrets, &mut taken)?;
        let mut headers = checked("header.", given.into_iter(), &mut taken)?;
        for (name, value) in USUAL.iter().filter(|(name, _)| !taken.iter().any(|t| t == name)) {
            headers.push(((*name).to_owned(), (*value).to_owned()));
        }
        Ok(Self {
            url,
            connect_timeout: Duration::from_millis(connect_timeout_ms),
            max_redirects,
            ttl_from_cache_control,
            authorities,
            headers,
            secret_headers,
        })
    }

    /// The request for `target`.
    pub(crate) fn request(&self, target: &Target) -> Vec<u8> {
        let mut text = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\naccept-encoding: identity\r\n",
            target.path,
            target.origin.host_header()
        );
        let secrets: &[_] =
            if target.origin == self.url.origin { &self.secret_headers } else { &[] };
        for (name, value) in self.headers.iter().chain(secrets) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// Begins a span of a request.
    pub(crate) fn span(&self, target: &Target) -> Span {
        Span::begin("GET")
            .with("http.request.method", "GET")
            .with("url.template", self.url.path())
            .with("server.address", &target.origin.place.host)
            .with("server.port", target.origin.place.port)
    }
}

/// Headers with names in lower case, none of which is `taken`. Their values are never shown.
fn checked<'a>(
    prefix: &str,
    given: impl Iterator<Item = (&'a str, &'a str)>,
    taken: &mut Vec<String>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let mut headers = Vec::new();
    for (name, value) in given {
        let refused = |problem: &str| ConfigError::invalid(format!("{prefix}{name}"), problem);
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(refused("no header can have that name"));
        }
        let name = name.to_ascii_lowercase();
        if OURS.contains(&&*name) {
            return Err(refused("this header says how the message is sent; leave it out"));
        }
        if !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            return Err(refused("its value may have visible ASCII characters and spaces only"));
        }
        if taken.contains(&name) {
            return Err(refused("this header is given twice"));
        }
        taken.push(name.clone());
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> RetrieverConfig {
        RetrieverConfig::default().option("url", "https://a/{key}")
    }

    fn refused(config: &RetrieverConfig) -> String {
        Settings::read(config).err().expect("it makes no sense").to_string()
    }

    fn request(config: &RetrieverConfig, location: Option<&str>) -> String {
        let settings = Settings::read(config).expect("all is right");
        let mut target = settings.url.with("Tom").expect("a key");
        if location.is_some() {
            target = target.follow(location).expect("a place");
        }
        String::from_utf8(settings.request(&target)).expect("it is text")
    }

    #[test]
    fn a_request_has_what_was_given_and_the_usual() {
        let config = config().option("header.Accept", "text/plain").secret("Authorization", "hush");
        assert_eq!(
            request(&config, None),
            "GET /Tom HTTP/1.1\r\nhost: a\r\naccept-encoding: identity\r\naccept: text/plain\r\n\
             user-agent: psycache\r\nauthorization: hush\r\n\r\n"
        );
    }

    #[test]
    fn secrets_go_to_the_origin_of_the_url_only() {
        let config = config().secret("authorization", "hush");
        assert!(request(&config, Some("/elsewhere")).contains("hush"));
        for location in ["https://b/", "https://a:444/"] {
            assert!(!request(&config, Some(location)).contains("hush"), "{location}");
        }
    }

    #[test]
    fn what_can_be_no_header_is_refused_without_its_value() {
        for (name, value, part) in [
            ("a b", "hush", "no header can have that name"),
            ("", "hush", "no header can have that name"),
            ("x", "hush\r\ny: z", "visible ASCII"),
            ("Host", "hush", "how the message is sent"),
            ("X-Key", "hush", "twice"),
        ] {
            let config = config().secret("x-key", "other").secret(name, value);
            let problem = refused(&config);
            assert!(problem.contains(part) && !problem.contains("hush"), "{problem}");
        }
        let both = config().option("header.X-Key", "1").secret("x-key", "2");
        assert!(refused(&both).contains("given twice"));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(refused(&RetrieverConfig::default()), "option url is missing");
        assert_eq!(
            refused(&config().option("timeout", "1")),
            "unknown option timeout (known: url, header.NAME, ttl-from-cache-control, \
             connect-timeout-ms, max-redirects, ca)"
        );
        let plain = RetrieverConfig::default().option("url", "http://a/{key}").option("ca", "x");
        assert!(refused(&plain).contains("begins with https"));
    }
}
