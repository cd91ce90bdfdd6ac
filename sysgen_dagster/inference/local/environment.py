"""Which environment variables the servers that are started here get: what they can need, no secret.

What is not listed stays with us: keys of endpoints and of object storage, the URLs of databases and
webhooks. `SYSGEN_SERVER_ENV` names further variables, with commas between them, for a machine whose
servers need one that is not listed.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

NAMES_MORE = "SYSGEN_SERVER_ENV"

_NEEDED = (
    # The system and Python.
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM"),
    *("TMPDIR", "TMP", "TEMP", "XDG_*", "LD_*", "LIBRARY_PATH", "CPATH", "CC", "CXX", "MALLOC_*"),
    *("PYTHON*", "VIRTUAL_ENV", "CONDA_*", "NO_COLOR"),
    # The network: proxies, and which certificates are trusted.
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    # GPUs and what connects them.
    *("CUDA_*", "NVIDIA_*", "NCCL_*", "CUBLAS_*", "CUDNN_*", "NVTE_*", "NVSHMEM_*"),
    *("ROCR_*", "ROCM_*", "HIP_*", "HSA_*", "AMD_*", "RCCL_*", "MIOPEN_*", "GPU_*"),
    *("ONEAPI_*", "SYCL_*", "ZE_*", "UCX_*", "GLOO_*", "FI_*", "RAY_*"),
    # Threads.
    *("OMP_*", "GOMP_*", "KMP_*", "MKL_*", "OPENBLAS_*", "NUMEXPR_*"),
    # The engines and their libraries.
    *("VLLM_*", "LLAMA_*", "GGML_*", "HF_*", "HUGGINGFACE_*", "HUGGING_FACE_*", "TRANSFORMERS_*"),
    *("TORCH*", "PYTORCH_*", "TRITON_*", "FLASHINFER_*", "TOKENIZERS_*", "TIKTOKEN_*"),
)
# Ends a word of a name that holds a secret, such as VLLM_API_KEY: a server that got it would demand
# it from us. TOKENIZERS_PARALLELISM, NCCL_IB_PKEY and what counts tokens hold none.
_SECRET = re.compile(
    r"(?:(?:^|_|[A-Z]{2})KEYS?|TOKEN(?!_THRESHOLD)|SECRETS?|PASSWORDS?|PASSPHRASE|CREDENTIALS?"
    r"|(?:^|_)(?:PASS|PASSWD|PWD|CREDS?|AUTH|BEARER|JWT|PAT|COOKIE|DSN))(?:_|$)",
    re.IGNORECASE,
)
_OF_THE_HUB = ("HF_*", "HUGGING_FACE_*")


def environment_of_servers(ours: Mapping[str, str], downloads: bool = False) -> dict[str, str]:
    """The part of an environment that a server gets.

    Args:
        ours: The environment of this process.
        downloads: Whether the server fetches weights from the Hub, for which it gets the token.
    """
    more = {name.strip() for name in ours.get(NAMES_MORE, "").split(",")}
    return {
        name: value
        for name, value in ours.items()
        if name in more or _is_needed(name, downloads=downloads)
    }


def _is_needed(name: str, *, downloads: bool) -> bool:
    if _SECRET.search(name):
        return downloads and _is_of(name, _OF_THE_HUB)
    return _is_of(name, _NEEDED)


def _is_of(name: str, kinds: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, kind) for kind in kinds)
