"""Which variables a model server gets, and which never leave this process."""

import pytest

from sysgen_dagster.inference.local.environment import NAMES_MORE, environment_of_servers

NEEDED = [
    *(
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "XDG_CACHE_HOME",
    ),
    *("PYTHONPATH", "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES"),
    *("NCCL_P2P_DISABLE", "NCCL_DEBUG", "HIP_VISIBLE_DEVICES", "VLLM_USE_V1", "VLLM_CACHE_ROOT"),
    *("VLLM_CPU_KVCACHE_SPACE", "HF_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT", "TRANSFORMERS_CACHE"),
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "KMP_AFFINITY", "MKL_NUM_THREADS", "GGML_CUDA_ENABLE"),
    *("LLAMA_ARG_THREADS", "TOKENIZERS_PARALLELISM", "TORCH_COMPILE_DISABLE", "PYTORCH_CUDA_ALLOC"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
    *("NCCL_IB_PKEY", "VLLM_MULTI_STREAM_GEMM_TOKEN_THRESHOLD", "VLLM_MAX_BAD_WORDS_TOTAL_TOKENS"),
    *("VLLM_ENABLE_PREGRAD_PASSES", "VLLM_USE_FASTOKENS", "HF_XET_CACHE"),
]
SECRETS = [
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MODEL_KEY"),
    *("VLLM_API_KEY", "LLAMA_API_KEY", "LLAMA_ARG_API_KEY", "VLLM_ENDPOINT_KEY", "CUDA_PASSWORD"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"),
    *("SYSGEN_POSTGRES_URL", "SYSGEN_WEBHOOK_URL", "DATABASE_URL", "DAGSTER_PG_PASSWORD"),
    *("VLLM_APIKEY", "LLAMA_APIKEY", "VLLM_API_KEYS", "NVIDIA_NGC_APIKEY", "VLLM_OPENAIKEY"),
    *("RAY_ACCESSTOKEN", "RAY_AUTH", "RAY_REDIS_PASSWORD", "VLLM_PWD", "NVIDIA_PASSPHRASE"),
    *("VLLM_MYSECRET", "TRANSFORMERS_SECRETS", "TORCH_CREDS", "HUGGINGFACE_JWT", "XDG_PAT"),
    *("GITHUB_TOKEN", "WANDB_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CLIENT_SECRET"),
    *("SSH_AUTH_SOCK", "KUBERNETES_SERVICE_HOST", "PGPASSWORD", "MY_NOTES"),
]


@pytest.mark.parametrize("name", NEEDED)
def test_what_a_server_can_need_reaches_it(name: str) -> None:
    assert environment_of_servers({name: "x"}) == {name: "x"}


@pytest.mark.parametrize("name", SECRETS)
def test_what_it_does_not_need_stays_here(name: str) -> None:
    assert environment_of_servers({name: "x"}) == {}


@pytest.mark.parametrize("name", SECRETS)
def test_a_server_that_downloads_gets_the_token_of_the_hub_and_no_other_secret(name: str) -> None:
    of_the_hub = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}
    assert (name in environment_of_servers({name: "x"}, downloads=True)) == (name in of_the_hub)


def test_a_machine_can_name_further_variables() -> None:
    ours = {NAMES_MORE: "MODULEPATH, LMCACHE_CONFIG_FILE", "MODULEPATH": "/m", "OTHER": "1"}
    assert environment_of_servers(ours) == {"MODULEPATH": "/m"}
