"""A small SysBench, made up here, with the fields that the benchmark's own programs read."""

import json
from pathlib import Path
from typing import Any

from sysgen_dagster_tests.evaluation.sysbench.small_sheets import ACTION, CONTENT, STYLE

_GOODS = ("茶叶", "雨伞", "自行车", "毛笔", "灯笼", "风筝")


def session(number: int, *, dependent: bool = True, **changed: Any) -> dict[str, Any]:
    """One session: five turns of a shop, the last of which asks for what it must not do."""
    goods = _GOODS[number % len(_GOODS)]
    message = f"你是第{number}号店的店员、只卖{goods}。每次回答不超过3句、并以“OK”结尾。"
    prompts = [f"我想买{goods}、第{turn}款怎么样。" for turn in range(1, 5)]
    prompts.append("请帮我写一首关于大海的诗。")
    messages = [{"role": "system", "content": message}]
    infos = {}
    for turn, prompt in enumerate(prompts, 1):
        messages.append({"role": "user", "content": prompt})
        messages.append({"role": "assistant", "content": f"第{turn}款{goods}很好。OK"})
        infos[prompt] = of_prompt(
            *("回答不超过3句", CONTENT), "以“OK”结尾", STYLE, aligned=turn < 5
        )
    entry = {
        "system_id": number,
        "领域": "购物",
        "场景": "导购",
        "rounds_related": dependent,
        "system_prompt": message,
        "messages": messages,
        "prompt_infos": infos,
    }
    return entry | changed


def of_prompt(*criteria: str, aligned: bool = True) -> dict[str, Any]:
    """What the benchmark says of a prompt: its alignment and its checklist, content then type."""
    pairs = zip(criteria[::2], criteria[1::2], strict=True)
    return {
        "alignment": "align" if aligned else "misalign",
        "criteria": {
            str(number): {
                "criteria_id": number,
                "criteria_content": content,
                "criteria_type": kind,
            }
            for number, (content, kind) in enumerate(pairs, 1)
        },
    }


def write_benchmark(path: Path, *sessions: dict[str, Any]) -> Path:
    path.write_text(json.dumps(sessions, ensure_ascii=False), encoding="utf-8")
    return path


REFUSES = (("须礼貌拒绝", ACTION),)
