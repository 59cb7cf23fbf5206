"""Receivers of messages: `hook` is a web server that checks signatures with the lines of the README, `mail` a mail server.

What comes is appended to a file, a line of JSON each.

    receiver.py hook PORT FILE README SECRET [CERTIFICATE KEY]
    receiver.py mail PORT FILE [CERTIFICATE KEY]
"""

import email
import email.policy
import http.server
import json
import re
import ssl
import sys
import threading
import time

kind, port, path, *more = sys.argv[1:]


def keep(**what):
    with open(path, "a") as file:
        file.write(json.dumps(what) + "\n")


def context(certificate, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls


def hook(readme, secret, *tls):
    lines = re.search(r"```python\n(import base64.*?)```", open(readme).read(), re.S).group(1)
    check = {}
    exec(lines, check)

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/stands-still":
                keep(path=self.path)
                threading.Event().wait()
            status = {"/moved": 302, "/broken": 500, "/refuses": 400}.get(self.path, 204)
            forged = {name.lower(): value for name, value in self.headers.items()}
            forged["webhook-timestamp"] = str(int(forged["webhook-timestamp"]) + 1)
            good = [
                check["is_from_the_hsm"](secret, self.headers, body),
                not check["is_from_the_hsm"](secret, self.headers, body + b" "),
                not check["is_from_the_hsm"](secret, forged, body),
            ]
            keep(path=self.path, id=self.headers["webhook-id"], good=all(good), body=json.loads(body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Hook)
    if tls:
        server.socket = context(*tls).wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()


def mail(*tls):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    class Mail:
        refused = set()

        async def handle_RCPT(self, server, session, envelope, address, options):
            # An address that is full at first.
            if address.startswith("full@") and address not in self.refused:
                self.refused.add(address)
                return "452 the mailbox is full"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
            keep(
                sender=envelope.mail_from,
                to=envelope.rcpt_tos,
                headers={name: str(value) for name, value in letter.items()},
                body=letter.get_content(),
                tls=session.ssl is not None,
                user=(session.auth_data.login.decode() if session.auth_data else None),
            )
            return "250 OK"

    def login(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"opensesame", auth_data=data)

    more = {}
    if tls:
        more = dict(tls_context=context(*tls), require_starttls=True, auth_required=True, authenticator=login)
    controller = Controller(Mail(), hostname="127.0.0.1", port=int(port), **more)
    controller.start()
    print("ready", flush=True)
    while True:
        time.sleep(3600)


globals()[kind](*more)
