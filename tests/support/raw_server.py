"""A server that writes given bytes, and the four interfaces that read them."""

import asyncio
import json
import re
import socket
import threading
import time

from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

from holysheep_core import StreamingRetryHandler
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK
from support.listening import stop_listening


class RawServer:
    """Writes raw answers, one to each connection in turn; the last repeats.

    Args:
        answers: Of each answer, the pieces: `{"after_s": seconds, "bytes": text or bytes}`.
    """

    def __init__(self, answers):
        self._answers = answers
        self.requests = 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
            while len(body) < length:
                body += connection.recv(65536)
            answer = self._answers[min(self.requests, len(self._answers) - 1)]
            self.requests += 1
            for piece in answer:
                time.sleep(piece["after_s"])
                data = piece["bytes"]
                try:
                    connection.sendall(data.encode() if isinstance(data, str) else data)
                except OSError:  # the client had enough
                    return
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    def close(self):
        stop_listening(self._socket)


def by_handler(settings, url, case):
    with StreamingRetryHandler("k", base_url=url, **settings) as client:
        answer = client.complete(case["model"], ASK, **case["params"])
    return answer.text, [(call.name, json.loads(call.arguments)) for call in answer.tool_calls]


def by_async_handler(settings, url, case):
    async def run():
        async with StreamingRetryHandler("k", base_url=url, **settings) as client:
            return await client.acomplete(case["model"], ASK, **case["params"])

    answer = asyncio.run(run())
    return answer.text, [(call.name, json.loads(call.arguments)) for call in answer.tool_calls]


def by_langchain(settings, url, case):
    retry = settings.pop("config")
    model = ChatHolySheep(
        model=case["model"], api_key="k", base_url=url, retry=retry, fallback_models=[], **settings
    )
    message = model.bind(**case["params"]).invoke([HumanMessage("go")])
    return message.text, [(call["name"], call["args"]) for call in message.tool_calls]


def by_llamaindex(settings, url, case):
    retry = settings.pop("config")
    model = HolySheep(
        model=case["model"], api_key="k", api_base=url, retry=retry, fallback_models=[], **settings
    )
    answer = model.chat([ChatMessage("go")], **case["params"])
    calls = model.get_tool_calls_from_response(answer, error_on_no_tool_call=False)
    return answer.message.content or "", [(call.tool_name, call.tool_kwargs) for call in calls]


INTERFACES = [by_handler, by_async_handler, by_langchain, by_llamaindex]
