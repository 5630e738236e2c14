"""LlamaIndex's blocks of single parts."""

import pytest

from holysheep_core import Part
from llamaindex_holysheep.blocks import media_blocks, thinking_blocks
from support.parts import CITATION, IMAGE


def test_an_address_of_an_image_is_not_fetched():
    (block,) = media_blocks(
        [Part("image", "images", {"image_url": {"url": "https://a.test/b.png"}})]
    )
    assert (str(block.url), block.image) == ("https://a.test/b.png", None)


def test_parts_without_a_block_of_their_own_are_left_out():
    other = Part("other", "content", {"type": "executable_code"})
    empty = Part("image", "images", {"type": "image_url"})
    broken = Part("audio", "audio", {"data": "#"})
    refusal = Part("refusal", "refusal", {"refusal": "no"})
    assert media_blocks([other, empty, broken, refusal]) == []


def test_the_order_of_parts_is_kept():
    parts = [Part("citation", "annotations", CITATION), Part("image", "images", IMAGE)]
    assert [block.block_type for block in media_blocks(parts)] == ["citation", "image"]


@pytest.mark.parametrize("reasoning", ["", "Hm."])
def test_encrypted_reasoning_is_kept_with_and_without_text(reasoning):
    encrypted = {"type": "redacted_thinking", "data": "AAAA"}
    (block,) = thinking_blocks(reasoning, [Part("reasoning", "thinking_blocks", encrypted)])
    assert block.content == reasoning
    assert block.additional_information == {"thinking_blocks": [encrypted]}


def test_no_reasoning_is_no_block():
    assert thinking_blocks("", [Part("image", "images", IMAGE)]) == []
