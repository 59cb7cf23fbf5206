"""Key material that comes from elsewhere, by the guide's own openssl commands; and rotation."""

import base64
import hashlib
import os
import subprocess
import tempfile
import time

from huaweicloudsdkkms.v2 import *

from sdk import client, refused, typed

kms = client()


def sh(command, folder):
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def b64(data):
    return base64.b64encode(data).decode()


names = iter(range(1000))


def key(spec="AES_256", usage=None, origin="external"):
    name = f"material-{next(names)}-{spec}"
    body = CreateKeyRequestBody(key_alias=name, key_spec=spec, key_usage=usage, origin=origin)
    return kms.create_key(CreateKeyRequest(body=body)).key_info.key_id


def state(key_id):
    request = ListKeyDetailRequest(body=OperateKeyRequestBody(key_id=key_id))
    return kms.list_key_detail(request).key_info.key_state


def parameters(key_id, algorithm="RSAES_OAEP_SHA_256"):
    body = GetParametersForImportRequestBody(key_id=key_id, wrapping_algorithm=algorithm)
    return kms.create_parameters_for_import(CreateParametersForImportRequest(body=body))


def bring(key_id, token, material, private=None, expires=None):
    body = ImportKeyMaterialRequestBody(
        key_id=key_id,
        import_token=token,
        encrypted_key_material=material,
        encrypted_privatekey=private,
        expiration_time=expires,
    )
    return kms.import_key_material(ImportKeyMaterialRequest(body=body))


OAEP = (
    "openssl pkeyutl -in PlaintextKeyMaterial.bin -inkey PublicKey.bin -out EncryptedKeyMaterial.bin "
    "-keyform der -pubin -encrypt -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256"
)


def wrapped(folder, public_key):
    """What the guide makes of PlaintextKeyMaterial.bin and the wrapping key."""
    with open(os.path.join(folder, "PublicKey.b64"), "w", encoding="ascii") as file:
        file.write(public_key)
    sh("openssl enc -d -base64 -A -in PublicKey.b64 -out PublicKey.bin", folder)
    sh(OAEP, folder)
    return b64(read(folder, "EncryptedKeyMaterial.bin"))


def symmetric():
    one = key()
    assert state(one) == "5"
    kms_key = key(origin="kms")
    refused(400, "KMS.0309", parameters, kms_key)
    refused(400, "KMS.0332", parameters, one, "RSAES_PKCS1_V1_5")
    given = typed(parameters(one), key_id=str, import_token=str, public_key=str, expiration_time=int)
    assert abs(given.expiration_time - time.time() - 86400) < 60
    assert 200 <= len(given.import_token) <= 6144
    with tempfile.TemporaryDirectory() as folder:
        sh("openssl rand -out PlaintextKeyMaterial.bin 32", folder)
        material = wrapped(folder, given.public_key)
        assert 344 <= len(material) <= 360
        other = key()
        refused(400, "KMS.2603", bring, other, given.import_token, material)
        broken = b64(base64.b64decode(given.import_token)[:-1] + b"x")
        refused(400, "KMS.2605", bring, one, broken, material)
        refused(400, "KMS.0311", bring, one, given.import_token, b64(os.urandom(256)))
        refused(400, "KMS.2602", bring, one, given.import_token, material, None, int(time.time()) - 5)
        assert state(one) == "5"
        bring(one, given.import_token, material)
        assert state(one) == "2"
        refused(400, "KMS.0310", bring, one, given.import_token, material)

        body = EncryptDataRequestBody(key_id=one, plain_text="kept")
        cipher = kms.encrypt_data(EncryptDataRequest(body=body)).cipher_text

        def decrypt():
            return kms.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=cipher)))

        assert decrypt().plain_text == "kept"
        # The same material in another key does not open it.
        again = parameters(other)
        bring(other, again.import_token, wrapped(folder, again.public_key))
        body = DecryptDataRequestBody(cipher_text=cipher, key_id=other)
        refused(400, "KMS.2201", kms.decrypt_data, DecryptDataRequest(body=body))

        forget = DeleteImportedKeyMaterialRequest(body=OperateKeyRequestBody(key_id=one))
        kms.delete_imported_key_material(forget)
        assert state(one) == "5"
        refused(400, "KMS.0309", decrypt)
        refused(400, "KMS.2701", kms.delete_imported_key_material, forget)
        again = parameters(one)
        same = wrapped(folder, again.public_key)
        sh("openssl rand -out PlaintextKeyMaterial.bin 32", folder)
        refused(400, "KMS.2606", bring, one, again.import_token, wrapped(folder, again.public_key))
        expires = int(time.time()) + 3
        bring(one, again.import_token, same, None, expires)
        assert decrypt().plain_text == "kept"
        shown = kms.list_key_detail(ListKeyDetailRequest(body=OperateKeyRequestBody(key_id=one))).key_info
        assert shown.expiration_time == str(expires * 1000), shown
        for _ in range(100):
            if state(one) == "5":
                break
            time.sleep(0.2)
        assert state(one) == "5", "the material did not expire"
        refused(400, "KMS.0309", decrypt)

        sh("openssl rand -out PlaintextKeyMaterial.bin 31", folder)
        short = key()
        given = parameters(short)
        refused(400, "KMS.2604", bring, short, given.import_token, wrapped(folder, given.public_key))
    refused(400, "KMS.0308", key, "HMAC_256")
    forget = DeleteImportedKeyMaterialRequest(body=OperateKeyRequestBody(key_id=kms_key))
    refused(400, "KMS.0309", kms.delete_imported_key_material, forget)


def asymmetric():
    with tempfile.TemporaryDirectory() as folder:
        sh("openssl genrsa -out rsa.pem 2048", folder)
        sh("openssl ecparam -genkey -name prime256v1 -noout -out ec.pem", folder)
        sh("openssl rand -out 0xPlaintextKeyMaterial.bin -hex 32", folder)
        sh("cat 0xPlaintextKeyMaterial.bin | xxd -r -ps > PlaintextKeyMaterial.bin", folder)
        for spec, file, algorithm in [
            ("RSA_2048", "rsa.pem", "RSASSA_PSS_SHA_256"),
            ("EC_P256", "ec.pem", "ECDSA_SHA_256"),
        ]:
            sh(f"openssl pkcs8 -topk8 -inform PEM -outform DER -in {file} -out private.der -nocrypt", folder)
            command = (
                "openssl enc -id-aes256-wrap-pad -K $(cat 0xPlaintextKeyMaterial.bin) -iv A65959A6 "
                "-in private.der -out out_private.der"
            )
            sh(command, folder)
            private = b64(read(folder, "out_private.der"))
            one = key(spec, "SIGN_VERIFY")
            given = parameters(one)
            material = wrapped(folder, given.public_key)
            refused(400, "KMS.2608", bring, one, given.import_token, material)
            damaged = b64(read(folder, "out_private.der")[:-8] + bytes(8))
            refused(400, "KMS.2609", bring, one, given.import_token, material, damaged)
            wrong = key("RSA_3072", "SIGN_VERIFY")
            theirs = parameters(wrong)
            refused(400, "KMS.2609", bring, wrong, theirs.import_token, wrapped(folder, theirs.public_key), private)
            bring(one, given.import_token, material, private)
            assert state(one) == "2"
            pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=one))).public_key
            with open(os.path.join(folder, "public.pem"), "w", encoding="ascii") as out:
                out.write(pem)
            ours = sh("openssl pkey -pubin -in public.pem -outform DER", folder)
            assert ours == sh(f"openssl pkey -in {file} -pubout -outform DER", folder), spec
            body = SignRequestBody(
                key_id=one,
                message=b64(hashlib.sha256(b"signed").digest()),
                signing_algorithm=algorithm,
            )
            signature = kms.sign(SignRequest(body=body)).signature
            with open(os.path.join(folder, "signature"), "wb") as out:
                out.write(base64.b64decode(signature))
            with open(os.path.join(folder, "text"), "wb") as out:
                out.write(b"signed")
            pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest" if "PSS" in algorithm else ""
            sh(f"openssl dgst -sha256 {pss} -verify public.pem -signature signature text", folder)
            forget = DeleteImportedKeyMaterialRequest(body=OperateKeyRequestBody(key_id=one))
            refused(400, "KMS.2702", kms.delete_imported_key_material, forget)


def rotation():
    one = key(origin="kms")

    def status():
        request = ShowKeyRotationStatusRequest(body=OperateKeyRequestBody(key_id=one))
        return typed(
            kms.show_key_rotation_status(request), key_rotation_enabled=bool, number_of_rotations=int
        )

    enable = EnableKeyRotationRequest(body=OperateKeyRequestBody(key_id=one))
    disable = DisableKeyRotationRequest(body=OperateKeyRequestBody(key_id=one))

    def interval(days):
        body = UpdateKeyRotationIntervalRequestBody(key_id=one, rotation_interval=days)
        return kms.update_key_rotation_interval(UpdateKeyRotationIntervalRequest(body=body))

    assert status().key_rotation_enabled is False
    refused(400, "KMS.0313", kms.disable_key_rotation, disable)
    refused(400, "KMS.0313", interval, 30)
    kms.enable_key_rotation(enable)
    refused(400, "KMS.2901", kms.enable_key_rotation, enable)
    assert (status().key_rotation_enabled, status().rotation_interval) == (True, 365)
    interval(30)
    assert status().rotation_interval == 30
    refused(400, "KMS.3001", interval, 29)
    refused(400, "KMS.3001", interval, 366)
    ciphers = []
    for version in range(1, 4):
        body = EncryptDataRequestBody(key_id=one, plain_text=f"by version {version}")
        ciphers.append(kms.encrypt_data(EncryptDataRequest(body=body)).cipher_text)
        kms.rotate_on_demand(RotateOnDemandRequest(body=RotateOnDemandRequestBody(key_id=one)))
    now = status()
    assert (now.number_of_rotations, len(now.key_materials)) == (3, 4)
    assert abs(int(now.last_rotation_time) / 1000 - time.time()) < 60
    for version, cipher in enumerate(ciphers, 1):
        opened = kms.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=cipher)))
        assert opened.plain_text == f"by version {version}"
    kms.disable_key_rotation(disable)
    assert status().key_rotation_enabled is False
    for spec, code in [("RSA_2048", "KMS.0324"), ("HMAC_256", "KMS.0341")]:
        request = EnableKeyRotationRequest(body=OperateKeyRequestBody(key_id=key(spec, origin="kms")))
        refused(400, code, kms.enable_key_rotation, request)
    request = EnableKeyRotationRequest(body=OperateKeyRequestBody(key_id=key()))
    refused(400, "KMS.0312", kms.enable_key_rotation, request)


symmetric()
asymmetric()
rotation()
print("material and rotation: good")
