"""Twenty rows for a real model: four of each source, three of them not in English."""

from pathlib import Path

import polars as pl

ROWS_OF_EACH = 4
# Characters of a row, so that a small model on a CPU is soon done; Capybara's have several turns.
LONGEST, LONGEST_OF_CAPYBARA = 1_200, 6_000
SOURCES = ("capybara", "airoboros", "orca_math", "magicoder", "metamath")
# Written for these tests. Each stands first among Capybara's rows, under its language.
NOT_ENGLISH = {
    "de": (
        "Warum wird Brot hart, wenn es ein paar Tage offen in der Küche liegt?",
        "Brot wird hart, weil die Stärke im Inneren mit der Zeit wieder feste Kristalle bildet "
        "und dabei Wasser abgibt. Die Kruste nimmt einen Teil dieses Wassers auf und wird zäh, "
        "der Rest verdunstet in die trockene Luft der Küche. In einem Brotkasten bleibt es "
        "länger weich, im Kühlschrank geht es dagegen schneller. Kurz aufgebacken schmeckt es "
        "wieder fast wie frisch.",
    ),
    "es": (
        "¿Qué puedo plantar en un balcón pequeño que recibe sol solamente por la mañana?",
        "Con unas horas de sol por la mañana crecen bien la lechuga, las espinacas, el perejil "
        "y la menta, porque no necesitan calor fuerte. También puedes poner fresas en una "
        "maceta colgante. Riega temprano, cuando la tierra esté seca al tocarla, y gira las "
        "macetas cada semana para que todas las plantas reciban luz. Los tomates y los "
        "pimientos darían poco fruto allí.",
    ),
    "fr": (
        "Comment enlever une tache de cire de bougie sur une nappe en coton ?",
        "Laisse d'abord la cire durcir, au besoin avec un glaçon, puis gratte-la doucement avec le "
        "dos d'un couteau. Pose ensuite du papier absorbant sous la tache et par-dessus, et passe "
        "un fer tiède sans vapeur : le papier boit la cire qui fond. Change le papier jusqu'à ce "
        "qu'il reste propre. S'il reste une trace de couleur, un peu de savon de Marseille avant "
        "le lavage suffit en général.",
    ),
}


def write_rows(real: Path, folder: Path) -> Path:
    """The folder with a file of rows for each source, the first short ones of its real rows."""
    folder.mkdir(parents=True)
    for source in SOURCES:
        rows = pl.read_parquet(real / f"{source}.parquet")
        texts = pl.struct(pl.all()).map_elements(lambda row: len(str(row)), return_dtype=pl.Int64)
        longest = LONGEST_OF_CAPYBARA if source == "capybara" else LONGEST
        short = rows.filter(texts < longest).head(ROWS_OF_EACH)
        if source == "capybara":
            short = pl.concat([_not_english(short), short]).head(ROWS_OF_EACH)
        short.write_parquet(folder / f"{source}.parquet")
    return folder


def _not_english(like: pl.DataFrame) -> pl.DataFrame:
    """Our rows in Capybara's schema."""
    rows = [
        {"source": f"ours-{language}", "conversation": [{"input": question, "output": answer}]}
        for language, (question, answer) in NOT_ENGLISH.items()
    ]
    return pl.DataFrame(rows, schema=like.schema)
