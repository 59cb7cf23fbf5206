"""DSA and Diffie-Hellman keys that move from one token to another: `moved.py make` makes and uses them in the one,
`moved.py use` goes on with them in the other."""
import os
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.dsa import encode_dsa_signature

MESSAGE = b"a message that is signed on both sides"


def pi(bits):
    """The digits of pi before the binary point and `bits` after it (Machin)."""

    def arctan_of_inverse(x):
        total = term = (1 << bits + 32) // x
        n = 1
        while term:
            n, term = n + 2, -term // (x * x)
            total += term // n
        return total

    return 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) >> 32


# RFC 3526, "2048-bit MODP Group".
PRIME = 2**2048 - 2**1984 - 1 + 2**64 * (pi(1918) + 124476)


def make(session):
    domain = session.generate_domain_parameters(KeyType.DSA, 1024, store=True)
    public, private = domain.generate_keypair(store=True, label="signer", id=b"\x21")
    with open("dsa.sig", "wb") as file:
        file.write(encode_dsa_signature(private.sign(MESSAGE, mechanism=Mechanism.DSA_SHA1)))

    group = {Attribute.PRIME: PRIME.to_bytes(256, "big"), Attribute.BASE: b"\2"}
    domain = session.create_domain_parameters(KeyType.DH, group, local=True)
    public, private = domain.generate_keypair(store=True, label="agreer", id=b"\x22")
    other_public, other = domain.generate_keypair()
    with open("peer", "wb") as file:
        file.write(other_public[Attribute.VALUE])
    with open("agreed", "wb") as file:
        file.write(agree(private, other_public[Attribute.VALUE]))


def agree(private, peer):
    readable = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    return private.derive_key(KeyType.GENERIC_SECRET, 2048, mechanism_param=peer, template=readable)[Attribute.VALUE]


def use(session):
    from pkcs11.util.dsa import decode_dsa_signature

    public = session.get_key(label="signer", object_class=ObjectClass.PUBLIC_KEY)
    private = session.get_key(label="signer", object_class=ObjectClass.PRIVATE_KEY)
    with open("dsa.sig", "rb") as file:
        there = decode_dsa_signature(file.read())
    here = private.sign(MESSAGE, mechanism=Mechanism.DSA_SHA1)
    for signature in (there, here):
        assert public.verify(MESSAGE, signature, mechanism=Mechanism.DSA_SHA1)
        assert not public.verify(MESSAGE + b".", signature, mechanism=Mechanism.DSA_SHA1)
    assert private[Attribute.SENSITIVE] and not private[Attribute.EXTRACTABLE]

    private = session.get_key(label="agreer", object_class=ObjectClass.PRIVATE_KEY)
    with open("peer", "rb") as peer, open("agreed", "rb") as agreed:
        assert agree(private, peer.read()) == agreed.read()

    parameters = list(session.get_objects({Attribute.CLASS: ObjectClass.DOMAIN_PARAMETERS}))
    assert [one[Attribute.PRIME] for one in parameters] == [public[Attribute.PRIME]], parameters


token = pkcs11.lib(os.environ["P11_MODULE"]).get_token(token_label=os.environ["P11_LABEL"])
with token.open(rw=True, user_pin=os.environ["P11_PIN"]) as opened:
    {"make": make, "use": use}[sys.argv[1]](opened)
print("passed")
