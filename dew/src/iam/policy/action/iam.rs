//! IAM: users, groups, projects, roles and who has them, agencies, access keys, second factors. What anybody may ask (versions,
//! regions, services, endpoints, tokens) has no row. What users may ask of themselves has one, by which it can be denied.

use super::Access::{List, Read, Write};
use super::{Row, row};

const USER: &str = "user";
const GROUP: &str = "group";
const PROJECT: &str = "project";
const ROLE: &str = "role";
const AGENCY: &str = "agency";
const KEY: &str = "credential";
const FACTOR: &str = "mfa";
const ACCOUNT: &str = "domain";

pub(super) static ACTIONS: &[Row] = &[
    // Users.
    row(&["iam:users:createUser"], Write, USER, &["CreateUser", "KeystoneCreateUser"]),
    row(&["iam:users:updateUser"], Write, USER, &["UpdateUser", "KeystoneUpdateUserByAdmin"]),
    row(&["iam:users:updateOwnInformation"], Write, USER, &["UpdateUserInformation"]),
    row(&["iam:users:updateOwnPassword"], Write, USER, &["KeystoneUpdateUserPassword"]),
    row(&["iam:users:deleteUser"], Write, USER, &["KeystoneDeleteUser"]),
    row(&["iam:users:getUser"], Read, USER, &["ShowUser", "KeystoneShowUser"]),
    row(&["iam:users:listUsers"], List, USER, &["KeystoneListUsers"]),
    row(&["iam:users:listUsersForGroup"], List, GROUP, &["KeystoneListUsersForGroupByAdmin"]),
    row(&["iam:users:setUserLoginProtect"], Write, USER, &["UpdateLoginProtect"]),
    row(&["iam:users:getUserLoginProtect"], Read, USER, &["ShowUserLoginProtect"]),
    row(&["iam:users:listUserLoginProtects"], List, USER, &["ListUserLoginProtects"]),
    // Groups.
    row(&["iam:groups:createGroup"], Write, GROUP, &["KeystoneCreateGroup"]),
    row(&["iam:groups:updateGroup"], Write, GROUP, &["KeystoneUpdateGroup"]),
    row(&["iam:groups:deleteGroup"], Write, GROUP, &["KeystoneDeleteGroup"]),
    row(&["iam:groups:getGroup"], Read, GROUP, &["KeystoneShowGroup"]),
    row(&["iam:groups:listGroups"], List, GROUP, &["KeystoneListGroups"]),
    row(&["iam:groups:listGroupsForUser"], List, USER, &["KeystoneListGroupsForUser"]),
    row(&["iam:permissions:addUserToGroup"], Write, GROUP, &["KeystoneAddUserToGroup"]),
    row(&["iam:permissions:removeUserFromGroup"], Write, GROUP, &["KeystoneRemoveUserFromGroup"]),
    row(&["iam:permissions:checkUserInGroup"], Read, GROUP, &["KeystoneCheckUserInGroup"]),
    // Projects.
    row(&["iam:projects:createProject"], Write, PROJECT, &["KeystoneCreateProject"]),
    row(&["iam:projects:updateProject"], Write, PROJECT, &["KeystoneUpdateProject", "UpdateProjectStatus"]),
    row(&["iam:projects:getProject"], Read, PROJECT, &["KeystoneShowProject", "ShowProjectDetailsAndStatus"]),
    row(&["iam:projects:listProjects"], List, PROJECT, &["KeystoneListProjects"]),
    row(&["iam:projects:listProjectsForUser"], List, USER, &["KeystoneListProjectsForUser"]),
    // Roles and policies.
    row(
        &["iam:roles:createRole"],
        Write,
        ROLE,
        &["CreateCloudServiceCustomPolicy", "CreateAgencyCustomPolicy"],
    ),
    row(
        &["iam:roles:updateRole"],
        Write,
        ROLE,
        &["UpdateCloudServiceCustomPolicy", "UpdateAgencyCustomPolicy"],
    ),
    row(&["iam:roles:deleteRole"], Write, ROLE, &["DeleteCustomPolicy"]),
    row(&["iam:roles:getRole"], Read, ROLE, &["KeystoneShowPermission", "ShowCustomPolicy"]),
    row(&["iam:roles:listRoles"], List, ROLE, &["KeystoneListPermissions", "ListCustomPolicies"]),
    // Who has them: groups in the account, in a project, everywhere.
    row(
        &["iam:permissions:grantRoleToGroupOnDomain"],
        Write,
        GROUP,
        &["KeystoneAssociateGroupWithDomainPermission"],
    ),
    row(
        &["iam:permissions:revokeRoleFromGroupOnDomain"],
        Write,
        GROUP,
        &["KeystoneRemoveDomainPermissionFromGroup"],
    ),
    row(
        &["iam:permissions:checkRoleForGroupOnDomain"],
        Read,
        GROUP,
        &["KeystoneCheckDomainPermissionForGroup"],
    ),
    row(
        &["iam:permissions:listRolesForGroupOnDomain"],
        List,
        GROUP,
        &["KeystoneListDomainPermissionsForGroup"],
    ),
    row(
        &["iam:permissions:grantRoleToGroupOnProject"],
        Write,
        GROUP,
        &["KeystoneAssociateGroupWithProjectPermission"],
    ),
    row(
        &["iam:permissions:revokeRoleFromGroupOnProject"],
        Write,
        GROUP,
        &["KeystoneRemoveProjectPermissionFromGroup"],
    ),
    row(
        &["iam:permissions:checkRoleForGroupOnProject"],
        Read,
        GROUP,
        &["KeystoneCheckProjectPermissionForGroup"],
    ),
    row(
        &["iam:permissions:listRolesForGroupOnProject"],
        List,
        GROUP,
        &["KeystoneListProjectPermissionsForGroup"],
    ),
    row(&["iam:permissions:grantRoleToGroup"], Write, GROUP, &["UpdateDomainGroupInheritRole"]),
    row(&["iam:permissions:revokeRoleFromGroup"], Write, GROUP, &["DeleteDomainGroupInheritedRole"]),
    row(&["iam:permissions:checkRoleForGroup"], Read, GROUP, &["KeystoneCheckroleForGroup"]),
    row(&["iam:permissions:listRolesForGroup"], List, GROUP, &["KeystoneListAllProjectPermissionsForGroup"]),
    // Agencies, likewise.
    row(
        &["iam:permissions:grantRoleToAgencyOnDomain"],
        Write,
        AGENCY,
        &["AssociateAgencyWithDomainPermission"],
    ),
    row(
        &["iam:permissions:revokeRoleFromAgencyOnDomain"],
        Write,
        AGENCY,
        &["RemoveDomainPermissionFromAgency"],
    ),
    row(&["iam:permissions:checkRoleForAgencyOnDomain"], Read, AGENCY, &["CheckDomainPermissionForAgency"]),
    row(&["iam:permissions:listRolesForAgencyOnDomain"], List, AGENCY, &["ListDomainPermissionsForAgency"]),
    row(
        &["iam:permissions:grantRoleToAgencyOnProject"],
        Write,
        AGENCY,
        &["AssociateAgencyWithProjectPermission"],
    ),
    row(
        &["iam:permissions:revokeRoleFromAgencyOnProject"],
        Write,
        AGENCY,
        &["RemoveProjectPermissionFromAgency"],
    ),
    row(&["iam:permissions:checkRoleForAgencyOnProject"], Read, AGENCY, &["CheckProjectPermissionForAgency"]),
    row(&["iam:permissions:listRolesForAgencyOnProject"], List, AGENCY, &["ListProjectPermissionsForAgency"]),
    row(&["iam:permissions:grantRoleToAgency"], Write, AGENCY, &["AssociateAgencyWithAllProjectsPermission"]),
    row(&["iam:permissions:revokeRoleFromAgency"], Write, AGENCY, &["RemoveAllProjectsPermissionFromAgency"]),
    row(&["iam:permissions:checkRoleForAgency"], Read, AGENCY, &["CheckAllProjectsPermissionForAgency"]),
    row(&["iam:permissions:listRolesForAgency"], List, AGENCY, &["ListAllProjectsPermissionsForAgency"]),
    // Enterprise projects, likewise.
    row(
        &["iam:permissions:grantRoleToGroupOnEnterpriseProject"],
        Write,
        GROUP,
        &["AssociateRoleToGroupOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:revokeRoleFromGroupOnEnterpriseProject"],
        Write,
        GROUP,
        &["RevokeRoleFromGroupOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:grantRoleToUserOnEnterpriseProject"],
        Write,
        USER,
        &["AssociateRoleToUserOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:revokeRoleFromUserOnEnterpriseProject"],
        Write,
        USER,
        &["RevokeRoleFromUserOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:grantRoleToAgencyOnEnterpriseProject"],
        Write,
        AGENCY,
        &["AssociateRoleToAgencyOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:revokeRoleFromAgencyOnEnterpriseProject"],
        Write,
        AGENCY,
        &["RevokeRoleFromAgencyOnEnterpriseProject"],
    ),
    row(&["iam:permissions:listGroupsOnEnterpriseProject"], List, GROUP, &["ListGroupsForEnterpriseProject"]),
    row(&["iam:permissions:listUsersOnEnterpriseProject"], List, USER, &["ListUsersForEnterpriseProject"]),
    row(
        &["iam:permissions:listRolesForGroupOnEnterpriseProject"],
        List,
        GROUP,
        &["ListRolesForGroupOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:listRolesForUserOnEnterpriseProject"],
        List,
        USER,
        &["ListRolesForUserOnEnterpriseProject"],
    ),
    row(
        &["iam:permissions:listEnterpriseProjectsForGroup"],
        List,
        GROUP,
        &["ListEnterpriseProjectsForGroup"],
    ),
    row(&["iam:permissions:listEnterpriseProjectsForUser"], List, USER, &["ListEnterpriseProjectsForUser"]),
    row(&["iam:permissions:listRoleAssignments"], List, ACCOUNT, &["ShowDomainRoleAssignments"]),
    // Agencies.
    row(&["iam:agencies:createAgency"], Write, AGENCY, &["CreateAgency"]),
    row(&["iam:agencies:updateAgency"], Write, AGENCY, &["UpdateAgency"]),
    row(&["iam:agencies:deleteAgency"], Write, AGENCY, &["DeleteAgency"]),
    row(&["iam:agencies:getAgency"], Read, AGENCY, &["ShowAgency"]),
    row(&["iam:agencies:listAgencies"], List, AGENCY, &["ListAgencies"]),
    row(
        &["iam:agencies:assume"],
        Write,
        AGENCY,
        &["KeystoneCreateAgencyToken", "CreateTemporaryAccessKeyByAgency"],
    ),
    // Access keys.
    row(&["iam:credentials:createCredential"], Write, KEY, &["CreatePermanentAccessKey"]),
    row(&["iam:credentials:updateCredential"], Write, KEY, &["UpdatePermanentAccessKey"]),
    row(&["iam:credentials:deleteCredential"], Write, KEY, &["DeletePermanentAccessKey"]),
    row(&["iam:credentials:getCredential"], Read, KEY, &["ShowPermanentAccessKey"]),
    row(&["iam:credentials:listCredentials"], List, KEY, &["ListPermanentAccessKeys"]),
    // Second factors.
    row(&["iam:mfa:createVirtualMFADevice"], Write, FACTOR, &["CreateMfaDevice"]),
    row(&["iam:mfa:deleteVirtualMFADevice"], Write, FACTOR, &["DeleteMfaDevice"]),
    row(&["iam:mfa:bindMFADevice"], Write, FACTOR, &["CreateBindingDevice"]),
    row(&["iam:mfa:unbindMFADevice"], Write, FACTOR, &["DeleteBindingDevice"]),
    row(&["iam:mfa:getVirtualMFADevice"], Read, FACTOR, &["ShowUserMfaDevice"]),
    row(&["iam:mfa:listVirtualMFADevices"], List, FACTOR, &["ListUserMfaDevices"]),
    // The account.
    row(&["iam:securitypolicies:getLoginPolicy"], Read, ACCOUNT, &["ShowDomainLoginPolicy"]),
    row(&["iam:securitypolicies:updateLoginPolicy"], Write, ACCOUNT, &["UpdateDomainLoginPolicy"]),
    row(&["iam:securitypolicies:getPasswordPolicy"], Read, ACCOUNT, &["ShowDomainPasswordPolicy"]),
    row(&["iam:securitypolicies:updatePasswordPolicy"], Write, ACCOUNT, &["UpdateDomainPasswordPolicy"]),
    row(&["iam:securitypolicies:getProtectPolicy"], Read, ACCOUNT, &["ShowDomainProtectPolicy"]),
    row(&["iam:securitypolicies:updateProtectPolicy"], Write, ACCOUNT, &["UpdateDomainProtectPolicy"]),
    row(&["iam:quotas:listQuotas"], List, ACCOUNT, &["ShowDomainQuota"]),
    row(&["iam:quotas:listQuotasForProject"], List, PROJECT, &["ShowProjectQuota"]),
];
