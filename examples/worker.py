"""Works the items of a job in Python, beside or in place of a component; docs/reference/job-protocol.md is what it follows.

    select baton.create_job('greetings');                          -- then: baton roles set-passwords
    DATABASE_URL=postgres://baton_app_greetings:PASSWORD@127.0.0.1/app python3 worker.py greetings [--until-idle]
"""
import json, os, select, sys, threading
import psycopg2

JOB, UNTIL_IDLE = sys.argv[1], "--until-idle" in sys.argv


def work(item):
    """The job itself. It may run again after a crash: the item's id is the same each time."""
    print("hello", item["data"]["name"], flush=True)


def call(db, function, *arguments):
    with db.cursor() as cursor:
        cursor.execute(f"select baton_api.{function}({', '.join(['%s'] * len(arguments))})", arguments)
        return cursor.fetchone()[0]


def beat(db, attempt_id, done, lost):
    while not done.wait(2):
        if call(db, "extend_attempt", attempt_id)["status"] != "extended":
            return lost.set()


def settle(db, claim):
    done, lost, outcomes = threading.Event(), threading.Event(), []
    heart = threading.Thread(target=beat, args=(db, claim["attempt_id"], done, lost), daemon=True)
    heart.start()
    for item in claim["items"]:
        if lost.is_set():  # another has the work
            break
        try:
            work(item)
            outcomes.append({"id": item["id"], "outcome": "done"})
        except Exception as error:
            outcomes.append({"id": item["id"], "outcome": "retry", "error": repr(error)})
    done.set()
    heart.join()
    return call(db, "settle_items", claim["attempt_id"], json.dumps(outcomes), True).get("next")


db = psycopg2.connect(os.environ["DATABASE_URL"], options="-c statement_timeout=20s")
db.autocommit = True  # one call is one transaction
db.cursor().execute("listen baton_wake")
while True:
    claim = call(db, "claim_items", JOB, "next", f"{JOB}-{os.getpid()}")
    while claim and claim["status"] == "claimed":
        claim = settle(db, claim)
    if UNTIL_IDLE:
        break
    select.select([db], [], [], 10)  # a wake, or ten seconds: what waits for its moment sends no wake
    db.poll()
