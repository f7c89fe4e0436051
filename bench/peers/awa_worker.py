import asyncio
import json
import os
import sys
from dataclasses import dataclass

import awa

QUEUE = "noop"
CLAIM_BATCH = 512


@dataclass
class Noop:
    id: int


async def prepare(queue: awa.PartitionedQueue, jobs: int) -> None:
    database = os.environ["DATABASE_URL"]
    await awa.migrate(database)
    # The first worker of a new database moves it to the storage that is meant to be used.
    first = awa.AsyncClient(database)

    @first.task(Noop, queue="first")
    async def ignore(job: awa.Job) -> None:
        pass

    await first.start([("first", 1)])
    await asyncio.sleep(1)
    await first.shutdown()
    await first.close()

    client = awa.AsyncClient(database)
    for begin in range(0, jobs, 5_000):
        ids = range(begin, min(begin + 5_000, jobs))
        await client.enqueue_many_copy([Noop(it) for it in ids], opts=[queue.route_by_index(it) for it in ids])
    await client.close()


async def work(queue: awa.PartitionedQueue, workers: int) -> None:
    client = awa.AsyncClient(os.environ["DATABASE_URL"])
    handled = 0

    @client.task(Noop, queue=queue.physical_queues[0])
    async def handle(job: awa.Job) -> None:
        nonlocal handled
        handled += 1

    async def tell() -> None:
        told = 0
        while True:
            if handled > told:
                told = handled
                print(told, flush=True)
            await asyncio.sleep(0.002)

    async def word() -> None:
        if not await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
            # Nobody is there to stop it.
            os._exit(1)

    print("ready", flush=True)
    await word()
    telling = asyncio.create_task(tell())
    await client.start(queue.queue_configs(max_workers_per_partition=workers, claim_batch_size=CLAIM_BATCH))
    await word()
    telling.cancel()
    await client.shutdown()
    await client.close()


async def main() -> None:
    mode, options = sys.argv[1], json.loads(sys.argv[2])
    queue = awa.PartitionedQueue(QUEUE, options["partitions"])
    if mode == "prepare":
        await prepare(queue, options["jobs"])
    else:
        await work(queue, options["workers"])


asyncio.run(main())
