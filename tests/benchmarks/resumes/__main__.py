"""How cut answers are resumed: `make bench-resumes` writes docs/resumes.md.

    python tests/benchmarks/resumes [--cuts 20] [--tokens 160] [--write docs/resumes.md]

First the splice alone, with 40 manners of continuation by someone who had not read it (`unseen`).
Then a real model: each answer is cut at `cuts` places by a proxy, and completed by the public client, once by
prefill and once by a continuation turn, at temperature 0 and 0.7. Nothing is a mock: the model
runs in llama.cpp's server. `MODEL=path` names another GGUF file than SmolLM2-135M-Instruct, or several, joined by colons.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from model import Case, CuttingProxy, Model, content_of, model_paths
from prompts import PROMPTS
from unseen import TEXTS, cases

from holysheep_core import ResumeConfig, RetryConfig, StreamingRetryHandler, StreamInterruptedError
from holysheep_core.resume.normalize import fold
from holysheep_core.resume.stitcher import Stitcher

TEMPERATURES = (0.0, 0.7)
MIN_SEEN = 12
EXAMPLES = 3
OUTCOMES = ("clean", "asked again", "typed error", "wrong")


@dataclass(frozen=True)
class Result:
    """What became of one cut answer.

    Attributes:
        technique: How it was resumed.
        language: Of the prompt.
        outcome: One of `OUTCOMES`.
        kind: What was wrong, or which error.
        seen: What the reader had.
        responses: What the model said.
        shown: What was shown after `seen`.
    """

    technique: str
    language: str
    outcome: str
    kind: str
    seen: str
    responses: list[str]
    shown: str


def flaw(case: Case, prompt: str, seen: str, shown: str, technique: str) -> str:
    """Say what is wrong with a completed answer; "" for nothing that can be told by machine."""
    uncut = "".join(case.deltas)
    turns = [body["messages"][-1]["content"] for body in case.asked if technique != "prefill"]
    asked = [turn.replace(prompt, "").replace(seen, "") for turn in turns]
    if not shown.strip() and uncut[len(seen) :].strip():
        return "half an answer told as whole"
    # What the model says once more after its first repetition is its own.
    response, rest = fold(case.responses[-1]), fold(shown)
    again = fold(seen)[-16:] if technique == "continuation" else fold(seen)
    if len(again) >= MIN_SEEN and 0 < response.count(again) == rest.count(again):
        return "doubled"
    if any(
        fold(sentence) in rest
        for turn in asked
        for sentence in turn.split("\n\n")
        if len(sentence) > 20 and sentence not in seen
    ):
        return "the request shown"
    if '\\"' in shown[:200] and "\\" not in uncut:
        return "escapes shown"
    return ""


def run(
    handler: StreamingRetryHandler,
    case: Case,
    prompt: str,
    options: dict[str, object],
    technique: str,
    language: str,
) -> Result:
    seen = "".join(case.deltas)[: case.at]
    try:
        text = handler.complete("any", [{"role": "user", "content": prompt}], **options).text
    except StreamInterruptedError as error:
        shown = error.partial[len(seen) :]
        return Result(
            technique,
            language,
            "typed error",
            str(error).split(";")[0][:90],
            seen,
            case.responses,
            shown,
        )
    shown = text[len(seen) :]
    kind = "" if text.startswith(seen) else "the partial changed"
    kind = kind or flaw(case, prompt, seen, shown, technique)
    outcome = "wrong" if kind else "asked again" if len(case.responses) > 1 else "clean"
    return Result(technique, language, outcome, kind, seen, case.responses, shown)


def measure(path: Path, cuts: int, tokens: int) -> list[Result]:
    model = Model(path)
    proxy = CuttingProxy(model)
    results: list[Result] = []
    for language, prompts in PROMPTS.items():
        for prompt in prompts:
            for temperature in TEMPERATURES:
                options = {"temperature": temperature, "max_tokens": tokens, "seed": 7}
                body = {"messages": [{"role": "user", "content": prompt}], **options}
                deltas = [delta for delta in map(content_of, model.deltas(body)) if delta]
                length = len("".join(deltas))
                rng = random.Random(f"{prompt}{temperature}")
                places = sorted(
                    rng.randrange(MIN_SEEN, max(length - 1, MIN_SEEN + 1)) for _ in range(cuts)
                )
                for at in places:
                    for technique in ("prefill", "continuation"):
                        case = Case(deltas, min(at, length))
                        name = f"c{len(proxy.cases)}"
                        proxy.cases[name] = case
                        config = ResumeConfig(prefill=technique == "prefill", prompt=language)
                        with StreamingRetryHandler(
                            api_key="local",
                            base_url=f"{proxy.url}/{name}",
                            resume=config,
                            config=RetryConfig(base_delay=0.0, jitter=0.0),
                        ) as handler:
                            results.append(run(handler, case, prompt, options, technique, language))
                print(
                    f"{language} {temperature} {prompt[:40]}: {dict(Counter((r.technique[:4], r.outcome) for r in results[-2 * cuts :]))}",
                    flush=True,
                )
    proxy.close()
    return results


def page(path: Path, results: list[Result], cuts: int, tokens: int) -> str:
    prompts = sum(map(len, PROMPTS.values()))
    introduction = (
        f"`make bench-resumes` cut answers of `{path.name}` (at most {tokens} tokens, "
        f"temperature 0 and 0.7, {prompts} prompts) at {cuts} places each and completed them "
        "with the public client. *Clean*: joined at the first request. *Asked again*: joined at "
        "the second. *Typed error*: `StreamInterruptedError` with the partial; nothing unproven "
        "was shown. *Wrong*: doubled text, the request or escapes shown, or half an answer told "
        "as whole, found by machine."
    )
    lines = [
        f"## A real model: {path.stem}",
        "",
        introduction,
        "",
        "| technique | language | answers | clean | asked again | typed error | wrong |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for result in results:
        groups[result.technique, result.language][result.outcome] += 1
    for (technique, language), counts in sorted(groups.items()):
        total = sum(counts.values())
        shares = " | ".join(f"{100 * counts[outcome] / total:.1f} %" for outcome in OUTCOMES)
        lines.append(f"| {technique} | {language} | {total} | {shares} |")
    for outcome in OUTCOMES:
        chosen = [result for result in results if result.outcome == outcome]
        kinds = Counter((result.technique, result.kind) for result in chosen)
        lines += ["", f"### {outcome.capitalize()}: {len(chosen)}", ""]
        for (technique, kind), count in kinds.most_common():
            lines.append(f"- {technique}{': ' + kind if kind else ''}: {count}")
        for technique in ("prefill", "continuation"):
            of_kind = [result for result in chosen if result.technique == technique]
            for result in random.Random(3).sample(of_kind, min(EXAMPLES, len(of_kind))):
                said = "\n".join(f"model: {response[:160]!r}" for response in result.responses)
                lines += [
                    "",
                    "```text",
                    f"reader has: …{result.seen[-80:]!r}",
                    said,
                    f"shown next: {result.shown[:120]!r}",
                    "```",
                ]
    return "\n".join(lines) + "\n"


def unseen_manners() -> dict[str, Counter[str]]:
    """Join every unseen message, asking a second time where the first could not be joined."""
    score: dict[str, Counter[str]] = defaultdict(Counter)
    for _, tier, number, at, anchor, message in cases():
        seen, rest = TEXTS[number][:at], TEXTS[number][at:]
        if rest not in message:
            continue  # a blank of the text is not in the message
        for last in (False, True):
            stitcher = Stitcher(seen, anchor=anchor, last=last)
            pieces = [stitcher.feed(message[i : i + 5]) for i in range(0, len(message), 5)]
            shown = "".join(pieces) + stitcher.close()
            if not stitcher.rejected:
                break
        outcome = "typed error" if stitcher.rejected else "exact" if shown == rest else "wrong"
        score[tier][outcome] += 1
    return score


def manners_page(score: dict[str, Counter[str]]) -> list[str]:
    lines = [
        "# How cut answers are resumed",
        "",
        "Written by `make bench-resumes`; nothing is typed by hand.",
        "",
        "## Unseen manners of continuation",
        "",
        "40 manners on 10 texts, written by someone who had not read the splice. Tier A: to be "
        "expected now and then of large models; B: seldom; C: hardly. Each message repeats some of "
        "the end of the seen text. *Typed error*: `StreamInterruptedError`, nothing shown.",
        "",
        "| tier | cases | exact | typed error | wrong |",
        "|---|---:|---:|---:|---:|",
    ]
    for tier, counts in sorted(score.items()):
        total = sum(counts.values())
        exact, error = (100 * counts[name] / total for name in ("exact", "typed error"))
        lines.append(f"| {tier} | {total} | {exact:.2f} % | {error:.2f} % | {counts['wrong']} |")
    return [*lines, ""]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--write", type=Path)
    chosen = parser.parse_args()
    score = unseen_manners()
    head = "\n".join(manners_page(score))
    print(head)
    written, wrong = head, bool(score["A"]["wrong"])
    for path in model_paths():
        results = measure(path, chosen.cuts, chosen.tokens)
        written += "\n" + page(path, results, chosen.cuts, chosen.tokens)
        wrong = wrong or any(result.outcome == "wrong" for result in results)
    if chosen.write:
        chosen.write.write_text(written)
    print(written)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
