"""Events of secrets by the official SDK."""

from huaweicloudsdkcsms.v1 import *

from sdk import client, refused, typed

csms = client(of=CsmsClient)
TARGET = Notification(target_type="SMN", target_id="urn:smn:local-1:0:ops", target_name="ops")
ALL = [
    "SECRET_VERSION_CREATED",
    "SECRET_VERSION_EXPIRED",
    "SECRET_ROTATED",
    "SECRET_DELETED",
    "SECRET_ROTATED_FAILED",
]


def make(name, types=ALL, state="ENABLED", target=TARGET):
    body = CreateSecretEventRequestBody(name=name, event_types=types, state=state, notification=target)
    return csms.create_secret_event(CreateSecretEventRequest(body=body)).event


def change(name, **fields):
    body = UpdateSecretEventRequestBody(**fields)
    return csms.update_secret_event(UpdateSecretEventRequest(event_name=name, body=body)).event


def show(name):
    return csms.show_secret_event(ShowSecretEventRequest(event_name=name)).event


# Requirement: CSMS-107, CSMS-108, CSMS-109, CSMS-110, CSMS-115, CSMS-116, CSMS-119, CSMS-120
made = typed(
    make("ops"), name=str, event_id=str, event_types=list, state=str, create_time=int, update_time=int
)
assert (made.name, made.state, sorted(made.event_types)) == ("ops", "ENABLED", sorted(ALL)), made
assert made.notification.to_dict() == TARGET.to_dict(), made
assert show("ops").to_dict() == made.to_dict()
assert make("quiet", state="DISABLED").state == "DISABLED"
listed = csms.list_secret_events(ListSecretEventsRequest())
assert [event.name for event in listed.events] == ["ops", "quiet"] and listed.page_info.current_count == 2, listed
for name in ("a b", "", "x" * 65):
    refused(400, "CSMS.0002", make, name)
refused(409, "CSMS.0101", make, "ops")
refused(400, "CSMS.0002", make, "other", [])
refused(400, "CSMS.0002", make, "other", ["SECRET_READ"])
refused(400, "CSMS.0002", make, "other", ALL, "ON")
refused(400, "CSMS.0002", make, "other", ALL, "ENABLED", Notification("MAIL", "x", "y"))
refused(400, "CSMS.0005", show, "none")

# Requirement: CSMS-121
changed = change("ops", event_types=["SECRET_DELETED"], state="DISABLED")
assert (changed.event_types, changed.state) == (["SECRET_DELETED"], "DISABLED"), changed
assert changed.notification.to_dict() == TARGET.to_dict() and changed.create_time == made.create_time
refused(400, "CSMS.0005", lambda: change("none", state="ENABLED"))

# Requirement: CSMS-030, CSMS-060, CSMS-124, CSMS-125
body = CreateSecretRequestBody(name="db", secret_string="x", event_subscriptions=["ops"])
assert csms.create_secret(CreateSecretRequest(body=body)).secret.event_subscriptions == ["ops"]
body = CreateSecretRequestBody(name="other", secret_string="x")
csms.create_secret(CreateSecretRequest(body=body))
told = csms.list_secrets(ListSecretsRequest(event_name="ops")).secrets
assert [secret.name for secret in told] == ["db"], told
used = refused(400, "CSMS.0002", csms.delete_secret_event, DeleteSecretEventRequest(event_name="ops"))
assert "db" in used.error_msg
body = UpdateSecretRequestBody(event_subscriptions=["quiet"])
assert csms.update_secret(UpdateSecretRequest(secret_name="db", body=body)).secret.event_subscriptions == ["quiet"]
csms.delete_secret_event(DeleteSecretEventRequest(event_name="ops"))
refused(400, "CSMS.0005", csms.delete_secret_event, DeleteSecretEventRequest(event_name="ops"))
body = UpdateSecretRequestBody(event_subscriptions=["ops"])
refused(400, "CSMS.0005", csms.update_secret, UpdateSecretRequest(secret_name="db", body=body))
