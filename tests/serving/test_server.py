"""The server as a process has it: its socket, its signals, and clients that behave as no test client can."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

pytest.importorskip("starlette", reason="serving needs starlette: pip install 'seq2seq[serve]'")

from seq2seq.serving import Keys, application, listen, serve
from seq2seq.system.terminal import UsageError
from tests.export import chromium
from tests.serving.scripted import Scripted, state_of

SECONDS = 10


class Connection:
    """A connection to the server, used by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def post(self, fields: dict, address: str = "/v1/translate") -> None:
        body = json.dumps(fields).encode()
        self.send(head(address, len(body)) + body)

    def answer(self) -> tuple[int, bytes]:
        """The status and the body of an answer; (0, b"") where the server closed without one."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (part := self.socket.recv(1 << 16)):
                return 0, b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        if b"content-length" not in head.lower():  # until it is closed
            while part := self.socket.recv(1 << 16):
                body += part
            return int(head.split()[1]), body
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(1 << 16)
        return int(head.split()[1]), body

    def closed(self) -> bool:
        return self.socket.recv(1) == b""


def head(address: str, length: int, kind: str = "application/json") -> bytes:
    return f"POST {address} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n".encode()


def during(
    test: Callable[[Callable[[], Connection]], None], engine: Scripted, load=None, keys=None, **settings
) -> bool:
    """Serve in this thread, as signals need, while a test goes on in another; it ends the server by SIGTERM.

    Returns:
        Whether all was answered when it ended.
    """
    state = state_of([engine], **settings)
    if load is not None:
        state.models._load = load
    if keys is not None:
        state.keys = keys
    taken = listen("127.0.0.1", 0)
    port = taken.getsockname()[1]
    failed, connections = [], []

    def connect() -> Connection:
        connections.append(Connection(port))
        return connections[-1]

    def asking() -> None:
        try:
            for _ in range(1000):  # nobody is let in before the server runs
                with suppress(ConnectionRefusedError):
                    connect()
                    break
                time.sleep(0.01)
            test(connect)
        except BaseException as error:
            failed.append(error)
        finally:
            engine.go_on.set()
            os.kill(os.getpid(), signal.SIGTERM)
            for connection in connections:
                connection.socket.close()

    thread = threading.Thread(target=asking)
    thread.start()
    all_answered = serve(application(state), taken)
    thread.join()
    if failed:
        raise failed[0]
    return all_answered


def test_the_client_of_libretranslate_works_unchanged(engine):
    libretranslatepy = pytest.importorskip("libretranslatepy", reason="shown with pip install libretranslatepy")

    def test(connect):
        client = libretranslatepy.LibreTranslateAPI(f"http://127.0.0.1:{connect().socket.getpeername()[1]}")
        assert client.translate("ein Haus & mehr\nam See", "de", "en") == "EIN HAUS & MEHR\nAM SEE"
        assert client.languages()[0] == {"code": "de", "name": "de", "targets": ["en"]}
        with pytest.raises(OSError, match="501"):
            client.detect("ein Haus")
        with pytest.raises(OSError, match="400"):
            client.translate("ein Haus", "de", "fr")

    during(test, engine)


def test_a_client_that_is_killed_leaves_and_the_others_are_answered(engine):
    def test(connect):
        engine.go_on.clear()
        first, killed, other = connect(), connect(), connect()
        first.post({"texts": ["a"]})
        engine.at_work.wait(SECONDS)
        killed.post({"texts": ["b", "c"]})
        metrics = connect()
        wait_for(metrics, b'seq2seq_queue_texts{source="de",target="en"} 2.0')
        killed.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # no farewell
        killed.socket.close()
        wait_for(metrics, b'seq2seq_requests_total{route="/v1/translate",status="499"} 1.0')
        other.post({"texts": ["d"]})
        wait_for(metrics, b'seq2seq_queue_texts{source="de",target="en"} 1.0')
        engine.go_on.set()
        assert (first.answer()[0], other.answer()[0]) == (200, 200)

    during(test, engine)
    assert engine.batches == [["a"], ["d"]]


def wait_for(connection: Connection, line: bytes) -> None:
    for _ in range(500):
        connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        if line in connection.answer()[1]:
            return
        time.sleep(0.01)
    raise AssertionError(line)


def test_a_batch_that_takes_longer_than_there_is_time_is_given_up(engine, capsys):
    class Never(threading.Event):
        def set(self):
            pass

    def test(connect):
        engine.go_on = Never()
        connect().post({"texts": ["a"]})
        engine.at_work.wait(SECONDS)

    assert during(lambda connect: None, engine)
    assert not during(test, engine, drain_seconds=0.5)
    assert "A batch was still being translated after 0.5 s. It was given up." in capsys.readouterr().err


def test_as_many_connections_are_let_in_as_are_allowed(engine):
    def test(connect):
        allowed = connect(), connect()  # beside the one that found the server
        for connection in allowed:
            connection.post({"texts": ["a"]})
            assert connection.answer()[0] == 200
        fourth = connect()
        fourth.post({"texts": ["a"]})
        assert fourth.answer()[0] == 503

    during(test, engine, connections=3)


def test_requests_that_come_one_behind_the_other_are_both_answered(engine):
    def test(connect):
        both = connect()
        both.post({"texts": ["a"]})
        engine.at_work.wait(SECONDS)
        engine.go_on.clear()
        both.post({"texts": ["b"]})
        assert both.answer()[0] == 200
        time.sleep(0.5)  # longer than a head may take
        engine.go_on.set()
        assert both.answer()[0] == 200

    during(test, engine, body_seconds=0.3)


def test_who_sends_half_of_it_is_not_waited_for(engine):
    def test(connect):
        body, top, mute, gone = (connect() for _ in range(4))
        body.send(head("/v1/translate", 100) + b'{"texts"')
        top.send(b"POST /v1/translate HTTP/1.1\r\nHost:")
        gone.send(head("/v1/translate", 100) + b'{"texts"')
        gone.socket.close()
        status, said = body.answer()
        assert status == 408 and b"A request has 0.3 s to arrive." in said and body.closed()
        assert top.closed() and mute.closed()
        good = connect()
        good.post({"texts": ["a"]})
        assert good.answer()[0] == 200

    during(test, engine, body_seconds=0.3)


def test_who_does_not_read_its_answers_is_not_waited_for(engine):
    def test(connect):
        deaf = connect()
        request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        with pytest.raises(OSError):
            for _ in range(100_000):  # until the buffers on the way are full, and then no more than 0.3 s
                deaf.send(request * 100)
        good = connect()
        good.post({"texts": ["a"]})
        assert good.answer()[0] == 200

    during(test, engine, body_seconds=0.3)


def test_a_body_of_ten_megabytes_is_refused_and_what_follows_is_not(engine):
    def test(connect):
        big = connect()
        big.send(head("/translate", 10_000_000) + bytes(10_000_000))
        status, said = big.answer()
        assert status == 413 and b"at most 1,000,000 bytes" in said
        chunked = connect()
        chunked.send(
            b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(20):
            chunked.send(b"10000\r\n" + bytes(65536) + b"\r\n")
        chunked.send(b"0\r\n\r\n")
        assert chunked.answer()[0] == 413
        garbage = connect()
        garbage.send(b"\xff\x00garbage\r\n\r\n")
        assert garbage.answer()[0] == 400
        good = connect()
        good.post({"texts": ["a"]})
        assert good.answer()[0] == 200

    during(test, engine)


def test_what_was_asked_for_is_answered_before_the_end(engine):
    """SIGTERM comes while one text is being translated and one waits."""

    def test(connect):
        engine.go_on.clear()
        first, waits, idle = connect(), connect(), connect()
        first.post({"texts": ["a"]})
        engine.at_work.wait(SECONDS)
        waits.post({"texts": ["b"]})
        wait_for(idle, b'seq2seq_queue_texts{source="de",target="en"} 1.0')
        os.kill(os.getpid(), signal.SIGTERM)
        assert idle.closed()
        with pytest.raises(ConnectionRefusedError):
            connect()
        engine.go_on.set()
        assert (first.answer()[0], waits.answer()[0]) == (200, 200)

    during(test, engine)
    assert engine.batches == [["a"], ["b"]]


def test_models_and_keys_are_read_again_at_sighup_while_requests_come(engine, capsys, tmp_path):
    new = Scripted()

    def load(path):
        if new.batches:
            raise OSError("half of it is missing")
        return new

    file = tmp_path / "keys"
    file.write_text("sesame\n")
    keys = Keys.read(file)

    def test(connect):
        connection = connect()

        def ask(key, status=200):
            body = json.dumps({"texts": ["a"]}).encode()
            top = head("/v1/translate", len(body)).replace(
                b"\r\n\r\n", f"\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
            )
            connection.send(top + body)
            assert connection.answer()[0] == status

        def reload(result):
            os.kill(os.getpid(), signal.SIGHUP)
            wait_for(connection, f'seq2seq_reloads_total{{result="{result}"}} 1.0'.encode())

        ask("sesame")
        file.write_text("open\n")
        reload("done")
        while "The keys were read again." not in said():
            time.sleep(0.01)
        ask("sesame", 403)
        ask("open")
        file.write_text("# nobody\n")
        reload("failed")
        while "the keys were not read again" not in said():
            time.sleep(0.01)
        ask("open")

    heard = []

    def said():
        heard.append(capsys.readouterr().err)
        return "".join(heard)

    during(test, engine, load, keys=keys)
    assert (engine.batches, new.batches) == ([["a"]], [["a"], ["a"]])
    assert "The models were read again." in said()
    assert "the models were not read again, and the old ones stay: half of it is missing" in said()
    assert "the keys were not read again, and the old ones stay: A file of keys has one on each line." in said()


@pytest.mark.slow
@pytest.mark.skipif(chromium.found() is None, reason="a page needs a browser: a Chromium on the PATH")
def test_the_page_translates_what_is_typed(engine):
    def test(connect):
        with chromium.browser() as page:
            page.open(f"http://127.0.0.1:{connect().socket.getpeername()[1]}/")
            page.until("document.getElementById('beam').options.length > 0")
            assert page.run("document.getElementById('beam').value") == "5"
            typed = "const typed = document.getElementById('source'); typed.value = 'ein bad\\nein Haus';"
            page.run(typed + "typed.dispatchEvent(new Event('input', {bubbles: true}))")
            page.until("document.getElementById('translation').children[1]?.textContent === 'EIN HAUS'")
            page.until("document.getElementById('translation').children[0].textContent.includes('cannot be bad')")
            assert not page.said

    during(test, engine)
    # The beam that nobody chose is the model's own.
    assert engine.asked[-1].n_best == 5 and engine.asked[-1].beam_size is None


def test_answers_are_not_held_back():
    """A head and its body are two packets, the second of which waits for an acknowledgement of 40 ms otherwise."""
    with listen("127.0.0.1", 0) as taken:
        assert taken.proto == socket.IPPROTO_TCP  # what asyncio looks at


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", None), ("no.such.host.invalid", 0)])
def test_an_address_that_cannot_be_had(host, port):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1] if port is None else port
        with pytest.raises(UsageError, match=f"Received: --host {host} --port {port}: .*Name another one"):
            listen(host, port)
