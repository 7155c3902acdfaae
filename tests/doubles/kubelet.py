"""What a kubelet does with a pod, by podman: its containers in order, with what they share, probes, and the end of all
with the main one.

Every container is in this machine's network, as those of a pod are in one of their own: where tests run, no other may
work.
"""

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.agent.podman import podman
from tests.waiting import eventually

Spec = Mapping[str, Any]
Values = Callable[[str], Mapping[str, str]]
"""What a secret of a name holds."""

_MEMORY = Path("/dev/shm")
_START_SECONDS = 30


class Kubelet:
    """`images` are what the names in manifests stand for here; others cannot be pulled.

    `arguments` are podman's for starting anything.
    """

    def __init__(self, folder: Path, images: Mapping[str, str], arguments: Sequence[str]) -> None:
        self.folder, self.images, self.arguments = folder, images, arguments

    def start(
        self, name: str, spec: Spec, values: Values, tell: Callable[[str, str], None] = lambda *_: None
    ) -> "PodHere":
        """`tell` hears of containers that cannot be begun: name and reason."""
        pod = PodHere(self, name, spec, values, tell)
        pod.thread.start()
        return pod


class PodHere:
    def __init__(
        self, kubelet: Kubelet, name: str, spec: Spec, values: Values, tell: Callable[[str, str], None]
    ) -> None:
        self.kubelet, self.name, self.spec, self.values, self.tell = kubelet, name, spec, values, tell
        self.folder = kubelet.folder / name
        self.folder.mkdir()
        self.exit_code: int | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._live, name=f"pod {name}")
        self._helpers: list[threading.Thread] = []

    def real_name(self, container: str) -> str:
        return f"cadence-node-{self.name}-{container}"

    def log(self, container: str) -> str:
        file = self.folder / f"{container}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def logs(self) -> str:
        return "\n".join(
            f"{file.name}:\n{file.read_text(errors='replace')[-3000:]}" for file in sorted(self.folder.glob("*.log"))
        )

    @property
    def ended(self) -> bool:
        return not self.thread.is_alive()

    def stop(self) -> None:
        """As when the pod is deleted: the main container is told, the others end after it."""
        self.over.set()
        for container in self.spec["containers"]:
            podman("stop", "--time", "10", self.real_name(container["name"]))

    def _live(self) -> None:
        begun: list[str] = []
        with _volumes(self.spec, self.folder) as volumes:
            try:
                for container in self.spec.get("initContainers", ()):
                    begun.insert(0, container["name"])
                    if not self._begin(container, volumes):
                        return
                (main,) = self.spec["containers"]
                begun.insert(0, main["name"])
                if not self.over.is_set():
                    self.exit_code = self._run(main, volumes).wait()
            finally:
                self.over.set()
                for name in begun:
                    podman("stop", "--ignore", "--time", "3", self.real_name(name))
                for helper in self._helpers:
                    helper.join()
                for name in begun:
                    podman("rm", "--force", "--ignore", self.real_name(name))

    def _begin(self, container: Spec, volumes: Mapping[str, Path]) -> bool:
        """One that comes before the main one: to its end, unless it is a sidecar. Whether the pod goes on."""
        while container["image"] not in self.kubelet.images:
            self.tell(container["name"], f"ErrImagePull: there is no image {container['image']}")
            if self.over.wait(0.5):
                return False
        process = self._run(container, volumes)
        if container.get("restartPolicy") != "Always":
            if process.wait():
                raise AssertionError(f"{container['name']} of {self.name} failed: {self.log(container['name'])}")
            return True
        asked = ("container", "inspect", "--format", "{{.State.Running}}", self.real_name(container["name"]))

        def runs() -> bool:
            running = podman(*asked).stdout == b"true\n"
            assert running or process.poll() is None, (
                f"{container['name']} of {self.name} ended: {self.log(container['name'])}"
            )
            return running

        eventually(runs, _START_SECONDS, what=f"{container['name']} of {self.name} does not start")
        self._help(self._keep_running, container, volumes, process)
        if "readinessProbe" in container:
            self._help(self._probe, container)
        return True

    def _help(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._helpers.append(thread)
        thread.start()

    def _keep_running(self, container: Spec, volumes: Mapping[str, Path], process: "subprocess.Popen[bytes]") -> None:
        while True:
            process.wait()
            if self.over.wait(1.0):
                return
            podman("rm", "--force", "--ignore", self.real_name(container["name"]))
            process = self._run(container, volumes)

    def _probe(self, container: Spec) -> None:
        probe = container["readinessProbe"]
        while not self.over.wait(probe["periodSeconds"]):
            podman("exec", self.real_name(container["name"]), *probe["exec"]["command"])

    def _run(self, container: Spec, volumes: Mapping[str, Path]) -> "subprocess.Popen[bytes]":
        argv = ["podman", "run", "--name", self.real_name(container["name"]), *self.kubelet.arguments]
        argv += self._rights(container)
        argv += self._limits(container["resources"]["limits"])
        for alias in self.spec.get("hostAliases", ()):
            argv += [f"--add-host={host}:{alias['ip']}" for host in alias["hostnames"]]
        for mount in container.get("volumeMounts", ()):
            argv += ["--volume", f"{volumes[mount['name']]}:{mount['mountPath']}"]
        variables = {each["name"]: self._value(each) for each in container.get("env", ())}
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".env") as told:
            told.write("".join(f"{name}={value}\n" for name, value in variables.items() if "\n" not in value))
            told.flush()
            argv += ["--env-file", told.name]
            if "command" in container:
                argv += ["--entrypoint", json.dumps(container["command"])]
            argv += [self.kubelet.images[container["image"]], *container.get("args", ())]
            with (self.folder / f"{container['name']}.log").open("ab") as log:
                # Podman leaves a file where it was started if a container runs out of memory.
                process = subprocess.Popen(
                    argv, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            # Podman reads the variables before it starts anything.
            exists = ("container", "exists", self.real_name(container["name"]))
            eventually(lambda: process.poll() is not None or not podman(*exists).returncode, _START_SECONDS)
        return process

    def _value(self, variable: Spec) -> str:
        if "value" in variable:
            return str(variable["value"])
        source = variable["valueFrom"]["secretKeyRef"]
        return self.values(source["name"])[source["key"]]

    def _rights(self, container: Spec) -> list[str]:
        """The container's own words for it, else the pod's."""
        asked = {**self.spec.get("securityContext", {}), **container.get("securityContext", {})}
        found = ["--user", f"{asked['runAsUser']}:{asked['runAsGroup']}"] if "runAsUser" in asked else []
        if asked.get("runAsNonRoot"):
            assert asked.get("runAsUser"), f"{container['name']} may be root by its image"
        if asked.get("allowPrivilegeEscalation") is False:
            found.append("--security-opt=no-new-privileges")
        found += [f"--cap-drop={each}" for each in asked.get("capabilities", {}).get("drop", ())]
        return found + (["--read-only", "--read-only-tmpfs=false"] if asked.get("readOnlyRootFilesystem") else [])

    @staticmethod
    def _limits(limits: Mapping[str, str]) -> list[str]:
        return ["--memory", limits["memory"].lower(), "--cpus", f"{int(limits['cpu'].removesuffix('m')) / 1000:g}"]


@contextmanager
def _volumes(spec: Spec, folder: Path) -> Iterator[Mapping[str, Path]]:
    """Directories that everybody in the pod may write to; those in memory are."""
    group = spec.get("securityContext", {}).get("fsGroup", -1)
    made = {}
    try:
        for volume in spec.get("volumes", ()):
            in_memory = volume["emptyDir"].get("medium") == "Memory" and _MEMORY.is_dir()
            made[volume["name"]] = path = Path(tempfile.mkdtemp(dir=_MEMORY if in_memory else folder))
            shutil.chown(path, group=group)
            path.chmod(0o2777)
        yield made
    finally:
        for path in made.values():
            shutil.rmtree(path, ignore_errors=True)
