"""Names of the fields that go back with a turn."""

from holysheep_core.families.turns import CALL_FIELDS, ORIGIN, TURN_FIELDS
from holysheep_core.protocol.wire import Message, ToolCallPart


def test_the_wire_decodes_every_field_that_is_sent_back():
    assert set(CALL_FIELDS) <= set(ToolCallPart.__struct_fields__)
    kept = set(TURN_FIELDS) - {"provider_specific_fields"}  # it repeats what stands elsewhere
    assert kept <= set(Message.__struct_fields__)
    assert ORIGIN.startswith("holysheep")
