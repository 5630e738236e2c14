"""An agent with a tool and a checkpointer; its streams are cut, in a tool call and in an answer."""

import os
from contextlib import ExitStack

from langchain.agents import create_agent
from langchain_core.messages import AIMessageChunk, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from holysheep_core.simulator import Scenario, Simulator, cut, slow
from langchain_holysheep import ChatHolySheep


def count_sheep(meadow: str) -> str:
    """Count the sheep of a meadow."""
    return f"There are 17 sheep on {meadow}, and one of them is black."


def main(llm: ChatHolySheep) -> None:
    """Ask twice in one conversation; print the answers while they arrive, and the tool's calls."""
    agent = create_agent(llm, [count_sheep], checkpointer=InMemorySaver())
    conversation = {"configurable": {"thread_id": "1"}}
    for question in ("How many sheep are on the north meadow?", "Are you sure?"):
        print(f"> {question}")
        messages = [{"role": "user", "content": question}]
        for chunk, _ in agent.stream({"messages": messages}, conversation, stream_mode="messages"):
            if isinstance(chunk, ToolMessage):
                print(f"\n[{chunk.name}: {chunk.content}]")
            elif isinstance(chunk, AIMessageChunk):
                print(chunk.text, end="", flush=True)
                if resumes := chunk.response_metadata.get("resilience", {}).get("resumes"):
                    print(f" (resumed: {resumes})", end="")
        print()
    print("messages kept:", len(agent.get_state(conversation).values["messages"]))


if __name__ == "__main__":
    with ExitStack() as stack:
        if "HOLYSHEEP_API_KEY" not in os.environ:
            # The first request is cut in its text, the fourth one in its tool call.
            scenario = Scenario(
                text="The north meadow has 17 sheep, and one of them is black.",
                tool_calls=[("count_sheep", '{"meadow": "the north meadow"}')],
                faults=[cut(30), slow(0), slow(0), cut(64)],
                delay=0.02,
            )
            simulator = stack.enter_context(Simulator(scenario=scenario))
            os.environ["HOLYSHEEP_API_KEY"] = "any"
            os.environ["HOLYSHEEP_BASE_URL"] = simulator.base_url
        main(ChatHolySheep(model="gpt-4.1"))
