//! As much of a browser as it takes to be sent to a provider and back.

use std::collections::BTreeMap;

use crate::{Answer, agent};

/// Follows where it is sent, and brings cookies back.
#[derive(Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn get(&mut self, url: &str) -> Answer {
        self.call("GET", url, "")
    }

    pub(crate) fn post(&mut self, url: &str, form: &str) -> Answer {
        self.call("POST", url, form)
    }

    fn call(&mut self, method: &str, url: &str, form: &str) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookies.join("; "))
            .body(form.to_owned());
        let answer = Answer::of(agent().run(request.unwrap()).unwrap());
        for cookie in answer.headers.get("set-cookie").into_iter().flatten() {
            let pair = cookie.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Signs in at the provider, to which this address leads; where it sends the browser back to.
    pub(crate) fn sign_in_there(&mut self, url: &str, form: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let answer = match url.contains("/interaction/") {
                true => self.post(&url, form),
                false => self.get(&url),
            };
            assert!(matches!(answer.status, 302 | 303), "{url}: {answer:?}");
            let base = url.split('/').take(3).collect::<Vec<_>>().join("/");
            url = match answer.header("location") {
                to if to.starts_with('/') => format!("{base}{to}"),
                to => to.to_owned(),
            };
            if url.contains("/session/oidc/callback") {
                return url;
            }
        }
        panic!("the provider goes round in circles: {url}");
    }
}
