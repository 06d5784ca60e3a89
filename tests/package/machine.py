# SPDX-License-Identifier: MIT
"""A Debian with nothing in it but what our package depends on, booted by its own systemd."""

import json
import shutil
import subprocess
from pathlib import Path

from support import PeerStatus, TunnelConfig, wait_until
from support.host import BUILD, run
from support.topology import Netns, Topology

HERE = Path(__file__).resolve().parent
ROOT = BUILD / "package-root"
ALWAYS = ["systemd", "systemd-sysv", "iputils-ping"]


def make_package(directory: Path) -> Path:
    run(["cpack", "--config", str(BUILD / "CPackConfig.cmake"), "-B", str(directory)])
    (package,) = directory.glob("*.deb")
    return package


def dependencies(package: Path) -> list[str]:
    depends = run(["dpkg-deb", "-f", str(package), "Depends"]).stdout
    return [word.split()[0] for word in depends.split(",")]


def clean_root(package: Path) -> Path:
    """Made once (a minute, and the network) and kept until the package's dependencies change."""
    wanted = ",".join(sorted({*ALWAYS, *dependencies(package)}))
    stamp = ROOT / "made-of"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(ROOT, ignore_errors=True)
        suite = run(["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"]).stdout.strip()
        run(["mmdebstrap", "--variant=minbase", f"--include={wanted}", suite, str(ROOT)], timeout=900)
        stamp.write_text(wanted)
    return ROOT


class Machine:
    """A node of a scenario: tunnels are files and units."""

    def __init__(self, topology: Topology, netns: Netns, package: Path):
        self.netns, self._name = netns, topology.label
        work = topology.directory / "machine"
        work.mkdir()
        topology.callback(self._remove_cgroup)
        boot = [str(HERE / "boot"), str(clean_root(package)), str(work), self._name]
        self._boot = subprocess.Popen(netns.command(*boot), stdin=subprocess.DEVNULL)
        topology.callback(self.close)
        wait_until(lambda: self.systemctl("is-system-running", check=False) == "running", "the machine has started", 60)

    @property
    def _pid(self) -> str:
        """Its process 1."""
        return wait_until(lambda: Path(f"/proc/{self._boot.pid}/task/{self._boot.pid}/children").read_text().strip(),
                          "the machine has a process")

    def run(self, *command: str, **options) -> str:
        inside = ["nsenter", "--target", self._pid, "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup",
                  "--root", "--wd=/", *command]
        return run(inside, **options).stdout.strip()

    def systemctl(self, *arguments: str, check: bool = True) -> str:
        return self.run("systemctl", *arguments, check=check)

    def install(self, package: Path) -> None:
        self.write("/var/tmp/wgxdp.deb", package.read_bytes())
        self.run("dpkg", "--install", "/var/tmp/wgxdp.deb")

    def path(self, inside: str) -> Path:
        return Path(f"/proc/{self._pid}/root{inside}")

    def write(self, path: str, content: bytes) -> None:
        place = self.path(path)
        place.write_bytes(content)
        place.chmod(0o600)

    def log(self) -> str:
        return self.run("journalctl", "--unit=wgxdpd", "--output=cat", "--no-pager")

    def up(self, config: TunnelConfig) -> None:
        self.write(f"/etc/wgxdp/{config.name}.conf", config.text().encode())
        self.systemctl("start", f"wgxdp@{config.name}")

    def peers(self, tunnel: str) -> list[PeerStatus]:
        fields = PeerStatus.__dataclass_fields__
        (shown,) = json.loads(self.run("wgxdp", "show", tunnel, "--json"))["tunnels"]
        return [PeerStatus(**{name: peer[name] for name in fields}) for peer in shown["peers"]]

    def close(self) -> None:
        self._boot.kill()  # and with it all there is in its namespace
        self._boot.wait()

    def _remove_cgroup(self) -> None:
        script = ('mount -t tmpfs tmpfs /mnt && mkdir /mnt/cgroup2 && mount -t cgroup2 cgroup2 /mnt/cgroup2 && '
                  f'find /mnt/cgroup2/{self._name} -depth -type d -exec rmdir {{}} +')
        wait_until(lambda: subprocess.run(["unshare", "--mount", "sh", "-c", script], check=False,
                                          capture_output=True).returncode == 0, "the machine's cgroup is removed")
