//! Sends a request, passes its answer on, and looks at its status.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use hcndc_core::model::statuses;
use reqwest::{
    Client, Method, Response, Url,
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};

use super::{HttpTask, REFUSED, UNREACHED, say};
use crate::{causes::with_causes, trust};

/// How long a connection may take to be made; for an answer the job's timeout is the limit.
const CONNECT: Duration = Duration::from_secs(30);

/// Redirections that are followed.
const REDIRECTIONS: usize = 10;

pub(super) async fn run(task: HttpTask) -> u8 {
    match call(&task).await {
        Ok(code) => code,
        Err(reason) => {
            say(reason);
            UNREACHED
        }
    }
}

async fn call(task: &HttpTask) -> Result<u8, String> {
    let expected = statuses(&task.expect)
        .ok_or_else(|| format!("{:?} are no statuses that could be expected", task.expect))?;
    let url = Url::parse(&task.url).map_err(|error| format!("the URL is none: {error}"))?;
    let method = Method::from_bytes(task.method.as_bytes())
        .map_err(|_| format!("{:?} is no method", task.method))?;
    let client = client().map_err(|reason| format!("cannot send requests: {reason}"))?;
    // Keys stand in paths and in queries, too.
    say(format_args!(
        "{method} {}",
        url.origin().ascii_serialization()
    ));
    let began = Instant::now();
    let mut request = client.request(method, url).headers(headers(task)?);
    if !task.body.is_empty() {
        request = request.body(task.body.clone());
    }
    let mut answer = request.send().await.map_err(reason)?;
    tell_head(&answer, began.elapsed());
    let status = answer.status();
    let bytes = pass_on(&mut answer).await?;
    say(format_args!(
        "{bytes} bytes in {:.3} s",
        began.elapsed().as_secs_f64()
    ));
    if expected.iter().any(|it| it.contains(&status.as_u16())) {
        return Ok(0);
    }
    say(format_args!(
        "failed: status {status} is not expected; expected is {}",
        task.expect
    ));
    Ok(REFUSED)
}

fn client() -> Result<Client, String> {
    let config = trust::client_config(None).map_err(|error| error.to_string())?;
    Client::builder()
        .tls_backend_preconfigured(config)
        .connect_timeout(CONNECT)
        // Headers may hold keys that are for this host alone.
        .redirect(Policy::custom(|attempt| {
            let from = attempt.previous().last().map(Url::origin);
            if from.as_ref() != Some(&attempt.url().origin())
                || attempt.previous().len() > REDIRECTIONS
            {
                attempt.stop()
            } else {
                attempt.follow()
            }
        }))
        .user_agent(concat!("hcndc/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| with_causes(&error.without_url()))
}

fn headers(task: &HttpTask) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &task.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("{name:?} cannot be the name of a header"))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("header {name} cannot hold its value"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    if !task.body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        let begins = task.body.trim_start();
        let json = begins.starts_with(['{', '[']);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(match json {
                true => "application/json",
                false => "text/plain; charset=utf-8",
            }),
        );
    }
    Ok(headers)
}

fn tell_head(answer: &Response, after: Duration) {
    let header = |name| answer.headers().get(name).and_then(|it| it.to_str().ok());
    let mut line = format!(
        "{:?} {} after {:.3} s",
        answer.version(),
        answer.status(),
        after.as_secs_f64()
    );
    if let Some(kind) = header(CONTENT_TYPE) {
        line.push_str(", ");
        line.push_str(kind);
    }
    if let Some(length) = header(CONTENT_LENGTH) {
        line.push_str(&format!(", {length} bytes"));
    }
    if answer.status().is_redirection()
        && let Some(place) = header(LOCATION)
    {
        line.push_str(", elsewhere, which is not followed: ");
        // What stands behind the question mark may be a key.
        line.push_str(place.split('?').next().unwrap_or_default());
    }
    say(line);
}

/// Writes the body as it comes; how long it was.
async fn pass_on(answer: &mut Response) -> Result<u64, String> {
    let mut length = 0;
    let mut ends_line = true;
    while let Some(chunk) = answer.chunk().await.map_err(reason)? {
        length += chunk.len() as u64;
        ends_line = chunk.ends_with(b"\n");
        // Nobody reads it any more only when the job ends.
        let _ = io::stdout().lock().write_all(&chunk);
    }
    let mut out = io::stdout().lock();
    if !ends_line {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
    Ok(length)
}

fn reason(error: reqwest::Error) -> String {
    let what = match (error.is_connect(), error.is_body() || error.is_decode()) {
        (true, _) => "no connection",
        (_, true) => "the answer was cut off",
        _ => "no answer",
    };
    format!("failed: {what}: {}", with_causes(&error.without_url()))
}
