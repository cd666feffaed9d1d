//! Who asks, and in which language.

use std::net::IpAddr;

use hcndc_core::{
    id::TokenId,
    port::{Digest, Grant, Permission, Session, User},
    time::Timestamp,
};
use warp::http::{HeaderMap, header};

use super::{denial::Denial, forward::PASSED_ON_FOR};
use crate::interchange::Lang;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its address.
    pub(super) ip: IpAddr,
    /// Whether this server itself speaks TLS with it.
    pub(super) encrypted: bool,
}

impl Peer {
    /// One without TLS.
    pub(super) const fn plain(ip: IpAddr) -> Self {
        Self {
            ip,
            encrypted: false,
        }
    }

    /// One with TLS.
    pub(super) const fn encrypted(ip: IpAddr) -> Self {
        Self {
            ip,
            encrypted: true,
        }
    }
}

/// Somebody at the door: where from, and how they speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visitor {
    /// Where they are, as well as this server can know: the other end of the connection, or whom a proxy on this host speaks
    /// for. Guesses are counted by it.
    pub(super) peer: IpAddr,
    /// The same for people to read; where another server passed the request on, what that one says and its own address.
    pub(super) address: String,
    /// Language of sentences.
    pub(super) lang: Lang,
    /// Whether the connection to them is encrypted: by this server, or by whatever stands before it, as far as that says.
    pub(super) secure: bool,
}

impl Visitor {
    /// The one that these headers are of, on a connection from there.
    pub(super) fn of(headers: &HeaderMap, peer: Peer) -> Self {
        let Peer {
            ip: peer,
            encrypted,
        } = peer;
        let text = |name: &str| {
            let last = headers.get_all(name).into_iter().next_back();
            last.and_then(|value| value.to_str().ok())
        };
        let behind = text("x-forwarded-for").and_then(|list| list.rsplit(',').next());
        let behind = behind.and_then(|last| last.trim().parse::<IpAddr>().ok());
        // A proxy adds whom it speaks for at the end. One on another host could be anybody.
        let peer = match behind {
            Some(behind) if peer.is_loopback() => behind.to_canonical(),
            Some(_) | None => peer,
        };
        let address = match text(PASSED_ON_FOR.as_str()) {
            Some(first) => {
                let first: String = first.chars().take(100).collect();
                format!("{first} via {peer}")
            }
            None => peer.to_string(),
        };
        Self {
            peer,
            address,
            lang: language(headers),
            secure: encrypted
                || text("x-forwarded-proto").is_some_and(|it| it.eq_ignore_ascii_case("https")),
        }
    }
}

/// What shows who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing: the server asks nobody.
    Nothing,
    /// The cookie of a session.
    Session {
        /// What it is known by.
        digest: Digest,
        /// The session.
        session: Session,
        /// What changes must show besides.
        csrf: String,
    },
    /// A token.
    Token {
        /// Which.
        id: TokenId,
        /// When it ends.
        expires_at: Option<Timestamp>,
    },
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Name that is recorded with what they do.
    pub(super) by: String,
    /// Language of sentences.
    pub(super) lang: Lang,
    /// Where from.
    pub(super) visitor: Visitor,
    /// The user, where the server asks who it is.
    pub(super) user: Option<User>,
    /// Names of the user's roles.
    pub(super) roles: Vec<String>,
    /// What shows it.
    pub(super) proof: Proof,
    /// What they may do.
    grants: Vec<Grant>,
}

impl Caller {
    /// Whoever asks a server that asks nobody who they are.
    pub(super) fn anybody(visitor: Visitor) -> Self {
        Self {
            by: "api".to_owned(),
            lang: visitor.lang,
            visitor,
            user: None,
            roles: Vec::new(),
            proof: Proof::Nothing,
            grants: vec![Grant::all()],
        }
    }

    /// A user.
    pub(super) fn user(
        user: User,
        roles: Vec<String>,
        grants: Vec<Grant>,
        proof: Proof,
        visitor: Visitor,
    ) -> Self {
        Self {
            by: user.account.clone(),
            lang: visitor.lang,
            visitor,
            user: Some(user),
            roles,
            proof,
            grants,
        }
    }

    /// What they may do, and where.
    pub(super) fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Whether they may do this at all. Who may administer one directory only may not administer: they would make
    /// themselves another role.
    pub(super) fn may(&self, permission: Permission) -> bool {
        let counts =
            |grant: &&Grant| permission != Permission::Admin || grant.directories.is_empty();
        let mut grants = self.grants.iter().filter(counts);
        grants.any(|grant| grant.allows(permission))
    }

    /// Whether they may do this wherever they like.
    pub(super) fn may_everywhere(&self, permission: Permission) -> bool {
        let mut everywhere = self.grants.iter().filter(|it| it.directories.is_empty());
        everywhere.any(|grant| grant.allows(permission))
    }

    /// Whether they may do this to what is filed in a directory.
    pub(super) fn may_in(&self, permission: Permission, directory: &str) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|grant| grant.allows_in(permission, directory))
    }

    /// That they may do this at all.
    ///
    /// # Errors
    /// [`Denial::Forbidden`].
    pub(super) fn needs(&self, permission: Permission) -> Result<(), Denial> {
        match self.may(permission) {
            true => Ok(()),
            false => Err(Denial::Forbidden { permission }),
        }
    }
}

/// The language that `Accept-Language` likes best (RFC 9110, 12.5.4); English if it names none that we have.
pub(super) fn language(headers: &HeaderMap) -> Lang {
    let mut best = (0.0, Lang::En);
    for value in headers.get_all(header::ACCEPT_LANGUAGE) {
        for part in value.to_str().unwrap_or_default().split(',') {
            let (range, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .map_or(Some(1.0), |weight| weight.trim().parse::<f64>().ok())
                .unwrap_or(0.0);
            let range = range.trim().to_ascii_lowercase();
            let lang = match range.split('-').next() {
                Some("zh") => Lang::Zh,
                Some("en" | "*") => Lang::En,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, lang);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language_of(accept: &str) -> Lang {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        language(&headers)
    }

    #[test]
    fn only_a_proxy_on_this_host_is_believed() {
        let visitor = |peer: &str, name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let visitor = Visitor::of(&headers, Peer::plain(peer.parse().unwrap()));
            (visitor.peer.to_string(), visitor.address)
        };
        let told = |peer: &str, address: &str| (peer.to_owned(), address.to_owned());
        let forwarded = |peer| visitor(peer, "x-forwarded-for", "6.6.6.6, 10.0.0.9");
        assert_eq!(forwarded("127.0.0.1"), told("10.0.0.9", "10.0.0.9"));
        assert_eq!(forwarded("10.0.0.1"), told("10.0.0.1", "10.0.0.1"));
        let passed = visitor("10.0.0.2", "hcndc-passed-on-for", "10.0.0.9");
        assert_eq!(passed, told("10.0.0.2", "10.0.0.9 via 10.0.0.2"));
    }

    #[test]
    fn a_connection_is_encrypted_by_this_server_or_by_one_before_it() {
        let ip = IpAddr::from([10, 0, 0, 1]);
        let secure = |headers: &HeaderMap, peer| Visitor::of(headers, peer).secure;
        let mut headers = HeaderMap::new();
        assert!(!secure(&headers, Peer::plain(ip)));
        assert!(secure(&headers, Peer::encrypted(ip)));
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        assert!(secure(&headers, Peer::plain(ip)));
    }

    #[test]
    fn the_best_liked_language_that_we_have_is_taken() {
        assert_eq!(language_of("zh-CN,zh;q=0.9,en;q=0.8"), Lang::Zh);
        assert_eq!(language_of("en;q=0.2, zh-Hans;q=0.7"), Lang::Zh);
        assert_eq!(language_of("fr, de;q=0.5"), Lang::En);
        assert_eq!(language_of("zh;q=0"), Lang::En);
        assert_eq!(language_of("*"), Lang::En);
        assert_eq!(language(&HeaderMap::new()), Lang::En);
    }
}
