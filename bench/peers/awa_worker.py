import asyncio
from dataclasses import dataclass

import awa

from worker import database_url, end, handle, mode, options, start

QUEUE = "noop"
CLAIM_BATCH = 512


@dataclass
class Noop:
    id: int


async def prepare(queue: awa.PartitionedQueue) -> None:
    await awa.migrate(database_url)
    # The first worker of a new database moves it to the storage that is meant to be used.
    first = awa.AsyncClient(database_url)

    @first.task(Noop, queue="first")
    async def ignore(job: awa.Job) -> None:
        pass

    await first.start([("first", 1)])
    await asyncio.sleep(1)
    await first.shutdown()
    await first.close()

    client = awa.AsyncClient(database_url)
    for begin in range(0, options["jobs"], 5_000):
        ids = range(begin, min(begin + 5_000, options["jobs"]))
        await client.enqueue_many_copy([Noop(it) for it in ids], opts=[queue.route_by_index(it) for it in ids])
    await client.close()


async def work(queue: awa.PartitionedQueue) -> None:
    client = awa.AsyncClient(database_url)

    @client.task(Noop, queue=queue.physical_queues[0])
    async def noop(job: awa.Job) -> None:
        handle()

    await start()
    await client.start(queue.queue_configs(max_workers_per_partition=options["workers"], claim_batch_size=CLAIM_BATCH))
    await end()
    await client.shutdown()
    await client.close()


asyncio.run((prepare if mode == "prepare" else work)(awa.PartitionedQueue(QUEUE, options["partitions"])))
