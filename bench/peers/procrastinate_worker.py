import asyncio
import logging

from procrastinate import App, PsycopgConnector

from worker import database_url, end, handle, mode, options, start

CONCURRENCY = 30
# For short jobs its documents recommend a connection for each job that runs, and one more.
CONNECTIONS = 1 if mode == "prepare" else CONCURRENCY + 1

# It warns of an app in the main module, which matters to tasks of other modules only.
logging.getLogger("procrastinate").setLevel(logging.ERROR)
app = App(connector=PsycopgConnector(conninfo=database_url, min_size=CONNECTIONS, max_size=CONNECTIONS))


@app.task(name="noop")
async def noop(id: int) -> None:
    handle()


async def prepare() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for begin in range(0, options["jobs"], 5_000):
            ids = range(begin, min(begin + 5_000, options["jobs"]))
            await noop.batch_defer_async(*({"id": it} for it in ids))


async def work() -> None:
    async with app.open_async():
        await start()
        worker = asyncio.create_task(app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False))
        await end()
        worker.cancel()
        await asyncio.wait([worker])


asyncio.run((prepare if mode == "prepare" else work)())
