"""Texts that were cut, and what models make of the request for the rest."""

import html
import re
from dataclasses import dataclass

FENCE = "```"
MIN_ROW = 8
TEXTS = {
    "english": (
        "Tide pools are small worlds that the sea fills and empties twice a day. The animals in "
        "them must stand heat, rain and hungry gulls, and most of them do it by holding still. "
        '"Home" is the right word, said the old warden, and he didn\'t smile.\n\nHermit crabs '
        "never stay: they trade up to larger shells, the biggest first. In 2019 a team counted "
        "1,250 such trades within 36 hours."
    ),
    "ko-prose": (
        "갯벌은 하루에 두 번 바닷물에 잠겼다가 다시 드러나는 넓은 땅입니다. 겉으로 보면 그저 "
        "진흙밭 같지만, 한 줌의 흙 속에도 수백 마리의 작은 생물이 삽니다. 어민들은 이곳을 "
        "‘바다의 밭’이라고 부릅니다.\n\n그런데 지난 30년 동안 갯벌의 20% 이상이 사라졌습니다."  # noqa: RUF001 - quotes
    ),
    "japanese": (
        "干潟は一日に二度、海の水に沈み、また姿を現す広い土地です。カニは穴を掘って隠れ、"
        "潮が引くと外に出て餌を探します。漁師たちはここを「海の畑」と呼んできました。"
    ),
    "chinese": (
        "滩涂是每天两次被海水淹没、又两次露出水面的广阔土地。看上去只是一片泥地，可是一把泥里"  # noqa: RUF001 - full-width
        "就住着几百只小生物。渔民把这里叫作“海上的田”。"
    ),
    "code": (
        f'Write a test:\n\n{FENCE}python\ndef test_all():\n    result = client.get("/users")\n'
        '    assert result.status == 200\n    result = client.get("/orders")\n'
        '    assert result.status == 200\n    result = client.get("/items")\n'
        '    assert result.status == 200\n    result = client.get("/missing")\n'
        f"    assert result.status == 404\n{FENCE}\n\nThat is **all** there is to it."
    ),
    "table": (
        "| Method | Time | Notes |\n|:-------|-----:|:------|\n| Bubble sort | O(n²) | slow |\n"
        "| Merge sort | O(n log n) | stable |\n| Quick sort | O(n log n) | fast in practice |\n\n"
        "For most programs the built-in sort is the right choice."
    ),
    "list": (
        "To move a database, do this:\n\n1. **Add** the new columns.\n2. **Write** to both "
        "places.\n3. **Copy** old rows in batches:\n   - at most 1000 rows at a time\n"
        "   - log the last id\n4. **Compare** both places for a day."
    ),
    "json": (
        '{\n  "id": 17,\n  "sheep": [\n    {"name": "Bella", "age": 3, "wool": "white"},\n'
        '    {"name": "Dolly", "age": 6, "wool": "grey"}\n  ],\n  "url": "https://a.example/?b=1&c=2"'
        "\n}"
    ),
    "latex": (
        "The roots of $ax^2 + bx + c = 0$ follow by completing the square:\n\n$$\\left(x + "
        "\\frac{b}{2a}\\right)^2 = \\frac{b^2 - 4ac}{4a^2}.$$\n\nTaking roots on both sides, "
        "we get two of them, real or complex."
    ),
    "urls": (
        "Links:\n\n- Docs: https://docs.example.org/en/latest/guide/install.html#linux\n"
        "- Docs (ko): https://docs.example.org/ko/latest/guide/install.html#linux\n"
        "- Source: https://git.example.org/tools/retry?tab=readme&ref=main\n"
    ),
    "numbers": "Powers of two: 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384.",
    "log": (
        "time,host,level,code\n10:00:01,web-1,INFO,200\n10:00:02,web-2,INFO,200\n"
        "10:00:03,web-1,WARN,429\n10:00:04,web-1,INFO,200\n10:00:05,web-2,INFO,200\n"
    ),
    "ko-emoji": "오늘의 날씨예요! ☀️ 아침엔 맑고 🌧️☔️. 가족 나들이 👨‍👩‍👧‍👦 라면 우산을 챙기세요 👍🏽👍🏽. Have fun 🎉🎉🎉!",
    "html": (
        "<ul>\n  <li><a href='/a?x=1&amp;y=2'>First</a></li>\n  <li><a href='/b'>Second</a></li>\n"
        "  <li><a href='/c'>Third</a></li>\n</ul>\n<p>Don't panic.</p>\n"
    ),
    "poem": (
        "The rain came down on Harbour Street,\n  and oh, the rain, the rain,\nit washed the dust "
        "from all our feet,\n  and oh, the rain, the rain.\n\nThe wind came up from Cable Bay,\n"
        "  and oh, the wind, the wind,\nit blew the baker's hat away."
    ),
    "very": (
        "It was a very, very, very long night, and the sheep were very, very tired. "
        '"No, no, no," said the shepherd, "not again, not again!" And they went up and up and up.'
    ),
    "counting": "One sheep. Two sheep. Three sheep. Four sheep. Five sheep. Six sheep. Seven sheep.",
    "french": (
        "La bergère comptait ses moutons chaque soir ; chaque soir, il en manquait un. « C’est "  # noqa: RUF001 - an apostrophe
        "impossible », dit-elle, et elle recommença."
    ),
}


@dataclass(frozen=True)
class Cut:
    """A text, where it was cut, the words asked for and the request for the rest."""

    text: str
    at: int
    anchor: str
    asked: str

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    @property
    def seen(self) -> str:
        return self.text[: self.at]

    @property
    def tail(self) -> str:
        return self.anchor.strip()

    @property
    def obeys(self) -> str:
        return self.anchor + self.rest

    @property
    def line(self) -> int:
        return self.seen.rfind("\n", 0, len(self.seen.rstrip())) + 1

    @property
    def is_code(self) -> bool:
        return self.seen.count(FENCE) % 2 == 1 or self.text[:1] in "{<" or "host," in self.text

    @property
    def in_word(self) -> bool:
        return self.seen[-1:].isalnum() and self.rest[:1].isalnum()


def before(words, said=lambda cut: cut.obeys):
    return lambda cut: words + said(cut)


def changed(change):
    def manner(cut):
        new = None if cut.is_code else change(cut.anchor)
        return None if new in (None, cut.anchor) else new + cut.rest

    return manner


def where(condition, said):
    return lambda cut: said(cut) if condition(cut) else None


def around(opened, closed):
    def manner(cut):
        marks = {opened.strip(".…"), closed.strip(".…")}
        unclear = cut.is_code or cut.in_word or "\n" in cut.tail
        if unclear or any(m in cut.anchor or cut.rest.startswith(m) for m in marks):
            return None
        return opened + cut.tail + closed + cut.anchor[len(cut.anchor.rstrip()) :] + cut.rest

    return manner


def around_all(opened, closed):
    marks = {opened.strip(), closed.strip()}
    free = where(lambda cut: not any(mark in cut.text for mark in marks), lambda cut: cut.obeys)
    return lambda cut: (said := free(cut)) and opened + said.rstrip("\n") + closed


def head_again(cut):
    head, row = re.match(r"(\|.*\n){2}", cut.text), cut.seen[cut.line :]
    if not head or row[:1] != "|" or len(row) <= MIN_ROW or cut.line < head.end():
        return None
    return head[0] + cut.text[cut.line :]


SURE = "Sure, here is the continuation:\n\n"
SORRY = "I'm sorry, my message was cut off. Here it is again from the last words:\n\n"
PREAMBLES = {
    "sure": SURE,
    "sure, one line": "Sure, here is the rest of the message:\n",
    "sure in Korean": "물론입니다! 이어서 작성하겠습니다.\n\n",
    "sure in Japanese": "もちろんです。続きを書きます。\n\n",
    "sure in Chinese": "当然，下面是后续内容：\n\n",  # noqa: RUF001 - full-width
    "sorry": SORRY,
    "sorry, no full stop": "Sorry about that\n\n",
    "continued": "[continued]\n\n",
    "continued, bold": "**Continued:**\n\n",
    "continued, italic": "*(continued from above)*\n\n",
    "continued, a heading": "### Continuation\n\n",
    "dots, continued": "...continued:\n\n",
    "rule": "---\n\n",
    "stars": "***\n\n",
    "dots": "...",
    "dots and a blank": "... ",
    "ellipsis": "…",
    "ellipsis, a paragraph": "…\n\n",
    "dots in brackets": "[...] ",
    "two paragraphs": "Understood.\n\nHere is the completed message from that point on.\n\n",
    "exclamations": "Of course! Let me finish that for you!\n\n",
    "emoji": "Here you go 😊\n\n",
    "a tag": "<continue>\n",
    "the end of the partial": "</begun>\n\n",
    "role": "**Assistant:**\n\n",
    "byte order mark": "\ufeff",
    "zero-width blank": "\u200b",
    "line breaks": "\n\n",
    "thinking": "<think>\nI go on from the last words.\n</think>\n\n",
    "thinking, another tag": "<thinking>\nI go on from the last words.\n</thinking>\n\n",
    "no thought": "<think>\n\n</think>\n\n",
}
MARKS = {
    "double quotes": ('"', '"'),
    "curly quotes": ("“", "”"),
    "a backtick": ("`", "`"),
    "bold": ("**", "**"),
    "corner brackets": ("「", "」"),
    "guillemets": ("«", "»"),
    "brackets": ("[", "]"),
    "quoted dots": ('"...', '"'),
    "a tag": ("<mark>", "</mark>"),
}
MANNERS = {
    "the words asked for": lambda cut: cut.obeys,
    "the whole": lambda cut: cut.text,
    "sixty characters": lambda cut: cut.text[max(0, cut.at - 60) :],
    "a hundred characters": lambda cut: cut.text[max(0, cut.at - 100) :],
    "the last paragraph": lambda cut: cut.text[
        cut.seen.rfind("\n\n") + 2 if "\n\n" in cut.seen else 0 :
    ],
    **{f"{name}, then the words": before(words) for name, words in PREAMBLES.items()},
    "sure, then the whole": before(SURE, lambda cut: cut.text),
    "sorry, then the whole": before(SORRY, lambda cut: cut.text),
    "upper case": changed(str.upper),
    "a capital": changed(lambda words: words[:1].upper() + words[1:]),
    "lower case": changed(str.lower),
    "two blanks for one": changed(lambda words: words.replace(" ", "  ")),
    "a blank for line breaks": changed(lambda words: re.sub(r"\n+(?=.)", " ", words)),
    "hard blanks": changed(lambda words: words.replace(" ", "\u00a0")),
    "curly for straight quotes": changed(
        lambda words: re.sub(r'"(?=\w)', "“", words).replace('"', "”").replace("'", "’")  # noqa: RUF001 - quotes
    ),
    "marks dropped": changed(lambda words: re.sub(r"\*+", "", words)),
    "dashes": changed(lambda words: words.replace("—", "-")),
    **{f"the words in {name}": around(*marks) for name, marks in MARKS.items()},
    **{f"all in {name}": around_all(*marks) for name, marks in MARKS.items()},
    "all in a fence": around_all(FENCE + "\n", "\n" + FENCE),
    "sure, all in a fence": around_all(SURE + FENCE + "\n", "\n" + FENCE),
    "all in tildes": where(
        lambda cut: FENCE not in cut.text, lambda cut: "~~~\n" + cut.obeys.rstrip("\n") + "\n~~~"
    ),
    "JSON in a fence, then a remark": where(
        lambda cut: cut.text[0] == "{",
        lambda cut: f"{FENCE}json\n{cut.text}\n{FENCE}\n\nLet me know if you need more.",
    ),
    "the fence again": where(
        lambda cut: cut.seen.count(FENCE) == 1, lambda cut: f"{FENCE}python\n{cut.obeys}"
    ),
    "the table's head again": head_again,
    "quoted, then the words": where(
        lambda cut: '"' not in cut.anchor, lambda cut: f'"{cut.tail}"\n\n{cut.obeys}'
    ),
    "mentioned, then the words": where(
        lambda cut: '"' not in cut.anchor,
        lambda cut: f'My message stopped after "{cut.tail}". I go on from there:\n\n{cut.obeys}',
    ),
    "the words, dots, then the words": lambda cut: f"{cut.tail}...\n\n{cut.obeys}",
    "the partial in its tag": lambda cut: f"<begun>\n{cut.seen}\n</begun>\n\n{cut.obeys}",
    "the partial's tag at the end": where(
        lambda cut: "<begun>" in cut.asked, lambda cut: cut.obeys + "\n</begun>"
    ),
}
AMBIGUOUS = {
    "exactly the rest": lambda cut: cut.rest,
    "half the words": lambda cut: cut.text[cut.at - len(cut.anchor) // 2 :],
    "the last six characters": lambda cut: cut.text[cut.at - 6 :],
    "the last character": lambda cut: cut.text[cut.at - 1 :],
    "the last line": lambda cut: cut.text[cut.line :],
    "a block quote, then the words": lambda cut: f"> {cut.tail}\n\n{cut.obeys}".replace(
        cut.tail, cut.tail.replace("\n", "\n> "), 1
    ),
    "a fence, then the words": where(
        lambda cut: FENCE not in cut.text,
        lambda cut: f"{FENCE}\n{cut.tail}\n{FENCE}\n\n{cut.obeys}",
    ),
    "sure, exactly the rest": before(SURE, lambda cut: cut.rest),
    "sure on the same line, exactly the rest": before("Sure! ", lambda cut: cut.rest),
    "a role, exactly the rest": before("Assistant: ", lambda cut: cut.rest),
    "sure, then the last line": before(SURE, lambda cut: cut.text[cut.line :]),
    "a role, then the last line": before("Assistant: ", lambda cut: cut.text[cut.line :]),
    "continued, on the same line": before("[continued] "),
    "mentioned, exactly the rest": where(
        lambda cut: '"' not in cut.anchor,
        lambda cut: f'Continuing after "{cut.tail}":\n\n{cut.rest}',
    ),
    "escaped for HTML": changed(html.escape),
    "a letter missing": changed(
        lambda words: words[: len(words) // 2] + words[len(words) // 2 + 1 :]
    ),
    "the whole, without a comma": where(
        lambda cut: "," in cut.seen[: cut.at // 2] and not cut.is_code,
        lambda cut: cut.seen.replace(",", "", 1) + cut.rest,
    ),
    "the request, then the words": lambda cut: f"{cut.asked.rpartition(chr(10))[2]}\n\n{cut.obeys}",
}
OTHER = "In short, there are several points to keep in mind, and each deserves attention."
REFUSED = {
    "something else": lambda cut: OTHER,
    "something else in Chinese": lambda cut: "总之，有几点需要注意，每一点都很重要。",  # noqa: RUF001 - full-width
    "a new section": lambda cut: f"## Summary\n\n{OTHER}",
    "sure, something else": lambda cut: SURE + OTHER,
    "half of it, then something else": lambda cut: f"{cut.seen[: cut.at // 2]} {OTHER} {OTHER * 3}",
    "an apology": lambda cut: "I'm sorry, but I can't help with that.",
    "a question": lambda cut: "Could you tell me what you would like me to continue?",
    "that it is complete": lambda cut: "The message is complete.",
    "that it is complete, in Korean": lambda cut: "이미 완성된 답변입니다.",
    "dots": lambda cut: "...",
    "a fence": lambda cut: FENCE,
    "half the words": lambda cut: cut.anchor[: len(cut.anchor) // 2],
    "half of it": lambda cut: cut.seen[: len(cut.seen) // 2],
}
