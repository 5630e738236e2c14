"""What the model is asked: prose, verse, lists, tables, code and JSON, in English and Korean."""

PROMPTS = {
    "en": [
        "Tell me about the life of sheep in one paragraph.",
        "Why should a program wait before it retries a failed request? Answer in prose.",
        "Write a short story about a shepherd and his dog.",
        "List five benefits of wool, each with a sentence.",
        "Write a JavaScript function that returns the factorial of n, and explain it.",
        "Return a JSON object with three sheep: id, name and weight.",
        "Make a Markdown table of four sheep breeds with the columns breed, wool and weight.",
        "Solve 3x + 5 = 20 step by step.",
        "Write a poem of three stanzas about a lighthouse.",
    ],
    "ko": [
        "양의 하루를 한 문단으로 설명해 주세요.",
        "양털을 깎는 순서를 번호 목록으로 적어 주세요.",
        "프로그램이 실패한 요청을 다시 보내기 전에 왜 기다려야 하나요?",
        "등대에 대한 짧은 시를 써 주세요.",
        "파이썬으로 목록의 합을 구하는 함수를 쓰고 설명해 주세요.",
    ],
}
