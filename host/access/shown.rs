//! What a caller shows of itself.

use std::sync::Arc;

use super::token::TokenDigest;
use crate::error::Error;
use crate::tls::Names;

/// What a caller shows: a token, a certificate, or nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    token: Option<TokenDigest>,
    names: Arc<Names>,
}

impl Shown {
    /// A caller with this token, and with these names in its certificate.
    pub(crate) fn new(token: Option<&[u8]>, names: Arc<Names>) -> Self {
        Self { token: token.map(TokenDigest::of), names }
    }

    pub(super) fn token(&self) -> Option<&TokenDigest> {
        self.token.as_ref()
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// What the record calls a caller that has no account.
    pub(crate) fn name(&self) -> Arc<str> {
        let Names { hosts, common_name } = &*self.names;
        match (&self.token, hosts.first(), common_name) {
            (Some(_), _, _) => "unknown token".into(),
            (None, Some(host), _) => host.as_str().into(),
            (None, None, Some(name)) => format!("CN={name}").into(),
            (None, None, None) => "anonymous".into(),
        }
    }

    /// The error of a caller that has no account.
    pub(super) fn unknown(&self) -> Error {
        let Names { hosts, common_name } = &*self.names;
        let problem = match (&self.token, hosts.is_empty() && common_name.is_none()) {
            (Some(_), _) => {
                "this node does not know the token; it was removed, or is one of another node"
                    .into()
            }
            (None, true) => "no token; send the header `authorization: Bearer TOKEN` (psycache \
                             commands: --token-file FILE; Redis clients: the token as password)"
                .into(),
            (None, false) => {
                let mut names = hosts.clone();
                names.extend(common_name.iter().map(|name| format!("CN={name}")));
                format!(
                    "no token, and no caller is known by the certificate, which has {}",
                    names.join(", ")
                )
            }
        };
        Error::Unauthenticated { problem }
    }
}
