"""What the examples share: a client of KMS by Huawei Cloud's official SDK, and data keys.

Environment: KMS_ENDPOINT, AK, SK, PROJECT_ID and CA_FILE, as `scripts/dev-up` prints them.
"""

import os
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkkms.v2 import (
    CreateDatakeyRequest,
    CreateDatakeyRequestBody,
    DecryptDatakeyRequest,
    DecryptDatakeyRequestBody,
    KmsClient,
)


def client():
    missing = [name for name in ("KMS_ENDPOINT", "AK", "SK", "PROJECT_ID", "CA_FILE") if name not in os.environ]
    if missing:
        sys.exit(f'set {", ".join(missing)} (scripts/dev-up prints them)')
    config = HttpConfig.get_default_config()
    config.ssl_ca_cert = os.environ["CA_FILE"]
    credentials = BasicCredentials(os.environ["AK"], os.environ["SK"], os.environ["PROJECT_ID"])
    builder = KmsClient.new_builder().with_http_config(config).with_credentials(credentials)
    return builder.with_endpoint(os.environ["KMS_ENDPOINT"]).build()


def new_data_key(key, size):
    """A new data key of so many bytes under this key, in the clear and encrypted."""
    body = CreateDatakeyRequestBody(key_id=key, datakey_length=str(size * 8))
    made = client().create_datakey(CreateDatakeyRequest(body=body))
    return bytes.fromhex(made.plain_text), made.cipher_text


def data_key(key, cipher_text, size):
    """A data key of so many bytes in the clear again."""
    body = DecryptDatakeyRequestBody(key_id=key, cipher_text=cipher_text, datakey_cipher_length=str(size))
    return bytes.fromhex(client().decrypt_datakey(DecryptDatakeyRequest(body=body)).data_key)


def run(main):
    """Runs a program whose mistakes are told in a line."""
    try:
        main()
    except SdkException as error:
        sys.exit(f"KMS refuses: {getattr(error, 'error_code', '')} {getattr(error, 'error_msg', error)}")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except ValueError as error:
        sys.exit(str(error))
