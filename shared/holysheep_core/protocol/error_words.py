"""What the words of an error mean, where neither a code nor a status says it.

A prompt that is too long, an empty account and a filter come in words alone from most servers.
One table, a line for each way to say it; the tests have a message of a real server for each, and
near misses. Money comes first, since nobody is to be asked again without it; words that name a
rate ("tokens per minute") are neither a window nor money.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from holysheep_core.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentPolicyError,
    ContextLengthError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)

MAX_CHARACTERS = 4000
"""Only so much of a message is looked at; more is somebody's prompt."""

_MONEY = (
    r"insufficient[ _-](?:\w+[ _-])?(?:balance|credits?|funds?)|insufficient[ _-]\w+[ _-]quota",
    (
        r"(?:quota|balance|credits?|credit limit|funds?|allowance)"
        r"(?: \w+){0,3} (?:insufficient|not enough|too low|depleted|exhausted|used up|negative)"
    ),
    (
        r"(?:out of|ran out of|run out of|lack of|not enough|no more|any|requires more|need more)"
        r" (?:\w+ )?(?:credits?|funds|balance)\b"
    ),
    r"used (?:up )?(?:all|your)(?: \w+){0,3} (?:credits?|allocation|allowance|quota)",
    (
        r"(?:credits?|quota|balance|free tier)(?: \w+){0,4} (?:is|are|has been|have been) "
        r"(?:used up|exhausted|depleted)"
    ),
    r"(?:exceeded|reached|used) your(?: \w+){0,3} (?:credits|spend(?:ing)? limit)",
    r"can only afford|payment required|billing hard limit|billing (?:is )?(?:not active|inactive)",
    r"free allocated quota exceeded|failure to pay|unpaid (?:bill|invoice)",
    (
        r"(?:budget|spend(?:ing)?|credit|billing|key) (?:limit )?(?:has been |was |is )?(?:reached|"
        r"exceeded)|(?:reach(?:ed|ing)|exceeded|over|hit)(?: \w+){0,3} "
        r"(?:budget|spend(?:ing)? limit)"
    ),
    r"arrear|overdue|past due|payment (?:failed|is required)",
    (
        r"(?:余额|餘額|余量|额度|額度|点数|积分|配额|预付费|资源包)[^。，,]{0,8}"
        r"(?:不足|不够|用尽|用完|耗尽|为零)"
    ),
    r"欠费|欠費|预扣费|请(?:及时|先|尽快)?充值",
    r"(?:残高|クレジット|利用枠)[^。]{0,8}(?:不足|足り|ありません|使い切)",
    r"(?:잔액|크레딧|잔고)[^.]{0,8}(?:부족|소진|없|모자)",
)
_ALLOWANCE = (  # money, unless a rate is named beside
    r"(?:exceed\w*|reached|over|used)(?: \w+){0,3} quota|quota(?: \w+){0,2} (?:exceed|reached)",
    r"plan and billing|top[ -]?up|recharge|purchase (?:more )?credits|upgrade your plan",
    r"insufficient[ _-]?quota|out of (?:\w+ ){1,2}quota|exceeded your (?:\w+ ){1,3}allowance",
    (
        r"(?:usage|weekly|monthly|credit|subscription|hard) limits?(?: \w+){0,2} "
        r"(?:reached|exceeded|exhausted)"
    ),
    r"(?:reached|exceeded)(?: \w+){0,4} usage limits?",
    r"使用上限|用量上限",
    r"充值|套餐[^。]{0,8}(?:用完|到期|过期|不足)|(?:사용|결제|예산|지출) 한도[^.]{0,6}초과",
)
_ALLOCATED = r"(?<!free )allocated quota exceeded"  # Qwen's name for tokens a minute
_RATE = (
    r"rate[ _-]?limit|too many (?:concurrent |simultaneous )?requests|throttl|concurren",
    r"per[ _-]?(?:second|minute|min|hour|day)(?![a-z])|(?:requests?|tokens?)/m",
    (
        r"\b(?:[rt]p[mds]|qps)\b.{0,40}(?:limit|exceed|reach|quota|限)|"
        r"(?:limit|exceed|reach|quota|超).{0,40}\b(?:[rt]p[mds]|qps)\b"
    ),
    r"qps ?over ?flow|\bconn(?:ections?)? limit|daily (?:request|call)s? limit",
    _ALLOCATED,
    r"\brequest limit (?:reached|exceeded)",
    r"resource (?:has been )?exhausted|quota exceeded for \w*metric|many tokens, please wait",
    r"频率|頻率|限流|速率|并发|每(?:秒|分|小时|天|日)|请求[^。]{0,6}(?:频繁|过多|过快|太多)",
    r"レート|リクエストが多|毎分|毎秒|분당|초당|속도 제한",
    r"요청[^.]{0,6}(?:많|초과|한도)|한도[^.]{0,4}초과",
)
_WINDOW = r"context[ _-]?(?:length|window|size|limit)s?"
_PROMPT = r"(?:prompt|inputs?|messages?|conversation|chat history|history|context)"
_LENGTH = r"(?:lengths?|limits?|maximum|max|window|tokens?)"
_OVERFLOW = (
    # Anthropic, Amazon Bedrock, Fireworks, Perplexity, …
    rf"{_PROMPT}(?: text| tokens?| length| size)?(?: is| are| was)? (?:far )?too (?:long|large)",
    # OpenAI, DeepSeek, Mistral, xAI, OpenRouter, vLLM, SGLang
    (
        r"max(?:imum)?[ _](?:allowed )?(?:context|prompt|input|sequence|model|message)s?[ _]?"
        r"(?:token )?(?:length|window|size|limit|tokens|count|len)\b"
    ),
    r"max_(?:seq|model)_len|\bn_ctx\b",
    # llama.cpp, LM Studio, MiniMax, Together, Anthropic, LiteLLM
    (
        rf"(?:exceed\w*|(?:greater|longer|larger|more|bigger) than|beyond|over|overflow\w*|outside|"
        rf"fit (?:in|into|within))(?: [^.;\s]+){{0,8}} {_WINDOW}|"
        r"exceed\w* (?:the |your |this )?(?:model(?:'s)? |available |maximum )context\b"
    ),
    rf"{_WINDOW}(?: [^.;\s]+){{0,6}} (?:exceed|overflow|too (?:small|long)|only|full|reached)",
    r"context[^.;]{0,20} overflow",
    # Gemini, GitHub Copilot, Watsonx, Azure, Kimi, Doubao
    (
        rf"{_PROMPT}(?: [^.;\s]+){{0,5}} (?:exceed\w*|surpass\w*|(?:longer|larger|more) than|"
        rf"is over|was over|over)(?: [^.;\s]+){{0,6}} {_LENGTH}"
    ),
    (
        r"(?:exceed\w*|surpass\w*|more than|over)(?: [^.;\s]+){0,5} (?:token limit|tokens? limit|"
        r"max(?:imum)? (?:allowed )?(?:number of )?(?:message |input |prompt )?tokens?)"
    ),
    rf"{_PROMPT}(?: [^.;\s]+){{0,8}} (?:only supports|supports (?:only|up to))",
    (
        r"\d+ tokens? ?> ?\d+|token count of \d+ exceeds|"
        r"prompt token count [^.;]{0,20}(?:cannot|can not|must not|may not) exceed"
    ),
    rf"{_PROMPT}(?: [^.;\s]+){{0,3}} \d+ tokens,?(?: [^.;\s]+){{0,3}} (?:but|more than|exceed)",
    r"too many (?:input |prompt |total |context |text )*(?:tokens|bytes)",
    r"tokens? limit exceeded|current length is \d+ while limit is",
    # Qwen, Ollama, Z.ai, Hugging Face's TGI, GitHub Models, Bedrock, OpenAI
    r"range of input length|expected maxlength: \d+",
    r"`?inputs?`? (?:tokens? \+|must have (?:less|fewer|at most))",
    r"request (?:body )?too large for [^.]{0,60} model",
    r"invalid '(?:messages|input|prompt)[^']*': string too long",
    # Groq, Cerebras
    rf"(?:reduce|shorten|decrease|trim|truncate|compress)(?: \w+){{0,5}} {_PROMPT}",
    # Chinese, Japanese, Korean
    r"上下文[^。，,]{0,16}(?:超|过长|太长|限制|上限|溢出)|超[出过][^。，,]{0,16}(?:上下文|最大输入|长度限制)",
    (
        r"(?:输入|提示词?|prompt|消息|对话|请求内容)[^。，,]{0,10}(?:过长|太长|超长|超[出过][^。]{0,12}"
        r"(?:长度|token|限制|上限|最大))"
    ),
    r"(?:コンテキスト|プロンプト|入力)[^。]{0,20}(?:長すぎ|超え|超過|上限)",
    r"(?:컨텍스트|프롬프트|입력|대화)[^.]{0,20}(?:초과|너무 (?:길|깁|긴|깊)|넘)",
)
_OUTPUT = r"max_?(?:\w+_)?tokens?\b|output tokens|completion tokens|budget_tokens"
_ABOUT_THE_PROMPT = r"prompt|input|messages|context|your request|上下文|输入"
_POLICY = (
    r"content (?:management |moderation |safety )?(?:policy|policies|filter\w*|exists risk|risk)",
    r"(?:usage|acceptable use|safety|content|moderation) polic(?:y|ies)|responsible ai",
    r"violat\w*(?: \S+){0,5} (?:polic|terms|guideline|rules|safety)|(?:been|was|is) flagged",
    (
        r"blocked(?: \S+){0,5} (?:safety|security|content|polic|prohibited|filter)|"
        r"prohibited.content|guardrails?(?: \S+){0,6} (?:failed|blocked|intervened|triggered)|"
        r"\bnew_sensitive"
    ),
    r"safety (?:system|filter|setting|reason|check)|high risk|inappropriate content",
    r"sensitive (?:word|content|information|material)|content moderation",
    r"敏感(?:词|内容|信息)|违规|違規|内容(?:审核|安全|风险)|不安全|不当内容|有害",
    r"(?:ポリシー|ガイドライン|規約)[^。]{0,8}違反|不適切|コンテンツフィルタ",
    r"(?:정책|가이드라인|약관)[^.]{0,8}(?:위반|위배)|부적절|유해",
)
_NAME = r"[\s:/'\"`]*[\w.:/@+-]*['\"`]?"
_NO_MODEL = (
    (
        rf"\b(?:models?|deployment){_NAME},? (?:you requested )?(?:is |was |has been )?"
        r"(?:does not exist|doesn't exist|not found|not supported|not available|"
        r"unknown|deprecated|decommissioned|removed|not a valid model|invalid)"
    ),
    (
        r"(?:unknown|unsupported|no such|nonexistent|invalid) model\b|not a valid model|"
        r"no endpoints found"
    ),
    r"模型[^。，,]{0,30}(?:不存在|未找到|不支持|未开通|已下线|无效)|(?:存在しない|無効な)モデル",
    r"モデル[^。]{0,20}(?:存在しません|見つかりません)|모델[^.]{0,20}(?:찾을 수 없|존재하지)",
)
_NO_CHANNEL = (  # a gateway that has nowhere to send this model's requests
    r"无可用渠道|没有可用渠道|no (?:available|enabled|healthy) channels?\b",
    r"no channels? (?:is |are )?available",
)
_KEY = (
    r"(?:invalid|incorrect|wrong|missing|no|expired|revoked|unknown) (?:\w+ )?api[ _-]?key",
    (
        r"api[ _-]?key(?: \w+){0,4} (?:invalid|not valid|expired|incorrect|missing|required|"
        r"revoked|leaked|disabled)|api[ _-]?key not found"
    ),
    r"(?:access|auth|api|security) token(?: \w+){0,2} (?:invalid|not valid|expired)",
    r"login fail|noauth",
    r"unauthori[sz]ed|unauthenticated|authentication (?:failed|fails|required|error)",
    r"无效的令牌|令牌[^。]{0,6}(?:无效|过期|不可用)|未提供令牌|鉴权失败|身份验证失败|密钥[^。]{0,4}无效",
    r"api ?キー[^。]{0,8}(?:無効|正しく)|api ?키[^.]{0,8}(?:유효하지|잘못)",
)
_BUSY = (
    r"overload|(?:server|service|system|model|engine)s?(?: \w+){0,3} (?:busy|unavailable)",
    r"at (?:full |max\w* )?capacity|capacity exceeded|no capacity|high (?:demand|load|traffic)",
    r"访问量[^。]{0,2}大",
    r"过载|負載|负载[^。]{0,4}(?:饱和|过高)|繁忙|服务器忙|混雑|過負荷|과부하|혼잡|사용량이 많",
)


def _any(*ways: str) -> str:
    return "|".join(ways)


def _says(way: str, said: str) -> bool:
    # Compiled at the first error, which takes 10 ms that no import has to wait for.
    return re.search(way, said, re.IGNORECASE) is not None


_SAYS_RATE = _any(*_RATE)
_SAYS_WHEN = _any(*_RATE, r"(?:try again|retry|wait)(?: in| after| for)? \d|please wait")

# What is said, what it means, and which less exact classes it may replace.
_ANY: Collection[type[APIError]] = (
    *(APIError, BadRequestError, AuthenticationError, PermissionDeniedError, NotFoundError),
    *(RateLimitError, OverloadedError, ServerError, QuotaExceededError, ContextLengthError),
)
_RATE_REPLACES: Collection[type[APIError]] = (
    *(APIError, BadRequestError, PermissionDeniedError, ServerError, ContextLengthError),
    RateLimitError,
)
WORDS: Sequence[tuple[str, type[APIError], Collection[type[APIError]]]] = (
    (_any(*_MONEY), QuotaExceededError, _ANY),
    (
        _any(*_OVERFLOW),
        ContextLengthError,
        (APIError, BadRequestError, ServerError, RateLimitError, OverloadedError),
    ),
    (
        _any(*_POLICY),
        ContentPolicyError,
        (APIError, BadRequestError, PermissionDeniedError, ServerError),
    ),
    (_any(*_ALLOWANCE), QuotaExceededError, _ANY),
    (_any(*_NO_MODEL), NotFoundError, (APIError, BadRequestError)),
    (
        _any(*_NO_CHANNEL),
        NotFoundError,
        (APIError, BadRequestError, ServerError, OverloadedError),
    ),
    (_any(*_KEY), AuthenticationError, (APIError, BadRequestError)),
    (_SAYS_RATE, RateLimitError, _RATE_REPLACES),
    (_any(*_BUSY), OverloadedError, (APIError, ServerError)),
)
_ALLOWANCE_OR_RATE = WORDS[3]


def is_allocated(said: str) -> bool:
    """Tell whether words name tokens a minute, for which Qwen's code is "insufficient_quota".

    >>> is_allocated("Allocated quota exceeded."), is_allocated("Free allocated quota exceeded.")
    (True, False)
    """
    return _says(_ALLOCATED, said[:MAX_CHARACTERS])


def class_of_words(
    said: str, otherwise: type[APIError], *, waits: bool = False
) -> type[APIError] | None:
    """Return the class of error that words name, or None if they name none.

    >>> class_of_words("prompt is too long: 208310 tokens > 200000 maximum", BadRequestError)
    <class 'holysheep_core.errors.ContextLengthError'>

    Args:
        said: The message.
        otherwise: The class by status or by code; `APIError` where nothing is known. Words
            replace it only if they are more exact: they do not turn a wrong key into a filter.
        waits: The server said after which time it may be asked again, so it is not about money.
    """
    said = said[:MAX_CHARACTERS]
    rate = waits or _says(_SAYS_WHEN, said)
    output = _says(_OUTPUT, said) and not _says(_ABOUT_THE_PROMPT, said)
    for row in WORDS:
        way, cls, replaces = row
        if otherwise not in replaces:
            continue
        if row is _ALLOWANCE_OR_RATE and rate:
            if otherwise in _RATE_REPLACES and _says(way, said):
                return RateLimitError
            continue
        if cls is ContextLengthError and (rate or output):
            continue
        if _says(way, said):
            return cls
    return None
