"""What a confined process may do that a test asks for: `Confined("tests.confined_process", {"do": …}, …)`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from typing import NoReturn

from daemon import confining


def main() -> None:
    voice = confining.Voice()
    match voice.given["do"]:
        case "tell how it is":
            soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
            voice.say(
                {
                    "nice": os.getpriority(os.PRIO_PROCESS, 0),
                    "idle": os.sched_getscheduler(0) == os.SCHED_IDLE,
                    "data_mib": soft // 2**20,
                    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
                    "session": os.getsid(0),
                    "group": os.getpgrp() == os.getpid(),
                    "threads": os.environ.get("OPENBLAS_NUM_THREADS"),
                    "jobs": os.environ.get("LOKY_MAX_CPU_COUNT"),
                }
            )
        case "ask":
            voice.say({"answer": voice.ask({"question": 6 * 7})})
        case "print":
            print("a library prints something")
            voice.say({"said": "and this is ours"})
        case "wait":
            voice.say({"process": os.getpid()})
            threading.Event().wait()
        case "compute":
            voice.say({"process": os.getpid()})
            _compute()
        case "have children":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            voice.say({"process": child.pid})
            threading.Event().wait()
        case "eat memory":
            _eat(voice)
        case "complain for ever":
            while True:
                sys.stderr.write("MemoryError\n" * 1000)
        case "crash":
            os.abort()
        case "exit":
            sys.exit("the reason is this")


def _compute() -> NoReturn:
    number = 0
    while True:
        number += 1


def _eat(voice: confining.Voice) -> None:
    eaten = []
    try:
        while True:
            eaten.append(bytearray(2**20))
    except MemoryError:
        confining.let_speak()
        time.sleep(0)
        os._exit(confining.NO_MEMORY)


if __name__ == "__main__":
    main()
