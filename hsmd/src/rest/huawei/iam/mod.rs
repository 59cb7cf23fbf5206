//! The operations of IAM: the directory of accounts, for those who manage it and for the SDKs, which ask by themselves.

use dew::iam::IamError;

use crate::rest::failure::{Failure, Shape};
use crate::rest::operation::{Service, operations};

mod agency_fields;
mod asked;
mod assignment;
mod claimed;
mod desk;
mod device_fields;
mod policy_fields;
mod shown;
mod token_fields;
mod user_fields;

pub(crate) use claimed::claimed;
pub(super) use show_version::version;

static SERVICE: Service =
    Service { name: "iam", shape: Shape::Identity, not_json: "400", missing: "400", invalid: "400" };

operations! {
    &SERVICE =>
    add_user_to_group
    bind_mfa_device
    caller_identity
    check_agency_domain
    check_agency_everywhere
    check_agency_project
    check_group_domain
    check_group_everywhere
    check_group_project
    check_user_in_group
    create_agency
    create_custom_policy
    create_group
    create_mfa_device
    create_permanent_access_key
    create_project
    create_temporary_access_key
    create_token
    create_user
    delete_agency
    delete_custom_policy
    delete_group
    delete_mfa_device
    delete_permanent_access_key
    delete_user
    give_agency_domain
    give_agency_enterprise
    give_agency_everywhere
    give_agency_project
    give_group_domain
    give_group_enterprise
    give_group_everywhere
    give_group_project
    give_user_enterprise
    keystone_create_user
    keystone_show_user
    keystone_update_user
    list_agencies
    list_agency_domain
    list_agency_everywhere
    list_agency_project
    list_auth_domains
    list_auth_projects
    list_custom_policies
    list_enterprise_projects_for_group
    list_enterprise_projects_for_user
    list_group_domain
    list_group_enterprise
    list_group_everywhere
    list_group_project
    list_groups
    list_groups_for_user
    list_permanent_access_keys
    list_permissions
    list_projects
    list_projects_for_user
    list_regions
    list_role_assignments
    list_user_enterprise
    list_user_login_protects
    list_user_mfa_devices
    list_users
    list_users_for_group
    remove_user_from_group
    show_agency
    show_catalog
    show_custom_policy
    show_domain_quota
    show_group
    show_login_policy
    show_password_policy
    show_permanent_access_key
    show_permission
    show_project
    show_project_details_and_status
    show_project_quota
    show_protect_policy
    show_region
    show_user
    show_user_login_protect
    show_user_mfa_device
    show_version
    take_agency_domain
    take_agency_enterprise
    take_agency_everywhere
    take_agency_project
    take_group_domain
    take_group_enterprise
    take_group_everywhere
    take_group_project
    take_user_enterprise
    unbind_mfa_device
    update_agency
    update_custom_policy
    update_group
    update_login_policy
    update_login_protect
    update_password_policy
    update_permanent_access_key
    update_project
    update_project_status
    update_protect_policy
    update_user
    update_user_information
    update_user_password
    validate_token
}

impl From<IamError> for Failure {
    fn from(error: IamError) -> Self {
        let status = match &error {
            IamError::Name(_)
            | IamError::Description(_)
            | IamError::Contact(_)
            | IamError::Range { .. }
            | IamError::Password(_)
            | IamError::Policy(_)
            | IamError::Region(_)
            | IamError::Invalid(_) => 400,
            IamError::WrongLogin
            | IamError::Locked { .. }
            | IamError::PasswordExpired { .. }
            | IamError::NeedsSecondFactor
            | IamError::NoToken => 401,
            IamError::Quota(_)
            | IamError::Protected(_)
            | IamError::NotTrusted
            | IamError::NeedsUser
            | IamError::Forbidden(_) => 403,
            IamError::Unknown(_) => 404,
            IamError::TooManyCodes { .. } => 429,
            IamError::Taken { .. } | IamError::InUse { .. } | IamError::ChangedMeanwhile => 409,
            IamError::Malformed | IamError::Hsm(_) => 500,
        };
        let message = Self::told("IAM", status, &error);
        Self { status, code: status.to_string().into(), message, shape: None }
    }
}

#[cfg(test)]
mod tests {
    use dew::cts::{TRACED, traced};
    use hyper::Method;

    use super::*;

    #[test]
    fn what_changes_something_leaves_a_trace_and_what_only_looks_leaves_none() {
        for row in OPERATIONS {
            let looks = [Method::GET, Method::HEAD].contains(&row.method);
            assert_eq!(traced(SERVICE.name, row.name).is_none(), looks, "{}", row.name);
        }
        for traced in TRACED.iter().filter(|traced| traced.service == "IAM") {
            assert!(
                OPERATIONS.iter().any(|row| row.name == traced.operation),
                "{} is unknown",
                traced.operation
            );
        }
    }
}
