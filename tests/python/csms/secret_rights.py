"""Who may do what with secrets, by the official SDKs: policies, grants, and other accounts."""

import datetime
import os

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcsms.v1 import *
from huaweicloudsdkiam import v3 as iam
from huaweicloudsdkkms import v2 as kms

from sdk import client, refused, typed

root, keys = client(of=CsmsClient), client()
config = HttpConfig.get_default_config()
config.ssl_ca_cert = os.environ["CA_FILE"]
credentials = GlobalCredentials(os.environ["AK"], os.environ["SK"], os.environ["DOMAIN_ID"])
builder = iam.IamClient.new_builder().with_http_config(config).with_credentials(credentials)
directory = builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


def user(name, role=None, policy=None):
    """A user with a system policy or one of its own: its id, and clients of CSMS and KMS."""
    option = iam.CreateUserOption(name=name, domain_id=os.environ["DOMAIN_ID"], password="Correct-1-horse")
    made = directory.create_user(iam.CreateUserRequest(body=iam.CreateUserRequestBody(user=option))).user
    body = iam.KeystoneCreateGroupRequestBody(group=iam.KeystoneCreateGroupOption(name=f"of-{name}"))
    group = directory.keystone_create_group(iam.KeystoneCreateGroupRequest(body=body)).group.id
    directory.keystone_add_user_to_group(iam.KeystoneAddUserToGroupRequest(group_id=group, user_id=made.id))
    if role:
        found = directory.keystone_list_permissions(iam.KeystoneListPermissionsRequest(display_name=role)).roles
        role = next(one.id for one in found if one.display_name == role)
    if policy:
        option = iam.ServicePolicyRoleOption(
            display_name=name, type="XA", description="", policy=policy
        )
        body = iam.CreateCloudServiceCustomPolicyRequestBody(role=option)
        made_role = directory.create_cloud_service_custom_policy(
            iam.CreateCloudServiceCustomPolicyRequest(body=body)
        )
        role = made_role.role.id
    if role:
        directory.keystone_associate_group_with_project_permission(
            iam.KeystoneAssociateGroupWithProjectPermissionRequest(
                project_id=os.environ["PROJECT_ID"], group_id=group, role_id=role
            )
        )
    option = iam.CreateCredentialOption(user_id=made.id)
    body = iam.CreatePermanentAccessKeyRequestBody(credential=option)
    key = directory.create_permanent_access_key(iam.CreatePermanentAccessKeyRequest(body=body)).credential
    return made.id, client(key.access, key.secret, of=CsmsClient), client(key.access, key.secret)


def make(who, name, **fields):
    body = CreateSecretRequestBody(name=name, secret_string="a value", **fields)
    return who.create_secret(CreateSecretRequest(body=body)).secret


def get(who, name, version="SYSCURRENT"):
    return who.show_secret_version(ShowSecretVersionRequest(secret_name=name, version_id=version)).version


secret = make(root, "db")

# The system policies: what is CSMS's own is enough for secrets under its default key.
_, full, full_keys = user("full", "CSMS FullAccess")
make(full, "theirs")
assert get(full, "theirs").secret_string == "a value"
refused(403, "KMS.0330", full_keys.list_keys, kms.ListKeysRequest(body=kms.ListKeysRequestBody()))
_, reader, _ = user("reader", "CSMS ReadOnlyAccess")
assert get(reader, "db").secret_string == "a value"
assert [one.name for one in reader.list_secrets(ListSecretsRequest()).secrets] == ["db", "theirs"]
refused(403, "CSMS.0302", make, reader, "new")
refused(403, "CSMS.0302", reader.delete_secret, DeleteSecretRequest(secret_name="db"))

# Under a key of its own, who reads needs that key too.
body = kms.CreateKeyRequestBody(key_alias="of-secrets")
key = keys.create_key(kms.CreateKeyRequest(body=body)).key_info.key_id
make(root, "closed", kms_key_id=key)
refused(403, "CSMS.0302", get, reader, "closed")
refused(403, "CSMS.0302", lambda: make(full, "another", kms_key_id=key))

# A policy for one secret, by its name.
document = {
    "Version": "1.1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["csms:secretVersion:get", "csms:secret:get"],
            "Resource": {"uri": ["csms:*:*:secretName:db"]},
        }
    ],
}
document = iam.ServicePolicy(
    version="1.1",
    statement=[
        iam.ServiceStatement(
            action=["csms:secretVersion:get", "csms:secret:get"],
            effect="Allow",
            resource=["csms:*:*:secretName:db"],
        )
    ],
)
_, narrow, _ = user("narrow", policy=document)
assert get(narrow, "db").secret_string == "a value"
refused(403, "CSMS.0302", get, narrow, "theirs")
# What is not there looks like what is not for it.
refused(403, "CSMS.0302", get, narrow, "no-such")
refused(403, "CSMS.0302", narrow.list_secrets, ListSecretsRequest())

# Grants.
ann_id, ann, _ = user("ann")
refused(403, "CSMS.0302", get, ann, "db")


def granting(**fields):
    return GrantSecretReqBody(**{"resource_id": secret.id, "type": "SECRET", "grantee_type": "0", **fields})


tomorrow = datetime.date.today() + datetime.timedelta(days=1)
body = granting(grantee_target_id=ann_id, validity_time=tomorrow)
given = root.create_grants(CreateGrantsRequest(body=body)).data
typed(given, uuid=str, resource_id=str, type=str, grantee_user=str, create_time=int, validity_time=int, state=int)
assert (given.resource_id, given.grantee_user) == (secret.id, ann_id), given
assert get(ann, "db").secret_string == "a value"
refused(403, "CSMS.0302", get, ann, "theirs")
refused(403, "CSMS.0302", ann.list_grants, ListGrantsRequest(resource_id=secret.id))
listed = root.list_grants(ListGrantsRequest(resource_id=secret.id)).data
assert (listed.name, [who.user_name for who in listed.grantee_user]) == ("db", ["ann"]), listed
body = granting(grantee_target_id=ann_id)
changed = root.update_grant(UpdateGrantRequest(resource_id=secret.id, body=body)).data
assert changed.uuid == given.uuid and changed.validity_time is None, changed
for wrong in (
    granting(grantee_target_id="nobody"),
    granting(grantee_target_id="0" * 32),
    granting(grantee_target_id=ann_id, grantee_type="7"),
    granting(grantee_target_id=ann_id, type="GROUP"),
    granting(grantee_target_id=ann_id, validity_time=datetime.date(2020, 1, 1)),
):
    refused(400, "CSMS.0002", root.create_grants, CreateGrantsRequest(body=wrong))
root.delete_grant(DeleteGrantRequest(resource_id=secret.id, grantee_user=ann_id))
refused(403, "CSMS.0302", get, ann, "db")
gone = DeleteGrantRequest(resource_id=secret.id)
refused(400, "CSMS.0005", root.delete_grant, gone)
refused(400, "CSMS.0005", root.update_grant, UpdateGrantRequest(resource_id=secret.id, body=body))

# Another account finds nothing of ours, by name or by id.
other = client(
    os.environ["OTHER_AK"], os.environ["OTHER_SK"], os.environ["OTHER_PROJECT_ID"], of=CsmsClient
)
refused(400, "CSMS.0106", get, other, "db")
refused(400, "CSMS.0106", other.list_secret_tags, ListSecretTagsRequest(secret_id=secret.id))
refused(400, "CSMS.0106", other.list_grants, ListGrantsRequest(resource_id=secret.id))
refused(400, "CSMS.0106", other.delete_secret, DeleteSecretRequest(secret_name="db"))
assert other.list_secrets(ListSecretsRequest()).secrets == []
blob = root.download_secret_blob(DownloadSecretBlobRequest(secret_name="db")).secret_blob
body = UploadSecretBlobRequestBody(secret_blob=blob)
refused(400, "CSMS.0002", other.upload_secret_blob, UploadSecretBlobRequest(body=body))
into = client(os.environ["OTHER_AK"], os.environ["OTHER_SK"], os.environ["PROJECT_ID"], of=CsmsClient)
refused(403, "CSMS.0302", get, into, "db")
assert get(root, "db").secret_string == "a value"
