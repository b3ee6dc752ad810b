"""A mail server on port 25 that writes each message, decoded, into a folder: `mail_server.py FOLDER`."""

import email
import email.policy
import os
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 ready")
        for line in self.rfile:
            verb = line[:4].upper().strip()
            if verb == b"DATA":
                self.say("354 go on")
                keep(b"".join(iter(self.rfile.readline, b".\r\n")))
            if verb == b"QUIT":
                return self.say("221 bye")
            self.say("250 OK")


def keep(message):
    message = email.message_from_bytes(message, policy=email.policy.default)
    text = message.get_body(("plain",)).get_content()
    keep.count += 1
    path = os.path.join(sys.argv[1], str(keep.count))
    with open(path + ".part", "w") as file:
        file.write(f"To: {message['to']}\n\n{text}")
    os.rename(path + ".part", path)


keep.count = 0
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer(("127.0.0.1", 25), Session).serve_forever()
