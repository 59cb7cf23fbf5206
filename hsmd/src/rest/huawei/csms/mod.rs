//! The operations of CSMS.

use crate::rest::failure::Shape;
use crate::rest::operation::{Service, operations};

#[cfg(test)]
mod catalogue;
mod grants;
mod shown;
mod users;
mod values;

pub(crate) static SERVICE: Service = Service {
    name: "csms",
    shape: Shape::Flat,
    not_json: "CSMS.0004",
    missing: "CSMS.0002",
    invalid: "CSMS.0002",
};

operations! {
    &SERVICE =>
    batch_create_or_delete_tags
    batch_import_secrets
    check_secrets
    create_agency
    create_grants
    create_secret
    create_secret_event
    create_secret_stage
    create_secret_tag
    create_secret_version
    delete_grant
    delete_secret
    delete_secret_event
    delete_secret_for_schedule
    delete_secret_stage
    delete_secret_tag
    download_secret_blob
    generate_random_password
    list_grants
    list_notification_records
    list_project_secrets_tags
    list_resource_instances
    list_secret_events
    list_secret_tags
    list_secret_task
    list_secret_versions
    list_secrets
    list_users
    restore_secret
    rotate_secret
    show_agency
    show_secret
    show_secret_event
    show_secret_function_templates
    show_secret_stage
    show_secret_version
    show_secrets_config
    show_user_detail
    update_grant
    update_secret
    update_secret_event
    update_secret_stage
    update_secrets_config
    update_user_password
    update_version
    upload_secret_blob
}
