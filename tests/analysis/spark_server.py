"""A Spark Connect server with two workers, each a process of its own, on loopback alone; nothing of it stays."""

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = "PBXNB_SPARK"
"""The variable that names an environment with `pyspark[connect]` in it."""
_STARTED = re.compile(r"Spark Connect server started at: .*:(\d+)")


def why_not() -> str:
    """Why no server can be started here; empty where it can."""
    if not os.environ.get(ENVIRONMENT):
        return f"{ENVIRONMENT} names no environment with pyspark[connect]"
    return "" if shutil.which("java") else "there is no Java"


@contextmanager
def spark_server(folder: Path, *, workers: int = 2, memory: int = 640) -> Iterator[str]:
    """Start one, with a core and so many MB each worker; its URL."""
    [home] = Path(os.environ[ENVIRONMENT]).glob("lib/python3*/site-packages/pyspark")
    settings = {
        "spark.executor.memory": f"{memory}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        "spark.local.dir": str(folder),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
    }
    server = subprocess.Popen(
        [
            home / "bin" / "spark-submit",
            *("--master", f"local-cluster[{workers},1,{memory}]", "--driver-memory", "1g"),
            *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "spark-internal"),
        ],
        cwd=folder,
        env=os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_WORKER_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    said: deque[str] = deque(maxlen=50)
    found = None
    for line in server.stdout:
        said.append(line)
        if found := _STARTED.search(line):
            break
    reader = threading.Thread(target=said.extend, args=[server.stdout])  # a pipe that nobody reads stops who writes
    reader.start()
    try:
        assert found, "".join(said)
        yield f"sc://127.0.0.1:{found[1]}"
    finally:
        server.terminate()  # it ends its workers, whose output is its own: the pipe is at its end when all have ended
        server.wait(20)
        reader.join(20)
        server.stdout.close()
