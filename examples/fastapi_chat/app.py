"""A chat whose answers survive a reload, a restart of this server and a cut upstream."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel

from holysheep_core import SSE_HEADERS, Journal, JournalError, StreamingRetryHandler, asse_response

# A short lease: an answer is resumed two seconds after its process has died.
journal = Journal(os.environ.get("JOURNAL", "sqlite:///answers.db"), lease=2.0)
handler = StreamingRetryHandler(journal=journal)  # one for the process


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with handler:
        orphans = asyncio.create_task(take_up_orphans())
        yield
        orphans.cancel()


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    text: str


@app.get("/")
def page() -> FileResponse:
    return FileResponse(Path(__file__).with_name("index.html"))


@app.post("/answers/{call_id}", status_code=202)
async def ask(call_id: UUID, question: Question) -> None:
    messages = [{"role": "user", "content": question.text}]
    # Posted twice, it is one answer.
    await handler.astart("gpt-4.1", messages, call_id=str(call_id), if_exists="resume")


@app.get("/answers/{call_id}/events")
async def events(
    call_id: UUID, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    body = asse_response(handler, str(call_id), last_event_id=last_event_id)
    return StreamingResponse(body, media_type="text/event-stream", headers=SSE_HEADERS)


@app.post("/answers/{call_id}/stop", status_code=204)
async def stop(call_id: UUID) -> None:
    try:
        await handler.astop(str(call_id))
    except JournalError as error:
        raise HTTPException(404, str(error)) from error


async def take_up_orphans() -> None:
    """Complete what a process that died has left. `holysheep worker` does the same."""
    while True:
        try:
            for call_id in await asyncio.to_thread(journal.orphans):
                await handler.atake_up(call_id)
        except JournalError as error:
            logging.getLogger(__name__).warning("%s", error)
        await asyncio.sleep(1)
