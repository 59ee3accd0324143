"""A browser without a window, told what to do through a pipe (the DevTools protocol); nothing has to be installed."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def found() -> str | None:
    """Where a Chromium lies: on the PATH, or where Playwright keeps its own."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    kept = sorted((Path.home() / ".cache" / "ms-playwright").glob("chromium*/*/*chrom*"))
    own = next((str(path) for path in kept if path.is_file() and os.access(path, os.X_OK)), None)
    return next(filter(None, map(shutil.which, names)), own)


_PATIENCE = 120  # seconds

# The protocol speaks on 3 and 4.
_BEGIN = "import os, sys; [os.dup2(int(sys.argv[n]), 2 + n) for n in (1, 2)]; os.execvp(sys.argv[3], sys.argv[3:])"


class Chromium:
    """One page of a browser.

    Attributes:
        asked: The addresses that were asked for, by the page and its workers.
        said: What came to the console as an error.
    """

    def __init__(self, to: int, back: int) -> None:
        self._to, self._from = os.fdopen(to, "wb"), os.fdopen(back, "rb")
        self._number, self._rest = 0, b""
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page = ""

    def begin(self) -> None:
        target = self._call("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        self.page = self._call("Target.attachToTarget", {"targetId": target, "flatten": True}, None)["sessionId"]
        self._watch(self.page)
        self.call("Page.enable")

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._to.close()
        self._from.close()

    def _watch(self, session: str) -> None:
        follow = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        for name, given in (("Network.enable", {}), ("Runtime.enable", {}), ("Target.setAutoAttach", follow)):
            self._send(name, given, session)
        self._send("Runtime.runIfWaitingForDebugger", {}, session)

    def call(self, name: str, **given: Any) -> dict[str, Any]:
        return self._call(name, given, self.page)

    def _send(self, name: str, given: dict[str, Any], session: str | None) -> int:
        self._number += 1
        told = {"id": self._number, "method": name, "params": given} | ({"sessionId": session} if session else {})
        self._to.write(json.dumps(told).encode() + b"\0")
        self._to.flush()
        return self._number

    def _call(self, name: str, given: dict[str, Any], session: str | None) -> dict[str, Any]:
        number = self._send(name, given, session)
        while (answer := self._read()).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']}")
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], _PATIENCE)
            more = os.read(self._from.fileno(), 1 << 20) if ready else b""
            if not more:
                raise EOFError(f"the browser has left, or says nothing: {self.said}")
            self._rest += more
        one, self._rest = self._rest.split(b"\0", 1)
        answer = json.loads(one)
        match answer.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(answer["params"]["request"]["url"])
            case "Runtime.exceptionThrown":
                self.said.append(json.dumps(answer["params"]["exceptionDetails"])[:1000])
            case "Runtime.consoleAPICalled" if answer["params"]["type"] == "error":
                self.said.append(json.dumps(answer["params"]["args"])[:1000])
            case "Target.attachedToTarget":
                self._watch(answer["params"]["sessionId"])
        return answer

    def run(self, script: str) -> Any:
        """Run JavaScript in the page, wait for what it promises, and give that."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def until(self, condition: str, seconds: int = 60) -> None:
        """Wait until something is so."""
        done = self.run(
            f"new Promise(async (resolve) => {{ for (let n = 0; n < {seconds * 50}; n++) {{ if ({condition}) "
            "return resolve(true); await new Promise((wake) => setTimeout(wake, 20)); } resolve(false); })"
        )
        assert done, f"{condition}: not within {seconds} s; {self.said}; {self.run('document.body.innerText')}"

    def picture(self, path: Path, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Draw the page into a file."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))


@contextmanager
def browser() -> Iterator[Chromium]:
    """Start a browser, and end it."""
    program = found()
    assert program
    (their_in, our_out), (our_in, their_out) = os.pipe(), os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (their_in, their_out)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [sys.executable, "-c", _BEGIN, *map(str, ends), program,
                   "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking",
                   f"--user-data-dir={profile}", "about:blank"]  # fmt: skip
        process = subprocess.Popen(
            command, pass_fds=ends, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        for end in (their_in, their_out, *ends):
            os.close(end)
        page = Chromium(our_out, our_in)
        try:
            page.begin()
            yield page
            page._call("Browser.close", {}, None)
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            page.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Give a folder out, and tell its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
