"""A file server of our own: whole, with ranges, one that breaks off, one that is silent."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """Serves `content` at every path; `ranges` says whether parts can be asked for."""

    def __init__(self, content):
        self.content, self.ranges, self.breaks, self.silent = content, True, [], False
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}/file"
        self._done = threading.Event()
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def answer(self, request):
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        if self.silent:
            self._done.wait(20)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        if start >= len(self.content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        body = self.content[start:]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        stop = self.breaks.pop(0) if self.breaks else len(body)
        request.wfile.write(body[:stop])

    def close(self):
        self._done.set()
        self._http.shutdown()
        self._http.server_close()
