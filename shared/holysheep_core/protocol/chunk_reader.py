"""What the chunks of one answer say: text, reasoning, calls, usage, and how it ended.

The reader takes decoded chunks. It knows neither bytes nor HTTP.

A `finish_reason` in a chunk without content proves the end. One beside content may be a habit of
the server (Gemini behind some gateways sends one in every chunk), and any that is followed by
content was no end. `[DONE]` alone proves nothing: new-api and one-api write it after any cut of
their own upstream.
"""

from __future__ import annotations

from collections.abc import Callable

from holysheep_core.config.checks import FinishSignal
from holysheep_core.protocol.finish_reasons import Ending, ending_of
from holysheep_core.protocol.lenient import usage_block
from holysheep_core.protocol.parts import PartCollector, kind_of, reasoning_of
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.protocol.wire import Choice, Chunk, Message, UsageBlock, joined, text_of
from holysheep_core.types import Usage

_WORSE_THAN_NORMAL = (Ending.LIMIT, Ending.FILTERED, Ending.FAILED)

TextPiece = tuple[str, str]
"""New text and new reasoning; one of them may be empty."""


class ChunkReader:
    """The chunks of one answer.

    Args:
        finish_signal: What proves that the answer is whole.
        new_tools: Makes what collects the tool calls, which knows the request.

    Attributes:
        finish_reason: The model's reason to stop as the server wrote it, once sent.
        ending: What that means.
        finished: The answer is whole, if nothing more comes.
        done: `[DONE]` came, or the body was a whole JSON answer.
        proven: The answer has ended: only usage and the end of the connection are missing.
        has_content: Text, reasoning, a refusal or a piece of a tool call has come.
        progress: Grows with every delta that has something.
        growth: Grows with every read that makes an unfinished event or body longer.
        pieces: How many deltas with content; most servers send one for a token.
        tools: Pieces of tool calls; None before the first.
        parts: Images, audio, citations and blocks of reasoning; None before the first.
        usage: Tokens as reported, None before they are.
        has_halves: A chunk may have had half a character, so that the next one has the other.
        second_answer: Another answer has begun in this stream (a gateway failed over).
    """

    def __init__(
        self,
        finish_signal: FinishSignal = "either",
        new_tools: Callable[[], ToolCallAssembler] = ToolCallAssembler,
    ) -> None:
        self._signal = finish_signal
        self._new_tools = new_tools
        self.finish_reason: str | None = None
        self.ending: Ending | None = None
        self.done = False
        self.finished = False
        self.proven = False
        self.has_content = False
        self.progress = 0
        self.growth = 0
        self.pieces = 0
        self.tools: ToolCallAssembler | None = None
        self.parts: PartCollector | None = None
        self.usage: Usage | None = None
        self.id = ""
        self.model = ""
        self.refusal = ""
        self.system_fingerprint: str | None = None
        self.second_answer = False
        self.has_halves = False
        self._recognised = False
        self._bare_end = False  # the reason came in a chunk of its own
        self._roles = 0
        self._roles_beside_text = 0
        self._one_id = True
        self._repeats: bool | None = None  # a message has all that came before it
        self._said: list[str] = []
        self._half = ""  # the first half of a character of the text
        self._half_thought = ""  # likewise of the reasoning

    @property
    def _collector(self) -> PartCollector:
        if self.parts is None:
            self.parts = PartCollector()
        return self.parts

    @property
    def doubtful(self) -> bool:
        """`[DONE]` came without a reason: the answer may be whole, or may have been cut."""
        return self.done and not self.finished and self.ending is None

    def take(self, chunk: Chunk) -> list[TextPiece]:
        """Take a chunk that is no error and return what it says."""
        if not self._recognised:
            self._recognised = chunk.is_recognised()
        if not (self.id and self.model) or chunk.usage is not None:
            self._note_facts(chunk)
        elif chunk.system_fingerprint and self.system_fingerprint is None:
            self.system_fingerprint = chunk.system_fingerprint
        if chunk.citations or chunk.search_results or chunk.search_info or chunk.x_groq:
            self._note_extras(chunk)
        if not chunk.choices:
            return self._take_response_event(chunk) if chunk.type else []
        choice = chunk.choices[0]
        message = choice.delta or self._message_of(choice)
        before = self.progress
        pieces = [] if message is None else self._take_message(message)
        came = self.progress != before
        if came and self.ending is not None and _says_more(pieces, message):
            self._withdraw_end()
        reason = choice.finish_reason or choice.finishReason
        if reason:
            self._note_end(reason, bare=not came)
            if choice.error:
                self._note_error(choice.error)
        if choice.usage:
            self._note_usage(usage_block(choice.usage))
        return pieces

    def _message_of(self, choice: Choice) -> Message | None:
        """Return what a choice without a delta says: a message, or the older API's text.

        Some servers end a stream of deltas with a message that has all of the answer again. Others
        have a message in place of every delta: there the first comes before any content.
        """
        message = choice.message
        if message is None:
            return _legacy(choice)
        if self._repeats is None:
            self._repeats = self.has_content
        if not self._repeats:
            return message
        return Message(
            content=_rest_of(message, "".join(self._said)),
            tool_calls=None if self.tools is not None else message.tool_calls,
            refusal=None if self.refusal else message.refusal,
            images=message.images,
            annotations=message.annotations,
            extra_content=message.extra_content,
        )

    def _note_error(self, error: object) -> None:
        """Take the error that stands in a choice."""

    def begins_again(self, chunk: Chunk) -> bool:
        """Tell whether a chunk with another id begins a second answer: it has a second role.

        A new id in every chunk, or a role in every chunk, is a server's habit.
        """
        if not chunk.choices or not chunk.id:
            return False
        message = chunk.choices[0].delta
        # Where the text came with a role beside it, each chunk may have one, and a new id.
        is_habit = self.pieces == self._roles_beside_text
        if message is not None and message.role and self._roles == 1:
            self._one_id = not (is_habit and message.content)
            return self._one_id
        self._one_id = False
        return False

    def begin_again(self) -> None:
        """Read the second answer: what the first one said of its end, calls and model is void."""
        self.second_answer = False
        self._withdraw_end()
        self.tools = self.parts = None
        self.refusal = self.id = self.model = ""
        self.system_fingerprint = None
        self._half = self._half_thought = ""
        self._roles, self._roles_beside_text, self._one_id = 0, self.pieces, True
        self._said, self._repeats = [], None

    def look_for_the_end(self) -> None:
        """Judge whether what came is whole, by the signal that proves it."""
        reason = self.ending is not None and self.ending is not Ending.FAILED
        failed = self.ending is Ending.FAILED
        done = self.done and not failed
        signs = {"finish_reason": reason, "done": done, "either": reason}
        self.finished = signs[self._signal]
        self.proven = self.done or (self.finished and self._bare_end)

    def _note_end(self, reason: object, *, bare: bool) -> None:
        ending = ending_of(reason)
        if ending is None or self.ending in _WORSE_THAN_NORMAL:
            return
        word = reason.get("type") if isinstance(reason, dict) else reason
        self.finish_reason, self.ending, self._bare_end = str(word), ending, bare
        self.look_for_the_end()

    def _withdraw_end(self) -> None:
        self.finish_reason, self.ending, self._bare_end = None, None, False
        self.look_for_the_end()

    def _note_facts(self, chunk: Chunk) -> None:
        if not self.id and chunk.id:
            self.id = str(chunk.id)
        if not self.model and chunk.model:
            self.model = chunk.model
        if chunk.system_fingerprint:
            self.system_fingerprint = chunk.system_fingerprint
        self._note_usage(chunk.usage)

    def _note_extras(self, chunk: Chunk) -> None:
        """Take what single providers put beside the choices: sources, and Groq's usage."""
        if isinstance(chunk.x_groq, dict):
            self._note_usage(usage_block(chunk.x_groq.get("usage")))
        inside = chunk.search_info if isinstance(chunk.search_info, dict) else {}
        for values in (chunk.search_results, inside.get("search_results"), chunk.citations):
            self._collector.take_sources(values)

    def _note_usage(self, block: UsageBlock | None) -> None:
        usage = None if block is None else block.to_usage()
        if usage is not None:
            self.usage = usage if self.usage is None else self.usage.merged(usage)

    def _take_message(self, message: Message) -> list[TextPiece]:
        if message.role:
            self._roles += 1
            self._roles_beside_text += bool(message.content)
        if message.tool_calls or message.function_call is not None or message.refusal:
            self._take_calls(message)
        content, thought = message.content, ""
        text = content if isinstance(content, str) else ""
        if (
            (content and content is not text)
            or message.reasoning_details
            or message.images
            or message.audio
            or message.annotations
            or message.thinking_blocks
        ):
            text, thought = self._take_parts(message)
        if message.extra_content:
            self._collector.take_fields(message)
        reasoning = message.reasoning_content or message.reasoning or thought
        if not isinstance(reasoning, str):
            self.progress += 1
            reasoning = reasoning_of(reasoning) if isinstance(reasoning, dict) else ""
        if self.has_halves:
            text, self._half = _whole_characters(self._half, text)
            reasoning, self._half_thought = _whole_characters(self._half_thought, reasoning)
        if text:
            self._said.append(text)
        elif not reasoning:
            reasoning = message.reasoning_text or message.thinking
            if not isinstance(reasoning, str) or not reasoning:
                return []
        self.has_content = True
        self.progress += 1
        self.pieces += 1
        return [(text, reasoning)]

    def _take_calls(self, message: Message) -> None:
        """Take pieces of tool calls, or of a refusal."""
        if message.tool_calls or message.function_call is not None:
            if self.tools is None:
                self.tools = self._new_tools()
            self.tools.add(message)
            self._came()
        if message.refusal and isinstance(message.refusal, str):
            self.refusal += message.refusal
            self._came()

    def _take_parts(self, message: Message) -> tuple[str, str]:
        """Keep what is neither text nor a tool call; return the text and the reasoning of it."""
        thought = self._collector.take(message)
        self.has_content = True
        self.progress += 1
        content = message.content
        if not isinstance(content, list):
            return content or "", thought
        said = ""
        for part in content:
            kind = kind_of(part)
            if kind == "refusal":
                self.refusal += text_of(part.get("refusal"))
            elif kind == "text":
                said += text_of(part.get("text"))
        return said, thought

    def _came(self) -> None:
        self.has_content = True
        self.progress += 1
        self.pieces += 1

    def _take_response_event(self, chunk: Chunk) -> list[TextPiece]:
        # Some models behind the gateway answer in the Responses API's events, on this path too.
        if chunk.type == "response.output_text.delta" and isinstance(chunk.delta, str):
            return self._take_message(Message(content=chunk.delta))
        if chunk.type == "response.completed":
            self._note_end("stop", bare=True)
        if chunk.type == "response.incomplete":
            self._note_end("length", bare=True)
        return []


def _says_more(pieces: list[TextPiece], message: Message | None) -> bool:
    """Tell whether a message adds to an answer that has ended.

    Sources, images, signatures and white space may come behind an end, and do not undo it.
    """
    if any((text or reasoning).strip() for text, reasoning in pieces):
        return True
    return message is not None and bool(
        message.tool_calls or message.function_call or message.refusal
    )


def _rest_of(message: Message, said: str) -> str:
    """Return what a message that repeats an answer has beyond what came of it."""
    content = message.content
    if isinstance(content, list):
        content = "".join(text_of(part.get("text")) for part in content if kind_of(part) == "text")
    came, again = said.lstrip(), (content or "").lstrip()  # which some servers trim
    if again.startswith(came):
        return again[len(came) :]
    return "" if came.startswith(again.rstrip()) else content or ""


def _legacy(choice: Choice) -> Message | None:
    """Return the text of a choice as the older completions API has it."""
    text = choice.text
    return Message(content=text) if text and isinstance(text, str) else None


def _whole_characters(before: str, text: str) -> tuple[str, str]:
    """Join characters that a server cut between their UTF-16 surrogates; keep a half at the end.

    Args:
        before: Half a character that came last.
        text: New text; if it is empty, the other half may still come.
    """
    if not text:
        return "", before
    text = before + text
    half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    return joined(text[: len(text) - len(half)]), half
