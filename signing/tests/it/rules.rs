//! What a signed request must have, and what it may not.

use std::time::Duration;

use signing::huawei::{Authorization, Credentials, Error, Payload, Refusal, Scheme, sign, verify};

use crate::{Owned, Vectors, then};

/// Signs a request anew, whatever it carried.
fn signed(mut request: Owned, all: &Vectors) -> Owned {
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
    let secret = all.secret();
    let credentials = Credentials { access_key: &all.access_key, secret: &secret };
    let made = request.seen(|request| sign(request, &Scheme::Sha256, &credentials)).unwrap();
    request.headers.push(("authorization".into(), made.to_string().into_bytes()));
    request
}

#[test]
fn a_request_is_good_for_fifteen_minutes_before_and_after_its_date() {
    let all = Vectors::read();
    let request = all.named("post-json").request();
    let at = |now| request.checked(&all, Payload::Signed, now);
    let minutes = Duration::from_secs(15 * 60);
    for now in [then(), then() + minutes, then() - minutes] {
        assert_eq!(at(now), Ok(()));
    }
    let beyond = minutes + Duration::from_millis(1);
    for now in [then() + beyond, then() - beyond] {
        let error = at(now).unwrap_err();
        assert_eq!(error, Error::Clock { seconds: 900 });
        assert_eq!(error.refusal(), Some(Refusal { status: 401, code: "APIGW.0303" }));
    }
    assert_eq!(at(then() + Duration::from_secs(86_400)), Err(Error::Clock { seconds: 86_400 }));
}

#[test]
fn an_unknown_access_key_and_a_wrong_signature_look_alike() {
    let all = Vectors::read();
    for name in ["post-json", "derived-v11"] {
        let mut unknown = all.named(name).request();
        let header = unknown.header("authorization");
        *header = String::from_utf8(header.clone()).unwrap().replace("AKEXAMPLE", "AKOTHER00").into_bytes();
        let mut wrong = all.named(name).request();
        let last = wrong.header("authorization").last_mut().unwrap();
        *last = if *last == b'0' { b'1' } else { b'0' };
        let unknown = unknown.checked(&all, Payload::Signed, then()).unwrap_err();
        let wrong = wrong.checked(&all, Payload::Signed, then()).unwrap_err();
        assert_eq!(unknown, Error::Signature, "{name}");
        assert_eq!(unknown, wrong, "{name}");
        assert_eq!(unknown.refusal(), Some(Refusal { status: 401, code: "APIGW.0301" }));
    }
}

#[test]
fn nobodys_secret_opens_nothing() {
    let all = Vectors::read();
    let request = all.named("post-json").request();
    // Whatever is computed for an unknown key, some secret signs so: try those that a program might use.
    for secret in [vec![], vec![0; 32], vec![0; 40], vec![0x55; 40]] {
        let secret = crypto::Secret::new(secret);
        let credentials = Credentials { access_key: "AKNOBODY", secret: &secret };
        request.seen(|request| {
            let made = sign(request, &Scheme::Sha256, &credentials).unwrap();
            assert_eq!(verify(request, &made, Payload::Signed, Some(&secret), then()), Ok(()));
            assert_eq!(verify(request, &made, Payload::Signed, None, then()), Err(Error::Signature));
        });
    }
}

#[test]
fn host_date_and_security_token_must_be_signed() {
    let all = Vectors::read();
    let vector = all.named("security-token");
    for name in ["host", "x-sdk-date", "x-security-token"] {
        let request = vector.request();
        let names = request.seen(|request| Authorization::of(request).unwrap().signed().to_string());
        let names: Vec<_> = names.split(';').filter(|other| *other != name).collect();
        let text = format!(
            "SDK-HMAC-SHA256 Access=AK, SignedHeaders={}, Signature={}",
            names.join(";"),
            "0".repeat(64)
        );
        let authorization = Authorization::parse(text.as_bytes()).unwrap();
        let answer = request.seen(|request| verify(request, &authorization, Payload::Signed, None, then()));
        assert_eq!(answer, Err(Error::NotSigned(name)));
    }
    // A token that was put in afterwards.
    let mut request = all.named("post-json").request();
    request.headers.push(("X-Security-Token".into(), b"STOKEN".to_vec()));
    assert_eq!(request.checked(&all, Payload::Signed, then()), Err(Error::NotSigned("x-security-token")));
}

#[test]
fn what_must_be_there_is_there_once() {
    let all = Vectors::read();
    for name in ["host", "x-sdk-date", "authorization"] {
        let mut without = all.named("post-json").request();
        without.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        assert_eq!(without.checked(&all, Payload::Signed, then()), Err(Error::Missing(name)));
    }
    for name in ["host", "x-sdk-date", "authorization", "user-agent"] {
        let mut twice = all.named("post-json").request();
        let value = twice.header(name).clone();
        twice.headers.insert(0, (name.to_uppercase(), value));
        assert_eq!(twice.checked(&all, Payload::Signed, then()), Err(Error::Repeated(name.into())));
    }
    let mut without = all.named("post-json").request();
    without.headers.retain(|(other, _)| other != "User-Agent");
    assert_eq!(without.checked(&all, Payload::Signed, then()), Err(Error::Absent("user-agent".into())));
}

#[test]
fn a_body_is_unsigned_only_where_the_call_allows_it_and_never_in_json() {
    let all = Vectors::read();
    let form = all.named("form-unsigned-payload").request();
    assert_eq!(form.checked(&all, Payload::MayBeUnsigned, then()), Ok(()));
    assert_eq!(form.checked(&all, Payload::Signed, then()), Err(Error::UnsignedPayload));
    let mut other = form.clone();
    other.body = b"a=1&b=3".to_vec();
    assert_eq!(other.checked(&all, Payload::MayBeUnsigned, then()), Ok(()), "which is why it is not taken");

    let mut json = form.clone();
    *json.header("content-type") = b"Application/JSON".to_vec();
    assert_eq!(json.checked(&all, Payload::MayBeUnsigned, then()), Err(Error::UnsignedPayload));

    // The header put in by somebody else, to take the place of a signed hash.
    let mut added = all.named("post-json").request();
    added.headers.push(("X-Sdk-Content-Sha256".into(), b"UNSIGNED-PAYLOAD".to_vec()));
    assert_eq!(
        added.checked(&all, Payload::MayBeUnsigned, then()),
        Err(Error::NotSigned("x-sdk-content-sha256"))
    );

    // An empty body has its hash, also where it need not be signed.
    let mut empty = form;
    empty.body.clear();
    let empty = signed(empty, &all);
    assert_eq!(empty.checked(&all, Payload::MayBeUnsigned, then()), Ok(()));
    let mut filled = empty;
    filled.body = b"a=1".to_vec();
    assert_eq!(filled.checked(&all, Payload::MayBeUnsigned, then()), Err(Error::Signature));
}

#[test]
fn a_header_that_repeats_the_hash_of_the_body_must_be_right() {
    let all = Vectors::read();
    let mut request = all.named("post-json").request();
    let hash = b"a0a328e6b26488a11fde8530ef960df37f8fbb078409583f24a57e0df084ece9".to_vec();
    request.headers.push(("X-Sdk-Content-Sha256".into(), hash));
    let mut request = signed(request, &all);
    assert_eq!(request.checked(&all, Payload::Signed, then()), Ok(()));
    request.body.push(b' ');
    assert_eq!(request.checked(&all, Payload::Signed, then()), Err(Error::Body("x-sdk-content-sha256")));
}

#[test]
fn an_honest_repeat_in_the_same_second_is_taken() {
    let all = Vectors::read();
    let request = all.named("post-json").request();
    for _ in 0..3 {
        assert_eq!(request.checked(&all, Payload::Signed, then()), Ok(()));
    }
}

#[test]
fn the_scheme_leaves_slashes_and_unlisted_headers_open() {
    // Written down, so that nobody takes the signature for more than it is.
    let all = Vectors::read();
    let request = all.named("encoded-slash-in-path").request();
    for path in [request.path.replace("%2F", "/"), format!("{}/", request.path)] {
        let other = Owned { path, ..request.clone() };
        assert_eq!(other.checked(&all, Payload::Signed, then()), Ok(()));
    }
    let mut more = request;
    more.headers.push(("Accept-Encoding".into(), b"gzip".to_vec()));
    assert_eq!(more.checked(&all, Payload::Signed, then()), Ok(()));
}

#[test]
fn a_malformed_authorization_is_refused_by_name() {
    let good = Vectors::read().named("post-json").authorization.clone();
    assert!(Authorization::parse(good.as_bytes()).is_ok());
    for (from, to, says) in [
        ("SDK-HMAC-SHA256 ", "SDK-ECDSA-P256-SHA256 ", "algorithm \"SDK-ECDSA-P256-SHA256\" in"),
        ("SDK-HMAC-SHA256 ", "sdk-hmac-sha256 ", "algorithm \"sdk-hmac-sha256\" in"),
        ("SDK-HMAC-SHA256 ", "Bearer ", "known are SDK-HMAC-SHA256, SDK-HMAC-SM3 and V11-HMAC-SHA256"),
        ("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA256", "is not known"),
        ("Access=", "access=", "Access is not the first field"),
        ("Access=AKEXAMPLE0000000TEST", "Access=", "the access key is empty"),
        ("Access=AKEXAMPLE0000000TEST", "Access=AK/x", "the access key is empty, too long, or no word"),
        (", SignedHeaders=", "; SignedHeaders=", "SignedHeaders is not the second field"),
        ("content-type;host", "content-type;content-type;host", "or has a name twice"),
        ("content-type;host", "host;content-type", "not in order"),
        ("content-type;host", "Content-Type;host", "lower-case names"),
        ("content-type;host", "content-type;;host", "lower-case names"),
        ("content-type;host", "content type;host", "lower-case names"),
        ("Signature=b8ad", "Signature=B8AD", "64 lower-case hexadecimal digits"),
        ("Signature=b8ad", "Signature=b8a", "64 lower-case hexadecimal digits"),
        ("Signature=b8ad", "Signature=b8ad0", "64 lower-case hexadecimal digits"),
        (", Signature=b8ad", ", Signature=b8ad, Signature=b8ad", "more than three fields"),
        ("AKEXAMPLE", "ÄKEXAMPLE", "not ASCII"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        let error = Authorization::parse(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(error.refusal(), Some(Refusal { status: 401, code: "APIGW.0301" }));
    }
}

#[test]
fn an_authorization_is_bounded() {
    let many = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| format!("x-{number:03}")).collect();
        let text = format!(
            "SDK-HMAC-SHA256 Access=AK, SignedHeaders={}, Signature={}",
            names.join(";"),
            "0".repeat(64)
        );
        Authorization::parse(text.as_bytes())
    };
    assert!(many(100).is_ok());
    assert_eq!(
        many(101).unwrap_err().to_string(),
        "the header Authorization is malformed: it lists more than 100 headers"
    );
    assert!(many(100_000).unwrap_err().to_string().contains("longer than 8192 bytes"));
    let long = format!("{} x", "A".repeat(8000));
    assert_eq!(Authorization::parse(long.as_bytes()), Err(Error::Algorithm("A".repeat(64))));
}
