"""The life of keys, lists, aliases, tags and versions of KMS, by the official SDK: each operation done, and refused for
the likely mistake; the types of what comes back are those that the SDK reads."""

import time

from huaweicloudsdkkms.v2 import *

from sdk import client, refused, typed

kms = client()
made = iter(range(1000))


def create(name=None, **fields):
    body = CreateKeyRequestBody(key_alias=name or f"life-{next(made)}", **fields)
    return kms.create_key(CreateKeyRequest(body=body)).key_info.key_id


def details(key):
    return kms.list_key_detail(ListKeyDetailRequest(body=OperateKeyRequestBody(key_id=key))).key_info


def encrypt(key):
    body = EncryptDataRequestBody(key_id=key, plain_text="hello")
    return kms.encrypt_data(EncryptDataRequest(body=body)).cipher_text


def operate(name):
    call = getattr(kms, name)
    request = {
        "enable_key": EnableKeyRequest,
        "disable_key": DisableKeyRequest,
        "cancel_key_deletion": CancelKeyDeletionRequest,
    }[name]
    return lambda key: call(request(body=OperateKeyRequestBody(key_id=key)))


cancel = operate("cancel_key_deletion")


def schedule(key, days):
    body = ScheduleKeyDeletionRequestBody(key_id=key, pending_days=days)
    return kms.delete_key(DeleteKeyRequest(body=body))


def deletion():
    key = create()
    refused(400, "KMS.1401", schedule, key, "6")
    refused(400, "KMS.1401", schedule, key, "1097")
    refused(400, "KMS.1401", schedule, key, "soon")
    refused(400, "KMS.1501", cancel, key)
    going = typed(schedule(key, "7"), key_id=str, key_state=str)
    assert (going.key_id, going.key_state) == (key, "4")
    shown = typed(details(key), key_state=str, scheduled_deletion_date=str)
    ahead = int(shown.scheduled_deletion_date) - time.time() * 1000
    assert abs(ahead - 7 * 86_400_000) < 60_000, ahead
    refused(400, "KMS.1402", schedule, key, "8")
    refused(400, "KMS.0210", encrypt, key)
    kept = typed(cancel(key), key_id=str, key_state=str)
    assert (kept.key_id, kept.key_state) == (key, "3")
    assert details(key).scheduled_deletion_date == ""
    refused(400, "KMS.0209", encrypt, key)
    operate("enable_key")(key)
    encrypt(key)
    refused(404, "KMS.0207", schedule, "0d0466b0-e727-4d9c-b35d-f84bb474a37f", "7")


def words():
    def rename(key, name):
        body = UpdateKeyAliasRequestBody(key_id=key, key_alias=name)
        return kms.update_key_alias(UpdateKeyAliasRequest(body=body)).key_info

    def describe(key, text):
        body = UpdateKeyDescriptionRequestBody(key_id=key, key_description=text)
        return kms.update_key_description(UpdateKeyDescriptionRequest(body=body)).key_info

    key, other = create("life/before"), create("life/other")
    renamed = typed(rename(key, "life/after"), key_id=str, key_alias=str)
    assert (renamed.key_id, renamed.key_alias) == (key, "life/after")
    refused(400, "KMS.1104", rename, key, "life/other")
    refused(400, "KMS.1101", rename, other, "life/default")
    described = typed(describe(key, "für Tests"), key_id=str, key_description=str)
    assert described.key_description == details(key).key_description == "für Tests"
    refused(400, "KMS.1103", describe, key, "x" * 256)
    encrypt("kms/default")
    refused(400, "KMS.0211", rename, "kms/default", "x")


def lists():
    def keys(**fields):
        return kms.list_keys(ListKeysRequest(body=ListKeysRequestBody(**fields)))

    aes = [create() for _ in range(3)]
    ec = create(key_spec="EC_P256")
    everything = typed(keys(key_spec="ALL"), keys=list, key_details=list, next_marker=str, truncated=str, total=int)
    assert set(aes + [ec]) <= set(everything.keys) and everything.truncated == "false"
    assert everything.total == len(everything.keys) == len(everything.key_details) and everything.next_marker == ""
    by_default = keys()
    assert {one.key_spec for one in by_default.key_details} == {"AES_256"} and set(aes) <= set(by_default.keys)
    assert {one.default_key_flag for one in by_default.key_details} == {"0", "1"}
    row = next(one for one in everything.key_details if one.key_id == ec)
    typed(row, key_alias=str, key_state=str, creation_date=str, default_key_flag=str, sys_enterprise_project_id=str)
    assert (row.key_spec, row.key_usage, row.origin, row.key_state) == ("EC_P256", "SIGN_VERIFY", "kms", "2")
    seen, marker = [], None
    while marker != "":
        page = keys(key_spec="ALL", limit="2", marker=marker)
        assert len(page.keys) <= 2 and page.truncated == ("true" if page.next_marker else "false")
        seen, marker = seen + page.keys, page.next_marker
    assert seen == everything.keys
    operate("disable_key")(aes[0])
    assert keys(key_state="3").keys == [key for key in everything.keys if details(key).key_state == "3"]
    assert keys(key_state="1").total == 0
    assert keys(enterprise_project_id="0").total == keys(enterprise_project_id="all").total == by_default.total
    for code, fields in [
        ("KMS.1601", {"limit": "0"}),
        ("KMS.1602", {"marker": "-1"}),
        ("KMS.1110", {"key_spec": "DES"}),
        ("KMS.0308", {"key_state": "9"}),
        ("KMS.0308", {"enterprise_project_id": "none"}),
    ]:
        refused(400, code, lambda: keys(**fields))


def quotas():
    custom = typed(kms.show_user_instances(ShowUserInstancesRequest()), instance_num=int).instance_num
    resources = kms.show_user_quotas(ShowUserQuotasRequest()).quotas.resources
    rows = {row.type: (row.used, row.quota) for row in resources}
    assert rows["CMK"] == (custom, 100) and rows["grant_per_CMK"][1] == 100, rows
    create()
    assert kms.show_user_instances(ShowUserInstancesRequest()).instance_num == custom + 1


def aliases():
    def give(key, alias):
        return kms.create_alias(CreateAliasRequest(body=CreateAliasRequestBody(key_id=key, alias=alias)))

    def move(alias, key):
        body = AssociateAliasRequestBody(alias=alias, target_key_id=key)
        return kms.associate_alias(AssociateAliasRequest(body=body))

    def take(key, aliases):
        body = DeleteAliasRequestBody(key_id=key, aliases=aliases)
        return kms.delete_alias(DeleteAliasRequest(body=body))

    def listed(**fields):
        [page] = kms.list_aliases(ListAliasesRequest(**fields)).body
        return page

    one, two = create(), create()
    alias = typed(
        give(one, "alias/app"), domain_id=str, key_id=str, alias=str, alias_urn=str, create_time=str, update_time=str
    )
    assert (alias.key_id, alias.alias) == (one, "alias/app") and alias.alias_urn.endswith(":alias:alias/app")
    refused(400, "KMS.1104", give, two, "alias/app")
    refused(400, "KMS.1101", give, two, "no spaces")
    assert details("alias/app").key_id == one
    give(one, "alias/more")
    page = listed(key_id=one, limit="1")
    typed(page.page_info, next_marker=str, current_count=int)
    rest = listed(key_id=one, limit="1", marker=page.page_info.next_marker)
    assert [entry.alias for entry in page.aliases + rest.aliases] == ["alias/app", "alias/more"]
    assert rest.page_info.next_marker is None and rest.page_info.current_count == 1
    assert move("alias/app", two).key_id == two
    assert details("alias/app").key_id == two
    refused(404, "KMS.0207", move, "alias/none", two)
    refused(404, "KMS.0207", take, one, ["alias/app"])
    take(two, ["alias/app"])
    assert "alias/app" not in [entry.alias for entry in listed().aliases]
    refused(404, "KMS.0207", encrypt, "alias/app")


def tags():
    def item(key, value=""):
        return TagItem(key=key, value=value)

    def tag(key, item):
        return kms.create_kms_tag(CreateKmsTagRequest(key_id=key, body=CreateKmsTagRequestBody(tag=item)))

    def batch(key, action, *items):
        body = BatchCreateKmsTagsRequestBody(tags=list(items), action=action)
        return kms.batch_create_kms_tags(BatchCreateKmsTagsRequest(key_id=key, body=body))

    def untag(key, name):
        return kms.delete_tag(DeleteTagRequest(key_id=key, key=name))

    def shown(key):
        answer = typed(kms.show_kms_tags(ShowKmsTagsRequest(key_id=key)), tags=list, exist_tags_num=int)
        assert answer.exist_tags_num == len(answer.tags)
        return {tag.key: tag.value for tag in answer.tags}

    def found(action="filter", **fields):
        body = ListKmsByTagsRequestBody(action=action, **fields)
        return kms.list_kms_by_tags(ListKmsByTagsRequest(resource_instances="resource_instances", body=body))

    one, two = create("Tagged-1"), create("tagged-2")
    tag(one, item("team", "blau / 蓝"))
    batch(one, "create", item("stage", "test"), item("a b/c"))
    batch(two, "create", item("team", "red"))
    assert shown(one) == {"team": "blau / 蓝", "stage": "test", "a b/c": ""}
    refused(400, "KMS.0405", tag, one, item("bad*"))
    refused(400, "KMS.0401", batch, one, "create")
    refused(400, "KMS.0404", batch, one, "add", item("x"))
    refused(400, "KMS.0211", tag, "kms/default", item("x"))
    untag(one, "a b/c")
    refused(404, "KMS.0416", untag, one, "a b/c")
    batch(one, "delete", item("stage"), item("never-there"))
    assert shown(one) == {"team": "blau / 蓝"}
    everything = {tag.key: set(tag.values) for tag in kms.list_kms_tags(ListKmsTagsRequest()).tags}
    assert everything["team"] == {"blau / 蓝", "red"}
    both = typed(found(tags=[Tag(key="team", values=[])]), resources=list, total_count=int)
    assert [row.resource_id for row in both.resources] == [one, two] and both.total_count == 2
    [row] = found(tags=[Tag(key="team", values=["red"])]).resources
    assert (row.resource_name, row.resource_detail.key_id, row.tags[0].value) == ("tagged-2", two, "red")
    paged = found(tags=[Tag(key="team", values=[])], limit="1", offset="1")
    assert [row.resource_id for row in paged.resources] == [two] and paged.total_count == 2
    counted = found("count", matches=[item("resource_name", "TAGGED")])
    assert counted.total_count == 2 and not counted.resources
    refused(400, "KMS.0418", lambda: found("count", offset="1"))
    refused(400, "KMS.0415", lambda: found(matches=[item("color", "red")]))
    refused(400, "KMS.0407", lambda: found(tags=[Tag(key=f"t{n}", values=[]) for n in range(21)]))


def versions():
    listed = kms.show_versions(ShowVersionsRequest()).versions
    first = typed(next(one for one in listed if one.id == "v1.0"), id=str, links=list, status=str)
    assert first.status == "CURRENT" and first.links[0].href.endswith("/v1.0/")
    assert kms.show_version(ShowVersionRequest(version_id="v1.0")).version["id"] == "v1.0"
    refused(404, "KMS.0207", kms.show_version, ShowVersionRequest(version_id="v9"))


for check in (deletion, words, lists, quotas, aliases, tags, versions):
    check()
    print("ok", check.__name__, flush=True)
