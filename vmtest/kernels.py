# SPDX-License-Identifier: MIT
"""What a guest is made of: Debian's stock kernels and virtme-ng, fetched once and kept in a cache."""

import os
import re
import shutil
import subprocess
from pathlib import Path

SERIES = ("6.1", "6.12")
VIRTME_NG = "virtme-ng==1.42"
# The guest hides /root, /run, /var/cache, /var/log and /var/tmp, and would find no module below them.
CACHE = Path(os.environ.get("WGXDP_VM_CACHE", "/opt/wgxdp-vm"))
VENV = CACHE / "venv"
HIDDEN = ("/root", "/run", "/var/cache", "/var/log", "/var/tmp")
# Executables by the Debian package that has them.
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "modprobe": "kmod", "depmod": "kmod",
         "apt-get": "apt", "dpkg-deb": "dpkg"}


class Missing(Exception):
    """Something that a guest needs is not there and could not be fetched."""


def command(what: str, *arguments: str | Path, cwd: Path | None = None) -> str:
    """The command's output; Missing, with what it said, when it fails. what: what it was for."""
    result = subprocess.run([str(argument) for argument in arguments], cwd=cwd, text=True, capture_output=True,
                            stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        raise Missing(f"{what}: {' '.join(map(str, arguments))}: status {result.returncode}\n"
                      f"{result.stdout}{result.stderr}".rstrip())
    return result.stdout


def check_host() -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool, path=path) is None})
    if missing:
        raise Missing(f"these packages are missing: {' '.join(missing)} (tools/setup --vm installs them)")
    if CACHE.is_relative_to("/tmp") or any(CACHE.is_relative_to(hidden) for hidden in HIDDEN):
        raise Missing(f"WGXDP_VM_CACHE: {CACHE} is hidden in the guest, expected a directory not below /tmp, "
                      + ", ".join(HIDDEN))


def virtme_ng() -> Path:
    """Where virtme-ng's executables are; installed if need be."""
    ready = VENV / f".{VIRTME_NG}"
    if not ready.exists():
        print(f"vmtest: installing {VIRTME_NG} into {VENV}", flush=True)
        command("no virtual environment (python3-venv?)", "/usr/bin/python3", "-m", "venv", "--clear", VENV)
        command("virtme-ng cannot be installed", VENV / "bin/pip", "install", "-q", VIRTME_NG)
        ready.touch()
    return VENV / "bin"


def version_key(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)]


def newest(series: str, names: list[str]) -> str | None:
    """The newest stock kernel of a series. Cloud kernels have no 9p, by which the guest sees the host's files."""
    stock = re.compile(rf"(linux-image-)?{re.escape(series)}\.\d+(-\d+|\+deb\d+)-amd64")
    return max((name for name in names if stock.fullmatch(name)), key=version_key, default=None)


def cached(series: str) -> str | None:
    return newest(series, [found.parent.name for found in (CACHE / "kernels").glob("*/.ready")])


def package_of(series: str) -> str:
    def search() -> str | None:
        return newest(series, command("no package lists", "apt-cache", "--names-only", "search",
                                      f"^linux-image-{re.escape(series)}[.]").split())

    package = search()
    if package is None:
        command(f"no kernel {series}, and no new package lists", "apt-get", "-q", "update")
        package = search()
    if package is None:
        raise Missing(f"the package lists have no linux-image-{series}.*-amd64: "
                      "Debian 12 with its security updates has it")
    return package


def kernel(series: str) -> str:
    """The release of the kernel in the cache, as uname -r has it; fetched if there is none of the series."""
    release = cached(series)
    if release:
        return release
    package = package_of(series)
    release = package.removeprefix("linux-image-")
    print(f"vmtest: fetching {package}", flush=True)
    work = CACHE / "kernels" / f"{release}.new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    command(f"kernel {series} cannot be fetched", "apt-get", "-q", "download", package, cwd=work)
    archive, = work.glob("*.deb")
    command("it cannot be unpacked", "dpkg-deb", "-x", archive, work)
    archive.unlink()
    command("its modules have no index", "/sbin/depmod", "-b", work, release)
    (work / ".ready").touch()
    shutil.rmtree(directory(release), ignore_errors=True)
    work.rename(directory(release))
    return release


def directory(release: str) -> Path:
    return CACHE / "kernels" / release
