//! Partitions and objects as the console shows them.

use hsm::object::{Attr, Class, Object};
use hsm::partition::Partition;
use hsm::policy::Profile;
use wire::admin;

use crate::config::Pins;

/// What a key may be used for: the attribute, and the word for it.
const USAGES: [(Attr, &str); 10] = [
    (Attr::ENCRYPT, "encrypt"),
    (Attr::DECRYPT, "decrypt"),
    (Attr::SIGN, "sign"),
    (Attr::SIGN_RECOVER, "sign-recover"),
    (Attr::VERIFY, "verify"),
    (Attr::VERIFY_RECOVER, "verify-recover"),
    (Attr::WRAP, "wrap"),
    (Attr::UNWRAP, "unwrap"),
    (Attr::DERIVE, "derive"),
    (Attr::TRUSTED, "trusted"),
];

/// A partition; `pins` says how many wrong tries lock one.
pub(super) fn partition(partition: &Partition, pins: &Pins) -> admin::Partition {
    let tries = partition.tries();
    admin::Partition {
        slot: partition.slot().0,
        label: partition.label(),
        serial: partition.serial(),
        uri: partition.uri(),
        policy: policy(partition.profile()).into(),
        initialized: partition.is_initialized(),
        user_pin: partition.has_user_pin(),
        so_pin_failures: tries.so,
        user_pin_failures: tries.user,
        so_pin_locked: tries.so >= pins.so_tries,
        user_pin_locked: tries.user >= pins.user_tries,
        objects: partition.object_count(),
        sessions: partition.sessions(),
    }
}

const fn policy(profile: Profile) -> &'static str {
    match profile {
        Profile::Strict => "strict",
        Profile::Standard => "standard",
        Profile::Legacy => "legacy",
    }
}

/// An object, without the value of any key.
pub(super) fn object(object: &Object) -> admin::Object {
    let plain = |attribute| object.attributes().plain(attribute).unwrap_or_default();
    let is_key = matches!(object.class(), Class::PUBLIC_KEY | Class::PRIVATE_KEY | Class::SECRET_KEY);
    let usages = USAGES.iter().filter(|(attribute, _)| is_key && object.flag(*attribute));
    admin::Object {
        number: object.number,
        unique_id: object.unique_id().to_owned(),
        class: object.class().to_string(),
        kind: object.key_type().map(|kind| kind.to_string()).unwrap_or_default(),
        bits: bits(object),
        label: label(object),
        id: plain(Attr::ID).iter().map(|byte| format!("{byte:02x}")).collect(),
        private: object.flag(Attr::PRIVATE),
        sensitive: object.flag(Attr::SENSITIVE),
        extractable: object.flag(Attr::EXTRACTABLE),
        usages: usages.map(|(_, word)| (*word).to_owned()).collect(),
    }
}

/// `CKA_LABEL`
pub(super) fn label(object: &Object) -> String {
    String::from_utf8_lossy(object.attributes().plain(Attr::LABEL).unwrap_or_default()).into_owned()
}

/// The size of a key: of the modulus of RSA, or of a secret.
fn bits(object: &Object) -> u64 {
    let attributes = object.attributes();
    let modulus = || attributes.plain(Attr::MODULUS).map(|modulus| modulus.len() as u64 * 8);
    let secret = || attributes.ulong(Attr::VALUE_LEN).map(|bytes| bytes * 8);
    attributes.ulong(Attr::MODULUS_BITS).or_else(modulus).or_else(secret).unwrap_or(0)
}
