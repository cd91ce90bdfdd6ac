"""Column types, and columns that tables of several packages share.

The shared columns identify a row, say why it was dropped, and record how a model produced it.
"""

import polars as pl

from sysgen_dagster.tables.table import Column, Columns

TEXT = pl.String()
COUNT = pl.UInt32()
NUMBER = pl.Float64()
FLAG = pl.Boolean()
MESSAGES = pl.List(pl.Struct({"role": pl.String(), "content": pl.String()}))

IDENTITY: Columns = {
    "conversation_id": Column(TEXT, "identifies a conversation in every table"),
    "source": Column(TEXT, "source data set, as the catalogue names it"),
}
DROP_REASON: Columns = {
    "drop_reason": Column(TEXT, "why the row is dropped; null: it is not"),
}
# Tables whose rows a model was asked for record the request, the model and how it replied.
GENERATION: Columns = {
    "finish_reason": Column(
        TEXT, "stop, length (the limit was reached), ...; null if there is no answer"
    ),
    "prompt_tokens": Column(COUNT, "tokens in, as the server counted them"),
    "completion_tokens": Column(COUNT, "tokens out, as the server counted them"),
    "reasoning": Column(
        TEXT, "what the model thought before its text; null if nothing was seen", is_new=True
    ),
    "reasoning_tokens": Column(
        COUNT,
        "tokens out that were thought, as the server counted them; where it counts them together, "
        "their share by characters",
        is_new=True,
    ),
    "attempts": Column(COUNT, "times the request was sent"),
    "failure": Column(TEXT, "message of the server or the connection if there is no answer"),
    "seed": Column(pl.Int64(), "sampling seed that was sent"),
    "temperature": Column(NUMBER, "sampling temperature that was sent"),
    "max_tokens": Column(COUNT, "limit of tokens of the text, without those that are thought"),
    "request_fields": Column(
        TEXT, "what else was sent with the messages, and what was left out, as JSON", is_new=True
    ),
    "prompt_fingerprint": Column(
        TEXT, "hash of the prompt's wording; null if there is no prompt file"
    ),
    "model": Column(TEXT, "the model, as the catalogue names it"),
    "served_name": Column(TEXT, "the model, as the server names it"),
    "model_revision": Column(TEXT, "commit of the model in the catalogue"),
    "engine": Column(TEXT, "vllm, endpoint or simulated (no model: made-up text)"),
    "system_message_folded": Column(
        FLAG, "whether the system message was sent in the user turn, for lack of a system role"
    ),
    "characters_left_out": Column(
        COUNT, "cut from the middle of the original answer to make the request fit the context"
    ),
}
