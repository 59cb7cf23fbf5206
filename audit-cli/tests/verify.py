"""Verifies an audit log by audit/FORMAT.md alone: verify.py KEY.pem DIR. It shares no code with Claviger."""
import hashlib, pathlib, struct, subprocess, sys, tempfile

key, folder = sys.argv[1], pathlib.Path(sys.argv[2])
CONTEXT = {1: b"header", 3: b"checkpoint", 4: b"end"}
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()

SM2 = b"SM2" in subprocess.run(
    ["openssl", "pkey", "-pubin", "-in", key, "-noout", "-text"], capture_output=True).stdout

def integer(digits):
    digits = digits.lstrip(b"\0")
    digits = b"\0" + digits if not digits or digits[0] > 127 else digits
    return bytes([2, len(digits)]) + digits

def check_signature(kind, body, signature):
    options = []
    if SM2:
        both = integer(signature[:32]) + integer(signature[32:])
        signature = bytes([0x30, len(both)]) + both
        options = ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    with tempfile.NamedTemporaryFile() as message, tempfile.NamedTemporaryFile() as written:
        message.write(b"Claviger audit v1: " + CONTEXT[kind] + b"\0" + body); message.flush()
        written.write(signature); written.flush()
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", message.name,
                        "-sigfile", written.name, *options], check=True, stdout=subprocess.DEVNULL)

def root(hashes):
    if len(hashes) < 2:
        return sha(b"\0", hashes[0]) if hashes else sha()
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\1", root(hashes[:k]), root(hashes[k:]))

def frames(data):
    while data:
        (length,) = struct.unpack_from("<I", data)
        yield data[4], data[5:4 + length]
        data = data[4 + length:]

number, records, end, newest = 0, 0, bytes(32), None
for path in sorted(folder.glob("audit-*.log")):
    data = path.read_bytes()
    assert data[:10] == b"CLVAUDIT\1\0", path
    hashes, number = [], number + 1
    for kind, payload in frames(data[10:]):
        if kind == 2:
            record, stored = payload[16:-32], payload[-32:]
            records += 1
            assert payload[:16] == log and struct.unpack_from("<Q", record)[0] == records, records
            chain = sha(b"\x11", chain, log, record)
            assert chain == stored, f"record {records}"
            hashes.append(chain)
            continue
        length = struct.unpack_from("<H", payload)[0]
        body, signature = payload[2:2 + length], payload[2 + length:]
        check_signature(kind, body, signature)
        if kind == 1:
            log, (segment, first), previous = body[:16], struct.unpack_from("<QQ", body, 16), body[32:64]
            assert (segment, first, previous) == (number, records + 1, end), path
            chain = sha(b"\x10", body)
        elif kind == 3:
            segment, last = struct.unpack_from("<QQ", body, 16)
            assert (body[:16], segment, last, body[32:64]) == (log, number, records, chain), records
            chain, newest = sha(b"\x12", chain, body), payload
        elif kind == 4:
            segment, first, last = struct.unpack_from("<QQQ", body, 16)
            assert (segment, last, body[40:72], body[72:104]) == (number, records, chain, root(hashes)), path
            end = sha(b"\x13", chain, body)
head = (folder / "head").read_bytes()
assert head[:10] == b"CLVAHEAD\1\0" and head[15:] == newest, "head"
print(records, "records verified")
