"""Questions about documents, answered from them; the stream is cut twice and arrives whole."""

import hashlib
import os
from contextlib import ExitStack
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding

from holysheep_core.simulator import Scenario, Simulator, cut
from llamaindex_holysheep import HolySheep

DOCUMENTS = [
    "The north meadow has 17 sheep. They are shorn in May.",
    "The south meadow has 4 goats and a donkey called Pablo.",
    "Wool is sold in Daegu, on the first Monday of a month.",
]
QUESTION = "When are the sheep of the north meadow shorn?"
SIMULATED = (
    "The 17 sheep of the north meadow are shorn in May. 양털은 대구에서 매달 첫째 월요일에 팔린다: "
    "their wool is sold in Daegu, on the first Monday of a month."
)


class WordEmbedding(BaseEmbedding):
    """Counts words. It stands in for your embedding model, so that this runs without one."""

    def _get_text_embedding(self, text: str) -> list[float]:
        counts = [0.0] * 256
        for word in text.lower().replace(".", " ").replace("?", " ").split():
            counts[hashlib.md5(word.encode()).digest()[0]] += 1
        return counts

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def main(llm: HolySheep) -> None:
    """Ask, print the answer while it arrives, then its sources and how it went."""
    documents = [Document(text=text) for text in DOCUMENTS]
    index = VectorStoreIndex.from_documents(documents, embed_model=WordEmbedding())
    engine = index.as_query_engine(llm=llm, similarity_top_k=2, streaming=True)
    events: list[Any] = []
    llm.on_event = events.append
    response = engine.query(QUESTION)
    for text in response.response_gen:
        print(text, end="", flush=True)
    print("\nfrom:", *(f"\n- {source.text}" for source in response.source_nodes))
    print("resumed:", sum(type(event).__name__ == "Resumed" for event in events))


if __name__ == "__main__":
    with ExitStack() as stack:
        if "HOLYSHEEP_API_KEY" not in os.environ:
            scenario = Scenario(text=SIMULATED, faults=[cut(30), cut(100)], delay=0.02)
            simulator = stack.enter_context(Simulator(scenario=scenario))
            os.environ["HOLYSHEEP_API_KEY"] = "any"
            os.environ["HOLYSHEEP_BASE_URL"] = simulator.base_url
        main(HolySheep(model="gpt-4.1"))
