"""Traces of secrets: each operation of the guide's table leaves one under its name, and none holds a value."""

import os
import time

import requests
from huaweicloudsdkcore.signer import signer
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcsms.v1 import *
from huaweicloudsdkcts.v3 import ListTracesRequest

from sdk import client, refused, traces_client

csms, cts = client(of=CsmsClient), traces_client()
began = int(time.time() * 1000) - 1
VALUE = "a value that no trace may hold"


def left(name):
    """The newest trace of this name."""
    asked = ListTracesRequest(
        trace_type="system", trace_name=name, _from=began, to=int(time.time() * 1000) + 1000
    )
    traces = cts.list_traces(asked).traces
    assert traces, f"{name} left no trace"
    trace = traces[0]
    assert (trace.service_type, trace.trace_rating) == ("CSMS", "normal"), trace
    assert VALUE not in str(trace), trace
    return trace


# Requirement: CTS-027, CTS-028, CTS-029, CTS-030, CTS-031, CTS-033, CTS-034, CTS-035, CTS-036, CTS-037, CTS-038
# Requirement: CTS-040, CTS-041, CTS-042, CTS-043, CTS-044
target = Notification(target_type="SMN", target_id="urn:smn:local-1:0:ops", target_name="ops")
body = CreateSecretEventRequestBody(
    name="ops", event_types=["SECRET_DELETED"], state="ENABLED", notification=target
)
event = csms.create_secret_event(CreateSecretEventRequest(body=body)).event
trace = left("createSecretEvent")
assert (trace.resource_id, trace.resource_name) == (event.event_id, "ops"), trace
body = CreateSecretRequestBody(name="db", secret_string=VALUE)
secret = csms.create_secret(CreateSecretRequest(body=body)).secret
trace = left("createSecret")
assert (trace.resource_type, trace.resource_id, trace.resource_name) == ("Secret", secret.id, "db"), trace
assert trace.user.access_key_id == os.environ["AK"], trace


def of_db(name):
    trace = left(name)
    assert (trace.resource_id, trace.resource_name) == (secret.id, "db"), trace


body = UpdateSecretRequestBody(description="x")
csms.update_secret(UpdateSecretRequest(secret_name="db", body=body))
of_db("updateSecret")
body = CreateSecretVersionRequestBody(secret_string=VALUE)
csms.create_secret_version(CreateSecretVersionRequest(secret_name="db", body=body))
of_db("createSecretVersion")
csms.show_secret_version(ShowSecretVersionRequest(secret_name="db", version_id="v1"))
of_db("showSecretVersion")
body = UpdateVersionRequestBody(expire_time=int(time.time() * 1000) + 3_600_000)
csms.update_version(UpdateVersionRequest(secret_name="db", version_id="v1", body=body))
of_db("putSecretVersion")
body = UpdateSecretStageRequestBody(version_id="v1")
csms.update_secret_stage(UpdateSecretStageRequest(secret_name="db", stage_name="blue", body=body))
of_db("updateSecretStage")
csms.delete_secret_stage(DeleteSecretStageRequest(secret_name="db", stage_name="blue"))
of_db("deleteSecretStage")
body = CreateSecretTagRequestBody(tag=TagItem(key="env", value="prod"))
csms.create_secret_tag(CreateSecretTagRequest(secret_id=secret.id, body=body))
of_db("createResourceTag")
csms.delete_secret_tag(DeleteSecretTagRequest(secret_id=secret.id, key="env"))
of_db("deleteResourceTag")
blob = csms.download_secret_blob(DownloadSecretBlobRequest(secret_name="db")).secret_blob
of_db("backupSecret")
body = DeleteSecretForScheduleRequestBody(recovery_window_in_days=7)
csms.delete_secret_for_schedule(DeleteSecretForScheduleRequest(secret_name="db", body=body))
of_db("scheduleDelSecret")
csms.restore_secret(RestoreSecretRequest(secret_name="db"))
of_db("restoreSecretFromDeletedStatus")
csms.delete_secret(DeleteSecretRequest(secret_name="db"))
of_db("forceDeleteSecret")
body = UploadSecretBlobRequestBody(secret_blob=blob)
secret = csms.upload_secret_blob(UploadSecretBlobRequest(body=body)).secret
of_db("restoreSecretFromBackupBlob")
body = UpdateSecretEventRequestBody(state="DISABLED")
csms.update_secret_event(UpdateSecretEventRequest(event_name="ops", body=body))
assert left("updateSecretEvent").resource_id == event.event_id
csms.delete_secret_event(DeleteSecretEventRequest(event_name="ops"))
assert left("deleteSecretEvent").resource_name == "ops"

# What is refused leaves a trace too.
refused(400, "CSMS.0106", csms.delete_secret, DeleteSecretRequest(secret_name="none"))
asked = ListTracesRequest(trace_type="system", trace_name="forceDeleteSecret", trace_rating="warning")
refusal = cts.list_traces(asked).traces[0]
assert (refusal.code, refusal.resource_name) == ("400", "none"), refusal

# Requirement: CTS-032
# The operation that is in the documents and in no SDK, signed as the SDK signs.
path = f"/v1/{os.environ['PROJECT_ID']}/secrets/db/stages"
host = os.environ["KMS_ENDPOINT"].removeprefix("https://")


def new_stage(name):
    request = SdkRequest(
        method="POST",
        schema="https",
        host=host,
        resource_path=path,
        uri=path,
        query_params=[],
        header_params={"content-type": "application/json"},
        body=f'{{"name": "{name}", "version_id": "v1"}}',
    )
    credentials = BasicCredentials(os.environ["AK"], os.environ["SK"], os.environ["PROJECT_ID"])
    signed = signer.Signer(credentials).sign(request)
    return requests.post(
        f"https://{host}{path}", data=signed.body, headers=signed.header_params, verify=os.environ["CA_FILE"]
    )


answer = new_stage("green")
assert answer.status_code == 200 and answer.json()["stage"]["version_id"] == "v1", answer.text
of_db("createSecretStage")
answer = new_stage("green")
assert (answer.status_code, answer.json()["error_code"]) == (409, "CSMS.0104"), answer.text
