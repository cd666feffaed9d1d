//! The web app: one page at all of its addresses, and the files that it is made of, as `build.rs` made them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use include_dir::{Dir, include_dir};
use warp::{
    Filter as _,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    path::FullPath,
    reject,
    reply::Response,
};

use super::super::{
    needs::NOTHING,
    problem::Problem,
    route::{HandedTo as _, Route, at},
};

static BUILT: Dir<'_> = include_dir!("$OUT_DIR/ui-built");

const ROOT: &str = "/";
const PAGE: &str = "/{page}";
const FILE: &str = "/assets/{file}";
/// Where the files lie that the page asks for.
const FILES: &str = "/assets/";

/// First steps of the addresses of pages; what follows them is the app's own affair.
const PAGES: &[&str] = &[
    "/alert",
    "/audit",
    "/backfill",
    "/base",
    "/calendar",
    "/datasource",
    "/dispatch",
    "/execute",
    "/forecast",
    "/ftp",
    "/hook",
    "/home",
    "/interface",
    "/job",
    "/login",
    "/params",
    "/pool",
    "/server",
    "/token",
    "/user",
];

/// What pages may do: use what comes from here. Parts of the app set the style of elements, by attribute too (a growing text
/// field, a chart's tooltip); no style sheet and no script can be written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// How a file may be packed, best first: what `Accept-Encoding` says, and what its name then ends with.
const PACKINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Routes of the app; `/` and what it serves beside.
pub(super) fn routes() -> Vec<Route> {
    let path = warp::path::full();
    let page = path.and_then(|path: FullPath| {
        std::future::ready(
            is_page(path.as_str())
                .then_some(())
                .ok_or_else(reject::not_found),
        )
    });
    let file = path.and_then(|path: FullPath| {
        let name = path.as_str().strip_prefix(FILES).map(str::to_owned);
        std::future::ready(name.ok_or_else(reject::not_found))
    });
    let headers = warp::header::headers_cloned();
    vec![
        Route::get(ROOT, NOTHING, at(ROOT).handed_to(home)),
        Route::get(
            PAGE,
            NOTHING,
            page.untuple_one().and(headers).handed_to(self::page),
        ),
        Route::get(FILE, NOTHING, file.and(headers).handed_to(self::file)),
    ]
}

fn is_page(path: &str) -> bool {
    PAGES.iter().any(|page| {
        path.strip_prefix(page)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// To the web app's first page.
#[utoipa::path(get, operation_id = "home", path = "/", tag = "server", responses((status = 302, description = "To /home/")))]
pub(in super::super) async fn home() -> Result<Response, Problem> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::FOUND;
    let home = HeaderValue::from_static("/home/");
    response.headers_mut().insert(header::LOCATION, home);
    Ok(response)
}

async fn page(headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = packed("index.html", &headers).ok_or(Problem::UnknownRoute)?;
    let answer = response.headers_mut();
    // The page names the files of this very build, so it is asked for each time; its tag spares sending it.
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    Ok(response)
}

async fn file(name: String, headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = packed(&format!("assets/{name}"), &headers).ok_or(Problem::UnknownRoute)?;
    // A file's name changes with what is in it.
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, for_ever);
    Ok(response)
}

/// A file, packed as the caller likes best; only a tag if that is what the caller has.
fn packed(name: &str, asked: &HeaderMap) -> Option<Response> {
    // What is packed has no address of its own.
    let kind = media_type(name)?;
    let whole = BUILT.get_file(name)?;
    let packing = PACKINGS
        .iter()
        .filter(|(encoding, _)| accepts(asked, encoding))
        .find_map(|(encoding, end)| Some((*encoding, BUILT.get_file(format!("{name}{end}"))?)));
    let contents = packing.map_or_else(|| whole.contents(), |(_, file)| file.contents());
    let tag = tag(contents)?;
    let same = asked.get_all(header::IF_NONE_MATCH).iter().any(|known| {
        let known = known.to_str().unwrap_or_default().split(',');
        known.map(str::trim).any(|known| {
            known == "*" || known.trim_start_matches("W/").as_bytes() == tag.as_bytes()
        })
    });
    let mut response = if same {
        Response::default()
    } else {
        Response::new(contents.into())
    };
    if same {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let answer = response.headers_mut();
    answer.insert(header::ETAG, tag);
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some((encoding, _)) = packing {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Some(response)
}

/// A tag that changes with the contents (RFC 9110, 8.8.3).
fn tag(contents: &[u8]) -> Option<HeaderValue> {
    let mut hasher = DefaultHasher::new();
    contents.hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok()
}

/// The media type of a file that the app is made of; `None` for others.
fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Whether `Accept-Encoding` names an encoding, and does not refuse it (RFC 9110, 12.5.3).
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .any(|part| {
            let (name, weight) = part.split_once(';').unwrap_or((part, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            name.trim().eq_ignore_ascii_case(encoding)
                && weight
                    .trim()
                    .parse::<f32>()
                    .is_ok_and(|weight| weight > 0.0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn pages_are_known_by_their_first_step() {
        for path in [
            "/home/",
            "/home",
            "/execute/12/",
            "/base/exec/host/",
            "/ftp/event/",
        ] {
            assert!(is_page(path), "{path}");
        }
        for path in ["/", "/homes/", "/api/v1/flows", "/assets/x.js", "//home/"] {
            assert!(!is_page(path), "{path}");
        }
    }

    #[test]
    fn every_page_of_the_app_can_be_opened_by_its_address() {
        let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/src");
        let kinds = std::fs::read_dir(format!("{sources}/kinds")).unwrap();
        let files = kinds.map(|file| file.unwrap().path());
        let files = files.chain([format!("{sources}/router.ts").into()]);
        let mut pages = 0;
        for file in files.filter(|file| file.extension().is_some_and(|it| it == "ts")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let named = ["page: '", "path: '"].map(|key| text.split(key).skip(1));
            for rest in named.into_iter().flatten() {
                let address = rest.split('\'').next().unwrap();
                if address != "/" && !address.starts_with("/:") {
                    assert!(is_page(address), "{address} of {}", file.display());
                    pages += 1;
                }
            }
        }
        assert!(pages > 20, "{pages}");
    }

    #[test]
    fn an_encoding_is_taken_unless_it_is_refused() {
        let accepting = |value| asking(header::ACCEPT_ENCODING, value);
        assert!(accepts(&accepting("gzip, deflate, br"), "br"));
        assert!(accepts(&accepting("GZIP;q=0.5"), "gzip"));
        assert!(!accepts(&accepting("gzip, br;q=0"), "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn who_has_the_page_already_is_not_sent_it_again() {
        let first = packed("index.html", &HeaderMap::new()).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let again = packed("index.html", &asking(header::IF_NONE_MATCH, &tag)).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = packed("index.html", &asking(header::IF_NONE_MATCH, "\"0\"")).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn nothing_but_the_app_is_given_out() {
        for name in [
            "assets/../index.html.br",
            "index.html.gz",
            "nothing.js",
            "assets",
        ] {
            assert!(packed(name, &HeaderMap::new()).is_none(), "{name}");
        }
    }
}
