"""How a process of a peer that runs on Python talks with the measurement."""

import asyncio
import json
import os
import sys

mode, options = sys.argv[1], json.loads(sys.argv[2])
database_url = os.environ["DATABASE_URL"]

_handled = 0
_telling: asyncio.Task[None]


def handle() -> None:
    """Counts a job as handled."""
    global _handled
    _handled += 1


async def start() -> None:
    """Says that this process is ready, and waits for the start."""
    global _telling
    print("ready", flush=True)
    await _word()
    _telling = asyncio.create_task(_tell())


async def end() -> None:
    """Waits for the end."""
    await _word()
    _telling.cancel()


async def _tell() -> None:
    # Every other millisecond: oftener would cost the peer time.
    told = 0
    while True:
        if _handled > told:
            told = _handled
            print(told, flush=True)
        await asyncio.sleep(0.002)


async def _word() -> None:
    if not await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        # There is no one left to stop it.
        os._exit(1)
