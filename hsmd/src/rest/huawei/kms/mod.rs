//! The operations of KMS.

use crate::rest::failure::Shape;
use crate::rest::operation::{Service, operations};

pub(super) mod base64;
mod capsules;
#[cfg(test)]
mod catalogue;
mod grants;
mod hex;
mod keyspaces;
mod new_data_key;
mod new_data_key_pair;
pub(super) mod shown;
mod stores;

pub(crate) static SERVICE: Service = Service {
    name: "kms",
    shape: Shape::Nested,
    not_json: "KMS.0202",
    missing: "KMS.0204",
    invalid: "KMS.0308",
};

operations! {
    &SERVICE =>
    associate_alias
    batch_create_kms_tags
    cancel_grant
    cancel_key_deletion
    cancel_self_grant
    create_access_point
    create_alias
    create_datakey
    create_datakey_capsule
    create_datakey_without_plaintext
    create_ec_datakey_pair
    create_grant
    create_key
    create_key_policy
    create_key_store
    create_kms_tag
    create_parameters_for_import
    create_pin
    create_random
    create_rsa_datakey_pair
    decrypt_data
    decrypt_datakey
    decrypt_datakey_capsule
    delete_access_point
    delete_alias
    delete_imported_key_material
    delete_key
    delete_key_policy
    delete_key_store
    delete_tag
    derive_shared_secret
    disable_access_point
    disable_key
    disable_key_rotation
    disable_key_store
    download_access_point_private_key
    enable_access_point
    enable_key
    enable_key_rotation
    enable_key_store
    encrypt_data
    encrypt_datakey
    generate_mac
    import_key_material
    list_access_point
    list_aliases
    list_grants
    list_key_detail
    list_key_policy
    list_key_stores
    list_keys
    list_kms_by_tags
    list_kms_tags
    list_retirable_grants
    list_support_regions
    re_encrypt
    replicate_key
    rotate_on_demand
    show_key_policy
    show_key_rotation_status
    show_key_store
    show_kms_tags
    show_public_key
    show_user_instances
    show_user_quotas
    show_version
    show_versions
    sign
    update_key_alias
    update_key_description
    update_key_policy
    update_key_rotation_interval
    update_primary_region
    validate_signature
    verify_mac
}
