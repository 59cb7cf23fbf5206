//! Signed requests with one thing changed: all are refused.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use signing::huawei::{
    Authorization, Credentials, Date, Error, Payload, Scheme, Scope, sign, target, verify,
};

use crate::{Owned, Vectors, then};

/// What is changed.
#[derive(Clone, Copy, Debug)]
enum What {
    Method,
    Path,
    Query,
    Header,
    WithoutHeader,
    Body,
    Signature,
    AccessKey,
    Date,
    SignedHeaders,
}

const ALL: [What; 10] = [
    What::Method,
    What::Path,
    What::Query,
    What::Header,
    What::WithoutHeader,
    What::Body,
    What::Signature,
    What::AccessKey,
    What::Date,
    What::SignedHeaders,
];

/// Puts a digit in, or in the place of something else. Wherever it lands, the meaning is another.
fn with_digit(text: &[u8], at: Index, digit: u8, insert: bool) -> Vec<u8> {
    let mut text = text.to_vec();
    if insert || text.is_empty() {
        text.insert(at.index(text.len() + 1), digit);
    } else {
        let at = at.index(text.len());
        text[at] = if text[at] == digit { b'0' + (digit - b'0' + 1) % 10 } else { digit };
    }
    text
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl What {
    fn change(self, request: &mut Owned, at: Index, digit: u8, insert: bool) {
        let changed = |bytes: &[u8]| with_digit(bytes, at, digit, insert);
        let is_signed = |name: &str| !name.contains('_') && !name.eq_ignore_ascii_case("authorization");
        let signed: Vec<usize> =
            (0..request.headers.len()).filter(|&i| is_signed(&request.headers[i].0)).collect();
        let mut fields = text(request.header("authorization"));
        let split = |fields: &str, before: &str| {
            let at = fields.find(before).unwrap() + before.len();
            (fields[..at].to_owned(), fields[at..].to_owned())
        };
        match self {
            Self::Method => request.method = text(&changed(request.method.as_bytes())),
            Self::Path => request.path = text(&changed(request.path.as_bytes())),
            Self::Query => request.query = text(&changed(request.query.as_bytes())),
            Self::Body => request.body = changed(&request.body),
            Self::Header => {
                let (_, value) = &mut request.headers[signed[at.index(signed.len())]];
                *value = changed(value);
            }
            Self::WithoutHeader => drop(request.headers.remove(signed[at.index(signed.len())])),
            Self::Date => {
                let minute = digit - b'0';
                *request.header("x-sdk-date") = format!("20260601T12{minute:02}01Z").into();
            }
            Self::Signature => {
                let (before, signature) = split(&fields, "Signature=");
                fields = before + &text(&changed(signature.as_bytes()));
            }
            Self::AccessKey => {
                let (before, rest) =
                    split(&fields, if fields.contains("Access=") { "Access=" } else { "Credential=" });
                let end = rest.find([',', '/']).unwrap();
                fields = before + &text(&changed(&rest.as_bytes()[..end])) + &rest[end..];
            }
            Self::SignedHeaders => {
                let (before, rest) = split(&fields, "SignedHeaders=");
                let (names, rest) = rest.split_once(", ").unwrap();
                let mut names: Vec<_> = names.split(';').collect();
                match insert {
                    true => names.push("x-zzz"),
                    false => drop(names.remove(at.index(names.len()))),
                }
                fields = format!("{before}{}, {rest}", names.join(";"));
            }
        }
        if let Some((_, value)) = request.headers.iter_mut().find(|(name, _)| name == "Authorization") {
            *value = fields.into_bytes();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Any one change of what is signed, in any of the SDK's own requests.
    #[test]
    fn a_request_with_one_thing_changed_is_refused(
        which in any::<Index>(),
        what in select(&ALL[..]),
        at in any::<Index>(),
        digit in b'0'..=b'9',
        insert in any::<bool>(),
    ) {
        let all = Vectors::read();
        let vector = which.get(&all.vectors);
        // An unsigned body can be changed: that is what the name says.
        prop_assume!(!(matches!(what, What::Body) && vector.name == "form-unsigned-payload"));
        let good = vector.request();
        prop_assert_eq!(good.checked(&all, vector.payload(), then()), Ok(()));
        let mut changed = good.clone();
        what.change(&mut changed, at, digit, insert);
        let answer = changed.checked(&all, vector.payload(), then());
        prop_assert!(answer.is_err(), "{what:?} of {}: {changed:?}", vector.name);
        prop_assert!(!matches!(answer, Err(Error::Crypto(_))));
    }
}

/// A word for a header's name or an algorithm.
fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9-]{0,10}"
}

prop_compose! {
    /// A request that nobody thought of.
    fn request()(
        method in select(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"][..]),
        path in "(/[^?#\\x00-\\x1f]{0,12}){0,5}",
        query in "[^#\\x00-\\x1f]{0,40}",
        more in vec((name(), "[^\\x00-\\x1f]{0,20}"), 0..6),
        token in proptest::option::of("[!-~]{1,40}"),
        body in vec(any::<u8>(), 0..200),
    ) -> Owned {
        let mut headers = vec![
            ("Host".to_owned(), b"hsm.example:8443".to_vec()),
            ("X-Sdk-Date".to_owned(), b"20260601T120000Z".to_vec()),
        ];
        headers.extend(token.map(|token| ("X-Security-Token".to_owned(), token.into_bytes())));
        for (name, value) in more {
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                headers.push((name, value.into_bytes()));
            }
        }
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        Owned { method: method.to_owned(), path, query, headers, body }
    }
}

fn scheme() -> impl Strategy<Value = Scheme> {
    let date = Date::of(then()).unwrap();
    let scope = ("[a-z0-9-]{1,20}", "[a-z]{1,20}");
    let derived = scope
        .prop_map(move |(region, service)| Scheme::Derived(Scope::new(date, &region, &service).unwrap()));
    prop_oneof![Just(Scheme::Sha256), Just(Scheme::Sm3), derived]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// What we sign we accept, also in the form in which it is sent; another secret's signature we do not.
    #[test]
    fn what_we_sign_we_accept(request in request(), scheme in scheme(), secret in vec(any::<u8>(), 1..80)) {
        let secret = crypto::Secret::new(secret);
        let credentials = Credentials { access_key: "AK", secret: &secret };
        let made = request.seen(|request| sign(request, &scheme, &credentials)).unwrap();
        let read = Authorization::parse(made.to_string().as_bytes()).unwrap();
        let target = target(&request.path, &request.query);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let sent = Owned { path: path.to_owned(), query: query.to_owned(), ..request.clone() };
        for request in [&request, &sent] {
            let answer = |secret| request.seen(|request| verify(request, &read, Payload::Signed, secret, then()));
            prop_assert_eq!(answer(Some(&secret)), Ok(()));
            let mut other = secret.as_bytes().to_vec();
            other[0] ^= 1;
            prop_assert_eq!(answer(Some(&crypto::Secret::new(other))), Err(Error::Signature));
        }
    }
}
