//! The token that a reader of the pages shows: as a bearer token, as programs do, or as the
//! password for which a browser asks.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tonic::codegen::http::HeaderMap;
use tonic::codegen::http::header::AUTHORIZATION;

use super::callers::token;
use crate::error::Error;

/// What stands before a name and a password, in any case.
const SCHEME: &[u8] = b"basic ";

/// The token in the headers; `None` if there is none. The name beside a password says nothing.
pub(super) fn shown_token(headers: &HeaderMap) -> Result<Option<Cow<'_, [u8]>>, Error> {
    let value = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let basic = value
        .and_then(|value| value.split_at_checked(SCHEME.len()))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME));
    let Some((_, pair)) = basic else {
        return Ok(token(headers)?.map(Cow::Borrowed));
    };
    let password = STANDARD.decode(pair.trim_ascii()).ok().and_then(|pair| {
        let colon = pair.iter().position(|byte| *byte == b':')?;
        Some(pair[colon + 1..].to_vec())
    });
    match password {
        Some(token) => Ok(Some(Cow::Owned(token))),
        None => {
            let problem = "the header authorization has no name and password in base64; write \
                           `Basic` and the base64 of `:TOKEN`, or `Bearer TOKEN`";
            Err(Error::Unauthenticated { problem: problem.into() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        let text = |token: Cow<'_, [u8]>| String::from_utf8(token.into_owned()).unwrap();
        shown_token(&headers).map(|token| token.map(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_token_is_what_follows_the_scheme_or_the_password() {
        let some = |token: &str| Ok(Some(token.to_owned()));
        assert_eq!(shown_token(&HeaderMap::new()).unwrap(), None);
        assert_eq!(shown("Bearer secret"), some("secret"));
        for (pair, password) in
            [("any:secret", "secret"), (":secret", "secret"), ("a:b:c", "b:c"), ("a:", "")]
        {
            let encoded = STANDARD.encode(pair);
            assert_eq!(shown(&format!("Basic {encoded}")), some(password), "{pair}");
            assert_eq!(shown(&format!("bASIC  {encoded} ")), some(password), "{pair}");
        }
        for wrong in ["Basic", "Basic ", "Basic !", "Basic c2VjcmV0", "Digest a"] {
            assert!(shown(wrong).unwrap_err().contains("Bearer TOKEN"), "{wrong}");
        }
    }
}
