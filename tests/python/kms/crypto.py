"""Every operation of KMS that uses a key, by the official SDK, checked by OpenSSL and Python's own hashes."""

import base64
import hashlib
import hmac
import os
import subprocess
import tempfile

from huaweicloudsdkkms.v2 import *

from sdk import client, refused, typed

kms = client()


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


made = iter(range(1000))


def key(spec, usage=None):
    body = CreateKeyRequestBody(key_alias=f"crypto-{next(made)}-{spec}", key_spec=spec, key_usage=usage)
    return kms.create_key(CreateKeyRequest(body=body)).key_info.key_id


def openssl(*words, stdin=b"", expect=0):
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=False)
    assert done.returncode == expect, (words, done.stdout, done.stderr)
    return done.stdout


def written(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def random():
    def ask(bits):
        return kms.create_random(CreateRandomRequest(body=GenRandomRequestBody(random_data_length=bits)))

    one = typed(ask("512"), random_data=str).random_data
    assert len(bytes.fromhex(one)) == 64 and one != ask("512").random_data
    assert len(bytes.fromhex(ask("8").random_data)) == 1
    assert len(bytes.fromhex(ask("8192").random_data)) == 1024
    refused(400, "KMS.1801", ask, "8200")
    refused(400, "KMS.1801", ask, "0")
    refused(400, "KMS.1802", ask, "9")


def pins():
    def create(kind=None):
        return kms.create_pin(CreatePinRequest(body=CreatePinRequestBody(pin_type=kind))).pin

    one = create("PlainText")
    assert len(one) == 12 and one.isdigit() and one != create("PlainText")
    body = DecryptDataRequestBody(cipher_text=create(), additional_authenticated_data="pin")
    opened = kms.decrypt_data(DecryptDataRequest(body=body)).plain_text
    assert len(opened) == 12 and opened.isdigit()
    refused(400, "KMS.0308", create, "Paper")


def data():
    aes, rsa = key("AES_256"), key("RSA_2048", "ENCRYPT_DECRYPT")

    def encrypt(**fields):
        return kms.encrypt_data(EncryptDataRequest(body=EncryptDataRequestBody(**fields)))

    def decrypt(**fields):
        return kms.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(**fields)))

    for text in ["a", "grüße 你好", "x" * 4096]:
        made = typed(encrypt(key_id=aes, plain_text=text, additional_authenticated_data="of"), cipher_text=str)
        assert 128 <= len(made.cipher_text) <= 5648, len(made.cipher_text)
        opened = decrypt(cipher_text=made.cipher_text, additional_authenticated_data="of")
        assert (opened.key_id, opened.plain_text) == (aes, text)
        assert unb64(opened.plain_text_base64) == text.encode()
        refused(400, "KMS.2201", lambda: decrypt(cipher_text=made.cipher_text))
        broken = made.cipher_text[:-6] + ("AAAA" if made.cipher_text[-6:-2] != "AAAA" else "BBBB") + made.cipher_text[-2:]
        refused(400, "KMS.2201", lambda: decrypt(cipher_text=broken, additional_authenticated_data="of"))
    refused(400, "KMS.2101", lambda: encrypt(key_id=aes, plain_text="x" * 4097))
    refused(400, "KMS.0308", lambda: encrypt(key_id=aes, plain_text="x", additional_authenticated_data="x" * 129))
    refused(400, "KMS.2105", lambda: encrypt(key_id=aes, plain_text="x", encryption_algorithm="RSAES_OAEP_SHA_256"))

    oaep = "RSAES_OAEP_SHA_256"
    made = encrypt(key_id=rsa, plain_text="x" * 190, encryption_algorithm=oaep)
    assert decrypt(key_id=rsa, cipher_text=made.cipher_text, encryption_algorithm=oaep).plain_text == "x" * 190
    refused(400, "KMS.2108", lambda: encrypt(key_id=rsa, plain_text="x" * 191, encryption_algorithm=oaep))
    # What OpenSSL encrypts with the public key, KMS decrypts.
    with tempfile.TemporaryDirectory() as folder:
        pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=rsa))).public_key
        assert "\r\n" in pem
        public = written(folder, "public.pem", pem.encode())
        options = ["-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"]
        sealed = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, *options, stdin=b"by openssl")
        opened = decrypt(key_id=rsa, cipher_text=b64(sealed), encryption_algorithm=oaep)
        assert opened.plain_text == "by openssl"
    refused(400, "KMS.0331", lambda: kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=aes))))

    other = kms.create_key(CreateKeyRequest(body=CreateKeyRequestBody(key_alias="crypto-other"))).key_info.key_id
    made = encrypt(key_id=aes, plain_text="moves", additional_authenticated_data="here")

    def move(**fields):
        return kms.re_encrypt(ReEncryptRequest(body=ReEncryptRequestBody(**fields)))

    moved = move(
        destination_key_id=other,
        cipher_text=made.cipher_text,
        source_additional_authenticated_data="here",
        destination_additional_authenticated_data="there",
    )
    assert (moved.key_id, moved.source_key_id) == (other, aes)
    opened = decrypt(cipher_text=moved.cipher_text, additional_authenticated_data="there")
    assert (opened.key_id, opened.plain_text) == (other, "moves")
    refused(400, "KMS.2201", lambda: move(destination_key_id=other, cipher_text=made.cipher_text))


def data_keys():
    aes = key("AES_256", "ENCRYPT_DECRYPT")

    def create(**fields):
        return kms.create_datakey(CreateDatakeyRequest(body=CreateDatakeyRequestBody(**fields)))

    def decrypt(**fields):
        return kms.decrypt_datakey(DecryptDatakeyRequest(body=DecryptDatakeyRequestBody(**fields)))

    for fields, length in [
        ({}, 32),
        ({"datakey_length": "512"}, 64),
        ({"key_spec": "AES_128"}, 16),
        ({"key_spec": "HMAC_384"}, 48),
        ({"key_spec": "AES_128", "datakey_length": "8192"}, 1024),
    ]:
        made = typed(create(key_id=aes, **fields), plain_text=str, cipher_text=str)
        plain = bytes.fromhex(made.plain_text)
        assert len(plain) == length, (fields, len(plain))
        opened = decrypt(key_id=aes, cipher_text=made.cipher_text, datakey_cipher_length=str(length))
        typed(opened, data_key=str, datakey_length=str, datakey_dgst=str)
        assert bytes.fromhex(opened.data_key) == plain
        assert opened.datakey_length == str(length)
        assert opened.datakey_dgst == hashlib.sha256(plain).hexdigest()
    refused(400, "KMS.1901", lambda: create(key_id=aes, datakey_length="8200"))
    refused(400, "KMS.1903", lambda: create(key_id=aes, datakey_length="257"))
    refused(400, "KMS.1902", lambda: create(key_id=aes, key_spec="DES"))
    refused(400, "KMS.2204", lambda: decrypt(key_id=aes, cipher_text=made.cipher_text, datakey_cipher_length="32"))

    request = CreateDatakeyWithoutPlaintextRequest(body=CreateDatakeyRequestBody(key_id=aes))
    blind = kms.create_datakey_without_plaintext(request)
    assert not hasattr(blind, "plain_text")
    assert decrypt(key_id=aes, cipher_text=blind.cipher_text, datakey_cipher_length="32").data_key

    mine = os.urandom(32)

    def encrypt(plain, length="32"):
        body = EncryptDatakeyRequestBody(key_id=aes, plain_text=plain, datakey_plain_length=length)
        return kms.encrypt_datakey(EncryptDatakeyRequest(body=body))

    made = typed(encrypt((mine + hashlib.sha256(mine).digest()).hex()), cipher_text=str, datakey_length=str)
    opened = decrypt(key_id=aes, cipher_text=made.cipher_text, datakey_cipher_length="32")
    assert bytes.fromhex(opened.data_key) == mine
    refused(400, "KMS.2103", encrypt, (mine + hashlib.sha256(b"other").digest()).hex())
    refused(400, "KMS.2104", encrypt, mine.hex(), "31")
    refused(400, "KMS.2102", encrypt, mine.hex(), "1025")

    def decrypt_data(cipher):
        return kms.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=cipher)))

    for spec in ["RSA_2048", "RSA_3072"]:
        body = CreateRsaDatakeyPairRequestBody(key_id=aes, key_spec=spec)
        pair = kms.create_rsa_datakey_pair(CreateRsaDatakeyPairRequest(body=body))
        pair_is_one(pair, decrypt_data)
    for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "SM2"]:
        body = CreateEcDatakeyPairRequestBody(key_id=aes, key_spec=spec)
        pair = kms.create_ec_datakey_pair(CreateEcDatakeyPairRequest(body=body))
        pair_is_one(pair, decrypt_data)
    body = CreateEcDatakeyPairRequestBody(key_id=aes, key_spec="ECC_NIST_P256", with_plain_text=False)
    assert kms.create_ec_datakey_pair(CreateEcDatakeyPairRequest(body=body)).private_key_plain_text is None
    body = CreateRsaDatakeyPairRequestBody(key_id=aes, key_spec="RSA_1024")
    refused(400, "KMS.1902", kms.create_rsa_datakey_pair, CreateRsaDatakeyPairRequest(body=body))


def pair_is_one(pair, decrypt_data):
    private = unb64(pair.private_key_plain_text)
    public = openssl("pkey", "-inform", "DER", "-pubout", "-outform", "DER", stdin=private)
    assert public == unb64(pair.public_key), pair.key_spec
    assert unb64(decrypt_data(pair.private_key_cipher_text).plain_text_base64) == private


def signatures():
    def sign(**fields):
        return kms.sign(SignRequest(body=SignRequestBody(**fields)))

    def verify(**fields):
        answer = kms.validate_signature(ValidateSignatureRequest(body=VerifyRequestBody(**fields)))
        return typed(answer, signature_valid=str).signature_valid

    message = b"what is signed"
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    for spec, algorithm, digest, options in [
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", "sha256", []),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", "sha384", []),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", "sha512", []),
        ("RSA_2048", "RSASSA_PSS_SHA_256", "sha256", pss),
        ("RSA_3072", "RSASSA_PSS_SHA_384", "sha384", pss),
        ("RSA_4096", "RSASSA_PSS_SHA_512", "sha512", pss),
        ("EC_P256", "ECDSA_SHA_256", "sha256", []),
        ("EC_P384", "ECDSA_SHA_384", "sha384", []),
        ("SECP256K1", "ECDSA_SHA_256", "sha256", []),
    ]:
        signer = signers.setdefault(spec, None) or key(spec, "SIGN_VERIFY")
        signers[spec] = signer
        pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=signer))).public_key
        hashed = hashlib.new(digest, message).digest()
        for kind, given in [("RAW", message), ("DIGEST", hashed), (None, hashed)]:
            fields = {"key_id": signer, "message": b64(given), "signing_algorithm": algorithm, "message_type": kind}
            signature = typed(sign(**fields), signature=str).signature
            assert verify(signature=signature, **fields) == "true", (algorithm, kind)
            changed = dict(fields, message=b64(bytes([given[0] ^ 1]) + given[1:]))
            assert verify(signature=signature, **changed) == "false", (algorithm, kind)
            with tempfile.TemporaryDirectory() as folder:
                public = written(folder, "public.pem", pem.encode())
                file = written(folder, "signature", unb64(signature))
                said = openssl("dgst", f"-{digest}", *options, "-verify", public, "-signature", file, stdin=message)
                assert said.strip() == b"Verified OK", (algorithm, kind, said)
    refused(400, "KMS.0329", lambda: sign(key_id=signers["EC_P256"], message=b64(b"x"), signing_algorithm="ECDSA_SHA_256"))
    refused(400, "KMS.0332", lambda: sign(key_id=signers["EC_P256"], message=b64(hashed), signing_algorithm="RSASSA_PSS_SHA_512"))
    refused(400, "KMS.0332", lambda: sign(key_id=signers["EC_P256"], message=b64(hashed), signing_algorithm="MD5"))

    edwards = key("ED25519")
    pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=edwards))).public_key
    for algorithm in ["ED25519_SHA_512", "ED25519_PH_SHA_512"]:
        fields = {"key_id": edwards, "message": b64(message), "signing_algorithm": algorithm, "message_type": "RAW"}
        signature = sign(**fields).signature
        assert verify(signature=signature, **fields) == "true"
        assert verify(signature=b64(bytes(64)), **fields) == "false"
        if algorithm == "ED25519_SHA_512":
            with tempfile.TemporaryDirectory() as folder:
                public = written(folder, "public.pem", pem.encode())
                file, text = written(folder, "signature", unb64(signature)), written(folder, "text", message)
                openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", text, "-sigfile", file)


signers = {}


def national():
    """SM2, SM3 and SM4, which OpenSSL has too."""
    sm2, cipher, sm4, mac = key("SM2"), key("SM2", "ENCRYPT_DECRYPT"), key("SM4"), key("HMAC_SM3")
    message = b"what is signed"
    fields = {"key_id": sm2, "message": b64(message), "signing_algorithm": "SM2DSA_SM3", "message_type": "RAW"}
    signature = kms.sign(SignRequest(body=SignRequestBody(**fields))).signature
    body = VerifyRequestBody(signature=signature, **fields)
    assert kms.validate_signature(ValidateSignatureRequest(body=body)).signature_valid == "true"
    with tempfile.TemporaryDirectory() as folder:
        pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=sm2))).public_key
        public = written(folder, "public.pem", pem.encode())
        file, text = written(folder, "signature", unb64(signature)), written(folder, "text", message)
        options = ["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
        openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, *options, "-in", text, "-sigfile", file)

        pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=cipher))).public_key
        public = written(folder, "cipher.pem", pem.encode())
        sealed = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, stdin=b"by openssl " * 3)
    body = DecryptDataRequestBody(key_id=cipher, cipher_text=b64(sealed), encryption_algorithm="SM2_ENCRYPT")
    assert kms.decrypt_data(DecryptDataRequest(body=body)).plain_text == "by openssl " * 3

    body = EncryptDataRequestBody(key_id=sm4, plain_text="under SM4")
    sealed = kms.encrypt_data(EncryptDataRequest(body=body)).cipher_text
    assert kms.decrypt_data(DecryptDataRequest(body=DecryptDataRequestBody(cipher_text=sealed))).plain_text == "under SM4"
    made = kms.create_datakey(CreateDatakeyRequest(body=CreateDatakeyRequestBody(key_id=sm4, key_spec="SM4")))
    body = DecryptDatakeyRequestBody(key_id=sm4, cipher_text=made.cipher_text, datakey_cipher_length="16")
    opened = kms.decrypt_datakey(DecryptDatakeyRequest(body=body))
    plain = bytes.fromhex(opened.data_key)
    assert opened.datakey_dgst == openssl("dgst", "-sm3", "-r", stdin=plain).split()[0].decode()

    body = GenerateMacRequestBody(key_id=mac, mac_algorithm="HMAC_SM3", message=b64(message))
    made = kms.generate_mac(GenerateMacRequest(body=body)).mac
    body = VerifyMacRequestBody(key_id=mac, mac_algorithm="HMAC_SM3", message=b64(message), mac=made)
    assert kms.verify_mac(VerifyMacRequest(body=body)).mac_valid is True


def macs():
    message = b"what is authenticated"
    for spec, algorithm in [("HMAC_256", "HMAC_SHA_256"), ("HMAC_384", "HMAC_SHA_384"), ("HMAC_512", "HMAC_SHA_512")]:
        maker = key(spec)

        def generate(algorithm=algorithm, maker=maker):
            body = GenerateMacRequestBody(key_id=maker, mac_algorithm=algorithm, message=b64(message))
            return kms.generate_mac(GenerateMacRequest(body=body))

        def verify(mac, text=message, algorithm=algorithm, maker=maker):
            body = VerifyMacRequestBody(key_id=maker, mac_algorithm=algorithm, message=b64(text), mac=mac)
            return typed(kms.verify_mac(VerifyMacRequest(body=body)), mac_valid=bool).mac_valid

        mac = generate().mac
        assert len(unb64(mac)) == int(spec[-3:]) // 8
        assert mac == generate().mac
        assert verify(mac) is True
        assert verify(mac, b"something else") is False
        refused(400, "KMS.0332", generate, "HMAC_MD5")
        body = EncryptDataRequestBody(key_id=maker, plain_text="x")
        refused(400, "KMS.0341", kms.encrypt_data, EncryptDataRequest(body=body))


def agreement():
    mine = signers["EC_P256"]
    with tempfile.TemporaryDirectory() as folder:
        theirs = os.path.join(folder, "theirs.pem")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", theirs)
        der = openssl("pkey", "-in", theirs, "-pubout", "-outform", "DER")

        def derive(public, algorithm="ECDH"):
            body = DeriveSharedSecretRequestBody(
                key_id=mine, key_agreement_algorithm=algorithm, public_key=b64(public)
            )
            return kms.derive_shared_secret(DeriveSharedSecretRequest(body=body))

        made = typed(derive(der), shared_secret=str, key_agreement_algorithm=str)
        pem = kms.show_public_key(ShowPublicKeyRequest(body=OperateKeyRequestBody(key_id=mine))).public_key
        ours = written(folder, "ours.pem", pem.encode())
        assert openssl("pkeyutl", "-derive", "-inkey", theirs, "-peerkey", ours) == unb64(made.shared_secret)
        refused(400, "KMS.0332", derive, der, "DH")
        refused(400, "KMS.0308", derive, der[:-1] + bytes([der[-1] ^ 1]))


random()
pins()
data()
data_keys()
signatures()
macs()
agreement()
national()
print("every operation with a key: good")
