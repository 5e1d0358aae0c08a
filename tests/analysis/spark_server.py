"""A Spark Connect server with two workers, each a process of its own, on loopback alone; nothing of it stays."""

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = "PBXNB_SPARK"
"""The variable that names an environment with `pyspark[connect]` in it."""
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""Settings for tables of a few rows, on which compilers would work longer than what they compile."""
_STARTED = re.compile(r"Spark Connect server started at: .*:(\d+)")


def why_not() -> str:
    """Why no server can be started here; empty where it can."""
    if not os.environ.get(ENVIRONMENT):
        return f"{ENVIRONMENT} names no environment with pyspark[connect]"
    return "" if shutil.which("java") else "there is no Java"


@contextmanager
def spark_server(
    folder: Path, *, workers: int = 2, memory: int = 640, more: Mapping[str, str] = SMALL
) -> Iterator[str]:
    """Start one, with a core and so many MB each worker, and more settings; its URL."""
    [installed] = Path(os.environ[ENVIRONMENT]).glob("lib/python3*/site-packages/pyspark")
    home = folder / "home"  # where workers write, too
    home.mkdir()
    for part in ("bin", "jars"):
        (home / part).symlink_to(installed / part)
    settings = {
        "spark.executor.memory": f"{memory}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        "spark.local.dir": str(folder),
        "spark.ui.enabled": "false",
        **more,
    }
    server = subprocess.Popen(
        [
            home / "bin" / "spark-submit",
            *("--master", f"local-cluster[{workers},1,{memory}]", "--driver-memory", "1g"),
            *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"),
        ],
        cwd=folder,
        env=os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    said: deque[str] = deque(maxlen=50)
    reader = threading.Thread(target=said.extend, args=[server.stdout])  # a pipe that nobody reads stops who writes
    try:
        found = None
        while not found and (line := server.stdout.readline()):
            said.append(line)
            found = _STARTED.search(line)
        reader.start()
        assert found, "".join(said)
        yield f"sc://127.0.0.1:{found[1]}"
    finally:
        server.terminate()  # it ends its workers
        server.wait(20)
        if reader.ident:
            reader.join(20)
        server.stdout.close()
