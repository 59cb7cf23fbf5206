"""Rotation of the password of a real database, by the official SDK."""

import json
import os
import time

from huaweicloudsdkcsms.v1 import *
from huaweicloudsdkcts.v3 import ListTracesRequest

from sdk import client, refused, traces_client, typed

csms = client(of=CsmsClient)
other = client(
    os.environ["OTHER_AK"], os.environ["OTHER_SK"], os.environ["OTHER_PROJECT_ID"], of=CsmsClient
)
kind = os.environ["SECRET_TYPE"]


def secret(name, **fields):
    body = CreateSecretRequestBody(name=name, **fields)
    return csms.create_secret(CreateSecretRequest(body=body)).secret


def rotated(name, password, accounts="SingleUser", **fields):
    config = json.dumps({"InstanceId": os.environ["DATABASE_ID"], "SecretSubType": accounts})
    value = json.dumps({"name": os.environ["ACCOUNT"], "password": password})
    return secret(name, secret_type=kind, secret_string=value, rotation_config=config, **fields)


def rotate(name, by=csms):
    return by.rotate_secret(RotateSecretRequest(secret_name=name))


def tasks(**fields):
    return csms.list_secret_task(ListSecretTaskRequest(**fields))


def value(name, version="SYSCURRENT"):
    asked = ShowSecretVersionRequest(secret_name=name, version_id=version)
    return json.loads(csms.show_secret_version(asked).version.secret_string)


# The agencies come first.
refused(400, "CSMS.0005", rotated, "db", os.environ["PASSWORD"])
csms.create_agency(CreateAgencyRequest(body=CreateAgencyRequestBody(secret_type=kind)))
refused(400, "CSMS.0002", rotated, "db", "wrong")
refused(400, "CSMS.0002", rotated, "db", os.environ["PASSWORD"], "ManyUsers")
for wrong in ({}, {"rotation_period": "5h"}, {"rotation_period": "366d"}):
    by_itself = lambda: rotated("db", os.environ["PASSWORD"], auto_rotation=True, **wrong)
    refused(400, "CSMS.0002", by_itself)
made = rotated("db", os.environ["PASSWORD"], auto_rotation=True, rotation_period="6h")
typed(made, auto_rotation=bool, rotation_period=str, rotation_config=str, next_rotation_time=int)
assert made.secret_type == kind and made.rotation_time is None
assert json.loads(made.rotation_config)["SecretSubType"] == "SingleUser"

# Now.
done = typed(rotate("db"), version_id=str, secret_name=str, rotation_task_id=str)
assert (done.version_id, done.secret_name) == ("v2", "db")
assert value("db", "SYSPREVIOUS")["password"] == os.environ["PASSWORD"] != value("db")["password"]
shown = csms.show_secret(ShowSecretRequest(secret_name="db")).secret
typed(shown, rotation_time=int)
refused(400, "CSMS.0106", rotate, "nobody")
refused(400, "CSMS.0106", rotate, "db", other)

# A shared secret is not rotated, and has no period.
secret("common", secret_string="one")
refused(400, "CSMS.0002", rotate, "common")
body = UpdateSecretRequestBody(auto_rotation=True, rotation_period="1d")
refused(400, "CSMS.0002", csms.update_secret, UpdateSecretRequest(secret_name="common", body=body))
refused(
    400,
    "CSMS.0002",
    lambda: secret("two", secret_string="one", auto_rotation=True, rotation_period="1d"),
)
body = UpdateSecretRequestBody(auto_rotation=False)
changed = csms.update_secret(UpdateSecretRequest(secret_name="db", body=body)).secret
assert changed.auto_rotation is False and changed.next_rotation_time is None

# What came of it.
listed = typed(tasks(), total=int, tasks=list)
assert listed.total == 1 and listed.next_marker is None
task = typed(
    listed.tasks[0], task_id=str, secret_name=str, task_status=str, operate_type=str, task_time=int, attempt_nums=int
)
assert (task.task_id, task.secret_name, task.task_status) == (done.rotation_task_id, "db", "SUCCESS")
assert task.task_error_code is None
assert tasks(task_id=task.task_id).total == 1 and tasks(secret_name="other").total == 0
assert tasks(status="FAILED").tasks == []
refused(400, "CSMS.0002", lambda: tasks(status="MAYBE"))
refused(400, "CSMS.0002", lambda: tasks(limit=0))

# That it was rotated leaves a trace.
traces = traces_client()
for _ in range(100):
    asked = ListTracesRequest(trace_type="system", trace_name="rotateSecret")
    found = [trace for trace in traces.list_traces(asked).traces if trace.code == "200"]
    if found:
        break
    time.sleep(0.1)
(trace,) = found
assert trace.service_type == "CSMS" and trace.resource_name == "db", trace
assert value("db")["password"] not in str(trace)
