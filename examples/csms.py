"""What the examples share that get a secret: a client of CSMS that needs nothing but Python's own library.

Environment: CSMS_ENDPOINT, such as https://hsm.example.org:8443; CA_FILE, the authority of its certificate (`rest/ca.pem`
of the daemon); ACCESS_KEY_FILE, as `hsm-admin ak create --out` writes it.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import ssl
import time
from urllib.parse import urlsplit

SECONDS = 10  # that an answer may take
NO_SECRET = "CSMS.0106"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class Failed(Exception):
    """Why there is no value, for people. `code` is CSMS's own, such as NO_SECRET; none if it did not answer."""

    def __init__(self, why, code=None):
        super().__init__(why)
        self.code = code


class Csms:
    """Secrets of the project that an access key works in."""

    def __init__(self):
        self.endpoint = setting("CSMS_ENDPOINT")
        url = urlsplit(self.endpoint)
        if url.scheme != "https" or not url.hostname or url.path not in ("", "/") or url.query:
            raise Failed(f"CSMS_ENDPOINT is {self.endpoint}: expected https://HOST:PORT")
        self.host = url.netloc
        self.key = access_key(setting("ACCESS_KEY_FILE"))
        authority = setting("CA_FILE")
        try:
            self.tls = ssl.create_default_context(cafile=authority)
        except OSError as error:
            raise Failed(f"CA_FILE {authority}: {error.strerror or error}") from error

    def secret(self, secret):
        """The bytes of a secret's current value, given by NAME, or of one of its pairs, given by NAME.PAIR."""
        name, _, wanted = secret.partition(".")
        version = self.version(name)
        text = version.get("secret_string")
        if wanted:
            return pair(text, wanted).encode()
        return base64.b64decode(version["secret_binary"]) if text is None else text.encode()

    def version(self, name, version="SYSCURRENT"):
        """A version of a secret as CSMS answers it: `secret_string`, or `secret_binary` in base64."""
        if not NAME.fullmatch(name) or not NAME.fullmatch(version):
            raise Failed(f"{name}:{version}: a name has letters, digits, - and _ only")
        path = f"/v1/{self.key['project_id']}/secrets/{name}/versions/{version}"
        status, body = self.get(path)
        if status != 200:
            code, why = refusal(status, body)
            raise Failed(f"CSMS refuses {name}:{version}: {code} {why}", code)
        return json.loads(body)["version"]

    def get(self, path):
        connection = http.client.HTTPSConnection(self.host, timeout=SECONDS, context=self.tls)
        try:
            connection.request("GET", path, headers=signed("GET", path, self.host, self.key))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except ssl.SSLCertVerificationError as error:
            raise Failed(f"{self.endpoint} is not trusted by CA_FILE: {error.verify_message}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{self.endpoint} does not answer: {error}") from error
        finally:
            connection.close()


def pair(text, name):
    """The value of a pair, in a text that is a JSON object: a string as it is, anything else as JSON has it."""
    try:
        pairs = json.loads(text or "")
    except ValueError:
        pairs = None
    if not isinstance(pairs, dict) or name not in pairs:
        raise Failed(f"the secret has no pair {name}")
    return pairs[name] if isinstance(pairs[name], str) else json.dumps(pairs[name])


def signed(method, path, host, key):
    """The headers of a request without query and body, signed as Huawei Cloud's SDKs do (SDK-HMAC-SHA256)."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    nothing = hashlib.sha256(b"").hexdigest()
    canonical = f"{method}\n{path}/\n\nhost:{host}\nx-sdk-date:{date}\n\nhost;x-sdk-date\n{nothing}"
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key["secret_key"].encode(), text.encode(), hashlib.sha256).hexdigest()
    who = f"Access={key['access_key']}, SignedHeaders=host;x-sdk-date, Signature={signature}"
    return {"Host": host, "X-Sdk-Date": date, "Authorization": f"SDK-HMAC-SHA256 {who}"}


def refusal(status, body):
    try:
        told = json.loads(body)
        return told["error_code"], told["error_msg"]
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}", "without a reason"


def access_key(path):
    try:
        with open(path, encoding="utf-8") as file:
            key = json.load(file)
        return {name: key[name] for name in ("access_key", "secret_key", "project_id")}
    except OSError as error:
        raise Failed(f"ACCESS_KEY_FILE {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"ACCESS_KEY_FILE {path}: hsm-admin ak create --out makes such files") from error


def setting(name):
    value = os.environ.get(name)
    if not value:
        raise Failed(f"set {name}")
    return value
