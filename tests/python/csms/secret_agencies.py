"""Agencies of rotation, templates of programs, and the vault's users, by the official SDK."""

import os

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcts.v3 import ListTracesRequest
from huaweicloudsdkiam.v3 import *
from huaweicloudsdkcsms.v1 import *  # after IAM, which has agencies too

from sdk import client, refused, traces_client, typed

csms = client(of=CsmsClient)
other = client(
    os.environ["OTHER_AK"], os.environ["OTHER_SK"], os.environ["OTHER_PROJECT_ID"], of=CsmsClient
)
config = HttpConfig.get_default_config()
config.ssl_ca_cert = os.environ["CA_FILE"]
credentials = GlobalCredentials(os.environ["AK"], os.environ["SK"], os.environ["DOMAIN_ID"])
iam = (
    IamClient.new_builder()
    .with_http_config(config)
    .with_credentials(credentials)
    .with_endpoint(os.environ["KMS_ENDPOINT"])
    .build()
)


def granted(kind, by=csms):
    answer = by.show_agency(ShowAgencyRequest(secret_type=kind))
    return typed(answer, agency_granted=str).agency_granted


def make(kind, by=csms):
    body = CreateAgencyRequestBody(secret_type=kind)
    return by.create_agency(CreateAgencyRequest(body=body)).agencies


# The agencies.
for kind, name in (
    ("RDS-FG", "FunctionGraphAgencyForRotateRDSByCSMSV3"),
    ("GaussDB-FG", "FunctionGraphAgencyForRotateGaussDBByCSMSV3"),
):
    assert granted(kind) == "false"
    made = make(kind)
    assert [agency.agency_name for agency in made] == ["CSMSAccessFunctionGraph", name], made
    for agency in made:
        typed(agency, agency_name=str, agency_id=str)
        assert agency.error_msg is None, agency
    assert granted(kind) == "true"
    assert [agency.to_dict() for agency in make(kind)] == [agency.to_dict() for agency in made]
refused(400, "CSMS.0002", make, "COMMON")
refused(400, "CSMS.0002", granted, "ORACLE")
assert granted("RDS-FG", other) == "false"
known = iam.list_agencies(ListAgenciesRequest(domain_id=os.environ["DOMAIN_ID"], name=name)).agencies
assert [agency.trust_domain_name for agency in known] == ["op_svc_cff"], known

# Whoever may do all of CSMS and nothing of IAM makes none, and is told what it lacks.
NEW = "Pa55-word-of-ann"
body = CreateUserRequestBody(
    user=CreateUserOption(
        name="ann", domain_id=os.environ["DOMAIN_ID"], password=NEW, email="ann@example.com", pwd_status=False
    )
)
user = iam.create_user(CreateUserRequest(body=body)).user.id
group = KeystoneCreateGroupOption(name="ops")
body = KeystoneCreateGroupRequestBody(group=group)
group = iam.keystone_create_group(KeystoneCreateGroupRequest(body=body)).group.id
iam.keystone_add_user_to_group(KeystoneAddUserToGroupRequest(group_id=group, user_id=user))
roles = iam.keystone_list_permissions(KeystoneListPermissionsRequest(display_name="CSMS FullAccess")).roles
iam.keystone_associate_group_with_project_permission(
    KeystoneAssociateGroupWithProjectPermissionRequest(
        project_id=os.environ["PROJECT_ID"], group_id=group, role_id=roles[0].id
    )
)
body = CreatePermanentAccessKeyRequestBody(credential=CreateCredentialOption(user_id=user))
key = iam.create_permanent_access_key(CreatePermanentAccessKeyRequest(body=body)).credential
ann = client(key.access, key.secret, of=CsmsClient)
error = refused(403, "CSMS.0302", make, "RDS-FG", ann)
assert "iam:permissions:grantRoleToAgencyOnProject" in error.error_msg, error
nowhere = client(project=os.environ["OTHER_PROJECT_ID"], of=CsmsClient)
refused(403, "CSMS.0302", granted, "RDS-FG", nowhere)


# Templates: programs that Python takes.
def template(kind, sub_type, engine=None):
    asked = ShowSecretFunctionTemplatesRequest(
        secret_type=kind, secret_sub_type=sub_type, engine=engine
    )
    answer = csms.show_secret_function_templates(asked)
    return typed(answer, function_templates=str).function_templates


for sub_type in ("SingleUser", "MultiUser"):
    for kind, engine in (("RDS-FG", "mysql"), ("RDS-FG", "postgresql"), ("GaussDB-FG", None)):
        program = template(kind, sub_type, engine)
        compile(program, "template", "exec")
        for word in ("KIND", "ENGINE", "SUB_TYPE", "ABOUT", "CONNECT", "WHOSE", "SET"):
            assert word not in program.replace("SYS", "").split(), program
        assert (kind in program) and (engine or "mysql") in program and sub_type in program
refused(400, "CSMS.0002", template, "RDS-FG", "SingleUser", "sqlserver")
refused(400, "CSMS.0002", template, "COMMON", "SingleUser", "mysql")
refused(400, "CSMS.0002", template, "RDS-FG", "NoUser", "mysql")
refused(400, "CSMS.0002", template, "GaussDB-FG", "SingleUser", "postgresql")


# The vault's users.
def users(by=csms, offset=0, limit=10, **more):
    return by.list_users(ListUsersRequest(offset=offset, limit=limit, **more))


listed = users(user_info="ann")
assert listed.total == 1 and len(listed.users) == 1, listed
one = typed(
    listed.users[0], user_id=str, org_id=str, user_name=str, pwd_must_modify=bool, disabled=str, created_at=str
)
assert (one.user_id, one.user_name, one.email, one.disabled) == (user, "ann", "ann@example.com", "false"), one
assert one.org_id == os.environ["DOMAIN_ID"]
everybody = users().total
last = users(offset=everybody - 1)
assert last.total == everybody and [found.user_id for found in last.users] == [user], last
refused(400, "CSMS.0002", lambda: users(limit=9))
refused(400, "CSMS.0002", lambda: users(limit=101))
refused(400, "CSMS.0002", lambda: users(org_id=os.environ["OTHER_DOMAIN_ID"]))
refused(403, "CSMS.0302", users, ann)


def show(id, by=csms):
    return by.show_user_detail(ShowUserDetailRequest(user_id=id))


shown = typed(show(user), user_name=str, disabled=bool, pwd_must_modify=bool, created_at=str, domain_id=str)
assert (shown.user_name, shown.disabled, shown.domain_id) == ("ann", False, os.environ["DOMAIN_ID"]), shown
assert show(user, ann).user_name == "ann"
unknown = refused(400, "CSMS.0005", show, "0" * 32)
theirs = refused(400, "CSMS.0005", show, user, other)
assert unknown.error_msg == theirs.error_msg


# Ann's password.
def change(old, new, by=ann):
    body = ChangeUsersPassword(password=new, old_password=old)
    return by.update_user_password(UpdateUserPasswordRequest(body=body))


refused(403, "CSMS.0302", change, "wrong-Pa55", "An0ther-word")
error = refused(400, "CSMS.0002", change, NEW, "short")
assert "short" not in error.error_msg, error
assert typed(change(NEW, "An0ther-word"), user_id=str).user_id == user
refused(403, "CSMS.0302", change, NEW, "A-th1rd-word")
assert show(user).pwd_must_modify is False
traces = traces_client().list_traces(ListTracesRequest(trace_type="system", limit=200)).traces
left = [trace for trace in traces if trace.trace_name in ("createAgency", "updateUserPassword")]
assert {trace.trace_name for trace in left} == {"createAgency", "updateUserPassword"}, traces
assert all(word not in str(left) for word in (NEW, "An0ther-word", "A-th1rd-word")), left
