"""Secrets by the official SDK: made, versioned, staged, tagged, deleted, and restored from backups."""

import base64
import time

from huaweicloudsdkcsms.v1 import *
from huaweicloudsdkkms import v2 as kms

from sdk import client, refused, typed

csms, keys = client(of=CsmsClient), client()


def make(name, **fields):
    body = CreateSecretRequestBody(name=name, **fields)
    return csms.create_secret(CreateSecretRequest(body=body)).secret


def put(name, **fields):
    body = CreateSecretVersionRequestBody(**fields)
    return csms.create_secret_version(CreateSecretVersionRequest(secret_name=name, body=body)).version_metadata


def get(name, version="latest"):
    version = "SYSCURRENT" if version == "latest" else version
    return csms.show_secret_version(ShowSecretVersionRequest(secret_name=name, version_id=version)).version


def stage(name, which, version):
    body = UpdateSecretStageRequestBody(version_id=version)
    return csms.update_secret_stage(
        UpdateSecretStageRequest(secret_name=name, stage_name=which, body=body)
    ).stage


def show(name):
    return csms.show_secret(ShowSecretRequest(secret_name=name)).secret


# A secret, with every field of the answer in its type.
# Requirement: CSMS-018, CSMS-020, CSMS-023, CSMS-026, CSMS-031, CSMS-057
began = int(time.time() * 1000) - 1
PAIRS = '{"username": "app", "password": "p\\u00e4ss \\"w\\" \U0001f511"}'
made = typed(
    make("db", secret_string=PAIRS, description="of the shop"),
    id=str,
    name=str,
    state=str,
    kms_key_id=str,
    description=str,
    create_time=int,
    update_time=int,
    secret_type=str,
    auto_rotation=bool,
    event_subscriptions=list,
    enterprise_project_id=str,
)
assert (made.name, made.state, made.secret_type, made.auto_rotation) == ("db", "ENABLED", "COMMON", False), made
assert (made.description, made.enterprise_project_id, made.event_subscriptions) == ("of the shop", "0", []), made
assert began < made.create_time <= time.time() * 1000 and made.scheduled_delete_time is None, made
assert show("db").to_dict() == made.to_dict()
default = keys.list_key_detail(
    kms.ListKeyDetailRequest(body=kms.OperateKeyRequestBody(key_id=made.kms_key_id))
).key_info
assert (default.key_alias, default.default_key_flag) == ("csms/default", "1"), default

# Its value comes back as it was, as text and as bytes.
# Requirement: CSMS-027
assert get("db").secret_string == PAIRS and get("db").secret_binary is None
version = typed(
    get("db", "v1").version_metadata, id=str, create_time=int, kms_key_id=str, secret_name=str, version_stages=list
)
assert (version.id, version.secret_name, version.version_stages) == ("v1", "db", ["SYSCURRENT"]), version
assert version.expire_time is None and version.kms_key_id == made.kms_key_id, version
BYTES = base64.b64encode(bytes(range(256))).decode()
make("bytes", secret_binary=BYTES)
assert (get("bytes").secret_binary, get("bytes").secret_string) == (BYTES, None)

# Versions and stages.
# Requirement: CSMS-074, CSMS-076, CSMS-078, CSMS-079, CSMS-081, CSMS-085, CSMS-089
expires = int(time.time() * 1000) + 3_600_000
two = put("db", secret_string="two", expire_time=expires)
assert (two.id, two.version_stages, two.expire_time) == ("v2", ["SYSCURRENT"], expires), two
assert get("db").secret_string == "two" and get("db", "SYSPREVIOUS").secret_string == PAIRS
three = put("db", secret_string="three", version_stages=["SYSPENDING", "blue"])
assert sorted(three.version_stages) == ["SYSPENDING", "blue"] and get("db").secret_string == "two", three
moved = typed(stage("db", "blue", "v1"), name=str, update_time=int, secret_name=str, version_id=str)
assert (moved.name, moved.version_id, moved.secret_name) == ("blue", "v1", "db"), moved
shown = csms.show_secret_stage(ShowSecretStageRequest(secret_name="db", stage_name="blue")).stage
assert shown.to_dict() == moved.to_dict()
assert get("db", "blue").secret_string == PAIRS
stage("db", "SYSCURRENT", "v3")
assert get("db").secret_string == "three" and get("db", "SYSPREVIOUS").secret_string == "two"
csms.delete_secret_stage(DeleteSecretStageRequest(secret_name="db", stage_name="SYSPENDING"))
refused(400, "CSMS.0005", csms.show_secret_stage, ShowSecretStageRequest(secret_name="db", stage_name="SYSPENDING"))
for built_in in ("SYSCURRENT", "SYSPREVIOUS"):
    gone = DeleteSecretStageRequest(secret_name="db", stage_name=built_in)
    refused(400, "CSMS.0105", csms.delete_secret_stage, gone)
page = csms.list_secret_versions(ListSecretVersionsRequest(secret_name="db", limit=2))
assert [version.id for version in page.version_metadatas] == ["v1", "v2"], page
typed(page.page_info, next_marker=str, current_count=int)
assert page.version_metadatas[1].expire_time == expires
rest = ListSecretVersionsRequest(secret_name="db", limit=2, marker=page.page_info.next_marker)
rest = csms.list_secret_versions(rest)
assert [version.id for version in rest.version_metadatas] == ["v3"] and rest.page_info.next_marker is None, rest

# A version expires at a time that is set afterwards.
# Requirement: CSMS-090, CSMS-091
later = expires + 86_400_000
body = UpdateVersionRequestBody(expire_time=later)
changed = csms.update_version(UpdateVersionRequest(secret_name="db", version_id="v3", body=body))
assert changed.version_metadata.expire_time == later
assert get("db", "v3").version_metadata.expire_time == later
past = UpdateVersionRequest(secret_name="db", version_id="v3", body=UpdateVersionRequestBody(expire_time=1))
refused(400, "CSMS.0002", csms.update_version, past)
unknown = UpdateVersionRequest(secret_name="db", version_id="v9", body=body)
refused(400, "CSMS.0005", csms.update_version, unknown)

# Another key, for what comes from then on.
# Requirement: CSMS-021, CSMS-022, CSMS-058, CSMS-059


def key(alias, **fields):
    body = kms.CreateKeyRequestBody(key_alias=alias, **fields)
    return keys.create_key(kms.CreateKeyRequest(body=body)).key_info.key_id


def update(name, **fields):
    return csms.update_secret(
        UpdateSecretRequest(secret_name=name, body=UpdateSecretRequestBody(**fields))
    ).secret


own, pair = key("of-secrets"), key("a-pair", key_spec="RSA_2048")
assert update("db", kms_key_id=own, description="").kms_key_id == own and show("db").description == ""
assert put("db", secret_string="four").kms_key_id == own
assert get("db", "v3").version_metadata.kms_key_id == made.kms_key_id
assert get("db", "v3").secret_string == "three" and get("db").secret_string == "four"
keys.disable_key(kms.DisableKeyRequest(body=kms.OperateKeyRequestBody(key_id=own)))
refused(400, "CSMS.0401", get, "db")
assert get("db", "v3").secret_string == "three"
keys.enable_key(kms.EnableKeyRequest(body=kms.OperateKeyRequestBody(key_id=own)))
assert get("db").secret_string == "four"
refused(400, "CSMS.0401", lambda: make("other", secret_string="x", kms_key_id=pair))
refused(400, "CSMS.0401", lambda: update("db", kms_key_id=pair))

# Lists.
# Requirement: CSMS-056
all_of_them = csms.list_secrets(ListSecretsRequest())
assert [secret.name for secret in all_of_them.secrets] == ["db", "bytes"], all_of_them
first = csms.list_secrets(ListSecretsRequest(limit="1"))
second = csms.list_secrets(ListSecretsRequest(limit="1", marker=first.page_info.next_marker))
assert (first.secrets[0].name, second.secrets[0].name) == ("db", "bytes")
back = csms.list_secrets(ListSecretsRequest(limit="1", marker=second.page_info.previous_marker))
assert back.secrets[0].name == "db" and second.page_info.next_marker is None

# Tags, which go by the id.
# Requirement: CSMS-104, CSMS-105


def tags(items, action):
    body = BatchCreateOrDeleteTagsRequestBody(tags=[TagItem(key=k, value=v) for k, v in items], action=action)
    csms.batch_create_or_delete_tags(BatchCreateOrDeleteTagsRequest(secret_id=made.id, body=body))


def tags_there():
    there = csms.list_secret_tags(ListSecretTagsRequest(secret_id=made.id)).tags
    return {tag.key: tag.value for tag in there}


def found(action="filter", **fields):
    body = ListResourceInstancesRequestBody(action=action, **fields)
    request = ListResourceInstancesRequest(resource_instances="resource_instances", body=body)
    return csms.list_resource_instances(request)


one = CreateSecretTagRequestBody(tag=TagItem(key="env", value="prod"))
csms.create_secret_tag(CreateSecretTagRequest(secret_id=made.id, body=one))
tags([("team", "a b"), ("env", "test")], "create")
assert tags_there() == {"env": "test", "team": "a b"}
by_tag = found(tags=[Tag(key="env", values=["prod", "test"]), Tag(key="team", values=[])])
assert by_tag.total_count == 1 and by_tag.resources[0].resource_name == "db", by_tag
assert by_tag.resources[0].resource_id == made.id and by_tag.resources[0].resource_detail.name == "db"
assert found("count", matches=[TagMatches(key="resource_name", value="B")]).total_count == 2
assert found(tags=[Tag(key="env", values=["prod"])]).total_count == 0
project = csms.list_project_secrets_tags(ListProjectSecretsTagsRequest()).tags
assert {tag.key: tag.values for tag in project} == {"env": ["test"], "team": ["a b"]}
csms.delete_secret_tag(DeleteSecretTagRequest(secret_id=made.id, key="team"))
tags([("env", ""), ("none", "")], "delete")
assert tags_there() == {}
refused(400, "CSMS.0002", csms.delete_secret_tag, DeleteSecretTagRequest(secret_id=made.id, key="team"))
refused(400, "CSMS.0002", tags, [("env", "x")], "change")
refused(400, "CSMS.0106", csms.list_secret_tags, ListSecretTagsRequest(secret_id="0" * 32))
refused(400, "CSMS.0002", lambda: found(limit="0"))

# To be deleted, kept after all, deleted at once, and back from a backup.
# Requirement: CSMS-055, CSMS-061, CSMS-062, CSMS-063, CSMS-064, CSMS-066, CSMS-067, CSMS-068, CSMS-070, CSMS-071
# Requirement: CSMS-072, CSMS-073


def schedule(days):
    body = DeleteSecretForScheduleRequestBody(recovery_window_in_days=days)
    return csms.delete_secret_for_schedule(DeleteSecretForScheduleRequest(secret_name="db", body=body)).secret


for days in (6, 31):
    refused(400, "CSMS.0002", schedule, days)
pending = schedule(7)
assert pending.state == "PENDING_DELETE" and pending.scheduled_delete_time > began + 6 * 86_400_000, pending
refused(400, "CSMS.0107", schedule, 7)
refused(400, "CSMS.0103", get, "db")
refused(400, "CSMS.0103", csms.delete_secret, DeleteSecretRequest(secret_name="db"))
kept = csms.restore_secret(RestoreSecretRequest(secret_name="db")).secret
assert kept.state == "ENABLED" and kept.scheduled_delete_time is None, kept
refused(400, "CSMS.0108", csms.restore_secret, RestoreSecretRequest(secret_name="db"))
blob = csms.download_secret_blob(DownloadSecretBlobRequest(secret_name="db")).secret_blob
opened = base64.b64decode(blob)
assert b"three" not in opened and b"app" not in opened


def restore(text):
    return csms.upload_secret_blob(UploadSecretBlobRequest(body=UploadSecretBlobRequestBody(secret_blob=text))).secret


refused(409, "CSMS.0101", restore, blob)
csms.delete_secret(DeleteSecretRequest(secret_name="db"))
refused(400, "CSMS.0106", show, "db")
refused(400, "CSMS.0106", csms.delete_secret, DeleteSecretRequest(secret_name="db"))
refused(400, "CSMS.0106", csms.download_secret_blob, DownloadSecretBlobRequest(secret_name="db"))
refused(400, "CSMS.0002", restore, base64.b64encode(opened[:-1]).decode())
refused(400, "CSMS.0002", restore, "not base64!")
again = restore(blob)
assert again.id != made.id and again.name == "db", again
assert [get("db", v).secret_string for v in ("v1", "v2", "v3", "blue", "SYSCURRENT")] == [
    PAIRS,
    "two",
    "three",
    PAIRS,
    "four",
]

# Words of paths are names too.
for name in ("restore", "batch-import", "checker"):
    make(name, secret_string=name)
    assert get(name).secret_string == name and show(name).name == name
    csms.delete_secret(DeleteSecretRequest(secret_name=name))

# Passwords.


def password(**fields):
    body = CreatePasswordRequestBody(**fields)
    return csms.generate_random_password(GenerateRandomPasswordRequest(body=body)).password


assert len(password()) == 32 and password() != password()
digits = password(length=40, exclude_lowercase=True, exclude_uppercase=True, exclude_punctuation=True)
assert len(digits) == 40 and digits.isdigit(), digits
each = password(length=5, include_space=True, require_each_included_type=True)
assert " " in each and any(c.isupper() for c in each) and any(c.isdigit() for c in each), each
assert not set(password(length=4000, exclude_characters="abc0!")) & set("abc0!")
refused(400, "CSMS.0002", lambda: password(length=0))
refused(400, "CSMS.0002", lambda: password(password_policy_name="none"))

# Weak values, where the project refuses them.


def strong(on):
    body = UpdateSecretsConfigRequestBody(checking_secret_strength=on)
    return csms.update_secrets_config(UpdateSecretsConfigRequest(body=body)).checking_secret_strength


config = ShowSecretsConfigRequest()
assert csms.show_secrets_config(config).checking_secret_strength is False
assert strong(True) is True and csms.show_secrets_config(config).checking_secret_strength is True
refused(400, "CSMS.0002", lambda: make("weak", secret_string="password"))
make("strong", secret_string=password())
assert strong(False) is False
make("weak", secret_string="password")
body = CheckSecretsRequestBody(type="1", data={"one": "password", "two": "Abcdefghijklmno1"})
checked = csms.check_secrets(CheckSecretsRequest(body=body))
assert (checked.type, checked.data) == ("1", {"one": "weak", "two": "strong"}), checked
body = CheckSecretsRequestBody(type="9", data={})
refused(400, "CSMS.0002", csms.check_secrets, CheckSecretsRequest(body=body))

# Many at once: those that can be made are.
body = ImportSecretsRequest(
    secrets=[
        CreateSecretRequestBody(name="many-1", secret_string="a"),
        CreateSecretRequestBody(name="db", secret_string="b"),
        CreateSecretRequestBody(name="bad name", secret_string="c"),
        CreateSecretRequestBody(name="many-2", secret_string="d"),
    ]
)
imported = csms.batch_import_secrets(BatchImportSecretsRequest(body=body))
assert (imported.total, imported.success, imported.failed) == (4, 2, 2), imported
assert [error.name for error in imported.error_list] == ["db", "bad name"], imported
assert get("many-2").secret_string == "d"
none = BatchImportSecretsRequest(body=ImportSecretsRequest(secrets=[]))
refused(400, "CSMS.0002", csms.batch_import_secrets, none)
