//! `sign-request`: a request signed with an access key, for `curl` and other programs that cannot sign.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use crypto::Secret;
use serde::Serialize;
use signing::huawei::{
    Authorization, Credentials, Date, Payload, Request, Scheme, Scope, header, sign, string_to_sign, target,
};

use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt, Source};

/// The longest body, in bytes: what a signed call may carry.
const LONGEST_BODY: u64 = 12 << 20;

/// The longest body in what a shell is to run: where `printf` is a program, its words have less than 128 KiB.
const LONGEST_INLINE: usize = 100 << 10;

/// What the SDKs send also where there is no body.
const CONTENT_TYPE: &str = "application/json";

const EXAMPLES: &str = "\
Needs no daemon. The secret key is asked for, or read from a file or a file
descriptor; it does not appear in what is printed. The request is good for 15
minutes, from the server's clock, and for whoever has it.

Signed are Host, Content-Type, X-Sdk-Date and what --header adds. A header that
curl would add by itself must come from here if it is to be signed.

Examples:
  hsm-admin sign-request --ak AK --sk-file sk GET https://hsm:8443/v1.0/ID/kms/user-quotas | sh
  hsm-admin sign-request --ak AK --sk-file sk --body key.json \\
      POST https://hsm:8443/v1.0/ID/kms/create-key | sh
  echo '{\"random_data_length\": \"32\"}' | hsm-admin sign-request --ak AK \\
      --sk-file sk --body - POST https://hsm:8443/v1.0/ID/kms/gen-random | sh
  hsm-admin sign-request --ak AK --sk-file sk --format headers GET URL >signed
  curl -H @signed URL
  hsm-admin sign-request --ak AK --sk-file sk --format canonical GET URL";

/// Sign a request with an access key, for curl or another program
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignRequest {
    /// The method, such as GET
    #[arg(value_parser = parse_method)]
    method: String,

    /// Where the request goes, with its query
    url: String,

    /// The access key
    #[arg(long, value_name = "AK")]
    ak: String,

    /// Read the secret key from this file (its first line)
    #[arg(long, value_name = "FILE")]
    sk_file: Option<PathBuf>,

    /// Read the secret key from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "sk_file")]
    sk_fd: Option<u32>,

    /// The file with the body (as in curl, an `@` may stand before it); `-` for standard
    /// input, and then the shell hands curl the body, which is in no list of processes
    #[arg(long, value_name = "FILE")]
    body: Option<String>,

    /// Sign and send this header too (may be given several times)
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    headers: Vec<(String, String)>,

    /// Read the security token of a temporary access key from this file (its first line)
    #[arg(long, value_name = "FILE")]
    security_token_file: Option<PathBuf>,

    /// How it is signed
    #[arg(long, value_enum, default_value_t = Algorithm::SdkHmacSha256)]
    algorithm: Algorithm,

    /// The region that a derived key is for
    #[arg(long, required_if_eq("algorithm", "v11-hmac-sha256"))]
    region: Option<String>,

    /// The service that a derived key is for
    #[arg(long, required_if_eq("algorithm", "v11-hmac-sha256"))]
    service: Option<String>,

    /// Sign as of this second (YYYYMMDDTHHMMSSZ) instead of now
    #[arg(long, value_name = "TIME")]
    date: Option<String>,

    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Curl)]
    format: Format,
}

/// The algorithms that the daemon takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    SdkHmacSha256,
    SdkHmacSm3,
    V11HmacSha256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A command for a shell
    Curl,
    /// The headers, one a line
    Headers,
    /// What is hashed, and what is signed: to compare with a signer of one's own
    Canonical,
}

/// What is printed with `--json`.
#[derive(Serialize)]
struct Signed {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    canonical_request: String,
    string_to_sign: String,
}

impl SignRequest {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Error> {
        let place = Place::parse(&self.url)?;
        let date = self.date()?;
        let scheme = self.scheme(date)?;
        let body = self.body()?;
        let headers = self.headers(&place, date)?;
        let fields: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let (path, query) = place.target.split_once('?').unwrap_or((&place.target, ""));
        let request = Request { method: &self.method, path, query, headers: &fields, body: &body };
        let authorization = self.signed(&request, &scheme)?;
        let canonical = authorization.canonical_request(&request, Payload::MayBeUnsigned).map_err(refused)?;
        let string_to_sign = string_to_sign(&scheme, date, &canonical).map_err(refused)?;
        let mut headers = headers;
        headers.push(("Authorization".to_owned(), authorization.to_string()));
        let signed = Signed {
            method: self.method.clone(),
            url: format!("{}{}", place.origin, place.target),
            headers,
            canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
            string_to_sign,
        };
        let curl = match self.format {
            Format::Curl if !screen.is_json() => self.curl(&signed, &body)?,
            _ => String::new(),
        };
        screen.show(&signed, |signed| match self.format {
            Format::Curl => curl,
            Format::Headers => lines(&signed.headers),
            Format::Canonical => format!("{}\n\n{}", signed.canonical_request, signed.string_to_sign),
        })
    }

    fn curl(&self, signed: &Signed, body: &[u8]) -> Result<String, Error> {
        match self.file() {
            None => curl(signed, None),
            // The shell that runs the command reads the command itself from there.
            Some("-") => Ok(format!("printf %s {} | {}", inline(body)?, curl(signed, Some("@-"))?)),
            Some(file) => curl(signed, Some(&format!("@{file}"))),
        }
    }

    fn date(&self) -> Result<Date, Error> {
        match &self.date {
            Some(text) => Date::parse(text.as_bytes())
                .map_err(|_| Error::Usage(format!("--date: {text:?} is not a time as 20260601T120000Z"))),
            None => Date::of(SystemTime::now()).map_err(refused),
        }
    }

    fn scheme(&self, date: Date) -> Result<Scheme, Error> {
        let word = |option: &Option<String>| option.clone().unwrap_or_default();
        match self.algorithm {
            Algorithm::SdkHmacSha256 => Ok(Scheme::Sha256),
            Algorithm::SdkHmacSm3 => Ok(Scheme::Sm3),
            Algorithm::V11HmacSha256 => {
                Scope::new(date, &word(&self.region), &word(&self.service)).map(Scheme::Derived).map_err(
                    |_| Error::Usage("--region and --service are words of letters, digits, - _ .".into()),
                )
            }
        }
    }

    fn signed(&self, request: &Request<'_>, scheme: &Scheme) -> Result<Authorization, Error> {
        let source = Source::of(self.sk_file.as_deref(), self.sk_fd);
        let secret = secret::obtain(source, "the secret key", Prompt::Once, "give --sk-file or --sk-fd")?;
        let secret = Secret::new(secret.into_vec());
        sign(request, scheme, &Credentials { access_key: &self.ak, secret: &secret }).map_err(refused)
    }

    /// All headers but `Authorization`, as the SDKs have them.
    fn headers(&self, place: &Place, date: Date) -> Result<Vec<(String, String)>, Error> {
        let given = |name: &str| self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        for name in [header::HOST, header::DATE, header::AUTHORIZATION, header::SECURITY_TOKEN] {
            if given(name) {
                return Err(Error::Usage(format!("--header: {name} comes from other options")));
            }
        }
        let mut headers =
            vec![("Host".to_owned(), place.host.clone()), ("X-Sdk-Date".to_owned(), date.to_string())];
        if !given(header::CONTENT_TYPE) {
            headers.push(("Content-Type".to_owned(), CONTENT_TYPE.to_owned()));
        }
        if let Some(path) = &self.security_token_file {
            let token = Source::File(path.clone()).read("the security token")?;
            let token = String::from_utf8(token.into_vec()).ok().filter(|token| is_value(token));
            let token = token.ok_or_else(|| Error::File { path: path.clone(), why: "no token".into() })?;
            headers.push(("X-Security-Token".to_owned(), token));
        }
        headers.extend(self.headers.iter().cloned());
        Ok(headers)
    }

    /// The file of the body, without curl's `@`.
    fn file(&self) -> Option<&str> {
        self.body.as_deref().map(|file| file.strip_prefix('@').unwrap_or(file))
    }

    fn body(&self) -> Result<Vec<u8>, Error> {
        let read = |from: &mut dyn Read| {
            let mut bytes = Vec::new();
            from.take(LONGEST_BODY + 1).read_to_end(&mut bytes)?;
            let fits = bytes.len() as u64 <= LONGEST_BODY;
            fits.then_some(bytes)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is longer than 12 MiB"))
        };
        match self.file() {
            None => Ok(Vec::new()),
            Some("-") => read(&mut io::stdin()).map_err(Error::Read),
            Some(path) => File::open(path)
                .and_then(|mut file| read(&mut file))
                .map_err(|cause| Error::File { path: Path::new(path).to_owned(), why: cause.to_string() }),
        }
    }
}

/// A URL, taken apart as far as a signature needs it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Scheme and host, such as `https://hsm:8443`.
    origin: String,
    /// What the header `Host` says.
    host: String,
    /// Path and query, as they are sent.
    target: String,
}

impl Place {
    fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Usage(format!("{url:?}: {why}"));
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| wrong("a URL begins with https:// or http://"))?;
        if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(wrong("a URL begins with https:// or http://"));
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, rest) = rest.split_at(end);
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_part) {
            return Err(wrong("host and port are missing, or hold what they cannot"));
        }
        if rest.contains('#') {
            return Err(wrong("a fragment is not sent, and so not signed"));
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { origin: format!("{scheme}://{host}"), host: host.to_owned(), target: target(path, query) })
    }
}

fn refused(error: signing::huawei::Error) -> Error {
    match error {
        signing::huawei::Error::Crypto(cause) => Error::Failed(format!("the signature failed: {cause}")),
        other => Error::Usage(format!("the request cannot be signed: {other}")),
    }
}

fn parse_method(text: &str) -> Result<String, String> {
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word.then(|| text.to_ascii_uppercase()).ok_or_else(|| "a method is a word such as GET".into())
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is NAME: VALUE")?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_part) || !is_value(value) {
        return Err("a header is NAME: VALUE, on one line".into());
    }
    Ok((name.to_owned(), value.trim_ascii().to_owned()))
}

/// Whether a text can be the value of a header: it stays on its line.
fn is_value(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn lines(headers: &[(String, String)]) -> String {
    let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    lines.join("\n")
}

/// A word for a shell.
fn quoted(word: &str) -> Result<String, Error> {
    let quoted = shlex::try_quote(word).map(String::from);
    quoted.map_err(|_| Error::Usage("what is to be sent holds a zero byte".into()))
}

/// A body as a word for a shell. Its `printf` hands it to curl: what stands in curl's own line, everyone can see.
fn inline(body: &[u8]) -> Result<String, Error> {
    let text =
        std::str::from_utf8(body).ok().filter(|text| !text.contains('\0') && text.len() <= LONGEST_INLINE);
    let text = text.ok_or_else(|| {
        Error::Usage(format!(
            "--body -: for curl, what is no text of up to {LONGEST_INLINE} bytes must be in a file"
        ))
    })?;
    quoted(text)
}

/// The command that sends the request as it was signed: curl is told to leave the path alone, and each header.
fn curl(signed: &Signed, body: Option<&str>) -> Result<String, Error> {
    let mut parts = vec!["curl --path-as-is --globoff".to_owned()];
    parts.push(match signed.method.as_str() {
        "HEAD" => "--head".to_owned(),
        method => format!("--request {method}"),
    });
    for (name, value) in &signed.headers {
        // A header without a value has a semicolon for curl, which else would leave it out.
        let line = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        parts.push(format!("--header {}", quoted(&line)?));
    }
    if let Some(body) = body {
        parts.push(format!("--data-binary {}", quoted(body)?));
    }
    parts.push(quoted(&signed.url)?);
    Ok(parts.join(" \\\n    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_sent_as_it_is_signed() {
        for (url, host, target) in [
            ("https://hsm:8443", "hsm:8443", "/"),
            ("http://127.0.0.1/v1/a%2Fb?b=ü&a=1", "127.0.0.1", "/v1/a%2Fb?a=1&b=%C3%BC"),
            ("HTTPS://[::1]:8443/a b/../c", "[::1]:8443", "/a%20b/../c"),
            ("http://hsm?x", "hsm", "/?x="),
        ] {
            let place = Place::parse(url).unwrap();
            assert_eq!((place.host.as_str(), place.target.as_str()), (host, target), "{url}");
        }
        for url in [
            "hsm:8443/v1",
            "ftp://hsm/",
            "https:///v1",
            "https://me:pw@hsm/",
            "https://hsm/#x",
            "https://h m/",
        ] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_header_stays_on_its_line() {
        assert_eq!(parse_header("X-Project-Id:  12 "), Ok(("X-Project-Id".into(), "12".into())));
        for text in ["X-Project-Id", ": 12", "X Y: 12", "X: a\r\nHost: b", "X\n: a"] {
            assert!(parse_header(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_curl_is_told_is_quoted() {
        let signed = Signed {
            method: "POST".into(),
            url: "http://h/a?b=c&d=e".into(),
            headers: vec![("X-A".into(), "it's $(x)".into()), ("X-B".into(), String::new())],
            canonical_request: String::new(),
            string_to_sign: String::new(),
        };
        let command = curl(&signed, Some("@my body")).unwrap();
        let words = shlex::split(&command.replace("\\\n", " ")).unwrap();
        let expected = [
            "curl",
            "--path-as-is",
            "--globoff",
            "--request",
            "POST",
            "--header",
            "X-A: it's $(x)",
            "--header",
            "X-B;",
            "--data-binary",
            "@my body",
            "http://h/a?b=c&d=e",
        ];
        assert_eq!(words, expected);
    }
}
