"""A server that one logs in to as to a database, over TLS, and that answers the first question without end, or with
more columns than there can be (absurd).

    flood.py mysql|absurd|postgresql PORT CERTIFICATE KEY
"""

import socket
import ssl
import struct
import sys

engine, port, certificate, key = sys.argv[1:]
MEGABYTE = bytes(1 << 20)


def exactly(stream, length):
    read = b""
    while len(read) < length:
        part = stream.recv(length - len(read))
        if not part:
            sys.exit()
        read += part
    return read


def packet(stream):
    """A packet of MySQL's, and its number."""
    head = exactly(stream, 4)
    return head[3], exactly(stream, int.from_bytes(head[:3], "little"))


def packed(number, payload):
    return len(payload).to_bytes(3, "little") + bytes([number & 0xFF]) + payload


def mysql(plain, secured):
    able = 0x200 | 0x800 | 0x8000 | 0x80000
    plain.sendall(
        packed(
            0,
            b"\x0a8.0.36\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<HBHH", able & 0xFFFF, 45, 2, able >> 16)
            + b"\x15" + bytes(10) + b"123456789012\0" + b"mysql_native_password\0",
        )
    )
    packet(plain)
    stream = secured()
    number, _ = packet(stream)
    stream.sendall(packed(number + 1, b"\0\0\0\x02\0\0\0"))
    packet(stream)
    # So many columns, of which each is told in a packet.
    stream.sendall(packed(1, b"\xfe" + struct.pack("<Q", 1 << 42 if engine == "absurd" else 1 << 14)))
    number = 2
    while True:
        stream.sendall(packed(number, MEGABYTE))
        number += 1


def postgresql(plain, secured):
    exactly(plain, 8)
    plain.sendall(b"S")
    stream = secured()
    exactly(stream, int.from_bytes(exactly(stream, 4), "big") - 4)
    stream.sendall(b"R" + struct.pack(">II", 8, 0) + b"Z" + struct.pack(">I", 5) + b"I")
    # One message of a gigabyte.
    exactly(stream, 5)
    stream.sendall(b"C" + struct.pack(">I", 1 << 30))
    while True:
        stream.sendall(MEGABYTE)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
listener = socket.create_server(("127.0.0.1", int(port)))
print("ready", flush=True)
plain, _ = listener.accept()
try:
    {"mysql": mysql, "absurd": mysql, "postgresql": postgresql}[engine](plain, lambda: context.wrap_socket(plain, server_side=True))
except OSError:
    pass
