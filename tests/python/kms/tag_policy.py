"""Tag policies that the operator makes at the console, as the official SDK meets them."""

import json
import os
import subprocess

from huaweicloudsdkkms.v2 import *

from sdk import client, refused

ADMIN = os.path.join(os.path.dirname(os.environ["P11_MODULE"]), "hsm-admin")
kms, other = client(), client(os.environ["OTHER_AK"], os.environ["OTHER_SK"], os.environ["OTHER_PROJECT_ID"])
OWN, OTHER = os.environ["DOMAIN_ID"], os.environ["OTHER_DOMAIN_ID"]


def admin(*words, code=0):
    """What the console says, and that it ends with this exit code."""
    done = subprocess.run([ADMIN, *words], capture_output=True, text=True)
    assert done.returncode == code, (words, done)
    return done.stdout + done.stderr


def document(name, **statement):
    with open(name, "w") as file:
        json.dump({"tags": {"costcenter": statement}}, file)
    return name


def create(name, key, value, who=kms):
    body = CreateKeyRequestBody(key_alias=name)
    made = who.create_key(CreateKeyRequest(body=body)).key_info.key_id
    tag(made, key, value, who)
    return made


def tag(key_id, key, value, who=kms):
    body = CreateKmsTagRequestBody(tag=TagItem(key=key, value=value))
    return who.create_kms_tag(CreateKmsTagRequest(key_id=key_id, body=body))


def batch(key_id, **tags):
    items = [TagItem(key=key, value=value) for key, value in tags.items()]
    body = BatchCreateKmsTagsRequestBody(tags=items, action="create")
    return kms.batch_create_kms_tags(BatchCreateKmsTagsRequest(key_id=key_id, body=body))


found = document("found.json", tag_key={"@@assign": "CostCenter"}, tag_value={"@@assign": ["100", "2*"]})
early = create("early", "costcenter", "100")
free = create("free", "team", "blue")

# The type of policy comes first, and the syntax is looked at.
assert "not enabled" in admin("tag-policy", "create", "cost", "--document", found, code=1)
admin("tag-policy", "enable")
wrong = document("wrong.json", tag_values={"@@assign": ["100"]})
said = admin("tag-policy", "create", "cost", "--document", wrong, code=1)
assert 'tags.costcenter: "tag_values" is not known here' in said, said
assert "costs.json" in admin("tag-policy", "create", "cost", "--document", "costs.json", code=1)
admin("tag-policy", "create", "cost", "--document", found, "--description", "who pays", "--tag", "owner=ada")
assert "is there already" in admin("tag-policy", "create", "cost", "--document", found, code=1)

# A guardrail that finds.
assert "keeps to" in admin("tag-policy", "check")
admin("unit", "create", "finance")
admin("unit", "create", "payments", "--in", "finance")
admin("unit", "move", OWN, "--to", "payments")
admin("tag-policy", "attach", "cost", "--unit", "finance")
late = create("late", "CostCenter", "300")
said = admin("tag-policy", "check", code=5)
assert "2 tags break the tag policies" in said and all(len(line) <= 80 for line in said.splitlines()), said
broken = json.loads(subprocess.run([ADMIN, "tag-policy", "check", "--json"], capture_output=True).stdout)
assert {(one["id"], one["key"], one["value"]) for one in broken} == {
    (early, "costcenter", "100"),
    (late, "CostCenter", "300"),
}
expected = {one["id"]: one["expected"] for one in broken}
assert expected[early] == 'the key "CostCenter"' and expected[late] == 'a value of "100", "2*"', expected

# One that prevents.
kept = document(
    "kept.json",
    tag_key={"@@assign": "CostCenter"},
    tag_value={"@@assign": ["100", "2*"]},
    enforced_for={"@@assign": ["kms:key", "dhsm:*"]},
)
admin("tag-policy", "update", "cost", "--document", kept)
error = refused(400, "KMS.5022", tag, free, "CostCenter", "300")
assert "CostCenter" in error.error_msg and "100" in error.error_msg, error
refused(400, "KMS.5022", tag, free, "costcenter", "100")
refused(400, "KMS.5022", lambda: batch(free, CostCenter="1", stage="x"))
assert [one.key for one in kms.show_kms_tags(ShowKmsTagsRequest(key_id=free)).tags] == ["team"]
tag(free, "CostCenter", "250")
create("fourth", "CostCenter", "100")
create("theirs", "costcenter", "any", other)  # in no unit
in_project = ["--project", os.environ["PROJECT_ID"]]
said = admin("key", "create", "third", "--tag", "CostCenter=300", *in_project, code=1)
assert "breaks the tag policy" in said, said
names = [key.key_alias for key in kms.list_keys(ListKeysRequest(body=ListKeysRequestBody(limit="100"))).key_details]
assert "third" not in names and "fourth" in names, names

# Instances belong to no account: what is attached to the root binds them.
order = ["instance", "order", "pay", "--months", "1", "--tag", "CostCenter=300"]
admin("tag-policy", "attach", "cost", "--root")
assert "breaks the tag policy" in admin(*order, code=1)
refused(400, "KMS.5022", create, "fifth", "costcenter", "any", other)
admin("tag-policy", "detach", "cost", "--root")

# What is attached, to what, and what it comes to.
rules = json.loads(admin("tag-policy", "rules", OWN))
assert rules["tags"]["costcenter"]["tag_value"] == ["100", "2*"], rules
assert json.loads(admin("tag-policy", "rules", OTHER)) == {"tags": {}}
shown = admin("tag-policy", "show", "cost")
assert "unit finance" in shown and "who pays" in shown and "owner=ada" in shown, shown
assert "payments" in admin("unit", "list") and "unit finance" in admin("tag-policy", "list")
assert "it is attached" in admin("tag-policy", "delete", "cost", "--yes", code=1)
assert "give --yes" in admin("tag-policy", "delete", "cost", code=2)
assert "in it" in admin("unit", "delete", "payments", "--yes", code=1)
admin("tag-policy", "detach", "cost", "--unit", "finance")
create("third", "CostCenter", "300")
admin("tag-policy", "update", "cost", "--name", "costs", "--no-tags")
admin("tag-policy", "delete", "costs", "--yes")
assert "There are no tag policies" in admin("tag-policy", "list")
admin("unit", "move", OWN, "--root")
admin("unit", "delete", "payments", "--yes")
admin("unit", "delete", "finance", "--yes")

# All of it is on the record.
log = admin("audit", "list", "--json", json.loads(admin("audit", "status", "--json"))["directory"])
for act in ("enable tag policies", "create a tag policy", "attach a tag policy", "delete a unit", "move an account"):
    assert act in log, act
