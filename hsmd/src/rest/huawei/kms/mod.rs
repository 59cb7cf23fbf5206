//! The operations of KMS.

use crate::rest::failure::Shape;
use crate::rest::operation::{Service, operations};

mod base64;
mod hex;
mod new_data_key;
mod new_data_key_pair;
mod shown;

static SERVICE: Service = Service {
    name: "kms",
    shape: Shape::Nested,
    not_json: "KMS.0202",
    missing: "KMS.0204",
    invalid: "KMS.0308",
};

operations! {
    &SERVICE =>
    create_datakey
    create_datakey_without_plaintext
    create_ec_datakey_pair
    create_key
    create_random
    create_rsa_datakey_pair
    decrypt_data
    decrypt_datakey
    derive_shared_secret
    disable_key
    enable_key
    encrypt_data
    encrypt_datakey
    generate_mac
    list_key_detail
    re_encrypt
    show_public_key
    sign
    validate_signature
    verify_mac
}
