"""Key stores, access points, key policies and data key capsules by the official SDK; what is signed, OpenSSL signs."""

import base64
import datetime
import json
import os
import subprocess
import tempfile

from huaweicloudsdkkms.v2 import *

from sdk import client, refused, typed

kms = client()
names = iter(range(1000))


def key(store=None):
    body = CreateKeyRequestBody(key_alias=f"stored-{next(names)}", keystore_id=store)
    return kms.create_key(CreateKeyRequest(body=body)).key_info.key_id


def encrypt(key_id):
    body = EncryptDataRequestBody(key_id=key_id, plain_text="x")
    return kms.encrypt_data(EncryptDataRequest(body=body)).cipher_text


def stores():
    def create(alias):
        body = CreateKeyStoreRequestBody(keystore_alias=alias, keystore_type="DEFAULT")
        return kms.create_key_store(CreateKeyStoreRequest(body=body)).keystore

    def show(store):
        return kms.show_key_store(ShowKeyStoreRequest(keystore_id=store)).keystore

    made = typed(create("vault"), keystore_id=str, domain_id=str)
    store = made.keystore_id
    refused(400, "KMS.0318", create, "vault")
    refused(404, "KMS.0316", show, "00000000-0000-4000-8000-000000000000")
    listed = kms.list_key_stores(ListKeyStoresRequest(limit=10, offset=0))
    assert [one.keystore_id for one in listed.keystores] == [store] and listed.total == 1
    assert show(store).keystore_alias == "vault" and show(store).keystore_type == "DEFAULT"
    one = key(store)
    detail = kms.list_key_detail(ListKeyDetailRequest(body=OperateKeyRequestBody(key_id=one))).key_info
    assert detail.keystore_id == store
    encrypt(one)
    disabled = kms.disable_key_store(DisableKeyStoreRequest(keystore_id=store)).keystore
    assert (disabled.keystore_id, disabled.keystore_state) == (store, "3")
    refused(400, "KMS.0317", encrypt, one)
    refused(400, "KMS.0317", key, store)
    assert kms.enable_key_store(EnableKeyStoreRequest(keystore_id=store)).keystore.keystore_state == "2"
    encrypt(one)
    rotation = EnableKeyRotationRequest(body=OperateKeyRequestBody(key_id=one))
    refused(400, "KMS.0338", kms.enable_key_rotation, rotation)
    refused(400, "KMS.0308", kms.delete_key_store, DeleteKeyStoreRequest(keystore_id=store))
    empty = create("empty").keystore_id
    kms.delete_key_store(DeleteKeyStoreRequest(keystore_id=empty))
    refused(404, "KMS.0316", show, empty)
    return store, one


def openssl(folder, *words, stdin=b""):
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=False, cwd=folder)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def point(keyspace, name, kind=3, **fields):
    body = CreateAccessPointRequestBody(keyspace_id=keyspace, access_point_name=name, type=kind, **fields)
    return kms.create_access_point(CreateAccessPointRequest(body=body)).access_point_id


def download(point_id):
    request = DownloadAccessPointPrivateKeyRequest(access_point_id=point_id)
    return kms.download_access_point_private_key(request)


def policy(keyspace, name, terms):
    body = CreateKeyPolicyRequestBody(keyspace_id=keyspace, policy_name=name, policy=json.dumps(terms))
    return kms.create_key_policy(CreateKeyPolicyRequest(body=body)).policy_id


def at(seconds):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def capsules(keyspace, key_id, folder):
    refused(400, "KMS.0308", point, keyspace, "server", 1)
    refused(404, "KMS.0316", point, "00000000-0000-4000-8000-000000000000", "nowhere")
    right, wrong = point(keyspace, "right"), point(keyspace, "wrong")
    refused(400, "KMS.1104", point, keyspace, "right")
    request = ListAccessPointRequest(keyspace_id=keyspace, limit="1")
    listed = kms.list_access_point(request)
    assert [one.access_point_id for one in listed.access_points] == [right]
    assert (listed.page_info.current_count, listed.page_info.next_marker) == (1, right)
    rest = kms.list_access_point(ListAccessPointRequest(keyspace_id=keyspace, marker=right))
    assert [one.access_point_id for one in rest.access_points] == [wrong] and rest.page_info.next_marker == ""
    typed(rest.access_points[0], state=int, type=int, create_time=str, lsat_modify_time=str)
    public = {}
    for name, one in [("right", right), ("wrong", wrong)]:
        pem = typed(download(one), private_key=str).private_key
        with open(os.path.join(folder, f"{name}.pem"), "w", encoding="ascii") as file:
            file.write(pem)
        der = openssl(folder, "pkey", "-in", f"{name}.pem", "-pubout", "-outform", "DER")
        public[name] = base64.b64encode(der).decode()
        refused(400, "KMS.0308", download, one)

    terms = {"version": "1.0", "allowedAccessPoint": [right]}
    policy_id = policy(keyspace, "terms", terms)
    refused(400, "KMS.2801", policy, keyspace, "no", {"version": "1", "validityPeriod": {"start_time": at(9), "end_time": at(1)}})
    refused(400, "KMS.0308", policy, keyspace, "no", {"version": "1", "allowed": []})
    shown = kms.show_key_policy(ShowKeyPolicyRequest(policy_id=policy_id))
    assert (shown.policy.allowed_access_point, shown.keyspace_id) == ([right], keyspace)
    listed = kms.list_key_policy(ListKeyPolicyRequest(keyspace_id=keyspace)).keyspace_policies
    assert [one.policy_id for one in listed] == [policy_id] and listed[0].policy.allowed_access_point == [right]

    def create(**fields):
        body = CreateDatakeyCapsuleRequestBody(key_id=key_id, datakey_length="256", **fields)
        return kms.create_datakey_capsule(CreateDatakeyCapsuleRequest(body=body))

    refused(400, "KMS.0204", create)
    made = typed(create(policy_id=policy_id), datakey=str, datakey_capsule=str)
    assert len(bytes.fromhex(made.datakey)) == 32 and made.datakey_cipher is None

    def opened(by="right", recipient=None, seconds=600, signed=None, capsule=made.datakey_capsule):
        until = at(seconds)
        message = signed or f"{capsule}\n{recipient or ''}\n{until}"
        signature = openssl(folder, "dgst", "-sha256", "-sign", f"{by}.pem", stdin=message.encode())
        document = DecryptDatakeyCapsuleRequestBodyAttestationDocument(
            custom_signature=base64.b64encode(signature).decode(),
            custom_public_key=public[by],
            expire_time=until,
        )
        body = DecryptDatakeyCapsuleRequestBody(
            key_id=key_id, public_key=recipient, datakey_capsule=capsule, attestation_document=document
        )
        return kms.decrypt_datakey_capsule(DecryptDatakeyCapsuleRequest(body=body))

    answer = typed(opened(), key_id=str, instance_id=str)
    assert (answer.datakey, answer.instance_id) == (made.datakey, right)
    refused(403, "KMS.0330", opened, "wrong")
    refused(403, "KMS.0330", lambda: opened(signed="another message"))
    refused(400, "KMS.3804", lambda: opened(seconds=-1))
    refused(400, "KMS.3804", lambda: opened(seconds=2 * 86400))
    broken = made.datakey_capsule[:-8] + "AAAAAAA="
    refused(400, "KMS.2201", lambda: opened(capsule=broken))
    # For the holder of another key alone.
    openssl(folder, "genrsa", "-out", "recipient.pem", "2048")
    der = openssl(folder, "pkey", "-in", "recipient.pem", "-pubout", "-outform", "DER")
    recipient = base64.b64encode(der).decode()
    answer = opened(recipient=recipient)
    assert answer.datakey is None
    options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"]
    cipher = base64.b64decode(answer.datakey_cipher)
    plain = openssl(folder, "pkeyutl", "-decrypt", "-inkey", "recipient.pem", *options, stdin=cipher)
    assert plain.hex() == made.datakey
    # The policy changes for capsules that there are, too.
    kms.disable_access_point(DisableAccessPointRequest(access_point_id=right))
    refused(403, "KMS.0330", opened)
    kms.enable_access_point(EnableAccessPointRequest(access_point_id=right))
    ended = {"version": "1.0", "validity_period": {"end_time": at(-60)}}
    body = UpdateKeyPolicyRequestBody(policy=json.dumps(ended), description="over")
    changed = kms.update_key_policy(UpdateKeyPolicyRequest(policy_id=policy_id, body=body))
    assert changed.description == "over" and changed.policy.allowed_access_point == []
    refused(403, "KMS.0330", opened)
    inline = create(key_policy=json.dumps({"version": "1.0"}))
    assert opened("wrong", capsule=inline.datakey_capsule).datakey == inline.datakey
    kms.delete_key_policy(DeleteKeyPolicyRequest(policy_id=policy_id))
    refused(404, "KMS.0207", opened)
    kms.delete_access_point(DeleteAccessPointRequest(access_point_id=wrong))
    refused(403, "KMS.0330", lambda: opened("wrong", capsule=inline.datakey_capsule))


keystore, inside = stores()
project = os.environ["PROJECT_ID"]
own = "-".join([project[:8], project[8:12], project[12:16], project[16:20], project[20:]])
for space, one in [(keystore, inside), (own, key())]:
    with tempfile.TemporaryDirectory() as scratch:
        capsules(space, one, scratch)
print("key stores, access points, key policies and capsules: good")
