"""A real model of a command: which one a word on the command line means, and what it will take.

Said before anything is fetched or started: name, licence, size, what is downloaded, which engine.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands.printing import say
from sysgen_dagster.commands.trial_catalog import generator
from sysgen_dagster.inference.engines import Engines, title_of
from sysgen_dagster.inference.local.gguf import read_gguf
from sysgen_dagster.inference.local.gpus import has_gpu
from sysgen_dagster.inference.local.llama_cpp import gguf_in
from sysgen_dagster.lanes.sysgen.settings import Generator

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

_NO_LICENSE = "unknown"
_LLAMA_CPP_S_CHOICE = "q4_k_m"  # of several quantisations, where the name says none
_WEIGHTS = (".safetensors", ".bin")


@dataclass(frozen=True, slots=True)
class RealModel:
    """A model that an engine here can serve.

    Attributes:
        title: Its name and quantisation, for people.
        served_name: What its server calls it.
        license: An identifier, or ``unknown``.
        engine: What serves it here.
        weights: A file or folder, or its name on the Hub.
        size_bytes: Of its weights.
        revision: The commit on the Hub; None for a local file.
        hub_file: The file that is to be fetched from the Hub before the engine is started.
    """

    title: str
    served_name: str
    license: str
    engine: Engine
    weights: str
    size_bytes: int
    revision: str | None = None
    hub_file: str | None = None

    def describe(self) -> list[str]:
        """What a user should know before it runs, a line each."""
        size = f"{self.size_bytes / 1e9:.2f} GB"
        if self.revision is None:
            download = f"nothing, {size} lie at {self.weights}"
        else:
            download = f"{size} from {self.weights} at {self.revision[:10]}, unless they are there"
        known = self.license != _NO_LICENSE
        license_ = self.license if known else "not stated with the weights: ask their publisher"
        where = "the GPU" if has_gpu() else f"the CPU, {len(os.sched_getaffinity(0))} cores"
        return [
            f"Model: {self.title}",
            f"Licence: {license_}",
            f"Download: {download}",
            f"Engine: {title_of(self.engine)} on {where}",
        ]

    def fetched(self) -> "RealModel":
        """The same model with its file on this machine; vLLM fetches a whole folder itself.

        Raises:
            CatalogError: The Hub does not give the file.
        """
        if self.hub_file is None:
            return self
        from huggingface_hub import errors, hf_hub_download

        try:
            path = hf_hub_download(self.weights, self.hub_file, revision=self.revision)
        except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
            raise _no_answer(self.weights, error) from error
        return replace(self, weights=path, hub_file=None)

    def entry(self) -> dict[str, Generator]:
        """Its entry in a catalogue, under its key.

        Raises:
            CatalogError: It cannot be an entry.
        """
        is_served = self.engine is Engine.VLLM and self.weights == self.served_name
        return generator(
            self.served_name,
            self.served_name,
            license=self.license,
            engine=self.engine,
            weights=None if is_served else self.weights,
            revision=self.revision,
        )


def prepare_real_model(console: Console, name: str) -> dict[str, Generator]:
    """The catalogue's entry for a model whose weights are here, once it was said what that takes.

    Raises:
        CatalogError: There is no such model, or the Hub does not give its file.
        EngineError: There is no engine for it.
        GgufError: The file is no GGUF file.
    """
    model = find_real_model(name)
    for line in model.describe():
        say(console, line)
    [entry] = model.entry().values()
    Engines(Path()).require(entry)
    return model.fetched().entry()


def find_real_model(name: str) -> RealModel:
    """The model that a word means: a GGUF file, a folder of weights, or a name on the Hub.

    A name on the Hub may end in a quantisation, such as ``ORG/REPO:Q8_0``.

    Raises:
        CatalogError: There is no such model, or the Hub does not answer.
        GgufError: The file is no GGUF file.
    """
    path = Path(name).absolute()
    if path.is_dir() and any(path.glob("*.safetensors")):
        size = sum(file.stat().st_size for file in path.glob("*.safetensors"))
        return RealModel(path.name, path.name, _NO_LICENSE, Engine.VLLM, str(path), size)
    if path.exists():
        return _local_gguf(gguf_in(path))
    if name.startswith((".", "/", "~")) or name.endswith(".gguf") or name.count("/") != 1:
        raise CatalogError(
            f"{name}: there is no such file or folder. Name a GGUF file, a folder of "
            "weights, or a model on the Hub such as ORG/NAME or ORG/NAME-GGUF:Q4_K_M"
        )
    return _on_hub(name)


def _local_gguf(file: Path) -> RealModel:
    said = read_gguf(file)
    title = ", ".join(filter(None, [said.name or file.stem, said.quantisation]))
    license_ = said.license or _NO_LICENSE
    return RealModel(title, file.stem, license_, Engine.LLAMA_CPP, str(file), said.size_bytes)


def _on_hub(name: str) -> RealModel:
    # Imported here, because only this needs it and it is slow.
    from huggingface_hub import HfApi, errors

    repo, _, quantisation = name.partition(":")
    try:
        info = HfApi().model_info(repo, files_metadata=True)
    except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise _no_answer(repo, error) from error
    files = info.siblings or []
    ggufs = [file for file in files if file.rfilename.endswith(".gguf")]
    license_ = _license(info)
    if ggufs:
        file = _chosen(repo, ggufs, quantisation)
        stem = Path(file.rfilename).stem
        return RealModel(
            f"{repo}, {file.rfilename}",
            *(stem, license_, Engine.LLAMA_CPP, repo, file.size or 0, info.sha),
            hub_file=file.rfilename,
        )
    size = sum(file.size or 0 for file in files if file.rfilename.endswith(_WEIGHTS))
    return RealModel(repo, repo, license_, Engine.VLLM, repo, size, info.sha)


def _license(info: "ModelInfo") -> str:
    stated = info.card_data.license if info.card_data else None
    return str(stated) if stated else _NO_LICENSE


def _chosen(repo: str, ggufs: Sequence["RepoSibling"], quantisation: str) -> "RepoSibling":
    wanted = (quantisation or _LLAMA_CPP_S_CHOICE).lower()
    found = [file for file in ggufs if wanted in file.rfilename.lower()]
    if not found and not quantisation:
        found = list(ggufs)
    if len(found) == 1:
        return found[0]
    names = ", ".join(file.rfilename for file in (found or ggufs))
    raise CatalogError(
        f"{repo}: {quantisation or 'no quantisation'} names {len(found) or 'none'} of its "
        f"GGUF files. Write one of them after a colon, or fetch one and name its path: {names}"
    )


def _no_answer(repo: str, error: Exception) -> CatalogError:
    return CatalogError(
        f"{repo}: the Hub did not give it ({type(error).__name__}: {error}). Correct the "
        "name, set HF_TOKEN for a gated model or HF_ENDPOINT to a mirror, or fetch the weights "
        "elsewhere and name the file"
    )
