//! What OpenTelemetry's protocol over HTTP (OTLP 1.x, binary) asks of whoever speaks it, whatever is sent.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
};
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// The media type of a body.
pub(super) const MEDIA_TYPE: &str = "application/x-protobuf";

/// Where to send: an address without a path means the path that all collectors have for it. `otlp+` before the scheme is left out.
pub(super) fn address(url: &Url, usual_path: &str) -> String {
    let scheme = url.scheme().trim_start_matches("otlp+");
    // The library keeps a scheme that it does not know from becoming one that it does.
    let (_, rest) = url.as_str().split_once(':').unwrap_or_default();
    let base = format!("{scheme}:{rest}");
    let base = base.trim_end_matches('/');
    match url.path() {
        "" | "/" => format!("{base}/{usual_path}"),
        _ => base.to_owned(),
    }
}

/// `name=value,name=value`, with percent signs for what would part them, as `OTEL_EXPORTER_OTLP_HEADERS` has them.
pub(super) fn parse_headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            "OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value,name=value".to_owned()
        })?;
        let value = percent_decode_str(value.trim()).decode_utf8_lossy();
        Ok((name.trim().to_owned(), value.into_owned()))
    });
    pairs.collect()
}

/// A text as a value.
pub(super) fn text(value: impl Into<String>) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(Value::StringValue(value.into())),
    })
}

/// A number as a value.
pub(super) fn number(value: u64) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(Value::IntValue(value.cast_signed())),
    })
}

/// Texts as a value.
#[cfg(feature = "traces")]
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a String>) -> Option<AnyValue> {
    let values = values.into_iter().filter_map(text).collect();
    let array = opentelemetry_proto::tonic::common::v1::ArrayValue { values };
    Some(AnyValue {
        value: Some(Value::ArrayValue(array)),
    })
}

/// An attribute.
pub(super) fn attribute(key: &str, value: Option<AnyValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
}

/// Who says it all.
pub(super) fn resource() -> Resource {
    Resource {
        attributes: vec![attribute("service.name", text("hcndc"))],
        ..Resource::default()
    }
}

/// What part of it says this.
pub(super) fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_means_the_usual_one() {
        let address = |url: &str| address(&Url::parse(url).expect("an address"), "v1/traces");
        for url in [
            "http://collector:4318",
            "otlp+http://collector:4318",
            "http://collector:4318/",
        ] {
            assert_eq!(address(url), "http://collector:4318/v1/traces");
        }
        let other = address("https://in.example.com/otlp/v1/traces");
        assert_eq!(other, "https://in.example.com/otlp/v1/traces");
    }

    #[test]
    fn headers_of_another_form_are_refused() {
        assert!(parse_headers("api-key").is_err());
        assert_eq!(parse_headers("").expect("none"), Vec::new());
        let headers = parse_headers("api-key=a%2Cb, x = y").expect("headers");
        let expected = [("api-key", "a,b"), ("x", "y")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers, expected);
    }
}
