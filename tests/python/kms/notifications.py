"""Notifications of CTS by the official SDK; that they arrive, another test sees."""

from huaweicloudsdkcts.v3 import *

from sdk import refused, traces_client, typed

cts = traces_client()
KEYS = Operations(service_type="KMS", resource_type="CMK", trace_names=["createKey", "scheduleKeyDeletion"])


def terms(name, **fields):
    return {"notification_name": name, "operation_type": "customized", "operations": [KEYS], "topic_id": "alerts", **fields}


def make(name, **fields):
    body = CreateNotificationRequestBody(**terms(name, **fields))
    return cts.create_notification(CreateNotificationRequest(body=body))


def change(of, name, status, **fields):
    body = UpdateNotificationRequestBody(notification_id=of, status=status, **terms(name, **fields))
    return cts.update_notification(UpdateNotificationRequest(body=body))


def listed(kind="smn", **fields):
    return cts.list_notifications(ListNotificationsRequest(notification_type=kind, **fields)).notifications


rules = Filter(condition="AND", is_support_filter=True, rule=["code = 200", "resource_name != quiet"])
made = typed(
    make("keys", filter=rules, notify_user_list=[NotificationUsers("admin", ["dev"])]),
    notification_id=str,
    notification_name=str,
    operation_type=str,
    status=str,
    topic_id=str,
    notification_type=str,
    project_id=str,
    create_time=int,
    operations=list,
    notify_user_list=list,
)
assert (made.notification_name, made.status, made.topic_id) == ("keys", "enabled", "alerts"), made
assert made.filter.to_dict() == rules.to_dict() and made.operations[0].to_dict() == KEYS.to_dict(), made
everything = make("everything", operation_type="complete", operations=None)
assert [one.notification_name for one in listed()] == ["keys", "everything"]
assert [one.notification_id for one in listed(notification_name="keys")] == [made.notification_id]
assert listed("fun") == []
changed = change(made.notification_id, "fewer", "disabled")
assert (changed.notification_name, changed.status, changed.filter) == ("fewer", "disabled", None), changed
assert changed.create_time == made.create_time and changed.notification_id == made.notification_id
refused(400, "CTS.0003", make, "everything")
refused(400, "CTS.0003", lambda: change(made.notification_id, "everything", "enabled"))
refused(400, "CTS.0003", make, "a b")
refused(400, "CTS.0003", lambda: make("none", operations=[]))
refused(400, "CTS.0003", lambda: make("all", operation_type="complete"))
refused(400, "CTS.0003", lambda: make("some", operation_type="some"))
unknown = Operations(service_type="KMS", resource_type="CMK", trace_names=["createSecret"])
refused(400, "CTS.0003", lambda: make("unknown", operations=[unknown]))
for wrong in (["code"], ["size = 1"], ["code = "], []):
    bad = Filter(condition="AND", is_support_filter=True, rule=wrong)
    refused(400, "CTS.0003", lambda: make("wrong", filter=bad))
refused(400, "CTS.0205", lambda: change(made.notification_id, "fewer", "on"))
refused(400, "CTS.0003", lambda: listed("mail"))


def delete(of):
    return cts.delete_notification(DeleteNotificationRequest(notification_id=of))


delete(made.notification_id)
refused(404, "CTS.0003", delete, made.notification_id)
refused(404, "CTS.0003", delete, "none")
refused(404, "CTS.0003", lambda: change(made.notification_id, "fewer", "enabled"))
assert [one.notification_name for one in listed()] == ["everything"]
