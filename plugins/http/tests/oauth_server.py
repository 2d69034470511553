#!/usr/bin/env python3
"""oauth_server.py - a token endpoint, a system behind it and a feed, to test an HTTP client with

Prints its port, then serves until its standard input ends. Everything may be changed and counted
over /control (POST a JSON object: its members replace those of `conf`; GET: conf and counters).

  POST /token             client credentials, Basic or in the body (client "plant 7", secret "s3cr%t:+/x")
  *    /api/...           wants the bearer token when conf.oauth, a CSRF session for writes when conf.csrf
  GET  /feed?after=N      records {id, seq} above N, conf.page of them a page, see conf.next
"""
import base64
import json
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLIENT, SECRET = "plant 7", "s3cr%t:+/x"
conf = {"oauth": False, "csrf": False, "expires_in": 3600, "token_delay": 0, "token_status": 200,
        "refuse_all": False, "lease_status": 200, "echo": False, "records": 0, "page": 10,
        "next": "pointer", "feed_status": 200, "feed_delay": 0, "retry_after": "", "foreign": "", "gone": False}
count = {"token": 0, "token_at_once": 0, "api": 0, "api_401": 0, "csrf_fetch": 0, "csrf_403": 0, "feed": 0,
         "done": 0, "doubles": 0}
lock = threading.Lock()
tokens, sessions, keys = {}, {}, set()
now_fetching = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def answer(self, status, body="", headers=(), kind="application/json"):
        text = body if isinstance(body, str) else json.dumps(body)
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def do_any(self):
        text = self.body()
        path = self.path.partition("?")[0]
        if path == "/control":
            self.control(text)
        elif path == "/token":
            self.token(text)
        elif path in ("/feed", "/api/feed"):
            self.feed()
        elif path.startswith("/api"):
            self.api(text)
        else:
            self.answer(404)

    do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_DELETE = do_any

    def control(self, text):
        with lock:
            if text:
                asked = json.loads(text)
                if asked.pop("forget_tokens", False):
                    tokens.clear()
                if asked.pop("forget_sessions", False):
                    sessions.clear()
                conf.update(asked)
            self.answer(200, {"conf": conf, "count": count})

    # ---- OAuth2 ---------------------------------------------------------------------------------
    def client_ok(self, form):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            user, _, password = base64.b64decode(value).decode().partition(":")
            return (urllib.parse.unquote(user), urllib.parse.unquote(password)) == (CLIENT, SECRET)
        return form.get("client_id") == CLIENT and form.get("client_secret") == SECRET

    def token(self, text):
        global now_fetching
        form = dict(urllib.parse.parse_qsl(text))
        with lock:
            count["token"] += 1
            now_fetching += 1
            count["token_at_once"] = max(count["token_at_once"], now_fetching)
            status, delay, life = conf["token_status"], conf["token_delay"], conf["expires_in"]
            made = "tok-%d-%s" % (count["token"], "x" * 20)
        time.sleep(delay)
        with lock:
            now_fetching -= 1
        if not self.client_ok(form):
            said = self.headers.get("Authorization", "") or text.partition("client_secret=")[2]
            if conf["echo"]:
                self.answer(401, "no such client " + said, kind="text/plain")
            else:
                self.answer(401, {"error": "invalid_client"})
        elif form.get("grant_type") != "client_credentials":
            self.answer(400, {"error": "unsupported_grant_type"})
        elif status != 200:
            after = conf["retry_after"]
            self.answer(status, {"error": "down"}, [("Retry-After", after)] if after else [])
        else:
            with lock:
                tokens[made] = time.monotonic() + life
            self.answer(200, {"access_token": made, "token_type": "bearer", "expires_in": life,
                              "scope": form.get("scope", "")})

    # ---- the system behind it ---------------------------------------------------------------------
    def cookies(self):
        pairs = [c.strip().partition("=") for c in self.headers.get("Cookie", "").split(";")]
        return {name: value for name, _, value in pairs}

    def session_ok(self):
        token = self.headers.get("x-csrf-token", "")
        have = self.cookies()
        return token in sessions and (have.get("SAP_SESSIONID_QX1"), have.get("route")) == sessions[token]

    def api(self, text):
        with lock:
            count["api"] += 1
            auth = self.headers.get("Authorization", "")
            if conf["oauth"]:
                end = tokens.get(auth.partition(" ")[2])
                if conf["refuse_all"] or not end or time.monotonic() >= end:
                    count["api_401"] += 1
                    self.answer(401, "expired " + auth if conf["echo"] else "expired", kind="text/plain")
                    return
            if self.headers.get("x-csrf-token", "").lower() == "fetch":
                count["csrf_fetch"] += 1
                if conf["lease_status"] != 200:
                    self.answer(conf["lease_status"])
                    return
                n = count["csrf_fetch"]
                made = "csrf-%d-%s" % (n, "y" * 16)
                sessions[made] = ("sess%d" % n, "node%d" % n)
                self.answer(200, "{}", [("x-csrf-token", made),
                                        ("Set-Cookie", "SAP_SESSIONID_QX1=sess%d; path=/; HttpOnly" % n),
                                        ("Set-Cookie", "route=node%d" % n),
                                        ("Set-Cookie", "old=; Max-Age=0")])
                return
            if conf["csrf"] and self.command not in ("GET", "HEAD") and not self.session_ok():
                count["csrf_403"] += 1
                self.answer(403, "CSRF token validation failed", [("x-csrf-token", "Required")],
                            "text/plain")
                return
            if self.command != "GET":
                key = self.headers.get("Idempotency-Key")
                count["doubles"] += key in keys and key is not None
                keys.add(key)
                count["done"] += 1
            if conf["echo"]:  # a header's name: what it said is quoted back
                self.answer(422, "bad " + self.headers.get(conf["echo"], ""))
            else:
                self.answer(200, {"ok": True})

    # ---- a feed --------------------------------------------------------------------------------------
    def feed(self):
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2]))
        with lock:
            count["feed"] += 1
            status, delay, after = conf["feed_status"], conf["feed_delay"], conf["retry_after"]
            first, most, page, form = int(query.get("after") or 0), conf["records"], conf["page"], conf["next"]
            first = max(first, int(query.get("skip") or 0))
            foreign = conf["foreign"]
            if conf["gone"] and "skip" in query:
                conf["gone"], status = False, 410
        time.sleep(delay)
        if status != 200:
            self.answer(status, {"error": "no"}, [("Retry-After", after)] if after else [])
            return
        last = min(first + page, most)
        records = [{"id": "R-%06d" % n, "seq": n} for n in range(first + 1, last + 1)]
        link = "%s/feed?skip=%d" % (foreign, last) if last < most else None
        body, headers = {"d": {"results": records}}, []
        if link and form == "pointer":
            body["next"] = link
        elif link and form == "link":
            headers = [("Link", '<%s>; rel="next", </feed>; rel="first"' % link)]
        elif link and form == "odata":
            body["d"]["__next"] = "http://%s%s" % (self.headers["Host"], link)
        self.answer(200, body, headers)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients that go away are part of the tests
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
