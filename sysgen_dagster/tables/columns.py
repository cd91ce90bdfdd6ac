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
    "conversation_id": Column(TEXT, "the same conversation in every table"),
    "source": Column(TEXT, "source data set, as the catalogue names it"),
}
DROP_REASON: Columns = {
    "drop_reason": Column(TEXT, "why the row does not go on; null: it does"),
}
# Tables whose rows a model was asked for record the request, the model and how it replied.
GENERATION: Columns = {
    "finish_reason": Column(TEXT, "stop, length, ...; null where the engine gave no answer"),
    "prompt_tokens": Column(COUNT, "tokens in, as the server counted them"),
    "completion_tokens": Column(COUNT, "tokens out, as the server counted them"),
    "attempts": Column(COUNT, "times the request was sent"),
    "failure": Column(TEXT, "what the server or the connection said when there is no answer"),
    "seed": Column(pl.Int64(), "sampling seed that was sent"),
    "temperature": Column(NUMBER, "sampling temperature that was sent"),
    "max_tokens": Column(COUNT, "limit of tokens out that was sent"),
    "prompt_fingerprint": Column(TEXT, "of the prompt's words; null where there is no prompt"),
    "model": Column(TEXT, "the model, as the catalogue names it"),
    "served_name": Column(TEXT, "the model, as the server names it"),
    "model_revision": Column(TEXT, "commit of the model in the catalogue"),
    "engine": Column(TEXT, "vllm, endpoint or simulated (no model: made-up text)"),
    "system_message_folded": Column(
        FLAG, "the chat template has no system role: sent at the start of the user turn"
    ),
    "characters_left_out": Column(
        COUNT, "of the middle of the original answer, so that the request fits the context"
    ),
}
