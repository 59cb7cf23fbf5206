"""Trackers: made, changed and taken away; where traces go to; and nobody else's."""

import gzip
import json
import os
import time
import uuid
from pathlib import Path

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcts.v3 import *
from huaweicloudsdkkms.v2 import CreateKeyRequest, CreateKeyRequestBody, CreateDatakeyRequest, CreateDatakeyRequestBody

from sdk import client, typed
from sdk import refused as refused_with


def traces_client(ak=None, sk=None, project=None):
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    credentials = BasicCredentials(
        ak or os.environ["AK"], sk or os.environ["SK"], project or os.environ["PROJECT_ID"]
    )
    builder = CtsClient.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


kms, cts = client(), traces_client()
ACCOUNT, FOLDER = os.environ["DOMAIN_ID"], Path(os.environ["TRANSFER_FOLDER"])


def refused(status, code, call, /, *arguments, **more):
    return refused_with(status, code, lambda: call(*arguments, **more))


def trackers(of=cts, **which):
    return of.list_trackers(ListTrackersRequest(**which)).trackers


def create(kind, name, of=cts, **more):
    body = CreateTrackerRequestBody(tracker_type=kind, tracker_name=name, **more)
    return of.create_tracker(CreateTrackerRequest(body=body))


def update(kind, name, of=cts, **more):
    body = UpdateTrackerRequestBody(tracker_type=kind, tracker_name=name, **more)
    return of.update_tracker(UpdateTrackerRequest(body=body))


def delete(of=cts, **which):
    return of.delete_tracker(DeleteTrackerRequest(**which))


# The management tracker is there from the beginning, and there is one.
[system] = trackers()
typed(system, id=str, create_time=int, project_id=str, domain_id=str, is_support_validate=bool, obs_info=ObsInfo, lts=Lts)
assert (system.tracker_name, system.tracker_type, system.status) == ("system", "system", "enabled"), system
assert (system.project_id, system.domain_id) == (os.environ["PROJECT_ID"], ACCOUNT), system
refused(400, "CTS.0201", create, "system", "system")
refused(400, "CTS.0204", create, "system", "another")
refused(400, "CTS.0202", create, "other", "system")
refused(400, "CTS.0206", update, "system", "system", data_bucket=DataBucket(data_bucket_name="bucket", data_event=["READ"]))
refused(400, "CTS.0205", update, "system", "system", status="off")


def quotas():
    found = cts.list_quotas(ListQuotasRequest()).resources
    return {one.type: (one.used, one.quota) for one in found}


assert quotas() == {"data_tracker": (0, 100), "system_tracker": (1, 1)}, quotas()


# Buckets: folders of the account, by names that lead nowhere else.
def checked(name, **more):
    asked = CheckBucketRequest(bucket_name=name, bucket_location="local-1", **more)
    body = CheckObsBucketsRequestBody(buckets=[asked])
    [bucket] = cts.check_obs_buckets(CheckObsBucketsRequest(domain_id=ACCOUNT, body=body)).buckets
    found = typed(bucket.check_bucket_response, success=bool, response_code=int)
    return found.success, found.response_code


assert checked("kept") == (False, 404)
for wrong in ("..", "../x", "/etc", "Kept", "a..b", "10.0.0.1"):
    assert checked(wrong) == (False, 404), wrong
    refused(400, "CTS.0001", update, "system", "system", obs_info=TrackerObsInfo(bucket_name=wrong, is_obs_created=True))
assert not list(FOLDER.iterdir()), "a bucket was made of a name that is none"
refused(400, "CTS.0001", update, "system", "system", obs_info=TrackerObsInfo(bucket_name="kept"))
refused(400, "CTS.0218", update, "system", "system", obs_info=TrackerObsInfo(bucket_name="kept", file_prefix_name="a/b", is_obs_created=True))
refused(400, "CTS.0217", update, "system", "system", obs_info=TrackerObsInfo(bucket_name="kept", bucket_lifecycle=30))
# What is not offered is refused, so that nobody relies on it.
refused(400, "CTS.0003", update, "system", "system", is_support_trace_files_encryption=True)
refused(400, "CTS.0003", update, "system", "system", is_support_validate=True)
refused(400, "CTS.0228", update, "system", "system", is_organization_tracker=True)
why = refused(400, "CTS.0003", update, "system", "system", is_lts_enabled=True)
assert "[audit.forward]" in why.error_msg, why

# Requirement: CTS-062
# Traces from now on go into files of the bucket, as in the cloud's.
key = kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="before"))).key_info.key_id
update(
    "system", "system",
    obs_info=TrackerObsInfo(bucket_name="kept", file_prefix_name="audit", is_obs_created=True),
    management_event_selector=ManagementEventSelector(exclude_service=["KMS"]),
)
assert checked("kept") == (True, 200)
[system] = trackers(tracker_name="system")
shown = system.obs_info
assert (shown.bucket_name, shown.file_prefix_name, shown.compress_type) == ("kept", "audit", "gzip"), system
assert shown.is_obs_created and shown.is_authorized_bucket and shown.is_sort_by_service, system
assert system.management_event_selector.exclude_service == ["KMS"], system
key = kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="after"))).key_info.key_id
kms.create_datakey(CreateDatakeyRequest(body=CreateDatakeyRequestBody(key_id=key, datakey_length="256")))


def transferred(bucket):
    """All traces in the files of a bucket, by the files' paths."""
    files = {}
    for path in sorted((FOLDER / ACCOUNT / bucket).rglob("*.json*")):
        if path.name.startswith("."):
            continue
        data = path.read_bytes()
        files[path] = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    return files


def wait_for(name, bucket="kept", **fields):
    for _ in range(300):
        files = transferred(bucket)
        for path, traces in files.items():
            for trace in traces:
                if trace["trace_name"] == name and all(trace[field] == value for field, value in fields.items()):
                    return path, trace
        time.sleep(0.1)
    raise AssertionError(f"{name} was not transferred: {files}")


path, trace = wait_for("createKey", resource_name="after")
day = time.gmtime()
folders = path.relative_to(FOLDER / ACCOUNT).parts[:-1]
assert folders[:3] == ("kept", "CloudTraces", "local-1") and folders[-2:] == ("system", "KMS"), folders
assert folders[3:6] in [tuple(str(part) for part in time.gmtime(time.time() - ago)[:3]) for ago in (0, 3600)], folders
assert path.name.startswith("audit_CloudTrace_local-1_") and path.name.endswith(".json.gz"), path
listed = cts.list_traces(ListTracesRequest(trace_type="system", trace_id=trace["trace_id"])).traces
assert [one.trace_name for one in listed] == ["createKey"], listed
assert trace["resource_id"] == key and trace["project_id"] == os.environ["PROJECT_ID"], trace
path, trace = wait_for("updateTracker")
assert path.parts[-2] == "CTS" and json.loads(trace["request"])["obs_info"]["bucket_name"] == "kept", trace

# Another form; and each trace once.
update("system", "system", obs_info=TrackerObsInfo(compress_type="json", is_sort_by_service=False))
kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="plain")))
path, _ = wait_for("createKey", resource_name="plain")
assert path.suffix == ".json" and path.parts[-2] == "system", path
# While it is disabled nothing is; the list has all the same.
update("system", "system", status="disabled")
kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="unseen")))
time.sleep(0.01)
update("system", "system", status="enabled")
kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="last")))
wait_for("createKey", resource_name="last")
everything = [trace for traces in transferred("kept").values() for trace in traces]
names = [trace["resource_name"] for trace in everything if trace["trace_name"] == "createKey"]
assert sorted(names) == ["after", "last", "plain"], names
ids = [trace["trace_id"] for trace in everything]
assert len(ids) == len(set(ids)), "a trace was transferred twice"
assert not any(trace["trace_name"] == "createDataKey" for trace in everything), "left out, and transferred"
assert cts.list_traces(ListTracesRequest(trace_type="system", resource_name="unseen")).traces
# A bucket that is gone is told, and makes no harm.
(FOLDER / ACCOUNT / "kept").rename(FOLDER / "aside")
[system] = trackers(tracker_type="system")
assert (system.status, system.detail) == ("error", "noBucket"), system
kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="meanwhile")))
(FOLDER / "aside").rename(FOLDER / ACCOUNT / "kept")
assert trackers()[0].status == "enabled"
wait_for("createKey", resource_name="meanwhile")

# Data trackers, of a bucket that is there.
(FOLDER / ACCOUNT / "watched").mkdir()
reads = DataBucket(data_bucket_name="watched", data_event=["READ"])
made = create("data", "mine", data_bucket=reads, obs_info=TrackerObsInfo(bucket_name="kept"))
typed(made, id=str, create_time=int, status=str, data_bucket=DataBucketQuery, obs_info=ObsInfo)
assert (made.tracker_type, made.data_bucket.data_event) == ("data", ["READ"]), made
refused(400, "CTS.0208", create, "data", "mine", data_bucket=reads)
refused(400, "CTS.0209", create, "data", "two", data_bucket=DataBucket(data_bucket_name="watched", data_event=["READ", "WRITE"]))
refused(400, "CTS.0210", create, "data", "two")
refused(400, "CTS.0211", create, "data", "two", data_bucket=DataBucket(data_bucket_name="nowhere", data_event=["READ"]))
refused(400, "CTS.0207", create, "data", "system", data_bucket=reads)
refused(400, "CTS.0213", create, "data", "two", data_bucket=DataBucket(data_bucket_name="watched", data_event=["WRITE"]), obs_info=TrackerObsInfo(bucket_name="watched"))
for wrong in ("-a", "_a", "a b", "a" * 33, "ä"):
    refused(400, "CTS.0203", create, "data", wrong, data_bucket=reads)
refused(400, "CTS.0212", update, "data", "mine", data_bucket=DataBucket(data_bucket_name="kept"))
update("data", "mine", data_bucket=DataBucket(data_bucket_name="watched", data_event=["WRITE"]))
two = create("data", "two", data_bucket=reads)
assert quotas()["data_tracker"] == (2, 100)
assert [one.tracker_name for one in trackers(tracker_type="data")] == ["mine", "two"]
refused(404, "CTS.0003", update, "data", "three")
refused(404, "CTS.0003", delete, tracker_name="three")


# Tags, by the same rules as those of keys.
def tag(which, tags, of=cts):
    body = BatchCreateResourceTagsRequestBody(tags=[Tags(key=key, value=value) for key, value in tags])
    return of.batch_create_resource_tags(
        BatchCreateResourceTagsRequest(resource_type="cts-tracker", resource_id=which, body=body)
    )


def untag(which, keys, of=cts):
    body = BatchDeleteResourceTagsRequestBody(tags=[Tags(key=key, value="") for key in keys])
    return of.batch_delete_resource_tags(
        BatchDeleteResourceTagsRequest(resource_type="cts-tracker", resource_id=which, body=body)
    )


tag(made.id, [("team", "blue"), ("stage", "test")])
tag(system.id, [("team", "red")])
refused(400, "CTS.0003", tag, made.id, [("_sys_a", "b")])
refused(400, "CTS.0003", tag, made.id, [(f"key{number}", "") for number in range(19)])
untag(made.id, ["stage", "not there"])
tag(made.id, [(f"key{number}", "") for number in range(19)])
refused(400, "CTS.0003", untag, made.id, [])
refused(404, "CTS.0003", tag, str(uuid.uuid4()), [("a", "b")])

# Requirement: CTS-061
# Another account neither sees nor changes them, nor the buckets.
other = dict(ak=os.environ["OTHER_AK"], sk=os.environ["OTHER_SK"])
theirs = traces_client(**other, project=os.environ["OTHER_PROJECT_ID"])
trespasser = traces_client(**other)
assert [one.tracker_name for one in trackers(theirs)] == ["system"]
nobodys = str(uuid.uuid4())
for which in (made.id, system.id):
    for change, what in ((tag, [("a", "b")]), (untag, ["team"])):
        mine = refused(404, "CTS.0003", change, which, what, theirs)
        assert mine.error_msg == refused(404, "CTS.0003", change, nobodys, what, theirs).error_msg
        refused(403, "APIGW.0302", change, which, what, trespasser)
refused(404, "CTS.0003", update, "data", "mine", theirs)
refused(404, "CTS.0003", delete, theirs, tracker_name="mine")
refused(400, "CTS.0001", update, "system", "system", theirs, obs_info=TrackerObsInfo(bucket_name="kept"))
refused(400, "CTS.0211", create, "data", "spy", theirs, data_bucket=reads)
for call in (trackers, lambda of: update("system", "system", of), lambda of: delete(of), lambda of: create("data", "x", of, data_bucket=reads)):
    refused(403, "APIGW.0302", call, trespasser)
refused(403, "APIGW.0302", trespasser.list_quotas, ListQuotasRequest())
body = CheckObsBucketsRequestBody(buckets=[CheckBucketRequest(bucket_name="kept", bucket_location="local-1")])
refused(403, "APIGW.0302", theirs.check_obs_buckets, CheckObsBucketsRequest(domain_id=ACCOUNT, body=body))

# Requirement: CTS-058
# What was done to trackers left traces too, which go with none of them.
delete(tracker_name="two")
delete()
assert [one.tracker_name for one in trackers()] == ["system"]
delete(tracker_type="system")
assert trackers() == [] and quotas()["system_tracker"] == (0, 1)
refused(404, "CTS.0003", update, "system", "system")
left = cts.list_traces(ListTracesRequest(trace_type="system", service_type="CTS", limit=200)).traces
names = {(trace.trace_name, trace.trace_rating) for trace in left}
for name in ("createTracker", "updateTracker", "deleteTracker", "batchCreateResourceTags", "batchDeleteResourceTags"):
    assert (name, "normal") in names, (name, names)
assert {trace.resource_type for trace in left} == {"tracker"}, left


def about(name):
    """The resources of the traces of a name that have been done, the newest first."""
    found = [trace for trace in left if trace.trace_name == name and trace.trace_rating == "normal"]
    return [(trace.resource_id, trace.resource_name) for trace in found]


assert about("deleteTracker") == [(system.id, "system"), ("", ""), (two.id, "two")], about("deleteTracker")
assert about("createTracker") == [(two.id, "two"), (made.id, "mine")], about("createTracker")
assert about("updateTracker")[0] == (made.id, "mine") and (system.id, "system") in about("updateTracker")
assert about("batchDeleteResourceTags") == [(made.id, "mine")], about("batchDeleteResourceTags")
assert set(about("batchCreateResourceTags")) == {(made.id, "mine"), (system.id, "system")}
again = create("system", "system")
assert (again.id, again.obs_info.bucket_name, again.status) == (system.id, "", "enabled"), again
print("trackers: ok")
