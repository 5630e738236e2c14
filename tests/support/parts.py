"""Parts of answers in the shapes of real servers, and an answer that has one of each."""

from support.sse import END, choice, said

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}, "index": 0}
CITATION = {
    "type": "url_citation",
    "url_citation": {
        "url": "https://sheep.test",
        "title": "Sheep",
        "start_index": 0,
        "end_index": 5,
    },
}
THOUGHT = [
    {"type": "reasoning.text", "text": "Two ", "index": 0},
    {"type": "reasoning.text", "text": "sheep.", "index": 0},
    {"type": "reasoning.text", "signature": "c2lnbmF0dXJl", "index": 0},
]
AUDIO = [
    {"id": "a-1", "data": "AAAA", "transcript": "Ba"},
    {"data": "AAA=", "transcript": "a"},
    {"data": "BBBB", "expires_at": 1},
]
TEXT = "Sheep eat grass, and so do lambs."


def events(text=TEXT):
    """The answer as events: reasoning, text, an image, a citation twice, audio in three pieces."""
    return [
        choice({"role": "assistant", "content": ""}),
        *(choice({"reasoning_details": [piece]}) for piece in THOUGHT),
        said(text),
        choice({"images": [IMAGE]}),
        choice({"annotations": [CITATION]}),
        choice({"annotations": [CITATION]}),
        *(choice({"audio": piece}) for piece in AUDIO),
        END,
    ]
