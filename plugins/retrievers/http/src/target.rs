//! Which URL is asked for: the template with a key in it, or where a server redirects to.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use psycache_plugin::net::Place;
use psycache_plugin::{ConfigError, FetchError};
use url::{Host, Position, Url};

/// Where the key goes.
const KEY: &str = "{key}";

/// What a key may have in a URL as it is (RFC 3986, 2.3); all else is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who answers: a place, with TLS or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) secure: bool,
    pub(crate) place: Place,
}

impl Origin {
    /// Reads it from a URL, which may have no more than that before its path.
    fn of(url: &Url) -> Result<Self, String> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("`{other}` is neither http nor https")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "it has a user or a password; give them as the secret `authorization`".into()
            );
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("it names no host".into()),
        };
        let port = url.port_or_known_default().unwrap_or_default();
        Ok(Self { secure, place: Place { host, port } })
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// As the header `Host` has it: without the port that the scheme means.
    pub(crate) fn host_header(&self) -> String {
        let place = self.place.to_string();
        let usual = if self.secure { ":443" } else { ":80" };
        place.strip_suffix(usual).map_or(place.clone(), str::to_owned)
    }
}

/// A URL as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) origin: Origin,
    /// The path and what follows it, as the request has them.
    pub(crate) path: String,
}

impl Target {
    /// Where the answer of this one leads to.
    pub(crate) fn follow(&self, location: Option<&str>) -> Result<Self, FetchError> {
        let rejected = |problem: &str| {
            let problem = format!("{}: it redirects, but {problem}", self.origin.place);
            FetchError::Rejected(problem)
        };
        let location = location.ok_or_else(|| rejected("names no place"))?;
        let here = format!("{}://{}{}", self.origin.scheme(), self.origin.place, self.path);
        let here = Url::parse(&here).map_err(|error| rejected(&error.to_string()))?;
        let there = here.join(location).map_err(|error| rejected(&error.to_string()))?;
        let origin = Origin::of(&there).map_err(|problem| rejected(&problem))?;
        if self.origin.secure && !origin.secure {
            return Err(rejected("from https to http, where anybody could answer"));
        }
        let path = there[Position::BeforePath..Position::AfterQuery].to_owned();
        Ok(Self { origin, path })
    }
}

/// A URL with a place for the key.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) origin: Origin,
    /// The path and the query as they were written, with `{key}`.
    path: String,
}

impl Template {
    pub(crate) fn read(url: &str) -> Result<Self, ConfigError> {
        let looks = "it looks like `https://api.example/scores/{key}`";
        let refused = |problem: &str| ConfigError::invalid("url", format!("{problem}; {looks}"));
        let url = url.trim();
        let after_scheme = url.find("://").map(|at| at + 3);
        let after_scheme = after_scheme.ok_or_else(|| refused("it has no scheme and host"))?;
        let end = url[after_scheme..].find(['/', '?', '#']).map(|at| after_scheme + at);
        let (before, path) = url.split_at(end.unwrap_or(url.len()));
        if before.contains(KEY) || !path.contains(KEY) {
            return Err(refused("it must have `{key}` in its path or its query"));
        }
        let parsed = Url::parse(before).map_err(|error| refused(&error.to_string()))?;
        let origin = Origin::of(&parsed).map_err(|problem| refused(&problem))?;
        let rest = path.replace(KEY, "");
        let is_plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c);
        if let Some(c) = rest.chars().find(|c| !is_plain(*c)) {
            let problem = match c {
                '#' => "what follows `#` is never sent; leave it out".to_owned(),
                '{' | '}' => "the only word in braces is `{key}`".to_owned(),
                c => format!("percent-encode the character {c:?} in it"),
            };
            return Err(refused(&problem));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self { origin, path: format!("{slash}{path}") })
    }

    /// The URL of `key`.
    pub(crate) fn with(&self, key: &str) -> Result<Target, FetchError> {
        let encoded = utf8_percent_encode(key, ENCODED).to_string();
        let path = self.path.replace(KEY, &encoded);
        // Servers and proxies take these away, with the segment before them.
        let of_segments = path.split('?').next().unwrap_or_default();
        if of_segments.split('/').any(|segment| matches!(segment, "." | "..")) {
            let problem = "it would be the segment `.` or `..` of a path, which leads elsewhere";
            return Err(FetchError::BadKey(problem.to_owned()));
        }
        Ok(Target { origin: self.origin.clone(), path })
    }

    /// The path as it was written.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(url: &str) -> Template {
        Template::read(url).expect(url)
    }

    #[test]
    fn the_key_is_percent_encoded_wherever_it_goes() {
        for (url, key, path) in [
            ("http://a/scores/{key}", "Tom", "/scores/Tom"),
            (
                "http://a/{key}.json?k={key}",
                "a b/ü?&#%",
                "/a%20b%2F%C3%BC%3F%26%23%25.json?k=a%20b%2F%C3%BC%3F%26%23%25",
            ),
            ("http://a?k={key}", "../..", "/?k=..%2F.."),
            ("http://a/{key}", "-._~", "/-._~"),
            ("http://a/{key}", "\r\nx: y", "/%0D%0Ax%3A%20y"),
            ("http://a/%7E/{key}", "{key}", "/%7E/%7Bkey%7D"),
        ] {
            assert_eq!(template(url).with(key).expect(key).path, path);
        }
    }

    #[test]
    fn a_key_that_would_lead_elsewhere_is_a_bad_key() {
        for (url, key) in
            [("http://a/b/{key}", ".."), ("http://a/b/{key}/c", "."), ("http://a/.{key}", ".")]
        {
            assert!(matches!(template(url).with(key), Err(FetchError::BadKey(_))), "{url} {key}");
        }
        for key in ["...", "..a", "a.."] {
            assert!(template("http://a/b/{key}").with(key).is_ok(), "{key}");
        }
    }

    #[test]
    fn the_place_is_that_of_the_url() {
        for (url, secure, place, header) in [
            ("http://a/{key}", false, "a:80", "a"),
            ("https://A.example/{key}", true, "a.example:443", "a.example"),
            ("https://a:80/{key}", true, "a:80", "a:80"),
            ("http://[::1]:8080/{key}", false, "[::1]:8080", "[::1]:8080"),
            ("http://[::1]/{key}", false, "[::1]:80", "[::1]"),
        ] {
            let origin = template(url).origin;
            assert_eq!((origin.secure, &*origin.place.to_string()), (secure, place));
            assert_eq!(origin.host_header(), header);
        }
    }

    #[test]
    fn a_bad_url_shows_a_good_one() {
        for (url, part) in [
            ("", "no scheme"),
            ("a/{key}", "no scheme"),
            ("http://a/b", "must have `{key}`"),
            ("http://{key}/b", "must have `{key}`"),
            ("http://a/b#{key}", "never sent"),
            ("http://a/{key}/{other}", "only word in braces"),
            ("http://a/ü/{key}", "percent-encode"),
            ("http://a/b c/{key}", "percent-encode"),
            ("ftp://a/{key}", "neither http nor https"),
            ("http://psy:hush@a/{key}", "secret `authorization`"),
        ] {
            let problem = Template::read(url).expect_err(url).to_string();
            assert!(problem.contains(part) && problem.contains("https://api.example"), "{problem}");
            assert!(!problem.contains("hush"), "{problem}");
        }
    }

    #[test]
    fn a_redirect_leads_where_a_browser_would_go() {
        let from = template("https://a/b/{key}").with("Tom").expect("a key");
        for (location, place, path) in [
            ("/c?d=1", "a:443", "/c?d=1"),
            ("c", "a:443", "/b/c"),
            ("//other:1/x", "other:1", "/x"),
            ("https://[::1]:7/x#y", "[::1]:7", "/x"),
            ("https://other", "other:443", "/"),
        ] {
            let there = from.follow(Some(location)).expect(location);
            assert_eq!((&*there.origin.place.to_string(), &*there.path), (place, path));
        }
        for location in [None, Some("http://a/b"), Some("file:///etc"), Some("https://u:p@a/")] {
            let problem = from.follow(location).expect_err("it is refused");
            assert!(matches!(problem, FetchError::Rejected(_)), "{problem}");
        }
    }
}
