//! What may not pass, whoever sends it. The browser of somebody who may do something is a way in: a page of somebody
//! else's must neither reach this server under a name of its own (DNS rebinding) nor change anything (forged requests).

use std::net::IpAddr;

use warp::http::{HeaderMap, Method, header, uri::Authority};

use super::problem::Problem;
use crate::app::Hosts;

/// Whether a request is for this server, and comes from no page of somebody else's if it changes something.
///
/// # Errors
/// [`Problem::ForeignHost`], [`Problem::ForeignOrigin`].
pub(super) fn check(hosts: &Hosts, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: header::HeaderName| {
        let value = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let host = text(header::HOST).unwrap_or_default();
    if !knows(hosts, &host) {
        return Err(Problem::ForeignHost { host });
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    if let Some(origin) = text(header::ORIGIN)
        && origin
            .split_once("://")
            .is_none_or(|(_, authority)| !authority.eq_ignore_ascii_case(&host))
    {
        return Err(Problem::ForeignOrigin { origin });
    }
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site == "cross-site" || site == "same-site") {
        let origin = text(header::REFERER).unwrap_or_default();
        return Err(Problem::ForeignOrigin { origin });
    }
    Ok(())
}

fn knows(hosts: &Hosts, host: &str) -> bool {
    let Hosts::Known { listen, also } = hosts else {
        return true;
    };
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host().to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    match address {
        _ if also.iter().any(|other| other == name) => true,
        Ok(address) if address.is_loopback() => true,
        Ok(address) => listen.ip().is_unspecified() || address == listen.ip(),
        Err(_) => name == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str) -> Hosts {
        Hosts::Known {
            listen: listen.parse().unwrap(),
            also: vec!["etl.example.com".to_owned()],
        }
    }

    #[test]
    fn names_of_this_server_are_known_and_no_others() {
        let own = hosts("10.0.0.5:2333");
        for host in [
            "localhost",
            "LOCALHOST:2333",
            "127.0.0.1:9",
            "[::1]:2333",
            "10.0.0.5:2333",
            "etl.example.com",
            "etl.example.com.:80",
        ] {
            assert!(knows(&own, host), "{host}");
        }
        for host in [
            "",
            "evil.example.com",
            "10.0.0.6",
            "localhost.evil.example.com",
            "127.0.0.1.evil.example.com",
            "localhost@evil.example.com",
            "evil.example.com@localhost",
            "::1",
        ] {
            assert!(!knows(&own, host), "{host}");
        }
        let any = hosts("0.0.0.0:2333");
        assert!(knows(&any, "192.168.1.7:2333"));
        assert!(!knows(&any, "evil.example.com:2333"));
        assert!(knows(&Hosts::Any, "evil.example.com"));
    }

    #[test]
    fn pages_of_others_change_nothing() {
        let own = hosts("127.0.0.1:2333");
        let with = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost:2333".parse().unwrap());
            headers.insert(name, value.parse().unwrap());
            headers
        };
        let post = |headers| check(&own, &Method::POST, &headers).map_err(|it| it.code());
        assert_eq!(post(with("origin", "http://localhost:2333")), Ok(()));
        assert_eq!(post(with("sec-fetch-site", "same-origin")), Ok(()));
        for origin in ["http://evil.example.com", "null", "http://localhost:8080"] {
            assert_eq!(post(with("origin", origin)), Err("foreign_origin"));
        }
        assert_eq!(
            post(with("sec-fetch-site", "cross-site")),
            Err("foreign_origin")
        );
        let get = check(
            &own,
            &Method::GET,
            &with("origin", "http://evil.example.com"),
        );
        assert_eq!(get, Ok(()));
    }
}
