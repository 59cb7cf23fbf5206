//! The canonical form of a request, and the string that is signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::{Authorization, Date, Error, Payload, Request, Scheme, SignedHeaders, header};

/// What a body is said to hash to where it is not signed.
const UNSIGNED: &[u8] = b"UNSIGNED-PAYLOAD";

/// The kinds of bodies that the SDKs always sign: how their content type begins.
const ALWAYS_SIGNED: [&[u8]; 2] = [b"application/json", b"application/bson"];

/// All but the unreserved characters (RFC 3986, "Unreserved Characters").
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a target cannot carry as it is, in a path: `%` and `/` mean what they mean.
const OUTSIDE_PATH: &AsciiSet = &RESERVED
    .remove(b'%')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// The path: decoded once, cut at each slash, each part encoded, and a slash at the end.
///
/// An encoded slash (`%2F`) is a plain one here. Route on the raw path, cut before it is decoded.
pub fn canonical_path(raw: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(raw).collect();
    let parts: Vec<_> = decoded.split(|&byte| byte == b'/').map(encoded).collect();
    let mut path = parts.join("/");
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// The query: its pairs in order of name and value, each encoded.
pub fn canonical_query(raw: &str) -> String {
    let mut pairs = pairs(raw);
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| [encoded(name), encoded(value)].join("=")).collect();
    pairs.join("&")
}

/// The pairs of a query, decoded, as they came. A plus sign is a plus sign.
///
/// Whoever acts on a signed request reads its query with this: another reading could differ from what was signed.
pub fn pairs(raw: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let decoded = |text: &str| percent_decode_str(text).collect();
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (decoded(name), decoded(value))
    };
    raw.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// A target for a request that is to be signed: the path with what a target cannot carry encoded, and the canonical query.
pub fn target(path: &str, query: &str) -> String {
    let path = percent_encode(path.as_bytes(), OUTSIDE_PATH);
    match canonical_query(query).as_str() {
        "" => path.to_string(),
        query => format!("{path}?{query}"),
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    percent_encode(bytes.as_ref(), RESERVED).to_string()
}

/// The canonical form, the text whose hash is signed.
///
/// # Errors
/// `Absent` or `Repeated` for a signed header; `Body`, `UnsignedPayload` or `NotSigned` if the body may not be signed as it
/// is; `Crypto` if the library fails.
pub fn canonical_request(
    request: &Request<'_>,
    scheme: &Scheme,
    signed: &SignedHeaders,
    payload: Payload,
) -> Result<Vec<u8>, Error> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.method.to_ascii_uppercase(),
        canonical_path(request.path),
        canonical_query(request.query)
    )
    .into_bytes();
    for name in signed.iter() {
        let value = request.header(name)?.ok_or_else(|| Error::Absent(name.to_owned()))?;
        text.extend([name.as_bytes(), b":", value, b"\n"].concat());
    }
    let body = body(request, scheme, signed, payload)?;
    text.extend(format!("\n{signed}\n{body}").into_bytes());
    Ok(text)
}

/// What stands for the body: its hash, or that it is not signed.
fn body(
    request: &Request<'_>,
    scheme: &Scheme,
    signed: &SignedHeaders,
    payload: Payload,
) -> Result<String, Error> {
    let hash = scheme.digest(request.body)?;
    let name = scheme.content_header();
    let Some(said) = request.header(name)? else { return Ok(hash) };
    if !signed.contains(name) {
        return Err(Error::NotSigned(name));
    }
    if said == hash.as_bytes() {
        return Ok(hash);
    }
    if said != UNSIGNED {
        return Err(Error::Body(name));
    }
    let kind = request.required(header::CONTENT_TYPE)?.to_ascii_lowercase();
    let always_signed = ALWAYS_SIGNED.iter().any(|begin| kind.starts_with(begin));
    if payload == Payload::Signed || always_signed || !signed.contains(header::CONTENT_TYPE) {
        return Err(Error::UnsignedPayload);
    }
    // The SDKs hash an empty body all the same.
    Ok(if request.body.is_empty() { hash } else { String::from_utf8_lossy(UNSIGNED).into_owned() })
}

/// The string that is signed.
///
/// # Errors
/// `Crypto` if the library fails.
pub fn string_to_sign(scheme: &Scheme, date: Date, canonical: &[u8]) -> Result<String, Error> {
    let hash = scheme.digest(canonical)?;
    Ok(match scheme.scope() {
        None => format!("{}\n{date}\n{hash}", scheme.name()),
        Some(scope) => format!("{}\n{date}\n{scope}\n{hash}", scheme.name()),
    })
}

impl Authorization {
    /// The canonical form of the request that carries this: for who wants to see why a signature does not fit.
    ///
    /// # Errors
    /// Those of [`canonical_request`].
    pub fn canonical_request(&self, request: &Request<'_>, payload: Payload) -> Result<Vec<u8>, Error> {
        canonical_request(request, &self.scheme, &self.signed, payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_ends_in_a_slash() {
        for (raw, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/v1/a", "/v1/a/"),
            ("/v1/a/", "/v1/a/"),
            ("/v1//a", "/v1//a/"),
            ("/a%2Fb", "/a/b/"),
            ("/a%252Fb", "/a%252Fb/"),
            ("/%61~%7e", "/a~~/"),
            ("/ü", "/%C3%BC/"),
            ("/%FF", "/%FF/"),
            ("/a%zz%4", "/a%25zz%254/"),
            ("/{project_id}/x:y", "/%7Bproject_id%7D/x%3Ay/"),
        ] {
            assert_eq!(canonical_path(raw), canonical, "{raw}");
        }
    }

    #[test]
    fn a_query_is_in_order_of_name_and_value_and_a_plus_is_a_plus() {
        for (raw, canonical) in [
            ("", ""),
            ("&&", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("u=b&u=a&u=", "u=&u=a&u=b"),
            ("flag", "flag="),
            ("a=b=c", "a=b%3Dc"),
            ("a=x+y%2B%20", "a=x%2By%2B%20"),
            // By what was meant, not by how it is written: 'ü' comes behind 'z', '%C3%BC' would come before.
            ("%C3%BC=1&z=2", "z=2&%C3%BC=1"),
        ] {
            assert_eq!(canonical_query(raw), canonical, "{raw}");
            assert_eq!(canonical_query(canonical), canonical, "the form of a form is itself");
        }
    }

    #[test]
    fn a_target_keeps_what_it_can_carry() {
        assert_eq!(target("/a%2Fb/ü x:y", "b=ü&a=1"), "/a%2Fb/%C3%BC%20x:y?a=1&b=%C3%BC");
        assert_eq!(target("/a\r\nHost: x\"", ""), "/a%0D%0AHost:%20x%22");
    }
}
