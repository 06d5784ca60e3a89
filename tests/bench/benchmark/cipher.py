# SPDX-License-Identifier: MIT
"""Sealing and opening alone, by size: our BPF programs beside OpenSSL and libsodium (tests/bench/cipher_bench.cpp)."""

import json

from support import CheckFailed
from support.host import BUILD, run


def measure_cipher(seconds: float) -> list[dict]:
    """One entry a benchmark: operation, cipher, size in bytes, nanoseconds."""
    shown = run([str(BUILD / "tests/cipher_bench"), "--benchmark_format=json", f"--benchmark_min_time={seconds}"],
                timeout=300)
    found = []
    for benchmark in json.loads(shown.stdout)["benchmarks"]:
        if benchmark.get("error_occurred"):
            raise CheckFailed(f"{benchmark['name']}: {benchmark['error_message']}")
        operation, cipher, size, *by_kernel = benchmark["name"].split("/")
        time = benchmark["real_time" if by_kernel else "cpu_time"]  # the kernel's own measure, or ours
        found.append({"operation": operation, "cipher": cipher, "size": int(size), "ns": time})
    return found
