"""Grants by the official SDK: to users and accounts, used by who has them, revoked and retired."""

import json
import os
import subprocess

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkiam import v3 as iam
from huaweicloudsdkkms.v2 import *

from sdk import client, refused, typed

owner = client()


def other_account(name):
    """Another account: its domain, its root user and a client of it."""
    program = os.path.join(os.path.dirname(os.environ["P11_MODULE"]), "hsm-admin")
    done = subprocess.run([program, "account", "create", name, "--json"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def own_user(name):
    """A user of our account without a policy: its id and a client of it."""
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    credentials = GlobalCredentials(os.environ["AK"], os.environ["SK"], os.environ["DOMAIN_ID"])
    builder = iam.IamClient.new_builder().with_http_config(config).with_credentials(credentials)
    root = builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()
    user = iam.CreateUserOption(name=name, domain_id=os.environ["DOMAIN_ID"], password="Correct-1-horse")
    made = root.create_user(iam.CreateUserRequest(body=iam.CreateUserRequestBody(user=user))).user
    option = iam.CreateCredentialOption(user_id=made.id)
    body = iam.CreatePermanentAccessKeyRequestBody(credential=option)
    key = root.create_permanent_access_key(iam.CreatePermanentAccessKeyRequest(body=body)).credential
    return made.id, client(key.access, key.secret)


def grant(who, key_id, grantee, operations, kind="user", **fields):
    body = CreateGrantRequestBody(
        key_id=key_id,
        grantee_principal=grantee,
        grantee_principal_type=kind,
        operations=operations,
        **fields,
    )
    made = typed(who.create_grant(CreateGrantRequest(body=body)), grant_id=str)
    assert len(bytes.fromhex(made.grant_id)) == 32
    return made.grant_id


def grants(who, key_id, limit=None, marker=None):
    body = ListGrantsRequestBody(key_id=key_id, limit=limit, marker=marker)
    return typed(who.list_grants(ListGrantsRequest(body=body)), next_marker=str, truncated=str, total=int)


def encrypt(who, key_id):
    body = EncryptDataRequestBody(key_id=key_id, plain_text="x")
    return who.encrypt_data(EncryptDataRequest(body=body)).cipher_text


def decrypt(who, cipher):
    return who.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=cipher))).plain_text


def ended(who, key_id, grant_id, retired=False):
    body = RevokeGrantRequestBody(key_id=key_id, grant_id=grant_id)
    if retired:
        return who.cancel_self_grant(CancelSelfGrantRequest(body=body))
    return who.cancel_grant(CancelGrantRequest(body=body))


def retirable(who):
    body = ListRetirableGrantsRequestBody(limit="10")
    return who.list_retirable_grants(ListRetirableGrantsRequest(body=body))


body = CreateKeyRequestBody(key_alias="granted")
key_id = owner.create_key(CreateKeyRequest(body=body)).key_info.key_id
alice_id, alice = own_user("grantee-alice")
theirs = other_account("grantees")
guest = client(theirs["access_key"], theirs["secret_key"], theirs["project_id"])

refused(403, "KMS.0330", encrypt, alice, key_id)
refused(404, "KMS.0207", encrypt, guest, key_id)
for state in ("1", "2"):
    listing = ListKeysRequest(body=ListKeysRequestBody(key_state=state))
    refused(403, "KMS.0330", alice.list_keys, listing)
assert owner.list_keys(ListKeysRequest(body=ListKeysRequestBody(key_state="1"))).total == 0
refused(400, "KMS.2401", grant, owner, key_id, alice_id, ["create-grant"])
refused(400, "KMS.2402", grant, owner, key_id, "nobody", ["encrypt-data"])
refused(400, "KMS.0308", grant, owner, key_id, alice_id, ["sign"])
refused(400, "KMS.0211", grant, owner, "kms/default", alice_id, ["encrypt-data"])

first = grant(owner, key_id, alice_id, ["encrypt-data", "retire-grant"], name="for:alice/1")
cipher = encrypt(alice, key_id)
refused(403, "KMS.0330", decrypt, alice, cipher)
shown = grant(owner, key_id, theirs["domain_id"], ["describe-key"], kind="domain")
detail = guest.list_key_detail(ListKeyDetailRequest(body=OperateKeyRequestBody(key_id=key_id))).key_info
assert detail.domain_id == os.environ["DOMAIN_ID"], detail
ended(owner, key_id, shown)
second = grant(owner, key_id, theirs["domain_id"], ["decrypt-data"], kind="domain", retiring_principal=alice_id)
assert decrypt(guest, cipher) == "x"
refused(403, "KMS.0330", encrypt, guest, key_id)

shown = grants(owner, key_id)
assert (shown.truncated, shown.total, shown.next_marker) == ("false", 2, "")
one = typed(shown.grants[0], creation_date=str, issuing_principal=str, retiring_principal=str)
assert (one.key_id, one.grant_id, one.name) == (key_id, first, "for:alice/1")
assert (one.grantee_principal, one.grantee_principal_type) == (alice_id, "user")
assert one.operations == ["retire-grant", "encrypt-data"], one.operations
assert (shown.grants[1].grantee_principal_type, shown.grants[1].retiring_principal) == ("domain", alice_id)
part = grants(owner, key_id, limit="1")
assert (part.truncated, [one.grant_id for one in part.grants]) == ("true", [first])
rest = grants(owner, key_id, limit="1", marker=part.next_marker)
assert (rest.truncated, [one.grant_id for one in rest.grants]) == ("false", [second])
refused(400, "KMS.1601", grants, owner, key_id, "0")
refused(404, "KMS.0207", grants, guest, key_id)
refused(403, "KMS.0330", retirable, alice)
assert retirable(owner).grants == []

# Retired by its grantee, by who it names, and revoked by its owner.
ended(alice, key_id, first, retired=True)
refused(403, "KMS.0330", encrypt, alice, key_id)
ended(alice, key_id, second, retired=True)
refused(404, "KMS.0207", decrypt, guest, cipher)
third = grant(owner, key_id, theirs["domain_id"], ["decrypt-data"], kind="domain")
assert decrypt(guest, cipher) == "x"
refused(404, "KMS.0207", ended, guest, key_id, third)
ended(owner, key_id, third)
refused(404, "KMS.0207", decrypt, guest, cipher)
refused(400, "KMS.2501", ended, owner, key_id, third)
print("grants: good")
