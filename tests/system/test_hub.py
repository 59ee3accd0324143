"""The hub, as a double on this machine plays it: the real client speaks to it, and nothing leaves the machine.

The double keeps files of one commit; it has the addresses that the client asks for when it publishes small files and
downloads them again, and none of what the hub does with large files.
"""

import base64
import json
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from seq2seq.system.hub import here, publish

constants = pytest.importorskip("huggingface_hub.constants")

HUB = "https://huggingface.co"  # what the client takes for an address of the hub
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Double(BaseHTTPRequestHandler):
    files: dict[str, bytes]
    closed = False

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = (
            self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else self.chunks()
        )
        match self.path.split("?")[0].split("/")[2:]:
            case ["repos", "create"]:
                self.tell({"url": f"{HUB}/{json.loads(body)['organization']}/{json.loads(body)['name']}"})
            case ["validate-yaml"]:
                self.tell({"warnings": [], "errors": []})
            case ["models", "owner", "name", "preupload", "main"]:
                paths = [file["path"] for file in json.loads(body)["files"]]
                self.tell({"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]})
            case ["models", "owner", "name", "commit", "main"]:
                for line in map(json.loads, body.splitlines()):
                    if line["key"] == "file":
                        self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                self.tell({"success": True, "commitOid": COMMIT, "commitUrl": f"{HUB}/owner/name/commit/{COMMIT}"})
            case _:
                self.tell({"error": "no such place"}, 404)

    def do_GET(self):
        match self.path.split("?")[0].split("/")[1:]:
            case ["api", "models", "owner", "name", *_] if self.closed:
                self.tell({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            case ["api", "models", "owner", "name", "revision", _]:
                names = [{"rfilename": name} for name in self.files]
                self.tell({"id": "owner/name", "sha": COMMIT, "siblings": names, "private": False, "tags": []})
            case ["api", "models", "owner", "name", "tree", *_]:
                self.tell([
                    {"type": "file", "path": name, "size": len(data), "oid": sha1(data).hexdigest()}
                    for name, data in self.files.items()
                ])  # fmt: skip
            case ["owner", "name", "resolve", _, name] if name in self.files:
                data = self.files[name]
                self.send(data, 200, {"ETag": f'"{sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT})
            case _:
                self.tell({"error": "no such place"}, 404, {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        return body

    def tell(self, answer, status=200, headers=None):
        self.send(json.dumps(answer).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def send(self, data, status, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@pytest.fixture
def double(tmp_path: Path, monkeypatch) -> Iterator[type[Double]]:
    kind = type("Kept", (Double,), {"files": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield kind
        server.shutdown()


def test_what_is_published_is_loaded(double, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "step.onnx").write_bytes(b"step")
    (tmp_path / "out" / "not.mine").write_bytes(b"secret")
    (tmp_path / "a.s2s").write_bytes(b"model")
    address = publish("owner/name", tmp_path / "out", ["step.onnx"], {"model.s2s": tmp_path / "a.s2s"})
    assert address.endswith(COMMIT) and double.files == {"step.onnx": b"step", "model.s2s": b"model"}
    place = here("hf://owner/name", ["model.s2s", "absent"])
    assert {file.name: file.read_bytes() for file in place.iterdir()} == {"model.s2s": b"model"}


def test_what_is_not_there_is_told(double, tmp_path: Path):
    double.closed = True
    with pytest.raises(
        FileNotFoundError, match=r"The hub was asked in vain. Received: hf://owner/name. It says: .*auth"
    ):
        here("hf://owner/name", ["model.s2s"])
    with pytest.raises(FileNotFoundError, match=r"Received: hf://owner/other"):
        here("hf://owner/other", ["model.s2s"])


def test_a_path_is_no_name_of_the_hub():
    assert here("a/b", []) == Path("a/b") == here(Path("a/b"), [])
    for name in ("", "a", "a/b/c", "a b/c", "../b/c"):
        with pytest.raises(ValueError, match=r"A place on the hub is OWNER/NAME. Received: "):
            here(f"hf://{name}", [])
