"""Traces: each operation of the guide's table leaves one under its name, and nobody else sees it."""

import base64
import hashlib
import json
import os
import subprocess
import tempfile
import time

from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcts.v3 import *
from huaweicloudsdkkms.v2 import *

from sdk import client, refused, traces_client, typed


kms, cts = client(), traces_client()
began = int(time.time() * 1000) - 1


def found(client=cts, **filters):
    return client.list_traces(ListTracesRequest(trace_type="system", **filters)).traces


def the_trace(name, **filters):
    """The newest trace of this name, of those that were left since this began."""
    traces = found(trace_name=name, _from=began, to=int(time.time() * 1000) + 1000, **filters)
    assert traces, f"{name} left no trace"
    return traces[0]


def key(alias, **more):
    return kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias=alias, **more))).key_info.key_id


# Requirement: CTS-001, CTS-059, CTS-080
# Every field of a trace, with its type; it is found at once.
one = key("traced", key_description="what traces are tried with")
trace = the_trace("createKey", resource_id=one)
texts = (
    "trace_id trace_name trace_rating trace_type request response code api_version message source_ip "
    "service_type resource_type resource_id resource_name request_id enterprise_project_id "
    "resource_account_id operation_id"
).split()
typed(trace, time=int, record_time=int, read_only=bool, **{name: str for name in texts})
assert (trace.trace_rating, trace.trace_type, trace.code) == ("normal", "ApiCall", "200"), trace
assert (trace.service_type, trace.resource_type, trace.api_version) == ("KMS", "CMK", "v1.0"), trace
assert (trace.resource_name, trace.source_ip) == ("traced", "127.0.0.1"), trace
assert began < trace.time <= time.time() * 1000 and not trace.read_only, trace
assert json.loads(trace.request)["key_alias"] == "traced", trace.request
assert json.loads(trace.response)["key_info"]["key_id"] == one, trace.response
assert trace.message.startswith("createKey, Method: POST Url=/v1.0/"), trace.message
assert len(trace.request_id) == 32 and trace.trace_id.replace("-", "") == trace.request_id, trace
user = trace.user
assert user.access_key_id == os.environ["AK"] and user.domain.id == os.environ["DOMAIN_ID"], user
assert user.name and user.id and user.domain.name and user.type == "User", user
assert user.session_context.attributes.mfa_authenticated == "false", user

# The operations, each with the name in the guide's table.
# Requirement: CTS-002, CTS-003, CTS-004, CTS-005, CTS-006, CTS-007, CTS-010, CTS-019, CTS-020, CTS-025, CTS-026
SECRET = "a plaintext that no trace may hold"
of_key = OperateKeyRequestBody(key_id=one)
made = kms.create_datakey(
    CreateDatakeyRequest(body=CreateDatakeyRequestBody(key_id=one, datakey_length="256"))
)
bare = kms.create_datakey_without_plaintext(
    CreateDatakeyWithoutPlaintextRequest(body=CreateDatakeyRequestBody(key_id=one, datakey_length="256"))
)
DEK = bytes(range(32))

wrapped = kms.encrypt_datakey(
    EncryptDatakeyRequest(
        body=EncryptDatakeyRequestBody(
            key_id=one,
            plain_text=(DEK + hashlib.sha256(DEK).digest()).hex().upper(),
            datakey_plain_length="32",
        )
    )
)
kms.decrypt_datakey(
    DecryptDatakeyRequest(
        body=DecryptDatakeyRequestBody(
            key_id=one, cipher_text=wrapped.cipher_text, datakey_cipher_length="32"
        )
    )
)
sealed = kms.encrypt_data(EncryptDataRequest(body=EncryptDataRequestBody(key_id=one, plain_text=SECRET)))
kms.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=sealed.cipher_text)))
kms.create_random(CreateRandomRequest(body=GenRandomRequestBody(random_data_length="512")))
kms.disable_key(DisableKeyRequest(body=of_key))
kms.enable_key(EnableKeyRequest(body=of_key))
kms.enable_key_rotation(EnableKeyRotationRequest(body=of_key))
kms.update_key_rotation_interval(
    UpdateKeyRotationIntervalRequest(
        body=UpdateKeyRotationIntervalRequestBody(key_id=one, rotation_interval=30)
    )
)
for name in (
    "createDataKey createDataKeyWithoutPlaintext encryptDatakey decryptDatakey encryptData decryptData "
    "disableKey enableKey enableKeyRotation updateKeyRotationInterval"
).split():
    trace = the_trace(name, resource_id=one)
    assert (trace.resource_type, trace.resource_name, trace.trace_rating) == ("CMK", "traced", "normal"), trace
random = the_trace("genRandom")
assert (random.resource_type, random.resource_id) == ("RNG", ""), random

# Requirement: CTS-008, CTS-009, CTS-011, CTS-012
kms.delete_key(
    DeleteKeyRequest(body=ScheduleKeyDeletionRequestBody(key_id=one, pending_days="7"))
)
kms.cancel_key_deletion(CancelKeyDeletionRequest(body=of_key))
kms.enable_key(EnableKeyRequest(body=of_key))
kms.update_key_description(
    UpdateKeyDescriptionRequest(
        body=UpdateKeyDescriptionRequestBody(key_id=one, key_description="another")
    )
)
kms.update_key_alias(
    UpdateKeyAliasRequest(body=UpdateKeyAliasRequestBody(key_id=one, key_alias="renamed"))
)
for name in ("scheduleKeyDeletion", "cancelKeyDeletion", "updateKeyDescription", "updateKeyAlias"):
    assert the_trace(name, resource_id=one).trace_rating == "normal"
assert the_trace("updateKeyAlias").resource_name == "renamed"

# Requirement: CTS-021, CTS-022, CTS-023, CTS-024
# One tag more, two in a batch, two less in a batch, one less: four traces of one name.
kms.create_kms_tag(
    CreateKmsTagRequest(key_id=one, body=CreateKmsTagRequestBody(tag=TagItem(key="a", value="1")))
)
for action in ("create", "delete"):
    items = [TagItem(key="b", value="2"), TagItem(key="c", value="3")]
    body = BatchCreateKmsTagsRequestBody(tags=items, action=action)
    kms.batch_create_kms_tags(BatchCreateKmsTagsRequest(key_id=one, body=body))
kms.delete_tag(DeleteTagRequest(key_id=one, key="a"))
tagged = found(trace_name="dealUnifiedTags", resource_id=one)
expected = ["DeleteTag", "BatchCreateKmsTags", "BatchCreateKmsTags", "CreateKmsTag"]
assert [trace.operation_id for trace in tagged] == expected, tagged

# Requirement: CTS-014, CTS-015
# Material that is brought, and taken away.
outside = key("outside", origin="external")
MATERIAL = os.urandom(32)


def bring(seconds=None):
    given = kms.create_parameters_for_import(
        CreateParametersForImportRequest(
            body=GetParametersForImportRequestBody(key_id=outside, wrapping_algorithm="RSAES_OAEP_SHA_256")
        )
    )
    with tempfile.NamedTemporaryFile() as public:
        public.write(base64.b64decode(given.public_key))
        public.flush()
        oaep = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
        command = f"openssl pkeyutl -encrypt -pubin -keyform der -inkey {public.name} {oaep}"
        done = subprocess.run(command.split(), input=MATERIAL, capture_output=True, check=True)
    wrapped_material = base64.b64encode(done.stdout).decode()
    kms.import_key_material(
        ImportKeyMaterialRequest(
            body=ImportKeyMaterialRequestBody(
                key_id=outside,
                import_token=given.import_token,
                encrypted_key_material=wrapped_material,
                expiration_time=int(time.time()) + seconds if seconds else None,
            )
        )
    )
    return given, wrapped_material


given, wrapped_material = bring()
kms.delete_imported_key_material(
    DeleteImportedKeyMaterialRequest(body=OperateKeyRequestBody(key_id=outside))
)
for name in ("importKeyMaterial", "deleteImportedKeyMaterial"):
    assert the_trace(name, resource_id=outside).resource_name == "outside"

# Requirement: CTS-081
# What the service does by itself.
bring(6)
for _ in range(60):
    if found(trace_name="expireKeyMaterial"):
        break
    time.sleep(0.5)
trace = the_trace("expireKeyMaterial", resource_id=outside)
assert (trace.trace_type, trace.trace_rating, trace.resource_name) == ("SystemAction", "normal", "outside"), trace
assert (trace.user.name, trace.source_ip) == ("kms", ""), trace

# Requirement: CTS-016, CTS-017, CTS-018
# A grant that is taken back by who gave it, and one that is given back by who may.
def grant(**more):
    body = CreateGrantRequestBody(
        key_id=one, grantee_principal=os.environ["OTHER_DOMAIN_ID"], grantee_principal_type="domain",
        operations=["describe-key", "create-datakey"], **more,
    )
    return kms.create_grant(CreateGrantRequest(body=body)).grant_id


taken, returned = grant(), grant(retiring_principal=user.id)
kms.cancel_grant(CancelGrantRequest(body=RevokeGrantRequestBody(key_id=one, grant_id=taken)))
kms.cancel_self_grant(CancelSelfGrantRequest(body=RevokeGrantRequestBody(key_id=one, grant_id=returned)))
assert len(found(trace_name="createGrant", resource_id=one)) == 2
for name, which in (("revokeGrant", taken), ("retireGrant", returned)):
    trace = the_trace(name, resource_id=one)
    assert (trace.trace_rating, json.loads(trace.request)["grant_id"]) == ("normal", which), trace

# Requirement: CTS-056
# Nothing secret stands in any trace.
everything = json.dumps([trace.to_dict() for trace in found(limit=200)])
secrets = (SECRET, made.plain_text, DEK.hex().upper(), given.import_token, wrapped_material, os.environ["SK"])
for secret in secrets:
    assert secret not in everything, "a trace holds a secret"

# Requirement: CTS-055, CTS-077, CTS-079
# What was refused leaves a warning with the error's code, and no resource if none was made.
refused(400, "KMS.0204", kms.create_key, CreateKeyRequest(body=CreateKeyRequestBody()))
trace = found(trace_rating="warning", trace_name="createKey")[0]
assert (trace.code, trace.resource_id) == ("400", ""), trace
assert json.loads(trace.response)["error"]["error_code"] == "KMS.0204", trace.response

# Requirement: CTS-065, CTS-066, CTS-067, CTS-068, CTS-069, CTS-070, CTS-071, CTS-072, CTS-073, CTS-074, CTS-075, CTS-076
# Filters, alone and together; pages; limits.
for filters in (
    {"trace_name": "disableKey"},
    {"resource_name": "renamed"},
    {"resource_id": one},
    {"service_type": "KMS"},
    {"resource_type": "RNG"},
    {"user": user.name},
    {"user": f"nobody,{user.name}"},
    {"access_key_id": os.environ["AK"]},
    {"enterprise_project_id": "0"},
    {"trace_id": random.trace_id},
):
    assert found(**filters), filters
    wrong = {name: "another" for name in filters}
    assert not found(**wrong), filters
assert not found(trace_name="disableKey", resource_type="RNG")
assert found(trace_id=random.trace_id)[0].trace_name == "genRandom"
assert not cts.list_traces(ListTracesRequest(trace_type="data")).traces
pages, marker = [], None
while True:
    page = cts.list_traces(ListTracesRequest(trace_type="system", limit=5, next=marker))
    assert page.meta_data.count == len(page.traces)
    pages += [trace.trace_id for trace in page.traces]
    marker = page.meta_data.marker
    if marker is None:
        break
assert len(pages) == len(set(pages)) == len(found(limit=200)) > 10
for wrong in ({"limit": 0}, {"limit": 201}, {"_from": began}, {"trace_rating": "bad"}, {"next": "?"}):
    refused(400, "CTS.0003", cts.list_traces, ListTracesRequest(trace_type="system", **wrong))
refused(400, "CTS.0003", cts.list_traces, ListTracesRequest(trace_type="other"))

# What there is to filter by.
users = cts.list_user_resources(ListUserResourcesRequest()).users
assert sorted(one.name for one in users) == sorted([user.name, "kms"]), users
resources = cts.list_trace_resources(ListTraceResourcesRequest(domain_id=os.environ["DOMAIN_ID"])).resources
assert [(one.service_type, sorted(one.resource)) for one in resources] == [("KMS", ["CMK", "RNG"])], resources
operations = cts.list_operations(ListOperationsRequest(service_type="KMS", resource_type="RNG")).operations
assert [one.operation_list for one in operations] == [["genRandom"]], operations
refused(403, "APIGW.0302", cts.list_trace_resources, ListTraceResourcesRequest(domain_id="0" * 32))

# Who is not who it says leaves nothing, and what only reads neither.
before = len(found(limit=200))
refused(401, "APIGW.0301", client(sk="wrong").disable_key, DisableKeyRequest(body=of_key))
kms.list_key_detail(ListKeyDetailRequest(body=of_key))
assert len(found(limit=200)) == before

# Requirement: CTS-061
# Another account neither sees the traces nor leaves any in the project.
if "OTHER_AK" in os.environ:
    other = dict(ak=os.environ["OTHER_AK"], sk=os.environ["OTHER_SK"])
    refused(403, "APIGW.0302", traces_client(**other).list_traces, ListTracesRequest(trace_type="system"))
    assert not found(traces_client(**other, project=os.environ["OTHER_PROJECT_ID"]))
    try:
        client(**other).disable_key(DisableKeyRequest(body=of_key))
        raise AssertionError("another account's key was disabled")
    except ServiceResponseException:
        pass
    assert len(found(limit=200)) == before
print("traces: ok")
