"""What machine this is, for provenance and for what is compiled on it."""

import hashlib
import platform
from pathlib import Path

import torch

_CPUINFO = Path("/proc/cpuinfo")  # Linux alone tells the processor's name and abilities


def processor() -> str:
    """The processor's name, as full as the system tells it."""
    return _cpuinfo().get("model name") or platform.processor() or platform.machine()


def processor_id() -> str:
    """Twelve characters that differ where compiled code may not run."""
    info = _cpuinfo()
    keys = ("vendor_id", "cpu family", "model", "model name", "flags")
    facts = [info.get(key, "") for key in keys]
    facts += [platform.machine(), platform.system(), torch.backends.cpu.get_cpu_capability()]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:12]


def best_device() -> torch.device:
    """What trains here: the first GPU, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """`cpu`, or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _cpuinfo() -> dict[str, str]:
    """The block of the first core."""
    if not _CPUINFO.exists():
        return {}
    block = _CPUINFO.read_text().partition("\n\n")[0]
    pairs = (line.partition(":") for line in block.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
