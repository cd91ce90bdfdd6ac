"""The `openai` client by hand: a semaphore, and an answer a line in a file.

What most people write. Chosen: `DefaultAioHttpClient`, which the package itself recommends for many
requests at once and which is the faster of its two transports; its own retries as they come. To go
on after a kill the rows in the file are not asked for again; a line that was cut off is left out.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import openai
from asking import API_KEY, MAX_TOKENS, MODEL, TEMPERATURE, Answer, Row, Trial, run


def ask(trial: Trial) -> None:
    """Ask for every row that has no line yet."""
    asyncio.run(_ask(trial))


async def _ask(trial: Trial) -> None:
    path = trial.folder / "answers.jsonl"
    known = {answer.row for answer in _read(path)}
    room = asyncio.Semaphore(trial.in_flight)
    async with openai.AsyncOpenAI(
        base_url=trial.url, api_key=API_KEY, http_client=openai.DefaultAioHttpClient()
    ) as client:

        async def answer(row: Row) -> None:
            try:
                reply = await client.chat.completions.create(
                    model=MODEL,
                    messages=row["messages"],
                    temperature=TEMPERATURE,
                    max_tokens=MAX_TOKENS,
                )
                text = reply.choices[0].message.content
                file.write(f"\n{json.dumps({'row': row['row'], 'text': text})}\n")
                file.flush()
            finally:
                room.release()

        with path.open("a") as file:
            async with asyncio.TaskGroup() as tasks:
                for row in trial.read_rows():
                    if row["row"] not in known:
                        await room.acquire()
                        tasks.create_task(answer(row))


def _read(path: Path) -> Iterator[Answer]:
    if not path.exists():
        return
    with path.open() as lines:
        for line in lines:
            try:
                kept = json.loads(line)
            except ValueError:  # empty, or cut off by a kill
                continue
            yield Answer(kept["row"], kept["text"])


def answers(trial: Trial) -> Iterator[Answer]:
    """The lines of the file."""
    return _read(trial.folder / "answers.jsonl")


if __name__ == "__main__":
    run(ask, answers)
