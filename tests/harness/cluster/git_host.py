"""A Git host with TLS for one machine, which serves the bare repositories in a folder: git_host.py FOLDER ADDRESS CERTIFICATE KEY."""

import os
import ssl
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER, ADDRESS, CERTIFICATE, KEY = sys.argv[1:]


class Handler(BaseHTTPRequestHandler):
    """Passes requests to Git's own CGI program."""

    def do_GET(self) -> None:
        """Run `git http-backend` and return its response."""
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": FOLDER,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        variables["CONTENT_LENGTH"] = str(len(body))
        backend = subprocess.run(
            ["git", "http-backend"], env={**os.environ, **variables}, input=body, capture_output=True, check=True
        )
        head, _, content = backend.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815


server = ThreadingHTTPServer((ADDRESS, 443), Handler)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
