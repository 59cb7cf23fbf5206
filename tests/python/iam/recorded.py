"""What is done in IAM leaves traces, which the official SDK of CTS lists, and no secret is in them."""

import json
import os

from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcts.v3 import CtsClient, ListTracesRequest
from huaweicloudsdkiam import v3 as iam
from huaweicloudsdkiam.v3 import IamClient

DOMAIN, PROJECT = os.environ["DOMAIN_ID"], os.environ["PROJECT_ID"]
PASSWORD, WRONG, NEXT = "Correct-1-horse", "Wrong-2-battery", "Right-3-staple"


def client(service, credentials):
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    builder = service.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


def traces(ak=os.environ["AK"], sk=os.environ["SK"], project=PROJECT, **wanted):
    cts = client(CtsClient, BasicCredentials(ak, sk, project))
    return cts.list_traces(ListTracesRequest(trace_type="system", limit=200, **wanted)).traces


def refused(status, call, *arguments):
    try:
        answer = call(*arguments)
    except ServiceResponseException as error:
        assert error.status_code == status, error
        return
    raise AssertionError(f"expected {status}, and it was done: {answer}")


root = client(IamClient, GlobalCredentials(os.environ["AK"], os.environ["SK"], DOMAIN))

option = iam.CreateUserOption(name="ann", domain_id=DOMAIN, password=PASSWORD)
body = iam.CreateUserRequestBody(user=option)
ann = root.create_user(iam.CreateUserRequest(body=body)).user
refused(409, root.create_user, iam.CreateUserRequest(body=body))
option = iam.CreateCredentialOption(user_id=ann.id)
body = iam.CreatePermanentAccessKeyRequestBody(credential=option)
key = root.create_permanent_access_key(iam.CreatePermanentAccessKeyRequest(body=body)).credential
option = iam.KeystoneCreateGroupOption(name="signers")
body = iam.KeystoneCreateGroupRequestBody(group=option)
group = root.keystone_create_group(iam.KeystoneCreateGroupRequest(body=body)).group
root.keystone_add_user_to_group(iam.KeystoneAddUserToGroupRequest(group_id=group.id, user_id=ann.id))
document = iam.ServicePolicy(
    version="1.1", statement=[iam.ServiceStatement(effect="Allow", action=["kms:cmk:list"])]
)
option = iam.ServicePolicyRoleOption(display_name="lister", type="XA", description="lists keys", policy=document)
body = iam.CreateCloudServiceCustomPolicyRequestBody(role=option)
role = root.create_cloud_service_custom_policy(iam.CreateCloudServiceCustomPolicyRequest(body=body)).role
root.keystone_associate_group_with_project_permission(
    iam.KeystoneAssociateGroupWithProjectPermissionRequest(project_id=PROJECT, group_id=group.id, role_id=role.id)
)
option = iam.CreateAgencyOption(name="helpers", domain_id=DOMAIN, trust_domain_id=os.environ["OTHER_DOMAIN_ID"])
body = iam.CreateAgencyRequestBody(agency=option)
agency = root.create_agency(iam.CreateAgencyRequest(body=body)).agency
root.delete_agency(iam.DeleteAgencyRequest(agency_id=agency.id))


# Log-ins, which nobody signs: the right password, a wrong one, and that of nobody.
def log_in(name, password):
    user = iam.PwdPasswordUser(name=name, password=password, domain=iam.PwdPasswordUserDomain(name=ann_of))
    identity = iam.PwdIdentity(methods=["password"], password=iam.PwdPassword(user=user))
    scope = iam.AuthScope(project=iam.AuthScopeProject(id=PROJECT))
    body = iam.KeystoneCreateUserTokenByPasswordRequestBody(auth=iam.PwdAuth(identity=identity, scope=scope))
    return root.keystone_create_user_token_by_password(iam.KeystoneCreateUserTokenByPasswordRequest(body=body))


ann_of = root.keystone_list_auth_domains(iam.KeystoneListAuthDomainsRequest()).domains[0].name
token = log_in("ann", PASSWORD).x_subject_token
refused(401, log_in, "ann", WRONG)
refused(401, log_in, "nobody", WRONG)
identity = iam.TokenAuthIdentity(methods=["token"], token=iam.IdentityToken(id=token))
body = iam.CreateTemporaryAccessKeyByTokenRequestBody(auth=iam.TokenAuth(identity=identity))
short = root.create_temporary_access_key_by_token(iam.CreateTemporaryAccessKeyByTokenRequest(body=body)).credential
option = iam.UpdateUserOption(password=NEXT)
root.update_user(iam.UpdateUserRequest(user_id=ann.id, body=iam.UpdateUserRequestBody(user=option)))
root.delete_permanent_access_key(iam.DeletePermanentAccessKeyRequest(access_key=key.access))
root.keystone_delete_user(iam.KeystoneDeleteUserRequest(user_id=ann.id))

left = traces(service_type="IAM")
found = [(trace.trace_name, trace.trace_rating, trace.resource_type, trace.resource_id, trace.resource_name) for trace in left]
expected = [
    ("deleteUser", "normal", "user", ann.id, "ann"),
    ("deleteCredential", "normal", "user", ann.id, "ann"),
    ("updateUser", "normal", "user", ann.id, "ann"),
    ("createTemporaryCredential", "normal", "user"),
    ("createTokenByPwd", "warning", "token", "", ""),
    ("createTokenByPwd", "warning", "token", ann.id, "ann"),
    ("createTokenByPwd", "normal", "token", ann.id, "ann"),
    ("deleteAgency", "normal", "agency", agency.id, "helpers"),
    ("createAgency", "normal", "agency", agency.id, "helpers"),
    ("assignRoleToGroupOnProject", "normal", "roleGroupProject", role.id, "lister"),
    ("createRole", "normal", "role", role.id, "lister"),
    ("addUserToGroup", "normal", "userGroup", group.id, "signers"),
    ("createUserGroup", "normal", "userGroup", group.id, "signers"),
    ("addCredential", "normal", "user", ann.id, "ann"),
    ("createUser", "warning", "user", "", "ann"),
    ("createUser", "normal", "user", ann.id, "ann"),
]
assert len(found) == len(expected), found
for one, wanted in zip(found, expected):
    assert one[: len(wanted)] == wanted, (one, wanted)
for trace in left:
    shown = json.dumps(trace.to_dict())
    for secret in (PASSWORD, WRONG, NEXT, key.secret, short.secret, short.securitytoken, token):
        assert secret not in shown, (trace.trace_name, shown)
    assert trace.trace_type == "ApiCall", trace
assert [trace.user.name for trace in left if trace.trace_name == "createTokenByPwd"] == [ann_of, "ann", "ann"]
assert {trace.user.name for trace in left if trace.trace_name != "createTokenByPwd"} == {ann_of}
assert [trace.trace_name for trace in traces(service_type="IAM", user="ann", trace_rating="warning")] == ["createTokenByPwd"]
# Another account sees nothing of it.
other = traces(os.environ["OTHER_AK"], os.environ["OTHER_SK"], os.environ["OTHER_PROJECT_ID"], service_type="IAM")
assert other == [], other
print("recorded: ok")
