"""Ways in which a model answers the request to complete an answer that broke off.

cases() yields (manner, tier, text_index, at, anchor, message): the reader has
text[:at], the model was shown anchor.strip(), and sent message; joined to
text[:at] the reader has to see exactly text.
"""

import re

TEXTS = [
    # 0 English prose
    "Lighthouses were never as lonely as the postcards suggest. Most large stations on the "
    "Atlantic coast had two or three keepers, and at the shore stations whole families lived "
    "beside the tower, kept chickens, and argued about whose turn it was to carry the oil. The "
    "work itself was dull by design: trim the wick, wind the clockwork, polish the lens, write "
    "the weather into the log. What changed everything was not electricity, as people tend to "
    "assume, but the automatic acetylene valve that Gustaf Dalén patented in 1907. It shut the "
    "gas off at sunrise and opened it again at dusk, without anyone touching it.\n\nAfter that, "
    "the keepers disappeared one station at a time. The last crews in Britain left North "
    "Foreland in 1998; in Canada, a handful of lights on the Pacific side are staffed to this day.",
    # 1 Korean prose
    "된장과 청국장은 모두 콩을 발효시켜 만들지만, 발효에 걸리는 시간과 방식이 전혀 다릅니다. 된장은 "
    "메주를 띄운 뒤 소금물에 담가 최소 두세 달을 묵히고, 간장을 떠낸 다음 남은 건더기를 다시 숙성합니다. "
    "그래서 짠맛이 강하고 오래 두고 먹을 수 있습니다. 반면 청국장은 삶은 콩을 따뜻한 곳에 이틀 남짓 두면 "
    "바로 먹을 수 있는 “속성” 발효 식품입니다.\n\n냄새가 강한 이유도 여기에 있습니다. 볏짚에 붙어 있던 "
    "고초균이 단백질을 빠르게 분해하면서 암모니아가 생기기 때문입니다. 다만 요즘 시판되는 제품은 균주를 골라 "
    "쓰기 때문에 예전보다 냄새가 훨씬 덜합니다. 처음 드시는 분이라면 김치를 넉넉히 넣고 끓여 보시길 권합니다.",
    # 2 Korean list
    "이사 당일에 빠뜨리기 쉬운 일들을 순서대로 정리했습니다.\n\n"
    "1. **관리비 정산**: 관리사무소에 전날 미리 전화해 두면 당일 오전에 바로 처리됩니다.\n"
    "2. **도시가스 철거**: 최소 3일 전에 예약해야 하며, 기사 방문 시간에는 집에 사람이 있어야 합니다.\n"
    "3. **장기수선충당금**: 세입자라면 집주인에게 돌려받을 수 있으니 영수증을 꼭 챙기세요.\n"
    "4. **전입신고**: 이사한 날부터 14일 안에 해야 하고, 정부24에서 온라인으로도 가능합니다.\n"
    "   - 확정일자도 같은 날 함께 받는 것이 안전합니다.\n"
    "   - 임대차 계약서 사본을 미리 스캔해 두면 편합니다.\n"
    "5. **우편물 주소 이전**: 우체국 홈페이지에서 3개월 동안 무료로 신청할 수 있습니다.\n\n"
    "마지막으로, 나가기 전에 모든 방의 사진을 찍어 두면 보증금 다툼을 피하는 데 도움이 됩니다.",
    # 3 Markdown with a code fence
    "## Reading a large file in batches\n\nIf the file does not fit into memory, read it with a "
    "*generator* and hand out **fixed-size batches**:\n\n```python\nfrom itertools import islice\n\n\n"
    'def batches(path, size=1000):\n    """Yield lists of at most `size` lines."""\n'
    '    with open(path, encoding="utf-8") as lines:\n        while True:\n'
    "            batch = list(islice(lines, size))\n            if not batch:\n                return\n"
    '            yield batch\n\n\nfor batch in batches("events.txt"):\n    print(len(batch), batch[0].strip())\n```\n\n'
    "A few remarks:\n\n- `islice` never reads ahead, so at most **one batch** is held at a time.\n"
    "- The `with` block closes the file even if the caller stops early.\n"
    "- On Python 3.12 and later you can use `itertools.batched` instead, which yields tuples.",
    # 4 JSON object
    '{\n  "invoice": {\n    "number": "R-2024-0318",\n    "issued": "2024-03-18",\n'
    '    "currency": "EUR",\n    "customer": {\n      "name": "Brandt & Söhne GmbH",\n'
    '      "vat_id": "DE811907980",\n      "city": "Lübeck"\n    },\n    "lines": [\n'
    '      {"sku": "KB-114", "title": "Mechanical keyboard, ISO layout", "qty": 2, "price": 89.5},\n'
    '      {"sku": "MS-027", "title": "Wireless mouse", "qty": 5, "price": 24.9},\n'
    '      {"sku": "CB-300", "title": "USB-C cable, 2 m", "qty": 10, "price": 7.25}\n    ],\n'
    '    "notes": null,\n    "paid": false,\n    "terms": "Payable within 14 days without deduction."\n  }\n}',
    # 5 Chinese prose and a Markdown table
    "如果只是在家里偶尔喝一杯，三种常见的冲煮方式各有取舍。手冲最能体现豆子本身的风味，但对水温和研磨度比较敏感；"
    "法压壶几乎不需要技巧，口感厚重，缺点是杯底会有细粉；摩卡壶做出来的咖啡浓度高，适合加奶。下面的表格按照“"
    "上手难度”从低到高排列（满分5分）。\n\n"
    "| 器具 | 水温 | 时间 | 难度 | 适合人群 |\n|------|------|------|------|----------|\n"
    "| 法压壶 | 94℃ | 4分钟 | 1 | 早上没时间的上班族 |\n"
    "| 摩卡壶 | 明火加热 | 6分钟 | 3 | 喜欢拿铁和浓郁口感的人 |\n"
    "| 手冲壶 | 92℃ | 2分30秒 | 4 | 愿意花时间调整细节的人 |\n"
    "| 虹吸壶 | 接近沸腾 | 5分钟 | 5 | 享受仪式感的爱好者 |\n\n"
    "**建议**：第一次买器具的话，先从法压壶开始，等熟悉了不同产地的味道，再考虑手冲。另外，无论选哪一种，"
    "新鲜烘焙的豆子都比昂贵的器具更重要。",
    # 6 verse
    "The Ferry Clock\n\nThe ferry clock runs seven minutes slow,\nand no one on the landing seems to mind;\n"
    "the gulls have eaten all they wish to know,\nthe tide has left its newspapers behind.\n\n"
    "A child is counting bollards with a stick,\na man in rubber boots repeats a name;\n"
    "the rope goes slack, the winch begins to tick,\nand every crossing ends up much the same.\n\n"
    "O slow machine, O rust upon the rail,\nO kettle humming in the captain's room,\n"
    "you teach us how the smallest boats may sail\nby being late, and leaving none too soon.\n\n"
    "So let the clock be wrong another year,\nand let the water carry what it may;\n"
    "whoever waits upon the wooden pier\nhas seven minutes more of every day.",
    # 7 dialogue with quotes
    'Marta put the letter on the counter and waited. "You opened it," she said.\n\n'
    '"I open everything," said the clerk. "It\'s the rule. Packages, letters, postcards -- well, postcards '
    'are open already."\n\n"And did you read it?"\n\n"Only the first page..." He looked at the window, where the '
    'rain had begun again. "Your brother writes a good hand. He says the orchard\'s gone."\n\n'
    "She folded the paper twice — slowly, the way their mother used to fold napkins — and slid it into her "
    'sleeve. "He said that last year, too," she answered. "He says it every time he wants money."\n\n'
    '"Then you won\'t be needing the form?"\n\n"I didn\'t say that." Marta held out her hand. "Give me two. '
    "One for him, and one for whoever's been stealing the apples.\"",
    # 8 CSV rows
    "timestamp,host,level,service,message,duration_ms\n"
    "2025-11-03T04:12:07Z,web-02,INFO,checkout,Cart 48213 confirmed,182\n"
    "2025-11-03T04:12:09Z,web-01,WARN,checkout,Payment provider answered slowly,2417\n"
    "2025-11-03T04:12:15Z,db-01,INFO,postgres,Checkpoint complete: wrote 5120 buffers,913\n"
    "2025-11-03T04:12:21Z,web-02,ERROR,search,Index segment 17 is unreadable,36\n"
    "2025-11-03T04:12:22Z,web-02,INFO,search,Falling back to replica eu-west-1b,58\n"
    "2025-11-03T04:12:40Z,cron-01,INFO,mailer,Sent 311 reminders and skipped 4,7720\n"
    "2025-11-03T04:13:02Z,web-01,WARN,auth,Rate limit reached for client 77fa,3\n"
    "2025-11-03T04:13:05Z,db-01,INFO,postgres,Autovacuum of public.orders finished,1508",
    # 9 Korean and English mixed, numbers, emoji
    "좋은 질문이에요! 😊 결론부터 말하면, 월 2,000만 토큰 정도라면 **self-hosting보다 API가 더 저렴**합니다.\n\n"
    "### 💰 비용 비교 (2025년 6월 기준)\n\n"
    "- API 사용: 입력 $0.15 / 1M tokens, 출력 $0.60 / 1M tokens → 월 약 ₩11,400\n"
    "- GPU 임대: A10G 1장 기준 시간당 $1.01 × 730시간 = 약 $737 → 월 약 ₩1,010,000\n"
    "- 전기료·인건비: 별도 (최소 주 2~3시간은 봐야 해요 ⏱️)\n\n"
    "다만 latency가 100ms 이하여야 하거나, 개인정보 때문에 데이터를 밖으로 보낼 수 없다면 이야기가 달라져요. "
    "그럴 때는 vLLM + `Qwen2.5-7B` 조합을 추천합니다 👍🏻 batch size를 32까지 올리면 throughput이 "
    "약 4.7배 늘어나거든요.\n\n혹시 예상 트래픽(QPS)을 알려주시면 더 정확하게 계산해 드릴게요! 🚀",
]

KINDS = ["prose", "prose", "list", "markdown", "json", "table", "verse", "dialogue", "csv", "mixed"]
LANGUAGES = ["en", "ko", "ko", "en", "en", "zh", "en", "en", "en", "ko"]

FENCE = "```"


# --- what is known of a text and of a cut -------------------------------------------------------


def kind_of(text):
    return KINDS[TEXTS.index(text)] if text in TEXTS else "prose"


def lang_of(text):
    if text in TEXTS:
        return LANGUAGES[TEXTS.index(text)]
    return "ko" if re.search("[가-힣]", text) else "zh" if re.search("[一-鿿]", text) else "en"


def ideographic(char):
    """Of a script that is written without blanks, or its punctuation (Hangul is not)."""
    return "\u3000" <= char <= "\u9fff" or "\uff00" <= char <= "\uffef" or char in "“”"


def fence_open(text, at):
    """Where the line that opened the code block still open at the cut begins, or None."""
    starts = [found.start() for found in re.finditer(r"^```", text[:at], re.M)]
    return starts[-1] if len(starts) % 2 else None


def dry(text, at):
    """The cut is within JSON, CSV or a code block: nothing a model writes prose marks around."""
    return kind_of(text) in ("json", "csv") or fence_open(text, at) is not None


def touches_code(text, at, anchor):
    """The anchor is within JSON, CSV or a code block, or reaches into one."""
    return (
        dry(text, at) or FENCE in anchor or fence_open(text, anchor_start(at, anchor)) is not None
    )


def in_word(text, at):
    before, after = text[at - 1], text[at]
    return before.isalnum() and after.isalnum() and not (ideographic(before) or ideographic(after))


def overlaps(text, at, message):
    """The lengths (of two or more) of what ends text[:at] and begins the message."""
    seen = text[:at]
    return [n for n in range(2, min(at, len(message)) + 1) if seen.endswith(message[:n])]


def again_from(text, at, start, least=4):
    """The text from `start` on, where that can be joined in one way only."""
    if start is None or at - start < least or len(text[start:at].strip()) < least:
        return None
    message = text[start:]
    return message if overlaps(text, at, message)[-1:] == [at - start] else None


def anchor_start(at, anchor):
    return at - len(anchor)


def changed(text, at, anchor, change):
    """The anchor with `change` done to its words, then the rest; None where nothing changes."""
    words = anchor.strip()
    new = change(words)
    if new == words:
        return None
    return new + anchor[len(anchor.rstrip()) :] + text[at:]


def fresh(text, at):
    """The rest as written after a break (a block quote, say), where a careful reader knows
    which white space belongs between it and what he has; else None."""
    seen, rest = text[:at], text[at:]
    if seen.endswith("\n"):
        if rest[0] == "\n":
            return None
        if seen.endswith("\n\n") and (fence_open(text, at) is None or not rest[0].isspace()):
            return rest
        return rest if kind_of(text) != "verse" else None
    if seen.endswith(" "):
        line = seen[seen.rfind("\n") + 1 :]
        return rest if line.strip() and not rest[0].isspace() else None
    if (
        lang_of(text) == "en"
        and kind_of(text) != "verse"
        and not dry(text, at)
        and re.match(r" [a-z]", rest)
        and re.search(r"[a-z,;]$", seen)
    ):
        return rest[1:]
    if "\u4e00" <= seen[-1] <= "\u9fff" and "\u4e00" <= rest[0] <= "\u9fff":
        return rest
    return None


def sentence_starts(text, at):
    """The beginnings of the sentences begun in text[:at], the last being of one with words in it."""
    end = len(text[:at].rstrip())
    starts = {0}
    for found in re.finditer(r"(?<=[.!?])[\"”’)]*\s+(?=\S)|[。!?][」』”\"]*(?=\S)|\n+(?=\S)", text):
        starts.add(found.end())
    marked = {
        found.end() for found in re.finditer(r"^ *\d+\. +", text, re.M)
    }  # "1. " ends no sentence
    return sorted(start for start in starts - marked if start < end)


def line_start(text, at):
    return text.rfind("\n", 0, len(text[:at].rstrip())) + 1


def paragraph_start(text, at):
    found = text.rfind("\n\n", 0, len(text[:at].rstrip()))
    return found + 2 if found >= 0 else 0


def word_start(text, at, count):
    """Where the last `count` words of text[:at] begin."""
    found = re.search(r"(?:\S+\s+){%d}\S+\s*$" % (count - 1), text[:at])
    return found and found.start()


def local(text, en, ko, zh):
    return {"en": en, "ko": ko, "zh": zh}[lang_of(text)]


def fence_name(text):
    return {
        "json": "json",
        "csv": "csv",
        "table": "markdown",
        "markdown": "markdown",
        "list": "markdown",
    }.get(kind_of(text))


# --- the manners --------------------------------------------------------------------------------


def plain(text, at, anchor):
    return anchor + text[at:]


def ellipsis_before(text, at, anchor):
    return None if dry(text, at) else "..." + plain(text, at, anchor)


def capitalised(text, at, anchor):
    if touches_code(text, at, anchor) or not re.match(r"[a-z]+(?![A-Za-z])", anchor):
        return None
    return changed(text, at, anchor, lambda words: words[0].upper() + words[1:])


def intro_short_english(text, at, anchor):
    return "Sure, continuing:\n\n" + plain(text, at, anchor)


def intro_short_local(text, at, anchor):
    if lang_of(text) == "en":
        return None
    intro = local(text, "", "네, 이어서 작성하겠습니다.\n\n", "好的，我接着写：\n\n")
    return intro + plain(text, at, anchor)


def apology(text, at, anchor):
    intro = local(
        text,
        "I apologize for the interruption. It looks like my previous message was cut off before I could "
        "finish it. Here is the continuation, starting from the words you quoted:\n\n",
        "죄송합니다. 이전 답변이 중간에 끊어졌네요. 말씀하신 부분부터 같은 형식으로 이어서 작성해 드리겠습니다.\n\n",
        "抱歉，上一条消息没有发完整。下面从您引用的地方重新开始，并补全剩余内容。\n\n",
    )
    return intro + plain(text, at, anchor)


def intro_and_rule(text, at, anchor):
    intro = local(
        text,
        "Continuing from where I left off:",
        "중단된 부분부터 이어서 작성합니다:",
        "从中断处继续：",
    )
    return intro + "\n\n---\n\n" + plain(text, at, anchor)


def whole_again(text, at, anchor):
    return text if anchor_start(at, anchor) > 0 else None


def whole_again_intro(text, at, anchor):
    intro = local(
        text,
        "Here is the complete message:\n\n",
        "물론입니다! 전체 답변을 처음부터 다시 작성해 드릴게요.\n\n",
        "当然，以下是完整的回答：\n\n",
    )
    return intro + text


def last_sentence(text, at, anchor):
    if dry(text, at):
        return None
    start = sentence_starts(text, at)[-1]
    if start == line_start(text, at) and kind_of(text) not in ("prose", "dialogue"):
        return None  # that is last_line
    return again_from(text, at, start) if start not in (0, anchor_start(at, anchor)) else None


def last_line(text, at, anchor):
    start = line_start(text, at)
    same = (0, anchor_start(at, anchor))
    if start in same or kind_of(text) in ("prose", "dialogue"):
        return None
    return again_from(text, at, start)


def last_paragraph(text, at, anchor):
    start = paragraph_start(text, at)
    if start in (0, anchor_start(at, anchor)) or dry(text, at):
        return None
    if start == line_start(text, at) and kind_of(text) not in ("prose", "dialogue"):
        return None  # that is last_line
    return again_from(text, at, start)


def last_three_words(text, at, anchor):
    if lang_of(text) == "zh":
        found = re.search(r"[一-鿿0-9℃]{4,14}$", text[:at])
        start = found and max(found.start(), at - 8)
    else:
        start = word_start(text, at, 3)
    if start is None or start <= anchor_start(at, anchor):
        return None
    return again_from(text, at, start)


def code_block_again(text, at, anchor):
    start = fence_open(text, at)
    return (
        None if start in (None, anchor_start(at, anchor)) else again_from(text, at, start, least=12)
    )


def fence_reopened(text, at, anchor):
    start = fence_open(text, at)
    if start is None or FENCE in anchor or text.find("\n", start) >= at - 1:
        return None
    return text[start : text.index("\n", start) + 1] + plain(text, at, anchor)


def fence_around_data(text, at, anchor):
    if kind_of(text) not in ("json", "csv", "table"):
        return None
    if kind_of(text) == "table" and text[line_start(text, at)] != "|":
        return None
    return FENCE + fence_name(text) + "\n" + plain(text, at, anchor) + "\n" + FENCE


def whole_again_fenced(text, at, anchor):
    if not fence_name(text):
        return None
    mark = FENCE + "`" if FENCE in text else FENCE
    return mark + fence_name(text) + "\n" + text + "\n" + mark


def heading_before(text, at, anchor):
    if dry(text, at):
        return None
    return local(text, "## Continuation\n\n", "### 이어지는 내용\n\n", "## 续\n\n") + plain(
        text, at, anchor
    )


def intro_same_line(text, at, anchor):
    if dry(text, at) or anchor[0] in "|#-":
        return None
    intro = local(
        text, "Sure! Picking up from there: ", "네, 이어서 쓰겠습니다: ", "好的，接着上文："
    )
    return intro + plain(text, at, anchor)


def intro_quoting(text, at, anchor):
    words = anchor.strip()
    if "\n" in words:
        return None
    intro = local(
        text,
        f'Continuing from "{words}":\n\n',
        f'"{words}" 부분부터 다시 이어서 작성합니다.\n\n',
        f"从“{words}”这里继续：\n\n",
    )
    return intro + plain(text, at, anchor)


def block_quote_anchor(text, at, anchor):
    rest = fresh(text, at)
    if rest is None or touches_code(text, at, anchor):
        return None
    return "> " + anchor.strip().replace("\n", "\n> ") + "\n\n" + rest


def bold_anchor(text, at, anchor):
    words = anchor.strip()
    if (
        dry(text, at)
        or in_word(text, at)
        or re.search(r"[\n*|`#]|^(-|\d+\.) ", words)
        or text[at] in "*`"
    ):
        return None
    return changed(text, at, anchor, lambda words: f"**{words}**")


def quoted_anchor(text, at, anchor):
    words = anchor.strip()
    if (
        dry(text, at)
        or in_word(text, at)
        or re.search(r"[\n\"“”|]|^(-|\d+\.) ", words)
        or text[at] in '"“”*`'
    ):
        return None
    return changed(
        text, at, anchor, lambda words: local(text, f'"{words}"', f'"{words}"', f"“{words}”")
    )


def quotes_around_all(text, at, anchor):
    if (
        dry(text, at)
        or kind_of(text) in ("dialogue", "markdown", "table")
        or re.search(r"[\"“”]", anchor)
    ):
        return None
    return '"' + plain(text, at, anchor) + '"'


def think_quoting(text, at, anchor):
    words = anchor.strip()
    thought = local(
        text,
        f'Okay, the user says my message broke off after "{words}". I have to write these words again and '
        "go on from there, in the same format, without starting over.",
        f'사용자가 메시지가 "{words}" 뒤에서 끊겼다고 한다. 이 부분을 다시 쓰고 같은 형식으로 끝까지 이어서 써야 한다.',
        f"用户说我的消息在“{words}”之后中断了。我需要先重复这几个字，然后继续写完。",
    )
    return f"<think>\n{thought}\n</think>\n\n" + plain(text, at, anchor)


def tags_around_all(text, at, anchor):
    return "<continuation>\n" + plain(text, at, anchor) + "\n</continuation>"


def anchor_twice(text, at, anchor):
    return anchor.strip() + "\n\n" + plain(text, at, anchor)


def last_word(text, at, anchor):
    start = word_start(text, at, 1)
    if lang_of(text) == "zh" or start is None or start <= anchor_start(at, anchor):
        return None
    if not re.match(r"[^\W\d_]{3}", text[start:at]):
        return None
    message = again_from(text, at, start, least=3)
    return None if message is None or overlaps(text, at, message) != [at - start] else message


def previous_sentence(text, at, anchor):
    starts = sentence_starts(text, at)
    if dry(text, at) or len(starts) < 3 or starts[-2] == anchor_start(at, anchor):
        return None
    if kind_of(text) not in ("prose", "dialogue", "mixed", "table"):
        return None
    return again_from(text, at, starts[-2])


def item_without_marker(text, at, anchor):
    if dry(text, at):
        return None
    start = line_start(text, at)
    marker = re.match(r" *(?:[-*]|\d+\.|#+|\|) +(?=[^\s|])", text[start:])
    if not marker or start + marker.end() == anchor_start(at, anchor):
        return None
    return again_from(text, at, start + marker.end())


def newlines_to_spaces(text, at, anchor):
    if touches_code(text, at, anchor):
        return None
    return changed(text, at, anchor, lambda words: re.sub(r"\s*\n\s*", " ", words))


def blank_lines_changed(text, at, anchor):
    if touches_code(text, at, anchor):
        return None

    def change(words):
        return words.replace("\n\n", "\n") if "\n\n" in words else words.replace("\n", "\n\n")

    return changed(text, at, anchor, change)


def markdown_dropped(text, at, anchor):
    if dry(text, at) or (text[at - 1] == text[at] and text[at] in "*#`"):
        return None
    if anchor_start(at, anchor) and fence_open(text, anchor_start(at, anchor)) is not None:
        return None

    def change(words):
        return re.sub(r"\*+|`|^ *(?:-|#+) +", "", words, flags=re.M)

    return changed(text, at, anchor, change)


def quotes_typographic(text, at, anchor):
    if touches_code(text, at, anchor):
        return None

    def change(words):
        if re.search("[“”‘’]", words):
            return re.sub("[“”]", '"', re.sub("[‘’]", "'", words))
        words = re.sub(r'(^|[\s(])"', "\\1“", words)
        return words.replace('"', "”").replace("'", "’")

    return changed(text, at, anchor, change)


def indentation_dropped(text, at, anchor):
    if not dry(text, at):
        return None
    start = line_start(text, at)
    indent = len(re.match(" *", text[start:]).group())
    if not indent or start + indent == anchor_start(at, anchor):
        return None
    return again_from(text, at, start + indent)


def fence_around_anchor(text, at, anchor):
    rest = fresh(text, at)
    if rest is None or FENCE in anchor or fence_open(text, at) is not None:
        return None
    return f"{FENCE}\n{anchor.strip()}\n{FENCE}\n\n" + rest


def dashes_and_dots(text, at, anchor):
    if touches_code(text, at, anchor) or text[at] in ".-" and text[at - 1] == text[at]:
        return None

    def change(words):
        if re.search("[—–…~→×]|℃", words):
            for old, new in (
                ("—", "-"),
                ("–", "-"),
                ("…", "..."),
                ("~", "-"),
                ("→", "->"),
                ("×", "x"),
                ("℃", "°C"),
            ):
                words = words.replace(old, new)
            return words
        return re.sub(r"(?<!-)--(?!-)", "—", words.replace("...", "…"))

    return changed(text, at, anchor, change)


WIDE = {ord(char): chr(ord(char) + 0xFEE0) for char in "0123456789,:;!?()%$+/"}
NARROW = {ord(char) + 0xFEE0: char for char in ",:;!?()"}


def full_width(text, at, anchor):
    if lang_of(text) == "en":
        return None

    def change(words):
        narrow = words.translate(NARROW)
        return narrow if narrow != words else words.translate(WIDE)

    return changed(text, at, anchor, change)


def blank_in_word(text, at, anchor):
    left = re.search(r"[A-Za-z]+$", text[:at])
    right = re.match(r"[a-z]{2,}", text[at:])
    if lang_of(text) != "en" or dry(text, at) or not left or not right:
        return None
    known = (
        "a an as at be by do for go he in is it me no of on or so the to up us we and any all not"
    )
    if left.group().lower() in known.split() or left.group() in re.findall(r"[A-Za-z]+", text):
        return None
    return anchor + " " + text[at:]


def trailing_blank_lost(text, at, anchor):
    if not anchor[-1].isspace() or text[at].isspace():
        return None
    return anchor.strip() + text[at:]


MANNERS = {
    "plain": ("A", plain),
    "ellipsis_before": ("A", ellipsis_before),
    "capitalised": ("A", capitalised),
    "intro_short_english": ("A", intro_short_english),
    "intro_short_local": ("A", intro_short_local),
    "apology": ("A", apology),
    "intro_and_rule": ("A", intro_and_rule),
    "whole_again": ("A", whole_again),
    "whole_again_intro": ("A", whole_again_intro),
    "last_sentence": ("A", last_sentence),
    "last_line": ("A", last_line),
    "last_paragraph": ("A", last_paragraph),
    "last_three_words": ("A", last_three_words),
    "code_block_again": ("A", code_block_again),
    "fence_reopened": ("A", fence_reopened),
    "fence_around_data": ("A", fence_around_data),
    "whole_again_fenced": ("A", whole_again_fenced),
    "heading_before": ("B", heading_before),
    "intro_same_line": ("B", intro_same_line),
    "intro_quoting": ("B", intro_quoting),
    "block_quote_anchor": ("B", block_quote_anchor),
    "bold_anchor": ("B", bold_anchor),
    "quoted_anchor": ("B", quoted_anchor),
    "quotes_around_all": ("B", quotes_around_all),
    "think_quoting": ("B", think_quoting),
    "tags_around_all": ("B", tags_around_all),
    "anchor_twice": ("B", anchor_twice),
    "last_word": ("B", last_word),
    "previous_sentence": ("B", previous_sentence),
    "item_without_marker": ("B", item_without_marker),
    "newlines_to_spaces": ("B", newlines_to_spaces),
    "blank_lines_changed": ("B", blank_lines_changed),
    "markdown_dropped": ("B", markdown_dropped),
    "quotes_typographic": ("B", quotes_typographic),
    "indentation_dropped": ("B", indentation_dropped),
    "fence_around_anchor": ("C", fence_around_anchor),
    "dashes_and_dots": ("C", dashes_and_dots),
    "full_width": ("C", full_width),
    "blank_in_word": ("C", blank_in_word),
    "trailing_blank_lost": ("C", trailing_blank_lost),
}


# --- the cases ----------------------------------------------------------------------------------


def anchor_of(text, at):
    """About the last 32 characters of text[:at], from the start of a word, found there once only."""
    seen = text[:at]

    def begins_word(start):
        if start == 0:
            return not seen[0].isspace()
        before, first = seen[start - 1], seen[start]
        if before.isspace():
            return not first.isspace()
        return first.isalnum() and (ideographic(before) or ideographic(first))

    start = max(at - 32, 0)
    while start > 0 and not (begins_word(start) and seen.find(seen[start:]) == start):
        start -= 1
    return seen[start:]


def cuts_of(text, count=16):
    """About `count` cuts: a quarter anywhere, the others where tokens end (before white space,
    after white space, after a line)."""
    cuts = set()
    for number in range(count):
        at = 40 + (len(text) - 44) * number // (count - 1)
        if number % 4 == 1:
            found = re.compile(r"(?<=\S)(?=\s)").search(text, at)
        elif number % 4 == 2:
            found = re.compile(r"(?<=\s)(?=\S)").search(text, at)
        elif number % 4 == 3:
            found = re.compile(r"(?<=\n)").search(text, at, min(at + 70, len(text))) or re.compile(
                r"(?<=\S)(?=\s)"
            ).search(text, at)
        else:
            found = None
        at = found.start() if found else at
        if 40 <= at < len(text):
            cuts.add(at)
    return sorted(cuts)


def cases():
    for index, text in enumerate(TEXTS):
        for at in cuts_of(text):
            anchor = anchor_of(text, at)
            sent = set()  # two manners may come to the same message
            for manner, (tier, function) in MANNERS.items():
                message = function(text, at, anchor)
                if message is not None and message not in sent:
                    sent.add(message)
                    yield manner, tier, index, at, anchor, message
