//! What the official SDK signed, byte by byte.

use signing::huawei::{
    Authorization, Credentials, Date, Error, Scheme, Scope, canonical_request, sign, string_to_sign,
};

use crate::{Vector, Vectors, then};

fn scheme(vector: &Vector) -> Scheme {
    Authorization::parse(vector.authorization.as_bytes()).unwrap().scheme().clone()
}

#[test]
fn every_vector_of_the_official_sdk_comes_out_byte_by_byte() {
    let all = Vectors::read();
    assert_eq!(all.vectors.len(), 14);
    for vector in &all.vectors {
        let (name, scheme) = (&vector.name, scheme(vector));
        vector.request().seen(|request| {
            let read = Authorization::of(request).unwrap();
            assert_eq!(read.access_key(), all.access_key, "{name}");
            assert_eq!(read.signature(), vector.signature, "{name}");
            assert_eq!(read.to_string(), vector.authorization, "{name}");
            let canonical = canonical_request(request, &scheme, read.signed(), vector.payload()).unwrap();
            assert_eq!(String::from_utf8(canonical.clone()).unwrap(), vector.canonical_request, "{name}");
            let date = Date::of(then()).unwrap();
            let text = string_to_sign(&scheme, date, &canonical).unwrap();
            assert_eq!(text, vector.string_to_sign, "{name}");
        });
        assert_eq!(vector.request().checked(&all, vector.payload(), then()), Ok(()), "{name}");
    }
}

#[test]
fn what_we_sign_is_what_the_official_sdk_signs() {
    let all = Vectors::read();
    let secret = all.secret();
    for vector in &all.vectors {
        let credentials = Credentials { access_key: &all.access_key, secret: &secret };
        let made = vector.request().seen(|request| sign(request, &scheme(vector), &credentials)).unwrap();
        assert_eq!(made.to_string(), vector.authorization, "{}", vector.name);
    }
}

#[test]
fn a_derived_key_is_good_for_its_day_region_and_service_alone() {
    let all = Vectors::read();
    let request = all.named("derived-v11").request();
    for (other, error) in [
        ("20260602/local-1/csms", Error::ScopeDate),
        ("20260601/local-2/csms", Error::Signature),
        ("20260601/local-1/kms", Error::Signature),
    ] {
        let mut request = request.clone();
        let header = request.header("authorization");
        let text = String::from_utf8(header.clone()).unwrap();
        *header = text.replace("20260601/local-1/csms", other).into_bytes();
        assert_eq!(request.checked(&all, signing::huawei::Payload::Signed, then()), Err(error), "{other}");
    }
    let date = Date::of(then()).unwrap();
    assert!(Scope::new(date, "local/1", "kms").is_err());
    assert!(Scope::new(date, "", "kms").is_err());
}
