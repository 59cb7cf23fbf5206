//! The operations of KMS.

use crate::rest::failure::Shape;
use crate::rest::operation::{Service, operations};

mod base64;
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
    create_key
    decrypt_data
    disable_key
    enable_key
    encrypt_data
    list_key_detail
}
