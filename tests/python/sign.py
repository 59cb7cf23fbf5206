"""Has the signers of huaweicloudsdkcore sign requests that nobody thought of.

    sign.py COUNT SEED ALGORITHM...

Prints a JSON object a line: the request as the SDK would send it.
"""

import base64
import json
import random
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import DerivationAKSKSigner, Signer, SM3Signer
from urllib.parse import quote

SIGNERS = {"sha256": Signer, "sm3": SM3Signer, "v11": DerivationAKSKSigner}
LETTERS = "abcXYZ019-_.~ /%+&=?#;:@!$'()*,\"<>[]{}|\\^`äßçжщ成本中心\u200d\U0001f511"

count, seed = int(sys.argv[1]), int(sys.argv[2])
chance = random.Random(seed)


def word(longest, letters=LETTERS):
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, longest)))


def path():
    # A part of a path is quoted by the SDK's client: a slash in a key's name or tag becomes %2F.
    return "/" + "/".join(quote(word(12), safe=chance.choice(["", "~", "/"])) for _ in range(chance.randint(0, 6)))


def query():
    pairs = [(word(6), chance.choice([word(10), True, False, chance.randint(0, 9)])) for _ in range(chance.randint(0, 4))]
    # Repeated names, as a list in the SDK's models becomes; of one type, since the SDK sorts them.
    name = "repeated"
    pairs += [(name, word(6)) for _ in range(chance.randint(0, 4))]
    # Without a name that is there twice by accident, with values that cannot be compared.
    return list({name: (name, value) for name, value in pairs if name != "repeated"}.values()) + [
        pair for pair in pairs if pair[0] == "repeated"
    ]


def body(content_type):
    if chance.random() < 0.3:
        return None
    if content_type.startswith("application/json"):
        return json.dumps({word(5): word(30), "n": chance.random()}, ensure_ascii=chance.random() < 0.5)
    return word(40)


for number in range(count):
    algorithm = chance.choice(sys.argv[3:])
    content_type = chance.choice(
        ["application/json", "application/json;charset=UTF-8", "application/json", "application/x-www-form-urlencoded"]
    )
    headers = {"User-Agent": "huaweicloud-usdk-python/3.0; " + word(8, "abc é成"), "Content-Type": content_type}
    if chance.random() < 0.7:
        headers["X-Project-Id"] = "%032x" % chance.getrandbits(128)
    if chance.random() < 0.3:
        headers["X-Security-Token"] = base64.b64encode(chance.randbytes(chance.randint(1, 300))).decode()
    if chance.random() < 0.3:
        headers["my_header"] = word(5, "abc")
    if chance.random() < 0.3:
        headers["X-Note"] = "  " + word(10, "abc \t成") + " "
    request = SdkRequest(
        method=chance.choice(["GET", "POST", "PUT", "DELETE", "PATCH"]),
        schema="https",
        host=chance.choice(["hsm.example", "127.0.0.1:8443", "[::1]:443"]),
        resource_path=path(),
        query_params=query(),
        header_params=headers,
        body=body(content_type),
        uri="",
    )
    ak, sk = "AK%d" % number, word(60) or "sk"
    signer = SIGNERS[algorithm](BasicCredentials(ak, sk, "0" * 32))
    if algorithm == "v11":
        signer.sign(request, chance.choice(["kms", "csms", "iam"]), chance.choice(["local-1", "eu-west-101"]))
    else:
        signer.sign(request)
    print(json.dumps({
        "algorithm": algorithm,
        "method": request.method,
        "target": request.uri,
        # A character for each byte that goes out: as the signer leaves the headers for `requests`.
        "headers": request.header_params,
        "body": (request.body or b"").decode("latin-1"),
        "ak": ak,
        "sk": sk,
    }))
