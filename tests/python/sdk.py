"""What the tests with the official SDK share: a client of the daemon under test, and what a refusal looks like."""

import os

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcts.v3 import CtsClient
from huaweicloudsdkkms.v2 import KmsClient


def client(ak=None, sk=None, project=None, of=KmsClient):
    """A client of KMS as an application has it: endpoint and credentials are all that differs from the cloud."""
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    credentials = BasicCredentials(
        ak or os.environ["AK"], sk or os.environ["SK"], project or os.environ["PROJECT_ID"]
    )
    builder = of.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


def traces_client(ak=None, sk=None, project=None):
    """The same of CTS."""
    return client(ak, sk, project, CtsClient)


def refused(status, code, call, *arguments):
    """Calls, and sees that it is refused with this status and code and a request's id."""
    try:
        answer = call(*arguments)
    except ServiceResponseException as error:
        assert (error.status_code, error.error_code) == (status, code), error
        assert len(error.request_id) == 32 and error.error_msg, error
        return error
    raise AssertionError(f"expected {status} {code}, and it was done: {answer}")


def typed(answer, **fields):
    """Sees that the fields of an answer are of these types: the SDK turns a wrong JSON type into a wrong value."""
    for name, kind in fields.items():
        value = getattr(answer, name)
        assert isinstance(value, kind), f"{name} is {value!r}, not {kind.__name__}"
    return answer
