"""What the commands say, in English and in Korean.

A command says it in the language of `--lang`, else of the environment (`LC_ALL`, `LC_MESSAGES`,
`LANG`): Korean where that begins with "ko", else English. Names of models, errors and events are
the same in both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

ENGLISH: Mapping[str, str] = {
    # figures
    "calls": "calls",
    "requests": "requests",
    "closed": "{count} closed by the reader",
    "success_rate": "success rate",
    "none_failed": "none failed",
    "some_failed": "{failed} of {count} failed",
    "first_token_p95": "first token, p95",
    "first_token_s": "first token, s",
    "total_latency_s": "total latency, s",
    "recovered": "recovered",
    "resumes": "calls with a cut answer; resumes: {count}",
    "saved": "characters saved by resume",
    "saved_remark": "of cut answers, not requested again",
    "waited": "waited",
    "fallbacks": "between requests; moves to a fallback model: {count}",
    "tokens": "tokens",
    "tokens_in_out": "tokens in / out",
    "in_and_out": "{read} in, {written} out",
    "cost": "cost",
    "usd": "US$",
    "saving": "saved against {model}: {saving}",
    "unknown": "unknown",
    "known_and_unknown": "{known} + {unknown} unknown",
    # lists
    "failed_calls": "failed calls",
    "failed_calls_by_error": "failed calls, by error",
    "failed_requests": "failed requests ({recovered} of {count} recovered)",
    "moves": "moves to a fallback model",
    "latest_failures": "the latest {count}; the provider finds a request by its request id",
    "time": "time",
    "error": "error",
    "model": "model",
    "provider": "provider",
    "tag": "tag",
    "call_id": "call id",
    "request_id": "request id",
    "models": "models",
    "providers": "providers",
    "tags": "tags",
    "count": "count",
    "event": "event",
    "provider_events": "provider events",
    # the report
    "report": "HolySheep report",
    "calls_since": "Calls since {time}",
    "until": "{span}, until {time}",
    "minutes": "{count} minutes",
    "an_hour": "1 hour",
    "hours": "{count} hours",
    "nothing": "Nothing was logged in that time.",
    "percentiles": "Latencies are the 50th / 95th / 99th percentile.",
    "over_time": "over time",
    "calls_per": "calls ({step} a bar)",
    "failed_per": "failed",
    "most": "most: {count}",
    "uninterrupted": "uninterrupted",
    "failed": "failed",
    "cost_usd": "cost, US$",
    "seconds_to_first": "seconds to the first token",
    "median": "median",
    "p95": "95th percentile",
    "written": "Page written to {path}.",
    "reading": "Reading …",
    # the live view
    "requests_60": "requests, 60 s",
    "tokens_24": "tokens, 24 h",
    "cost_24": "cost, 24 h",
    "failed_60": "failed calls, 60 s",
    "of_limit": "{count} of {limit}",
    "per_second": "requests a second",
    "ago": "{count} s ago",
    "now": "now",
    "active": "active provider",
    "down": "down",
    "canary": "canary",
    "open_circuits": "circuits open",
    "seconds_left": "{name} ({seconds} s)",
    "ctrl_c": "Ctrl-C ends it",
    # the conversation
    "how_to_chat": "{model}. Ctrl-C stops an answer; Ctrl-D or /quit ends the conversation.",
    "stopped": "Stopped. What came is kept.",
    "nothing_sent": "Nothing was sent.",
    "resumed_times": "resumes: {count}",
    "in_all": "{calls} answers, {tokens} tokens, {cost}",
}

KOREAN: Mapping[str, str] = {
    "calls": "호출",
    "requests": "요청",
    "closed": "사용자가 중단 {count}건",
    "success_rate": "성공률",
    "none_failed": "실패 없음",
    "some_failed": "{count}건 중 {failed}건 실패",
    "first_token_p95": "첫 토큰 p95",
    "first_token_s": "첫 토큰(초)",
    "total_latency_s": "전체 지연(초)",
    "recovered": "복구",
    "resumes": "끊긴 응답이 있던 호출, 재개 {count}회",
    "saved": "재개로 아낀 문자 수",
    "saved_remark": "끊긴 응답 중 다시 요청하지 않은 분량",
    "waited": "대기",
    "fallbacks": "요청 사이의 대기, 대체 모델 전환 {count}회",
    "tokens": "토큰",
    "tokens_in_out": "토큰 입력 / 출력",
    "in_and_out": "입력 {read}, 출력 {written}",
    "cost": "비용",
    "usd": "US$",
    "saving": "{model} 대비 절감액: {saving}",
    "unknown": "알 수 없음",
    "known_and_unknown": "{known} + 가격 미상 {unknown}건",
    "failed_calls": "실패한 호출",
    "failed_calls_by_error": "오류별 실패한 호출",
    "failed_requests": "실패한 요청({count}건 중 {recovered}건 복구)",
    "moves": "대체 모델 전환",
    "latest_failures": "최근 {count}건. 공급자에 문의할 때는 요청 ID를 알려 주세요",
    "time": "시각",
    "error": "오류",
    "model": "모델",
    "provider": "공급자",
    "tag": "태그",
    "call_id": "호출 ID",
    "request_id": "요청 ID",
    "models": "모델",
    "providers": "공급자",
    "tags": "태그",
    "count": "횟수",
    "event": "이벤트",
    "provider_events": "공급자 이벤트",
    "report": "HolySheep 보고서",
    "calls_since": "{time} 이후 호출",
    "until": "{span}, {time}까지",
    "minutes": "{count}분",
    "an_hour": "1시간",
    "hours": "{count}시간",
    "nothing": "이 기간에 기록된 호출이 없습니다.",
    "percentiles": "지연 시간은 50 / 95 / 99 백분위수입니다.",
    "over_time": "시간별 추이",
    "calls_per": "호출(막대당 {step})",
    "failed_per": "실패",
    "most": "최대 {count}",
    "uninterrupted": "중단 없음",
    "failed": "실패",
    "cost_usd": "비용(US$)",
    "seconds_to_first": "첫 토큰까지 걸린 시간(초)",
    "median": "중앙값",
    "p95": "95 백분위수",
    "written": "{path}에 페이지를 저장했습니다.",
    "reading": "읽는 중 …",
    "requests_60": "요청(60초)",
    "tokens_24": "토큰(24시간)",
    "cost_24": "비용(24시간)",
    "failed_60": "실패한 호출(60초)",
    "of_limit": "{count} / {limit}",
    "per_second": "초당 요청",
    "ago": "{count}초 전",
    "now": "지금",
    "active": "활성 공급자",
    "down": "중단된 공급자",
    "canary": "카나리",
    "open_circuits": "열린 서킷",
    "seconds_left": "{name}({seconds}초)",
    "ctrl_c": "Ctrl-C를 누르면 끝납니다",
    "how_to_chat": "{model}. Ctrl-C는 응답을 중단하고, Ctrl-D나 /quit은 대화를 끝냅니다.",
    "stopped": "중단했습니다. 받은 내용은 대화에 남습니다.",
    "nothing_sent": "보낸 요청이 없습니다.",
    "resumed_times": "재개 {count}회",
    "in_all": "응답 {calls}개, 토큰 {tokens}개, {cost}",
}

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "ko": KOREAN}


class Words:
    """The texts of one language.

    Args:
        language: "en" or "ko".

    Attributes:
        language: The same.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._texts = LANGUAGES[language]

    def __call__(self, key: str, /, **facts: object) -> str:
        """Return a text with the facts in it.

        Raises:
            KeyError: There is no such text, or a fact is missing.
        """
        return self._texts[key].format(**facts)


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of an environment: "ko" or "en"."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "ko" if re.match(r"ko(?![a-z])", value, re.IGNORECASE) else "en"
    return "en"
