"""Rules of the guide that concern keys as a whole, by the official SDK: who makes them, what is shown of them, what
becomes of them; and imported material that expires or is taken away."""

import base64
import json
import os
import re
import subprocess
import tempfile
import time

from huaweicloudsdkcore.auth.credentials import GlobalCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcts.v3 import ListTracesRequest
from huaweicloudsdkiam import v3 as iam
from huaweicloudsdkkms.v2 import *

from sdk import client, refused, traces_client, typed

kms, cts = client(), traces_client()
made = iter(range(1000))


def create(who=kms, **fields):
    body = CreateKeyRequestBody(key_alias=f"rules-{next(made)}", **fields)
    return who.create_key(CreateKeyRequest(body=body)).key_info.key_id


def of(key):
    return OperateKeyRequestBody(key_id=key)


def details(key, who=kms):
    return who.list_key_detail(ListKeyDetailRequest(body=of(key))).key_info


def encrypt(key, text="kept", who=kms):
    body = EncryptDataRequestBody(key_id=key, plain_text=text)
    return who.encrypt_data(EncryptDataRequest(body=body)).cipher_text


def decrypt(cipher, who=kms):
    return who.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=cipher))).plain_text


def schedule(key):
    body = ScheduleKeyDeletionRequestBody(key_id=key, pending_days="7")
    return kms.delete_key(DeleteKeyRequest(body=body))


def cancel(key):
    return kms.cancel_key_deletion(CancelKeyDeletionRequest(body=of(key)))


def root():
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    credentials = GlobalCredentials(os.environ["AK"], os.environ["SK"], os.environ["DOMAIN_ID"])
    builder = iam.IamClient.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


def user_with(name, policy):
    """A client of a user whose group has this policy in the project: the name of a system policy, or statements."""
    account = root()
    domain = os.environ["DOMAIN_ID"]
    option = iam.CreateUserOption(name=name, domain_id=domain, password="Correct-1-horse")
    user = account.create_user(iam.CreateUserRequest(body=iam.CreateUserRequestBody(user=option))).user
    body = iam.KeystoneCreateGroupRequestBody(group=iam.KeystoneCreateGroupOption(name=name))
    group = account.keystone_create_group(iam.KeystoneCreateGroupRequest(body=body)).group
    account.keystone_add_user_to_group(iam.KeystoneAddUserToGroupRequest(group_id=group.id, user_id=user.id))
    if isinstance(policy, str):
        roles = account.keystone_list_permissions(iam.KeystoneListPermissionsRequest(display_name=policy)).roles
        [role] = [role.id for role in roles]
    else:
        option = iam.ServicePolicyRoleOption(
            display_name=name,
            type="XA",
            description=name,
            policy=iam.ServicePolicy(version="1.1", statement=policy),
        )
        request = iam.CreateCloudServiceCustomPolicyRequest(
            body=iam.CreateCloudServiceCustomPolicyRequestBody(role=option)
        )
        role = account.create_cloud_service_custom_policy(request).role.id
    account.keystone_associate_group_with_project_permission(
        iam.KeystoneAssociateGroupWithProjectPermissionRequest(
            project_id=os.environ["PROJECT_ID"], group_id=group.id, role_id=role
        )
    )
    body = iam.CreatePermanentAccessKeyRequestBody(credential=iam.CreateCredentialOption(user_id=user.id))
    key = account.create_permanent_access_key(iam.CreatePermanentAccessKeyRequest(body=body)).credential
    return client(key.access, key.secret)


# Requirement: KMS-017, KMS-113
def permissions():
    full, reader = user_with("full", "KMS CMKFullAccess"), user_with("reader", "KMS CMKReadOnlyAccess")
    one, two = create(full), create()
    refused(403, "KMS.0330", create, reader)
    assert details(one, reader).key_id == one
    refused(403, "KMS.0330", encrypt, one, "x", reader)
    allowed = iam.ServiceStatement(
        effect="Allow", action=["kms:cmk:crypto"], resource=[f"KMS:*:*:KeyId:{one}"]
    )
    single = user_with("single", [allowed])
    assert decrypt(encrypt(one, "mine", single), single) == "mine"
    refused(403, "KMS.0330", encrypt, two, "x", single)


# Requirement: KMS-046, KMS-109
def what_is_shown():
    key = create(key_description="all that is known", key_spec="EC_P256")
    shown = typed(
        details(key), key_id=str, key_alias=str, key_state=str, key_spec=str, key_usage=str, creation_date=str,
        key_description=str, sys_enterprise_project_id=str, origin=str, expiration_time=str,
    )
    assert (shown.key_id, shown.key_state, shown.origin) == (key, "2", "kms"), shown
    assert (shown.key_spec, shown.key_usage) == ("EC_P256", "SIGN_VERIFY"), shown
    assert shown.key_description == "all that is known" and shown.sys_enterprise_project_id == "0", shown
    assert abs(int(shown.creation_date) / 1000 - time.time()) < 60, shown
    assert details(create(origin="external")).origin == "external"
    refused(400, "KMS.0308", lambda: create(origin="elsewhere"))
    public = kms.show_public_key(ShowPublicKeyRequest(body=of(key))).to_dict()
    assert set(public) == {"key_id", "public_key"} and "PRIVATE" not in str(public), public
    refused(400, "KMS.0331", kms.show_public_key, ShowPublicKeyRequest(body=of(create())))


# Requirement: KMS-105, KMS-135, KMS-138
def states():
    plain, waiting = create(), create(origin="external")
    cipher = encrypt(plain)
    seen = {details(plain).key_state, details(waiting).key_state}
    body = CreateGrantRequestBody(
        key_id=plain, grantee_principal=os.environ["OTHER_DOMAIN_ID"], grantee_principal_type="domain",
        operations=["decrypt-data"],
    )
    grant = kms.create_grant(CreateGrantRequest(body=body)).grant_id
    traces = cts.list_traces(ListTracesRequest(trace_type="system", resource_id=plain)).traces
    assert {"encryptData", "createGrant"} <= {trace.trace_name for trace in traces}, traces
    kms.disable_key(DisableKeyRequest(body=of(plain)))
    seen.add(details(plain).key_state)
    schedule(plain)
    seen.add(details(plain).key_state)
    assert seen == {"2", "3", "4", "5"}, seen
    refused(400, "KMS.0210", decrypt, cipher)
    grants = kms.list_grants(ListGrantsRequest(body=ListGrantsRequestBody(key_id=plain))).grants
    assert [row.grant_id for row in grants] == [grant]
    cancel(plain)
    bring(waiting, os.urandom(32))
    assert details(waiting).key_state == "2"
    schedule(waiting)
    assert cancel(waiting).key_state == details(waiting).key_state == "3"


# Requirement: KMS-159, KMS-183, KMS-205
def use():
    one = create()
    assert decrypt(encrypt(one, "x" * 4096)) == "x" * 4096
    refused(400, "KMS.2101", encrypt, one, "x" * 4097)
    old = encrypt(one, "by A")
    kms.disable_key(DisableKeyRequest(body=of(two := create())))
    refused(400, "KMS.0209", encrypt, two)
    kms.enable_key(EnableKeyRequest(body=of(two)))
    # An application goes from A to B: what A encrypted it still reads, without saying by which.
    new = encrypt(two, "by B")
    assert [decrypt(cipher) for cipher in (old, new)] == ["by A", "by B"]
    kms.enable_key_rotation(EnableKeyRotationRequest(body=of(one)))
    for wrong in ("30.5", 30.5, "often"):
        body = UpdateKeyRotationIntervalRequestBody(key_id=one, rotation_interval=wrong)
        request = UpdateKeyRotationIntervalRequest(body=body)
        try:
            kms.update_key_rotation_interval(request)
            raise AssertionError(f"{wrong!r} was taken for a number of days")
        except ServiceResponseException as error:
            assert error.status_code == 400, error
    status = kms.show_key_rotation_status(ShowKeyRotationStatusRequest(body=of(one)))
    assert status.rotation_interval == 365, status


def openssl(folder, line):
    done = subprocess.run(f"openssl {line}", shell=True, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, (line, done.stderr)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def read(folder, name):
    return base64.b64encode(contents(os.path.join(folder, name))).decode()


def bring(key, material, seconds=None, private=None, to=None):
    """Imports material that lasts so many seconds, and a private key that it wraps: the name of a file of DER. It goes
    to the key that it was meant for, or to another one."""
    body = GetParametersForImportRequestBody(key_id=key, wrapping_algorithm="RSAES_OAEP_SHA_256")
    given = kms.create_parameters_for_import(CreateParametersForImportRequest(body=body))
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("public.der", base64.b64decode(given.public_key)), ("material", material)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        oaep = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
        openssl(folder, f"pkeyutl -encrypt -pubin -keyform der -inkey public.der {oaep} -in material -out wrapped")
        if private:
            openssl(folder, f"enc -id-aes256-wrap-pad -K {material.hex()} -iv A65959A6 -in {private} -out private")
        body = ImportKeyMaterialRequestBody(
            key_id=to or key,
            import_token=given.import_token,
            encrypted_key_material=read(folder, "wrapped"),
            encrypted_privatekey=read(folder, "private") if private else None,
            expiration_time=int(time.time()) + seconds if seconds else None,
        )
        kms.import_key_material(ImportKeyMaterialRequest(body=body))


def forget(key):
    kms.delete_imported_key_material(DeleteImportedKeyMaterialRequest(body=of(key)))


# Requirement: KMS-059, KMS-060, KMS-070, KMS-092, KMS-098, KMS-099, KMS-101
def material():
    one, secret = create(origin="external"), os.urandom(32)
    refused(400, "KMS.2701", forget, one)
    bring(one, secret)
    assert details(one).expiration_time == "", details(one)
    cipher = encrypt(one)
    kms.disable_key(DisableKeyRequest(body=of(one)))
    forget(one)
    by_hand = details(one)
    bring(one, secret)
    assert details(one).key_state == "2"
    forget(one)
    assert details(one).key_state == "5"
    bring(one, secret, 6)
    assert decrypt(cipher) == "kept"
    waiting = time.monotonic()
    while details(one).key_state != "5":
        assert time.monotonic() - waiting < 60, details(one)
        time.sleep(0.2)
    refused(400, "KMS.0309", decrypt, cipher)
    by_time = details(one)
    same = "key_id key_alias key_state key_spec origin expiration_time".split()
    assert [getattr(by_time, name) for name in same] == [getattr(by_hand, name) for name in same]
    bring(one, secret)
    assert decrypt(cipher) == "kept"
    schedule(one)
    refused(400, "KMS.2701", forget, one)


# Requirement: KMS-062, KMS-066, KMS-087
def pairs():
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        openssl(folder, "genrsa -out rsa.pem 2048")
        openssl(folder, "ecparam -genkey -name prime256v1 -noout -out ec.pem")
        openssl(folder, "rsa -in rsa.pem -traditional -outform DER -out pkcs1.der")
        for spec, name in (("RSA_2048", "rsa"), ("EC_P256", "ec")):
            openssl(folder, f"pkcs8 -topk8 -nocrypt -in {name}.pem -outform DER -out {name}.der")
            key = create(origin="external", key_spec=spec, key_usage="SIGN_VERIFY")
            if name == "rsa":
                refused(400, "KMS.2609", bring, key, os.urandom(32), None, at("pkcs1.der"))
                whole = contents(at("rsa.der"))
                for place, damaged in enumerate((whole[:-8], whole[:400] + bytes([whole[400] ^ 1]) + whole[401:])):
                    with open(at(f"damaged-{place}.der"), "wb") as file:
                        file.write(damaged)
                    refused(400, "KMS.2609", bring, key, os.urandom(32), None, at(f"damaged-{place}.der"))
            # They never expire, whatever is asked for.
            try:
                bring(key, os.urandom(32), 3600, at(f"{name}.der"))
            except ServiceResponseException as error:
                assert error.status_code == 400, error
                bring(key, os.urandom(32), None, at(f"{name}.der"))
            shown = details(key)
            assert (shown.key_state, shown.expiration_time) == ("2", ""), shown
    # Nor does a key whose material was made here.
    refused(400, "KMS.0309", bring, create(), os.urandom(32), 3600)
    refused(400, "KMS.0309", bring, create(origin="external"), os.urandom(32), 3600, None, create())


# Requirement: KMS-013, KMS-016
def what_is_never_shown():
    """Material that came from outside, and so is known, stands in no answer; that of a digest key has no place in any."""
    secret, aes, mac = os.urandom(32), create(origin="external"), create(key_spec="HMAC_256")
    pair = create(origin="external", key_spec="RSA_2048", key_usage="SIGN_VERIFY")
    with tempfile.TemporaryDirectory() as folder:
        openssl(folder, "genrsa -out rsa.pem 2048")
        openssl(folder, "pkcs8 -topk8 -nocrypt -in rsa.pem -outform DER -out rsa.der")
        openssl(folder, "rsa -in rsa.pem -noout -text -out text")
        text = contents(os.path.join(folder, "text")).decode()
        bring(pair, os.urandom(32), None, os.path.join(folder, "rsa.der"))
    bring(aes, secret)
    prime = bytes.fromhex(re.search("prime1:([^p]*)prime2", text)[1].translate({ord(c): None for c in ": \n"}))
    digest = base64.b64encode(os.urandom(32)).decode()
    for key in (aes, mac):
        refused(400, "KMS.0331", kms.show_public_key, ShowPublicKeyRequest(body=of(key)))
    answers = [details(key) for key in (aes, pair, mac)]
    answers += [kms.show_public_key(ShowPublicKeyRequest(body=of(pair)))]
    answers += [kms.list_keys(ListKeysRequest(body=ListKeysRequestBody(limit="1000")))]
    answers += [kms.create_datakey(CreateDatakeyRequest(body=CreateDatakeyRequestBody(key_id=aes, datakey_length="256")))]
    answers += [kms.encrypt_data(EncryptDataRequest(body=EncryptDataRequestBody(key_id=aes, plain_text="x")))]
    signing = SignRequestBody(
        key_id=pair, message=digest, message_type="DIGEST", signing_algorithm="RSASSA_PKCS1_V1_5_SHA_256"
    )
    answers += [kms.sign(SignRequest(body=signing))]
    macs = GenerateMacRequestBody(key_id=mac, mac_algorithm="HMAC_SHA_256", message=digest)
    answers += [kms.generate_mac(GenerateMacRequest(body=macs))]
    for key in (aes, pair, mac):
        answers += [kms.list_grants(ListGrantsRequest(body=ListGrantsRequestBody(key_id=key)))]
        answers += [kms.show_kms_tags(ShowKmsTagsRequest(key_id=key))]
        answers += cts.list_traces(ListTracesRequest(trace_type="system", resource_id=key)).traces
    said = json.dumps([answer.to_dict() for answer in answers], default=str)
    binary = b"".join(decoded(text) for text in re.findall("[0-9A-Za-z+/=]{24,}", said))
    for known in (secret, prime.lstrip(b"\0")):
        assert known not in binary and known.hex() not in said.lower(), said
    places = set(details(mac).to_dict()) - set(details(create()).to_dict())
    assert not places, places


def decoded(text):
    """What a text says in base64, if that is what it is."""
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""


for check in (permissions, what_is_shown, what_is_never_shown, states, use, material, pairs):
    check()
    print("ok", check.__name__, flush=True)
