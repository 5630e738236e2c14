"""LangChain's standard integration tests, against the simulator over a real socket."""

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests

from holysheep_core.simulator import Scenario, Simulator
from langchain_holysheep import ChatHolySheep

# A PNG of one pixel: enough for tests whose model looks at nothing.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360f8cf500f0003860180a5eb0d5b0000000049454e44ae426082"
)


@pytest.fixture(scope="class")
def server():
    with Simulator(scenario=Scenario(text=None)) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch):
    """The media tests fetch an image and a PDF; their content does not matter."""

    def get(url, **_):
        return httpx.Response(200, content=PIXEL, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", get)


class TestStandardIntegration(ChatModelIntegrationTests):
    @pytest.fixture(autouse=True)
    def _listen(self, server):
        type(self).base_url = server.base_url

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatHolySheep

    @property
    def chat_model_params(self) -> dict:
        return {"model": "gpt-4.1", "api_key": "sk-test", "base_url": self.base_url}

    @property
    def model_override_value(self) -> str:
        return "claude-sonnet-4.5"

    supports_json_mode = True
    supports_image_inputs = True
    supports_image_urls = True
    supports_pdf_inputs = True
    supports_audio_inputs = True
    supports_anthropic_inputs = True
    supports_image_tool_message = True
    supports_pdf_tool_message = True
    supports_model_override = True
    has_tool_choice = True
    has_structured_output = True
    returns_usage_metadata = True
    enable_vcr_tests = True
