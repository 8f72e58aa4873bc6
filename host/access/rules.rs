//! The file of the callers, a line each:
//!
//! ```toml
//! web = { sha256 = "9f86…", roles = ["read:scores-*", "write:scores-*"], rate = 1000 }
//! shop = { certificate = "*.shop.internal", roles = ["read"] }
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::account::{Account, Credential};
use super::error::AccessError;
use super::pattern::Pattern;
use super::rate::{PerSecond, Rate};
use super::role::Grant;
use super::shown::Shown;
use super::token::TokenDigest;
use crate::tls::NamePattern;

const SAMPLE: &str = "web = { sha256 = \"…\", roles = [\"read:scores-*\"] }";

/// The callers of one state of the file.
#[derive(Debug)]
pub(super) struct Rules {
    /// The content of the file.
    text: Arc<str>,
    /// In the order of the file.
    accounts: Vec<Arc<Account>>,
}

/// A caller as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    sha256: Option<String>,
    certificate: Option<String>,
    roles: Vec<String>,
    rate: Option<u32>,
}

impl Rules {
    /// Reads the content of the file at `path`. A caller that was there `before` goes on with
    /// its count of requests.
    pub(super) fn parse(
        path: &Path,
        text: Arc<str>,
        before: Option<&Self>,
    ) -> Result<Self, AccessError> {
        let wrong = |at: usize, problem: String| AccessError::Wrong {
            path: path.into(),
            line: 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count(),
            problem,
        };
        let entries: BTreeMap<String, Spanned<Entry>> = toml::from_str(&text).map_err(|error| {
            wrong(error.span().unwrap_or_default().start, without_values(&error))
        })?;
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|(_, entry)| entry.span().start);
        let mut accounts: Vec<Arc<Account>> = Vec::new();
        for (name, entry) in entries {
            let at = entry.span().start;
            let account = account(&name, entry.into_inner(), before)
                .map_err(|problem| wrong(at, format!("{name}: {problem}")))?;
            if let Some(twin) = accounts.iter().find(|known| is_same_token(known, &account)) {
                return Err(wrong(at, format!("{name} has the token of {}", twin.name)));
            }
            accounts.push(Arc::new(account));
        }
        match accounts.is_empty() {
            true => Err(AccessError::Empty { path: path.into() }),
            false => Ok(Self { text, accounts }),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The account of who shows this: of a token, or the first in the file for a certificate.
    /// Every token of the file is compared, so the time does not tell which is the one.
    pub(super) fn find(&self, shown: &Shown) -> Option<Arc<Account>> {
        let fits = self.accounts.iter().filter(|account| account.credential.fits(shown));
        fits.fold(None, |first, account| first.or(Some(account))).map(Arc::clone)
    }
}

fn account(name: &str, entry: Entry, before: Option<&Rules>) -> Result<Account, String> {
    let credential = match (entry.sha256, entry.certificate) {
        (Some(digest), None) => Credential::Token(TokenDigest::parse(&digest).ok_or(
            "sha256 is the 64 hexadecimal digits of a token's SHA-256; `psycache token new` writes them",
        )?),
        (None, Some(name)) => certificate(&name)?,
        _ => return Err("a caller has either sha256, for a token, or certificate".into()),
    };
    if entry.roles.is_empty() {
        return Err("it has no roles, so it could do nothing; leave it out".into());
    }
    let grants = entry.roles.iter().map(|role| Grant::from_str(role));
    let limit = |rate| PerSecond::new(rate).ok_or(format!("rate is from 1 to {}", PerSecond::MOST));
    let rate = entry.rate.map(limit).transpose()?.map(|limit| {
        let known = before.and_then(|rules| rules.accounts.iter().find(|was| *was.name == *name));
        let counted = known.and_then(|was| was.rate.clone()).filter(|rate| rate.limit == limit);
        counted.unwrap_or_else(|| Arc::new(Rate::new(limit)))
    });
    Ok(Account { name: name.into(), credential, grants: grants.collect::<Result<_, _>>()?, rate })
}

fn certificate(name: &str) -> Result<Credential, String> {
    let found = match name.strip_prefix("CN=") {
        Some(common) => Pattern::parse(common).map(Credential::CommonName),
        None => NamePattern::parse(name).map(Credential::Host),
    };
    found.ok_or_else(|| {
        format!("{name:?} is no name in certificates; write web.internal, *.shop.internal, CN=web or CN=web-*")
    })
}

fn is_same_token(one: &Account, other: &Account) -> bool {
    match (&one.credential, &other.credential) {
        (Credential::Token(one), Credential::Token(other)) => one.is(other),
        _ => false,
    }
}

/// The message of an error, unless it repeats a value, which may be a token in the wrong place.
fn without_values(error: &toml::de::Error) -> String {
    let message = error.message();
    let repeats = ["invalid type", "invalid value"].iter().any(|begin| message.starts_with(begin));
    match repeats {
        true => format!("a value is of the wrong kind; a caller is written {SAMPLE}"),
        false => format!("{}; a caller is written {SAMPLE}", message.replace('\n', ", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::role::Role;
    use crate::tls::Names;

    fn parse(text: &str) -> Result<Rules, AccessError> {
        Rules::parse(Path::new("tokens.toml"), text.into(), None)
    }

    fn digest(token: &str) -> String {
        TokenDigest::of(token.as_bytes()).to_string()
    }

    #[test]
    fn a_caller_is_found_by_its_token_or_else_the_first_in_the_file_by_its_certificate() {
        let text = format!(
            "web = {{ sha256 = '{}', roles = ['read'] }}\n\
             shop = {{ certificate = '*.shop.internal', roles = ['write'] }}\n\
             any = {{ certificate = '*', roles = ['read'] }}\n\
             jobs = {{ certificate = 'CN=job *', roles = ['clear'] }}\n",
            digest("web's token")
        );
        let rules = parse(&text).unwrap();
        let found = |token: Option<&str>, hosts: &[&str], common_name: Option<&str>| {
            let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
            let names = Names { hosts, common_name: common_name.map(str::to_owned) };
            let shown = Shown::new(token.map(str::as_bytes), Arc::new(names));
            rules.find(&shown).map(|account| account.name.to_string())
        };
        assert_eq!(found(Some("web's token"), &[], None).as_deref(), Some("web"));
        assert_eq!(found(Some("web's token"), &["a.shop.internal"], None).as_deref(), Some("web"));
        assert_eq!(found(None, &["a.shop.internal"], None).as_deref(), Some("shop"));
        assert_eq!(found(None, &["elsewhere"], None).as_deref(), Some("any"));
        assert_eq!(found(None, &[], Some("job 7")).as_deref(), Some("jobs"));
        // A host can't be claimed by a common name, and a token that is wrong is wrong.
        assert_eq!(found(None, &[], Some("a.shop.internal")), None);
        assert_eq!(found(Some("other"), &["a.shop.internal"], None), None);
        assert_eq!(found(None, &[], None), None);
    }

    #[test]
    fn a_caller_that_stays_goes_on_with_its_count() {
        let text = |rate: u32| {
            format!("web = {{ sha256 = '{}', roles = ['read'], rate = {rate} }}", digest("a"))
        };
        let again = |before: &Rules, rate| {
            Rules::parse(Path::new("t"), text(rate).into(), Some(before)).unwrap()
        };
        let admitted = |rules: &Rules| {
            (0..9).filter(|_| rules.accounts[0].admit(Role::Read, None).is_ok()).count()
        };
        let rules = parse(&text(2)).unwrap();
        assert_eq!(admitted(&rules), 2);
        assert!(admitted(&again(&rules, 2)) < 2, "a reload is no way around the limit");
        assert_eq!(admitted(&again(&rules, 3)), 3);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_a_token() {
        let line = |entry: &str| format!("# callers\nweb = {entry}\n");
        let known = digest("a");
        let twice = format!(
            "{{ sha256 = '{known}', roles = ['read'] }}\nb = {{ sha256 = '{known}', roles = ['read'] }}"
        );
        for (entry, at, part) in [
            ("'psycache_secret'", 2, "a caller is written"),
            ("{ sha256 = 'psycache_secret', roles = ['read'] }", 2, "64 hexadecimal digits"),
            ("{ token = 'psycache_secret' }", 2, "unknown field `token`"),
            ("{ roles = ['read'] }", 2, "either sha256"),
            ("{ certificate = 'a b', roles = ['read'] }", 2, "no name in certificates"),
            ("{ certificate = 'a', roles = [] }", 2, "no roles"),
            ("{ certificate = 'a', roles = ['reed'] }", 2, "the roles are read, write"),
            ("{ certificate = 'a', roles = ['read:*x'] }", 2, "names no groups"),
            ("{ certificate = 'a', roles = ['metrics:x'] }", 2, "without one"),
            ("{ certificate = 'a', roles = ['read'], rate = 0 }", 2, "rate is from 1"),
            ("{ certificate = 'a', roles = ['read'], rate = 'fast' }", 2, "wrong kind"),
            ("{ certificate = 'a', roles = ['read'] ", 2, "a caller is written"),
            (&twice, 3, "b has the token of web"),
        ] {
            let problem = parse(&line(entry)).unwrap_err();
            let AccessError::Wrong { line, problem: text, .. } = &problem else {
                panic!("{problem:?}")
            };
            assert!(*line == at && text.contains(part), "{entry}: {problem}");
            assert!(!text.contains("secret"), "{problem}");
        }
        assert!(matches!(parse("# nobody\n"), Err(AccessError::Empty { .. })));
    }
}
