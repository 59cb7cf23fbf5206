//! Public keys from the token in the form that the openssl command line reads.

use crate::Hsm;

/// Writes the public key with this id, as `pkcs11-tool` reads it, to `pub.pem`.
///
/// OpenSC 0.23 with OpenSSL 3 writes EC keys on P-256 only, so those are put together from its listing.
///
/// # Panics
/// If the key cannot be read, or openssl does not take it.
pub fn export_public(hsm: &Hsm, id: &str) {
    let list = hsm.user("--list-objects --type pubkey").succeeds().out();
    let wanted = format!("ID:         {id}");
    let list = list
        .split("Public Key Object")
        .find(|object| object.lines().any(|line| line.trim() == wanted))
        .unwrap_or_else(|| panic!("no public key has the id {id}: {list}"));
    let field = |name: &str| {
        let value = list.lines().find_map(|line| line.trim().strip_prefix(name));
        value.map(|value| from_hex(value.split_whitespace().next().unwrap_or_default()))
    };
    if let (Some(point), Some(params)) = (field("EC_POINT:"), field("EC_PARAMS:")) {
        let point = inner(&point);
        let algorithm = if list.contains("EC_EDWARDS") {
            vec![0x06, 3, 0x2b, 0x65, 0x70]
        } else {
            [&[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1][..], &params].concat()
        };
        let key = tlv(0x03, &[&[0], point].concat());
        hsm.write("pub.der", tlv(0x30, &[tlv(0x30, &algorithm), key].concat()));
    } else {
        hsm.user(&format!("--read-object --type pubkey --id {id} --output-file pub.der")).succeeds().done();
    }
    hsm.line("openssl pkey -pubin -inform DER -in pub.der -out pub.pem").succeeds().done();
}

fn from_hex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("{hex:?} is not hex"))).collect()
}

/// The content of a DER OCTET STRING; of an Ed25519 point that comes bare, the point itself.
fn inner(point: &[u8]) -> &[u8] {
    match point {
        [0x04, 0x81, _, rest @ ..] => rest,
        [0x04, len, rest @ ..] if usize::from(*len) == rest.len() => rest,
        bare => bare,
    }
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u8::try_from(content.len()).expect("a public key of an elliptic curve is short");
    let head = if len < 0x80 { vec![tag, len] } else { vec![tag, 0x81, len] };
    [&head, content].concat()
}
