"""Where an image or audio is and what a citation names, in every shape of real servers."""

import pytest

from holysheep_core.integrations.parts import Cited, Media, by_field, citation_of, media_of
from holysheep_core.types import Part
from support.parts import AUDIO, CITATION, IMAGE, PNG


@pytest.mark.parametrize(
    ("kind", "value", "media"),
    [
        ("image", IMAGE, Media("", PNG, "image/png")),
        ("image", {"image_url": {"url": "https://a.test/b.png"}}, Media("https://a.test/b.png")),
        ("image", {"image_url": "https://a.test/b.png"}, Media("https://a.test/b.png")),
        ("image", {"type": "image", "image": {"b64_json": "AAAA"}}, Media("", "AAAA")),
        ("image", {"type": "output_image", "image_base64": "AAAA"}, Media("", "AAAA")),
        (
            "image",
            {"source": {"type": "base64", "media_type": "image/webp", "data": "AAAA"}},
            Media("", "AAAA", "image/webp"),
        ),
        (
            "image",
            {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}},
            Media("", "AAAA", "image/jpeg"),
        ),
        (
            "image",
            {"image_url": {"url": "data:image/svg+xml;charset=utf-8;base64,AA=="}},
            Media("", "AA==", "image/svg+xml"),
        ),
        (
            "audio",
            {"input_audio": {"data": "AAAA", "format": "mp3"}},
            Media("", "AAAA", "audio/mp3"),
        ),
        ("audio", {**AUDIO[0]}, Media("", "AAAA", "audio/wav", "a-1", "Ba")),
        ("image", {"type": "image_url"}, None),
        ("image", {"image_url": {"url": 7}}, None),
        ("image", {"image_url": None}, None),
    ],
)
def test_media_are_found_in_every_shape(kind, value, media):
    found = media_of(Part(kind, "content", value))
    if media is not None and not media.mime_type:
        media = media._replace(mime_type="image/png")
    assert found == media


@pytest.mark.parametrize(
    ("value", "cited"),
    [
        (CITATION, Cited("https://sheep.test", "Sheep", "", 0, 5)),
        ({"type": "url_citation", "url": "u", "title": "t"}, Cited("u", "t")),
        ({"type": "citation", "source": "u", "cited_text": "c"}, Cited("u", "", "c")),
        ({"type": "reference", "reference_ids": [1]}, Cited()),
        ({"url": 7, "start_index": "0"}, Cited()),
    ],
)
def test_citations_are_read_in_every_shape(value, cited):
    assert citation_of(Part("citation", "annotations", value)) == cited


def test_parts_are_grouped_as_fields_of_a_message():
    parts = (
        Part("image", "images", {"a": 1}),
        Part("image", "images", {"a": 2}),
        Part("audio", "audio", {"data": "AA"}),
        Part("other", "content", {"type": "x"}),
        Part("refusal", "refusal", {"refusal": "no"}),
    )
    assert by_field(parts) == {
        "images": [{"a": 1}, {"a": 2}],
        "audio": {"data": "AA"},
        "content_parts": [{"type": "x"}],
    }
