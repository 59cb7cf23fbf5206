//! A signed request as the bytes that go over the wire, for clients that need no HTTP library.

use std::time::SystemTime;

use super::{Credentials, Date, Error, Request, Scheme, header, sign};

/// A request that is to be sent: its body is JSON, or empty.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its method, such as `POST`.
    pub method: &'a str,
    /// Path and query, percent-encoded.
    pub target: &'a str,
    /// The server, as the client names it: with the port, unless it is the scheme's own.
    pub host: &'a str,
    /// Its headers beside `Host`, `X-Sdk-Date`, `Content-Type` and `Content-Length`. They are signed too.
    pub headers: &'a [(&'a str, &'a str)],
    /// Its body.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// The bytes of HTTP/1.1, signed at a time with `SDK-HMAC-SHA256`.
    ///
    /// # Errors
    /// Those of [`sign`].
    pub fn signed(&self, credentials: &Credentials<'_>, time: SystemTime) -> Result<Vec<u8>, Error> {
        self.signed_as(&Scheme::Sha256, credentials, time)
    }

    /// The same, signed as another scheme has it.
    ///
    /// # Errors
    /// Those of [`sign`].
    pub fn signed_as(
        &self,
        scheme: &Scheme,
        credentials: &Credentials<'_>,
        time: SystemTime,
    ) -> Result<Vec<u8>, Error> {
        let Self { method, target, host, headers: more, body } = *self;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let date = Date::of(time)?.to_string();
        let mut headers = vec![
            (header::HOST, host.as_bytes()),
            (header::DATE, date.as_bytes()),
            (header::CONTENT_TYPE, b"application/json"),
        ];
        headers.extend(more.iter().map(|(name, value)| (*name, value.as_bytes())));
        let request = Request { method, path, query, headers: &headers, body };
        let authorization = sign(&request, scheme, credentials)?.to_string();
        headers.push((header::AUTHORIZATION, authorization.as_bytes()));
        let length = body.len().to_string();
        headers.push(("content-length", length.as_bytes()));
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        Ok(bytes)
    }
}
