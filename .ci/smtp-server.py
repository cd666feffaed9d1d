"""The mail server of .ci/smtp: takes the folder, writes the ports that it got to `ports`, and each mail to `mail/`."""

import asyncio
import email
import email.policy
import itertools
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

DIR = sys.argv[1]
PASSWORD = open(os.path.join(DIR, "password"), "rb").read()
NUMBER = itertools.count(1)


class Keep:
    """Keeps mails as JSON; a file is there only when it is whole."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "nobody@refused.example":
            return "550 5.1.1 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        kept = {
            "signed_in": session.auth_data is not None,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["subject"],
            "message_id": mail["message-id"],
            "auto_submitted": mail["auto-submitted"],
            "text": mail.get_content(),
        }
        name = os.path.join(DIR, "mail", f"{os.getpid()}-{next(NUMBER)}")
        with open(name + ".part", "w", encoding="utf-8") as file:
            json.dump(kept, file)
        os.rename(name + ".part", name + ".json")
        return "250 OK, kept"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"hcndc" and data.password == PASSWORD
    return AuthResult(success=good, handled=False, auth_data=data.login if good else None)


async def main():
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(DIR, "cert.pem"), os.path.join(DIR, "key.pem"))
    signed_in = {"authenticator": authenticate, "auth_required": True}

    async def listen(make, tls=None):
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=tls)
        return str(server.sockets[0].getsockname()[1])

    ports = [
        await listen(lambda: SMTP(Keep(), tls_context=context, require_starttls=True, **signed_in)),
        await listen(lambda: SMTP(Keep(), auth_require_tls=False, **signed_in), context),
        await listen(lambda: SMTP(Keep())),
    ]
    name = os.path.join(DIR, "ports")
    with open(name + ".part", "w") as file:
        file.write(" ".join(ports) + "\n")
    os.rename(name + ".part", name)
    await asyncio.Event().wait()


asyncio.run(main())
