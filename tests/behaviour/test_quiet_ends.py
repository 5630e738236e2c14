"""A program that ends while answers are still coming prints nothing and hangs nowhere."""

import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import asyncio, sys
how, face = sys.argv[1:]
from holysheep_core import StreamingRetryHandler
if face == "llamaindex":
    from llamaindex_holysheep import HolySheep
elif face != "handler":
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_holysheep import ChatHolySheep
from holysheep_core.simulator import Scenario, Simulator

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
server = Simulator().__enter__()
url = server.add(Scenario(text="word " * 2000, delay=0.005)).base_url


def open_stream():
    if face == "handler":
        return StreamingRetryHandler("k", base_url=url).astream_with_retry(*ASK)
    if face == "llamaindex":
        llm = HolySheep(model="gpt-4.1", api_key="k", api_base=url)

        async def responses():
            async for response in await llm.astream_complete("go"):
                yield response

        return responses()
    llm = ChatHolySheep(model="gpt-4.1", api_key="k", base_url=url)
    if face == "langchain":
        return llm.astream("go")
    chain = ChatPromptTemplate.from_messages([("user", "{q}")]) | llm | StrOutputParser()
    return chain.astream({"q": "go"})


async def read(kept):
    stream = open_stream()
    kept.append(stream)
    async for _ in stream:
        print("+", flush=True)
        if how in ("break", "kept"):
            break
        if how == "error":
            raise SystemExit(0)


async def main():
    kept = []
    if how == "tasks":
        tasks = [asyncio.create_task(read(kept)) for _ in range(5)]
        await asyncio.sleep(1.5)
        return tasks
    await read(kept)
    if how == "break":
        kept.clear()
    return kept


try:
    result = asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
FACES = ("handler", "langchain", "chain", "llamaindex")


def start(how, face):
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", PROGRAM, how, face]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("how", ["break", "kept", "error", "tasks"])
def test_an_answer_left_at_the_end_of_the_program_prints_nothing(how, face):
    program = start(how, face)
    said, errors = program.communicate(timeout=40)
    assert said.startswith("+")
    assert (program.returncode, errors) == (0, "")


@pytest.mark.parametrize("face", FACES)
def test_an_interrupt_in_mid_answer_ends_the_program_at_once(face):
    program = start("read", face)
    assert program.stdout.readline() == "+\n"
    begun = time.monotonic()
    program.send_signal(signal.SIGINT)
    said, errors = program.communicate(timeout=40)
    assert time.monotonic() - begun < 5
    assert said.endswith("interrupted\n")
    assert (program.returncode, errors) == (0, "")
