"""Texts to cut: made for this project, of many languages and kinds."""

from __future__ import annotations

import itertools

_EN = [
    "Sheep spend about eight hours a day grazing, and most of the rest chewing the cud. They are "
    "calm as long as they can see each other; a lamb that loses sight of its mother calls until "
    "she answers. Shepherds know this, and move the flock slowly along the hedges.",
    "The river rose overnight. By morning the lower field was under water, and only the tops of "
    "the fence posts showed where the path had been. Nobody spoke of it at breakfast. Then Mary "
    'put down her cup and said, "Well, we had better move the ewes," and everybody got up.',
    "A retry is not free: it costs the caller time, the server work, and somebody money. So ask "
    "first whether the request can succeed at all, then whether now is the moment, and only then "
    "whether you may. Most outages that last have been made longer by clients that meant well.",
]
_KO = [
    "양은 하루에 여덟 시간쯤 풀을 뜯고, 나머지 시간에는 천천히 되새김질을 합니다. 무리에서 "
    "떨어지면 금세 불안해하기 때문에 늘 서로를 바라보며 움직입니다. 목동은 이 성질을 잘 알아서 "
    "울타리를 따라 무리를 천천히 이끕니다.",
    "밤사이 강물이 불어 아침에는 아래쪽 밭이 모두 물에 잠겼습니다. 울타리 말뚝의 끝만이 길이 "
    "있던 자리를 알려 주었지요. 아침을 먹는 동안 아무도 그 이야기를 꺼내지 않았습니다. 그러다 "
    '할머니가 숟가락을 내려놓으며 "이제 양들을 옮기자꾸나" 하고 말씀하셨습니다.',
    "재시도는 공짜가 아닙니다. 부르는 쪽은 시간을, 서버는 힘을, 누군가는 돈을 씁니다. 그러니 "
    "먼저 그 요청이 성공할 수 있는지, 그다음 지금이 알맞은 때인지, 마지막으로 그래도 되는지를 "
    "물어야 합니다.",
]
_ZH = [
    "羊每天大约花八个小时吃草，其余时间多半在反刍。只要能看见同伴，它们就很安静；小羊一旦看不见"
    "母亲，就会不停地叫，直到听见回应。牧人了解这一点，所以沿着树篱慢慢地赶着羊群。",
    "河水在夜里涨了起来。到了早晨，低处的田地已经被淹没，只有篱笆桩的顶端还露在外面。吃早饭时谁"
    "也没有提起这件事。后来玛丽放下杯子说：“我们还是把母羊赶走吧。”大家这才站了起来。",
]
_JA = [
    "羊は一日に八時間ほど草を食べ、残りの時間の多くを反芻して過ごします。仲間の姿が見えていれば"
    "落ち着いていますが、母親を見失った子羊は返事があるまで鳴き続けます。羊飼いはそれを知っている"
    "ので、生け垣に沿ってゆっくりと群れを動かします。",
    "夜のうちに川の水かさが増した。朝には下の畑は水の中で、柵の杭の先だけが道のあった場所を示して"
    "いた。朝食のあいだ、だれもその話をしなかった。やがて祖母が湯のみを置き、「羊を移そうか」と"
    "言ったので、みな立ち上がった。",
]
_MIXED = [
    "LangChain에서 `ChatHolySheep`을 쓰면 stream이 끊겨도 answer가 이어집니다. 예를 들어 "
    "`max_tokens=2048`로 두고 긴 글을 부탁해 보세요. The rest comes by itself, 한 글자도 빠짐없이.",
    "The word 羊 (yáng) means sheep; in Korean it is 양, in Japanese ひつじ. All three are old, and "
    "none is related to the English word, which comes from Old English *scēap*.",
    "주문 번호 1000000번, 금액 ₩12,345,678 — paid on 2026-03-01 at 09:00 KST (UTC+9). 감사합니다! 🐑",
]
_PLAIN = [
    "Dear Anna,\n\nthank you for the wool. It came on Tuesday, dry and well packed; I have begun "
    "to spin it already. You asked about the lambs: all three are well.\n\nYours,\nMary",
    "Q: How long does a ewe carry?\nA: About 147 days, or five months less five days.\n\nQ: And "
    "how many lambs?\nA: One or two; three now and then.",
    "x = 1; y = 2; z = x + y\nThe sum is 3. The product is 2. The quotient is 0.5, or one half.",
    "Step 1 of 3: open the gate. Step 2 of 3: wait. Step 3 of 3: close the gate behind the last "
    "sheep, and count: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.",
    "C'est l'heure de la tonte : les brebis attendent, un peu inquiètes. « Doucement », dit le "
    "berger, et la première entre. Après, tout va très vite.",
    "Die Schafe stehen am Zaun und warten. Der Schäfer zählt: einundzwanzig, zweiundzwanzig – eines "
    "fehlt! Er pfeift; aus dem Graben antwortet ein Blöken.",
]
_RTL = [
    "الخراف تقضي نحو ثماني ساعات في اليوم ترعى العشب، وتجتر معظم ما بقي من الوقت. وهي هادئة ما "
    "دامت ترى رفيقاتها، فإذا غابت الأم عن الحمل ناداها حتى تجيب.",
    "הכבשים רועות כשמונה שעות ביום, ומעלות גרה ברוב שאר הזמן. הן רגועות כל עוד הן רואות זו את זו.",
]
_EMOJI = [
    "Today: 🐑 grazed, 🐕 barked, 👩‍🌾 laughed. Tomorrow 🌧️ is likely, so bring ☂️ and a good 📖! "
    "The family 👨‍👩‍👧‍👦 comes at noon 🕛, the vet 🩺 at three.",
]
_LISTS = [
    "Before shearing:\n\n1. Keep the flock dry overnight.\n2. Take the food away the evening "
    "before.\n3. Sharpen the combs.\n\nAfter shearing:\n\n- Look for cuts.\n- Offer water first, "
    "then hay.\n- Keep the flock out of the wind for two days.\n",
    "## 준비물\n\n- 마른 수건 두 장\n- 따뜻한 물 한 통\n- 소독약과 솜\n\n## 순서\n\n1. 먼저 손을 "
    "깨끗이 씻습니다.\n2. 양을 조심스럽게 눕힙니다.\n3. 발굽을 하나씩 살펴봅니다.\n",
    "# Notes on wool\n\n**Merino** is fine and soft; *Lincoln* is long and lustrous.\n\n> Wool "
    "that is washed too hot becomes felt, and felt does not become wool again.\n\nSee also the "
    "[list of breeds](breeds.md).\n",
]
_TABLES = [
    "| breed | wool | weight |\n|---|---|---:|\n| Merino | fine | 60 kg |\n| Suffolk | medium | 95 "
    "kg |\n| Lincoln | long | 110 kg |\n| Dorset | medium | 80 kg |\n",
    "| 품종 | 원산지 | 특징 |\n|------|--------|------|\n| 메리노 | 스페인 | 가는 털 |\n| 서퍽 | "
    "영국 | 검은 얼굴 |\n| 카라쿨 | 중앙아시아 | 곱슬털 |\n",
]
_CODE = [
    "Here is the function:\n\n```python\ndef count(flock, *, black=False):\n    total = 0\n    for "
    "sheep in flock:\n        if sheep.black == black:\n            total += 1\n    return total\n"
    "```\n\nIt takes any iterable, and counts the white ones unless told otherwise.\n",
    "```sql\nSELECT breed, COUNT(*) AS heads, AVG(weight) AS mean_weight\nFROM sheep\nWHERE born >= "
    "'2024-01-01' AND sold IS NULL\nGROUP BY breed\nHAVING COUNT(*) > 5\nORDER BY heads DESC;\n```\n",
    '{\n  "flock": "north",\n  "heads": 42,\n  "sheep": [\n    {"id": 17, "name": "Dolly", "lambs": '
    '["Bo", "Peep"]},\n    {"id": 23, "name": "양순이", "lambs": []}\n  ],\n  "checked": true\n}\n',
    "파이썬으로 쓰면 이렇습니다.\n\n```python\nimport asyncio\n\n\nasync def main() -> None:\n    "
    'async for token in stream("양"):\n        print(token, end="")\n\n\nasyncio.run(main())\n```\n\n'
    "이제 실행해 보세요.\n",
]
_REPEATS = [
    "Row, row, row your boat, gently down the stream.\nMerrily, merrily, merrily, merrily, life is "
    "but a dream.\n\nThen they sang it again, faster.",
    "하하하하! 정말 재미있네요. 하하, 한 번만 더 들려주세요. 네, 네, 알겠습니다. 하하하하!",
]

_JOINS = {"en": (_EN, " "), "ko": (_KO, " "), "zh": (_ZH, ""), "ja": (_JA, "")}


def corpus() -> list[tuple[str, str]]:
    """Return (name, text) for every text: the parts alone, and joined to longer ones."""
    kinds = {
        "en": _EN,
        "ko": _KO,
        "zh": _ZH,
        "ja": _JA,
        "mixed": _MIXED,
        "plain": _PLAIN,
        "rtl": _RTL,
        "emoji": _EMOJI,
        "list": _LISTS,
        "table": _TABLES,
        "code": _CODE,
        "repeats": _REPEATS,
    }
    texts = [
        (f"{kind}-{i}", text) for kind, all_of in kinds.items() for i, text in enumerate(all_of)
    ]
    for kind, (parts, joint) in _JOINS.items():
        for i, (a, b) in enumerate(itertools.permutations(parts, 2)):
            texts.append((f"{kind}-pair-{i}", a + joint + b))
    markdown = _LISTS + _TABLES + _CODE
    for i, (a, b) in enumerate(itertools.combinations(markdown, 2)):
        if i % 3 == 0:
            texts.append((f"document-{i // 3}", f"{a}\n{b}"))
    return texts
