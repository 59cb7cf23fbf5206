"""DSA and Diffie-Hellman through python-pkcs11, with the templates that it makes by itself, and OpenSSL on the other side."""
import hashlib
import os
import subprocess

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.dsa import encode_dsa_signature

lib = pkcs11.lib(os.environ["P11_MODULE"])
token = lib.get_token(token_label=os.environ["P11_LABEL"])


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout


def refused(call, *errors):
    try:
        call()
    except errors:
        return
    raise AssertionError("what should be refused was done")


with token.open(rw=True, user_pin=os.environ["P11_PIN"]) as session:
    # DSA: parameters, a pair, signatures with a hash of the token's and of ours.
    domain = session.generate_domain_parameters(KeyType.DSA, 2048)
    assert len(domain[Attribute.PRIME]) == 256 and len(domain[Attribute.SUBPRIME]) == 32
    public, private = domain.generate_keypair(store=True, label="signer")
    assert public[Attribute.PRIME] == domain[Attribute.PRIME]
    refused(lambda: private[Attribute.VALUE], pkcs11.AttributeSensitive)
    data = b"a message for OpenSSL"
    signature = private.sign(data, mechanism=Mechanism.DSA_SHA256)
    assert len(signature) == 64
    assert public.verify(data, signature, mechanism=Mechanism.DSA_SHA256)
    digest = hashlib.sha256(data).digest()
    assert public.verify(digest, signature, mechanism=Mechanism.DSA)
    assert public.verify(digest, private.sign(digest, mechanism=Mechanism.DSA), mechanism=Mechanism.DSA)
    assert not public.verify(b"another message", signature, mechanism=Mechanism.DSA_SHA256)
    for wrong in (b"", b"x", digest[:31], digest + b"x", data):
        refused(lambda: private.sign(wrong, mechanism=Mechanism.DSA), pkcs11.DataLenRange)
    with open("data", "wb") as file:
        file.write(data)
    with open("data.sig", "wb") as file:
        file.write(encode_dsa_signature(signature))

    # Diffie-Hellman: both sides in the token agree on one AES key.
    domain = session.generate_domain_parameters(KeyType.DH, 2048)
    one_public, one = domain.generate_keypair(store=True, label="agreer")
    two_public, two = domain.generate_keypair()
    iv = session.generate_random(128)
    keys = [
        own.derive_key(KeyType.AES, 256, mechanism_param=peer[Attribute.VALUE])
        for own, peer in ((one, two_public), (two, one_public))
    ]
    assert keys[1].decrypt(keys[0].encrypt(b"a secret", mechanism_param=iv), mechanism_param=iv) == b"a secret"

    # With OpenSSL, in the same group: what it says of its public value goes in as it is.
    prime = int.from_bytes(domain[Attribute.PRIME], "big")
    openssl("genpkey", "-algorithm", "DH", "-pkeyopt", "group:modp_2048", "-out", "theirs.pem")
    text = openssl("pkey", "-in", "theirs.pem", "-noout", "-text").decode()
    digits = text.split("public-key:")[1].split("GROUP:")[0]
    peer = bytes.fromhex("".join(digit for digit in digits if digit in "0123456789abcdef")).lstrip(b"\0")
    shared = one.derive_key(
        KeyType.GENERIC_SECRET,
        2048,
        mechanism_param=peer,
        template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
    )
    with open("agreed", "wb") as file:
        file.write(shared[Attribute.VALUE])

    # A public value that gives the secret away, or is none of the group.
    for bad in (b"\1", (prime - 1).to_bytes(256, "big"), prime.to_bytes(256, "big"), b"\xff" * 256):
        refused(
            lambda: one.derive_key(KeyType.AES, 256, mechanism_param=bad),
            pkcs11.MechanismParamInvalid,
        )
    # Parameters of somebody's own whose group has small parts.
    smooth = session.create_domain_parameters(
        KeyType.DH, {Attribute.PRIME: (2**2048 - 1).to_bytes(256, "big"), Attribute.BASE: b"\2"}, local=True
    )
    refused(smooth.generate_keypair, pkcs11.DomainParamsInvalid)

print("passed")
