"""The package python-pkcs11 as a client, with the templates that it makes by itself."""
import hashlib
import hmac
import os

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

lib = pkcs11.lib(os.environ["P11_MODULE"])
token = lib.get_token(token_label=os.environ["P11_LABEL"])
pin = os.environ["P11_PIN"]

with token.open(rw=True, user_pin=pin) as session:
    # AES, in the default mechanism (CBC with padding), a key for each session.
    key = session.generate_key(KeyType.AES, 256)
    iv = session.generate_random(128)
    sealed = key.encrypt(b"some data", mechanism_param=iv)
    assert key.decrypt(sealed, mechanism_param=iv) == b"some data"

    # A key that is kept, found again, and destroyed.
    session.generate_key(KeyType.AES, 128, label="kept", store=True)
    kept = session.get_key(label="kept", key_type=KeyType.AES)
    assert kept[Attribute.VALUE_LEN] == 16
    kept.destroy()
    try:
        session.get_key(label="kept")
        raise AssertionError("a destroyed key was found")
    except pkcs11.NoSuchKey:
        pass

    # RSA signatures and encryption (PKCS #1 v1.5 with SHA-512 and OAEP are this package's defaults).
    public, private = session.generate_keypair(KeyType.RSA, 2048)
    signature = private.sign(b"a message")
    assert public.verify(b"a message", signature)
    assert not public.verify(b"another message", signature)
    sealed = public.encrypt(b"a secret")
    assert private.decrypt(sealed) == b"a secret"

    # EC on a named curve.
    domain = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
    )
    public, private = domain.generate_keypair(mechanism_param=None)
    digest = hashlib.sha256(b"a message").digest()
    signature = private.sign(digest, mechanism=Mechanism.ECDSA)
    assert public.verify(digest, signature, mechanism=Mechanism.ECDSA)

    # HMAC with a key of the caller's, checked by Python.
    secret = session.create_object(
        {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
            Attribute.VALUE: b"k" * 64,
            Attribute.SIGN: True,
            Attribute.VERIFY: True,
        }
    )
    mac = secret.sign(b"a message", mechanism=Mechanism.SHA256_HMAC)
    assert mac == hmac.new(b"k" * 64, b"a message", hashlib.sha256).digest()

    # A digest over parts.
    parts = [b"one", b"two", b"three" * 1000]
    assert session.digest(parts, mechanism=Mechanism.SHA256) == hashlib.sha256(b"".join(parts)).digest()

    # Wrapping: the inner key comes back the same.
    outer = session.generate_key(
        KeyType.AES,
        256,
        capabilities=pkcs11.MechanismFlag.WRAP | pkcs11.MechanismFlag.UNWRAP,
        template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
    )
    inner = session.generate_key(KeyType.AES, 128, template={Attribute.EXTRACTABLE: True})
    blob = outer.wrap_key(inner, mechanism=Mechanism.AES_KEY_WRAP)
    again = outer.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, blob, mechanism=Mechanism.AES_KEY_WRAP)
    assert again.encrypt(b"x" * 16, mechanism_param=iv) == inner.encrypt(b"x" * 16, mechanism_param=iv)

print("passed")
