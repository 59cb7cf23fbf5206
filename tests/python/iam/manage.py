"""The official SDK of IAM manages an account: projects, users, groups, policies, agencies, keys, tokens, second factors."""

import base64
import hashlib
import hmac
import os
import struct
import time

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkiam import v3 as iam
from huaweicloudsdkiam.v3 import IamClient

DOMAIN, PROJECT = os.environ["DOMAIN_ID"], os.environ["PROJECT_ID"]
PASSWORD = "Correct-1-horse"


def client(ak, sk, token=None):
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    credentials = GlobalCredentials(ak, sk, DOMAIN)
    if token:
        credentials = credentials.with_security_token(token)
    builder = IamClient.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


def refused(status, call, *arguments):
    try:
        answer = call(*arguments)
    except ServiceResponseException as error:
        assert error.status_code == status and str(error.error_code) == str(status), error
        assert len(error.request_id) == 32 and error.error_msg, error
        return
    raise AssertionError(f"expected {status}, and it was done: {answer}")


def code(seed, step):
    mac = hmac.new(base64.b32decode(seed + "=" * (-len(seed) % 8)), struct.pack(">Q", step), hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


root = client(os.environ["AK"], os.environ["SK"])

# What the SDKs ask by themselves.
domains = root.keystone_list_auth_domains(iam.KeystoneListAuthDomainsRequest()).domains
assert [domain.id for domain in domains] == [DOMAIN] and domains[0].enabled is True
projects = root.keystone_list_projects(iam.KeystoneListProjectsRequest()).projects
assert PROJECT in [project.id for project in projects]
region = next(project.name for project in projects if project.id == PROJECT)
named = root.keystone_list_projects(iam.KeystoneListProjectsRequest(name=region)).projects
assert [project.id for project in named] == [PROJECT] and named[0].is_domain is False
assert root.keystone_list_projects(iam.KeystoneListProjectsRequest(name="nowhere")).projects == []
shown = root.keystone_show_project(iam.KeystoneShowProjectRequest(project_id=PROJECT)).project
assert shown.domain_id == DOMAIN and shown.enabled is True
refused(404, root.keystone_show_project, iam.KeystoneShowProjectRequest(project_id="0" * 32))

# A project of the region.
option = iam.KeystoneCreateProjectOption(name=f"{region}_shop", parent_id=PROJECT)
body = iam.KeystoneCreateProjectRequestBody(project=option)
shop = root.keystone_create_project(iam.KeystoneCreateProjectRequest(body=body)).project
refused(409, root.keystone_create_project, iam.KeystoneCreateProjectRequest(body=body))

# Users.
option = iam.CreateUserOption(name="ann", domain_id=DOMAIN, password=PASSWORD, email="ann@example.com")
body = iam.CreateUserRequestBody(user=option)
ann = root.create_user(iam.CreateUserRequest(body=body)).user
assert ann.enabled is True and ann.is_domain_owner is False and ann.email == "ann@example.com"
refused(409, root.create_user, iam.CreateUserRequest(body=body))
for name, password in [("an\u200bn", PASSWORD), ("", PASSWORD), ("bob", "short")]:
    option = iam.CreateUserOption(name=name, domain_id=DOMAIN, password=password)
    refused(400, root.create_user, iam.CreateUserRequest(body=iam.CreateUserRequestBody(user=option)))
users = root.keystone_list_users(iam.KeystoneListUsersRequest(name="ann")).users
assert [user.id for user in users] == [ann.id]
assert root.show_user(iam.ShowUserRequest(user_id=ann.id)).user.access_mode == "default"
refused(404, root.show_user, iam.ShowUserRequest(user_id="0" * 32))

# Her access key. She may do nothing, but ask about herself.
option = iam.CreateCredentialOption(user_id=ann.id, description="hers")
body = iam.CreatePermanentAccessKeyRequestBody(credential=option)
key = root.create_permanent_access_key(iam.CreatePermanentAccessKeyRequest(body=body)).credential
assert len(key.access) == 20 and len(key.secret) == 40 and key.status == "active"
hers = client(key.access, key.secret)
refused(403, hers.keystone_list_users, iam.KeystoneListUsersRequest())
assert hers.show_user(iam.ShowUserRequest(user_id=ann.id)).user.name == "ann"
assert len(hers.list_permanent_access_keys(iam.ListPermanentAccessKeysRequest()).credentials) == 1

# What is given to a group reaches her.
option = iam.KeystoneCreateGroupOption(name="readers", domain_id=DOMAIN)
body = iam.KeystoneCreateGroupRequestBody(group=option)
group = root.keystone_create_group(iam.KeystoneCreateGroupRequest(body=body)).group
assert isinstance(group.create_time, int)
root.keystone_add_user_to_group(iam.KeystoneAddUserToGroupRequest(group_id=group.id, user_id=ann.id))
root.keystone_check_user_in_group(iam.KeystoneCheckUserInGroupRequest(group_id=group.id, user_id=ann.id))
roles = root.keystone_list_permissions(iam.KeystoneListPermissionsRequest(display_name="IAM ReadOnlyAccess")).roles
give = iam.KeystoneAssociateGroupWithDomainPermissionRequest(domain_id=DOMAIN, group_id=group.id, role_id=roles[0].id)
root.keystone_associate_group_with_domain_permission(give)
assert len(hers.keystone_list_users(iam.KeystoneListUsersRequest()).users) == 2
refused(403, hers.keystone_delete_user, iam.KeystoneDeleteUserRequest(user_id=ann.id))
ask = iam.KeystoneListDomainPermissionsForGroupRequest(domain_id=DOMAIN, group_id=group.id)
assert [role.id for role in root.keystone_list_domain_permissions_for_group(ask).roles] == [roles[0].id]
take = iam.KeystoneRemoveDomainPermissionFromGroupRequest(domain_id=DOMAIN, group_id=group.id, role_id=roles[0].id)
root.keystone_remove_domain_permission_from_group(take)
refused(403, hers.keystone_list_users, iam.KeystoneListUsersRequest())

# A policy of the account, in a project.
statement = iam.ServiceStatement(action=["kms:cmk:get"], effect="Allow")
policy = iam.ServicePolicy(version="1.1", statement=[statement])
option = iam.ServicePolicyRoleOption(display_name="look", type="XA", description="look", policy=policy)
body = iam.CreateCloudServiceCustomPolicyRequestBody(role=option)
role = root.create_cloud_service_custom_policy(iam.CreateCloudServiceCustomPolicyRequest(body=body)).role
give = iam.KeystoneAssociateGroupWithProjectPermissionRequest(project_id=PROJECT, group_id=group.id, role_id=role.id)
root.keystone_associate_group_with_project_permission(give)
assert root.show_custom_policy(iam.ShowCustomPolicyRequest(role_id=role.id)).role.references == 1
refused(409, root.delete_custom_policy, iam.DeleteCustomPolicyRequest(role_id=role.id))
given = root.show_domain_role_assignments(iam.ShowDomainRoleAssignmentsRequest(domain_id=DOMAIN))
assert given.total_num == 1 and given.role_assignments[0].group.id == group.id
for found, filters in [
    (1, {"subject": "group", "scope": "project"}),
    (1, {"subject_user_id": ann.id, "scope_project_id": PROJECT}),
    (0, {"subject_user_id": ann.id, "include_group": False}),
    (1, {"subject": "user"}),
    (0, {"subject": "agency"}),
    (0, {"subject_group_id": "0" * 32}),
    (0, {"scope": "domain"}),
    (0, {"scope_domain_id": DOMAIN, "is_inherited": True}),
    (0, {"scope": "enterprise_project"}),
    (0, {"scope_project_id": shop.id}),
    (0, {"role_id": roles[0].id}),
]:
    given = root.show_domain_role_assignments(iam.ShowDomainRoleAssignmentsRequest(domain_id=DOMAIN, **filters))
    assert given.total_num == len(given.role_assignments) == found, filters
for wrong in [{"subject": "users"}, {"subject": "user", "subject_user_id": ann.id}]:
    refused(400, root.show_domain_role_assignments, iam.ShowDomainRoleAssignmentsRequest(domain_id=DOMAIN, **wrong))

# What agencies are given in enterprise projects: all that a request names, or nothing.
option = iam.CreateAgencyOption(name="helpers", domain_id=DOMAIN, trust_domain_name="other")
agency = root.create_agency(iam.CreateAgencyRequest(body=iam.CreateAgencyRequestBody(agency=option))).agency


def assignment(policy, to=agency.id):
    return iam.CreateAgencyEpPolicyAssignmentReqBodyRoleAssignments(
        agency_id=to, enterprise_project_id="0", role_id=policy
    )


def assign(*some):
    body = iam.CreateAgencyEpPolicyAssignmentReqBody(role_assignments=list(some))
    return iam.AssociateRoleToAgencyOnEnterpriseProjectRequest(body=body)


def of_agencies():
    ask = iam.ShowDomainRoleAssignmentsRequest(domain_id=DOMAIN, subject="agency")
    return [given.role.id for given in root.show_domain_role_assignments(ask).role_assignments]


give_agencies = root.associate_role_to_agency_on_enterprise_project
refused(404, give_agencies, assign(assignment(role.id), assignment(role.id, "0" * 32)))
refused(400, give_agencies, assign(*[assignment(role.id)] * 251))
assert of_agencies() == []
give_agencies(assign(assignment(role.id)))
assert of_agencies() == [role.id]
body = iam.CreateOrDelAgencyEpPolicyAssignmentReqBody(role_assignments=[assignment(role.id)])
ask = iam.RevokeRoleFromAgencyOnEnterpriseProjectRequest(body=body)
root.revoke_role_from_agency_on_enterprise_project(ask)
refused(404, root.revoke_role_from_agency_on_enterprise_project, ask)
assert of_agencies() == []
# Nor is an agency given one of the two roles that are for no agency.
for name in ["secu_admin", "te_agency"]:
    (kept,) = [one for one in root.keystone_list_permissions(iam.KeystoneListPermissionsRequest()).roles if one.name == name]
    give = iam.AssociateAgencyWithDomainPermissionRequest(domain_id=DOMAIN, agency_id=agency.id, role_id=kept.id)
    refused(403, root.associate_agency_with_domain_permission, give)

# Tokens by password; a key that expires by token.
user = iam.PwdPasswordUser(domain=iam.PwdPasswordUserDomain(name=domains[0].name), name="ann", password=PASSWORD)
identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user=user))
auth = iam.PwdAuth(identity=identity, scope=iam.AuthScope(project=iam.AuthScopeProject(id=PROJECT)))
body = iam.KeystoneCreateUserTokenByPasswordRequestBody(auth=auth)
made = root.keystone_create_user_token_by_password(iam.KeystoneCreateUserTokenByPasswordRequest(body=body))
assert made.x_subject_token and made.token.user.id == ann.id and made.token.project.id == PROJECT
ask = iam.KeystoneValidateTokenRequest(x_subject_token=made.x_subject_token)
assert root.keystone_validate_token(ask).token.methods == ["password"]
user.password = "wrong"
refused(401, root.keystone_create_user_token_by_password, iam.KeystoneCreateUserTokenByPasswordRequest(body=body))
token = iam.IdentityToken(id=made.x_subject_token, duration_seconds=900)
auth = iam.TokenAuth(identity=iam.TokenAuthIdentity(methods=["token"], token=token))
body = iam.CreateTemporaryAccessKeyByTokenRequestBody(auth=auth)
ask = iam.CreateTemporaryAccessKeyByTokenRequest(body=body)
temporary = root.create_temporary_access_key_by_token(ask).credential
hers_for_now = client(temporary.access, temporary.secret, temporary.securitytoken)
assert hers_for_now.show_user(iam.ShowUserRequest(user_id=ann.id)).user.name == "ann"

# A second factor.
option = iam.CreateMfaDevice(name="phone", user_id=ann.id)
ask = iam.CreateMfaDeviceRequest(body=iam.CreateMfaDeviceReq(virtual_mfa_device=option))
device = hers.create_mfa_device(ask).virtual_mfa_device
step = int(time.time()) // 30
bind = iam.BindMfaDevice(
    user_id=ann.id,
    serial_number=device.serial_number,
    authentication_code_first=code(device.base32_string_seed, step - 1),
    authentication_code_second=code(device.base32_string_seed, step),
)
hers.create_binding_device(iam.CreateBindingDeviceRequest(body=bind))
assert len(root.list_user_mfa_devices(iam.ListUserMfaDevicesRequest()).virtual_mfa_devices) == 1

# Disabled, all that she has ends.
option = iam.UpdateUserOption(enabled=False)
root.update_user(iam.UpdateUserRequest(user_id=ann.id, body=iam.UpdateUserRequestBody(user=option)))
for dead in [hers, hers_for_now]:
    try:
        dead.show_user(iam.ShowUserRequest(user_id=ann.id))
        raise AssertionError("a disabled user still signs")
    except ServiceResponseException as error:
        assert error.status_code == 401, error

# Policies of the account, and quotas.
ask = iam.ShowDomainProtectPolicyRequest(domain_id=DOMAIN)
assert root.show_domain_protect_policy(ask).protect_policy.operation_protection is False
resources = root.show_domain_quota(iam.ShowDomainQuotaRequest(domain_id=DOMAIN, type="user")).quotas.resources
assert [resource.used for resource in resources] == [2]
refused(403, root.show_domain_protect_policy, iam.ShowDomainProtectPolicyRequest(domain_id="0" * 32))

# And all goes again.
root.delete_agency(iam.DeleteAgencyRequest(agency_id=agency.id))
root.keystone_delete_group(iam.KeystoneDeleteGroupRequest(group_id=group.id))
root.delete_custom_policy(iam.DeleteCustomPolicyRequest(role_id=role.id))
root.keystone_delete_user(iam.KeystoneDeleteUserRequest(user_id=ann.id))
refused(404, root.show_user, iam.ShowUserRequest(user_id=ann.id))
print("managed")
